import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { FaceDocument } from "../../src/maskgan/server/page/state/document.js";
import { MaskMover } from "../../src/maskgan/server/page/state/mask-mover.js";
import { plain } from "./masks.js";

/** A mover whose server paints ever more of class 5 and answers by hand. */
function fixture() {
  const document = new FaceDocument(plain(10, 10, 1));
  /** @type {{base: Uint8Array, amount: number, answer: () => void, refuse: (error: Error) => void}[]} */
  const asked = [];
  const events = { resets: 0, failures: /** @type {string[]} */ ([]) };
  const mover = new MaskMover(
    document,
    (base, move) =>
      new Promise((resolve, refuse) => {
        const answer = () => resolve(base.slice().fill(5, 0, Math.round(100 * move.amount)));
        asked.push({ base, amount: move.amount, answer, refuse });
      }),
    { reset: () => events.resets++, failed: (error) => events.failures.push(error.message), busy: () => {} },
  );
  return { document, mover, asked, events };
}
const smile = (/** @type {number} */ amount) => ({ direction: "smile", amount });

/** @param {FaceDocument} document */
const fives = (document) => document.mask.data.filter((label) => label === 5).length;

test("always from the mask at rest; places passed meanwhile are skipped; one step a drag", async () => {
  const { document, mover, asked } = fixture();
  for (const amount of [0.1, 0.2, 0.3]) mover.drag("smile", smile(amount));
  mover.release("Smile");
  asked[0].answer();
  await sleep(0);
  assert.equal(fives(document), 10);
  assert.deepEqual(asked.map(({ amount }) => amount), [0.1, 0.3]);
  asked[1].answer();
  await sleep(0);
  assert.equal(fives(document), 30);
  assert.ok(asked.every(({ base }) => base.every((label) => label === 1)));
  assert.deepEqual(document.history.entries.map(({ title }) => title), ["Smile"]);
});

test("the same slider goes on from its rest position; back at rest the mask is the old one", async () => {
  const { document, mover, asked } = fixture();
  mover.drag("smile", smile(0.4));
  asked[0].answer();
  mover.release("Smile");
  await sleep(0);
  mover.drag("smile", smile(0.2));
  asked[1].answer();
  mover.release("Smile");
  await sleep(0);
  assert.equal(fives(document), 20);
  mover.drag("smile", smile(0));
  mover.release("Smile");
  await sleep(0);
  assert.deepEqual(document.mask, plain(10, 10, 1));
  assert.equal(document.history.entries.length, 3);
});

test("another edit or undo puts the sliders to rest and drops late answers", async () => {
  const { document, mover, asked, events } = fixture();
  mover.drag("smile", smile(0.4));
  asked[0].answer();
  mover.release("Smile");
  await sleep(0);
  mover.drag("smile", smile(0.8));
  document.undo();
  asked[1].answer();
  await sleep(0);
  assert.equal(fives(document), 0);
  assert.equal(events.resets, 1);
});

test("locked classes keep their pixels", async () => {
  const { document, mover, asked } = fixture();
  document.mask.data.fill(3, 0, 5);
  document.updateSettings({ locks: [3] });
  document.commit("prepare");
  mover.drag("smile", smile(0.2));
  asked[0].answer();
  await sleep(0);
  assert.equal(fives(document), 15);
  assert.ok(document.mask.data.subarray(0, 5).every((label) => label === 3));
});

test("a failure gives the mask at rest back and is told", async () => {
  const { document, mover, asked, events } = fixture();
  mover.drag("smile", smile(0.5));
  mover.release("Smile");
  asked[0].refuse(new Error("no such direction"));
  await sleep(0);
  assert.deepEqual(document.mask, plain(10, 10, 1));
  assert.deepEqual(events.failures, ["no such direction"]);
  assert.equal(document.history.entries.length, 0);
});

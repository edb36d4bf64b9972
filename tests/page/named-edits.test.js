import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { FaceDocument } from "../../src/maskgan/server/page/state/document.js";
import { EditMover } from "../../src/maskgan/server/page/state/edit-mover.js";
import { History } from "../../src/maskgan/server/page/state/history.js";
import { editsQuery, parseEdits, program, withEdit } from "../../src/maskgan/server/page/state/named-edits.js";
import { plain } from "./masks.js";

/** @typedef {import("../../src/maskgan/server/page/state/named-edits.js").AppliedEdit} AppliedEdit */

const WIDTH = 10;
/** Columns that an edit paints with its class, so many rows from the top as ten times its amount. */
const EDITS = /** @type {Record<string, {label: number, from: number, to: number}>} */ ({
  smile: { label: 5, from: 0, to: 4 },
  bald: { label: 6, from: 2, to: 6 },
});

/** A document whose server paints rectangles; "hold" lets the test answer by hand. */
function fixture({ hold = false } = {}) {
  const document = new FaceDocument(plain(WIDTH, 10, 1));
  const asked = /** @type {string[]} */ ([]);
  const answers = /** @type {(() => void)[]} */ ([]);
  const failures = /** @type {string[]} */ ([]);
  /**
   * @param {Uint8Array} labels
   * @param {AppliedEdit[]} edits
   */
  const server = async (labels, edits) => {
    asked.push(editsQuery(edits));
    if (hold) await new Promise((resolve) => answers.push(() => resolve(undefined)));
    const edited = labels.slice();
    for (const { name, amount } of edits) {
      if (name === "hair-fuller") throw new Error("the mask shows no hair");
      const { label, from, to } = EDITS[name];
      for (let y = 0; y < Math.round(10 * Number(amount)); y++) edited.fill(label, WIDTH * y + from, WIDTH * y + to);
    }
    return edited;
  };
  const mover = new EditMover(document, server, { failed: ({ message }) => failures.push(message), busy: () => {} });
  const set = async (/** @type {string} */ name, /** @type {number | string | null} */ amount) => {
    mover.drag((edits) => withEdit(edits, name, amount));
    mover.release(`${name} ${amount}`);
    if (!hold) await sleep(1);
  };
  const paint = (/** @type {number} */ label, /** @type {number} */ from, /** @type {number} */ to) => {
    document.mask.data.fill(label, from, to);
    document.notifyChange();
    document.commit("Paint");
  };
  const count = (/** @type {number} */ label) => document.mask.data.filter((other) => other === label).length;
  return { document, mover, asked, answers, failures, set, paint, count };
}

/** @param {FaceDocument} document */
const titles = (document) => document.history.entries.map(({ title }) => title);

test("an edit replaces its amount in place, and excludes its opposite", () => {
  let edits = withEdit([], "smile", 0.5);
  edits = withEdit(edits, "glasses", "clear");
  edits = withEdit(edits, "smile", 0.2);
  assert.equal(editsQuery(edits), "smile=0.2,glasses=clear");
  assert.equal(editsQuery(withEdit(edits, "remove-glasses", 1)), "smile=0.2,remove-glasses=1");
  assert.deepEqual(withEdit(withEdit(edits, "smile", 0), "glasses", null), []);
});

test("edits keep their amounts, combine, and are steps of history", async () => {
  const { document, set, count, asked } = fixture();
  await set("smile", 0.3);
  await set("bald", 0.5);
  assert.equal(editsQuery(document.settings.edits), "smile=0.3,bald=0.5");
  assert.deepEqual(titles(document), ["smile 0.3", "bald 0.5"]);
  assert.equal(count(6), 20);
  assert.equal(count(5), 6, "bald comes later, and lies above");
  assert.deepEqual(asked, ["smile=0.3", "smile=0.3,bald=0.5"]);
  assert.ok(document.hasNamedEditsOnly);
});

test("an earlier step can be changed: what came later is applied again", async () => {
  const { document, set, count, paint } = fixture();
  await set("smile", 0.3);
  await set("bald", 0.5);
  paint(9, 0, 2);
  assert.ok(!document.hasNamedEditsOnly);
  await set("smile", 0.6);
  assert.equal(editsQuery(document.settings.edits), "smile=0.6,bald=0.5");
  assert.equal(count(9), 2, "strokes stay");
  assert.equal(count(6), 20, "the later edit still lies above");
  assert.equal(count(5), 24 - 10 - 2);
  document.undo();
  assert.equal(editsQuery(document.settings.edits), "smile=0.3,bald=0.5");
  assert.equal(count(5), 6 - 2);
  document.redo();
  await set("smile", null);
  assert.equal(count(5), 0);
  assert.equal(count(6), 20);
  assert.equal(count(9), 2);
});

test("an edit lies above the strokes made before it and below those made after", async () => {
  const { document, set, paint } = fixture();
  paint(9, 0, 1);
  await set("smile", 0.1);
  paint(9, 1, 2);
  assert.deepEqual([...document.mask.data.slice(0, 5)], [5, 9, 5, 5, 1]);
  await set("smile", 0.2);
  assert.deepEqual([...document.mask.data.slice(0, 5)], [5, 9, 5, 5, 1]);
  assert.deepEqual([...document.mask.data.slice(10, 15)], [5, 5, 5, 5, 1]);
  await set("smile", null);
  assert.deepEqual([...document.mask.data.slice(0, 5)], [9, 9, 1, 1, 1]);
});

test("classes that were locked when an edit was added stay as they were", async () => {
  const { document, set, paint, count } = fixture();
  paint(7, 0, 2);
  document.updateSettings({ locks: [7] });
  document.commit("Lock");
  await set("smile", 0.2);
  assert.equal(count(7), 2);
  document.updateSettings({ locks: [] });
  document.commit("Unlock");
  await set("smile", 0.4);
  assert.equal(count(7), 2, "the lock of that step holds");
  await set("bald", 0.1);
  await set("smile", null);
  await set("smile", 0.1);
  assert.equal(count(7), 0, "added again without the lock");
});

test("amounts passed meanwhile are skipped; a drag is one step", async () => {
  const { document, mover, asked, answers } = fixture({ hold: true });
  for (const amount of [0.1, 0.2, 0.3]) mover.drag((edits) => withEdit(edits, "smile", amount));
  assert.equal(mover.edits[0].amount, 0.3);
  mover.release("Smile");
  answers[0]();
  await sleep(1);
  answers[1]();
  await sleep(1);
  assert.deepEqual(asked, ["smile=0.1", "smile=0.3"]);
  assert.deepEqual(titles(document), ["Smile"]);
  assert.equal(document.settings.edits[0].amount, 0.3);
});

test("an undo ends a gesture that the server still works on", async () => {
  const { document, mover, answers, paint, count } = fixture({ hold: true });
  paint(9, 0, 5);
  mover.drag((edits) => withEdit(edits, "smile", 0.5));
  mover.release("Smile");
  document.undo();
  answers[0]();
  await sleep(1);
  assert.equal(count(5), 0);
  assert.deepEqual(mover.edits, []);
  assert.equal(document.history.position, 0);
});

test("two edits chosen before the server answers are two steps", async () => {
  const { document, mover, set, answers, count } = fixture({ hold: true });
  void set("smile", 0.2);
  void set("bald", 0.1);
  assert.equal(editsQuery(mover.edits), "smile=0.2,bald=0.1", "both show at once");
  answers[0]();
  await sleep(1);
  assert.deepEqual(titles(document), ["smile 0.2"]);
  answers[1]();
  await sleep(1);
  assert.deepEqual(titles(document), ["smile 0.2", "bald 0.1"]);
  assert.equal(editsQuery(document.settings.edits), "smile=0.2,bald=0.1");
  document.undo();
  assert.equal(editsQuery(document.settings.edits), "smile=0.2");
  assert.deepEqual([count(5), count(6)], [8, 0]);
});

test("quick changes by one slider are one step, of which the last counts", async () => {
  const { document, mover, asked, answers } = fixture({ hold: true });
  for (const amount of [0.1, 0.2, 0.3]) {
    mover.drag((edits) => withEdit(edits, "smile", amount), "smile");
    mover.release(`Smile ${amount}`);
  }
  answers[0]();
  await sleep(1);
  answers[1]();
  await sleep(1);
  assert.deepEqual(asked, ["smile=0.1", "smile=0.3"]);
  assert.deepEqual(titles(document), ["Smile 0.3"]);
});

test("what waits for the edits goes on once they are steps", async () => {
  const { document, mover, set, answers } = fixture({ hold: true });
  await mover.committed();
  void set("smile", 0.2);
  void set("bald", 0.1);
  const waited = mover.committed().then(() => titles(document));
  for (const i of [0, 1]) {
    await sleep(1);
    answers[i]();
  }
  assert.deepEqual(await waited, ["smile 0.2", "bald 0.1"]);
});

test("of two edits chosen quickly, a refused one leaves the other", async () => {
  const { document, set, answers, failures } = fixture({ hold: true });
  void set("hair-fuller", 0.2);
  void set("smile", 0.2);
  for (const i of [0, 1]) {
    answers[i]();
    await sleep(1);
  }
  assert.deepEqual(failures, ["the mask shows no hair"]);
  assert.deepEqual(titles(document), ["smile 0.2"]);
});

for (const isQuick of [false, true]) {
  test(`a stroke that ends ${isQuick ? "before" : "after"} the answer is kept, and the edit comes on top`, async () => {
    const { document, set, answers, paint, count } = fixture({ hold: true });
    void set("smile", 0.2);
    document.mask.data.fill(9, 0, 6);
    document.notifyChange();
    if (isQuick) paint(9, 0, 6);
    answers[0]();
    await sleep(1);
    assert.deepEqual([count(9), count(5)], [6, 0], "the stroke shows");
    if (!isQuick) paint(9, 0, 6);
    await sleep(1);
    answers[1]();
    await sleep(1);
    assert.deepEqual(titles(document), ["Paint", "smile 0.2"]);
    assert.deepEqual([count(9), count(5)], [2, 8]);
  });
}

test("an edit that the face refuses changes nothing", async () => {
  const { document, set, failures, count } = fixture();
  await set("smile", 0.2);
  await set("hair-fuller", 0.2);
  assert.deepEqual(failures, ["the mask shows no hair"]);
  assert.equal(editsQuery(document.settings.edits), "smile=0.2");
  assert.equal(count(5), 8);
});

test("colours change no mask and ask for none", async () => {
  const { document, set, asked } = fixture();
  await set("hair-colour", "#8e3a1f");
  await set("smile", 0.1);
  await set("hair-colour", "#3f62a8");
  assert.deepEqual(asked, ["smile=0.1"]);
  assert.equal(editsQuery(document.settings.edits), "hair-colour=#3f62a8,smile=0.1");
  assert.ok(document.hasNamedEditsOnly);
  assert.deepEqual(program(document.history.entries, [], []), []);
});

test("edits survive a saved project; those whose step was dropped are part of the mask", async () => {
  const { document, set, paint } = fixture();
  await set("smile", 0.3);
  paint(9, 50, 60);
  await set("bald", 0.2);
  const whole = History.fromJSON(document.history.toJSON(), document.mask.data);
  assert.deepEqual(whole.dropBakedEdits(document.settings).edits, document.settings.edits);
  const { entries } = document.history.toJSON();
  const last = History.fromJSON({ position: 1, entries: entries.slice(-1) }, document.mask.data);
  const settings = last.dropBakedEdits(document.settings);
  assert.equal(editsQuery(settings.edits), "bald=0.2");
  assert.deepEqual(last.entries[0].settings, { before: { edits: [] }, after: { edits: settings.edits } });
});

test("foreign edits are checked", () => {
  const good = [{ name: "smile", amount: -0.5 }, { name: "hat", amount: "cap" }, { name: "lip-colour", amount: "#aa0011" }];
  assert.deepEqual(parseEdits(good), good);
  const bad = [{ name: "smile", amount: "1,2" }, { name: "A=b", amount: 1 }, { name: "x", amount: Infinity }, null, 7, { name: "hat" }];
  assert.deepEqual(parseEdits([...bad, good[0], { name: "smile", amount: 1 }]), [good[0]]);
  assert.equal(parseEdits("smile"), null);
});

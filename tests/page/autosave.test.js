import assert from "node:assert/strict";
import { test } from "node:test";

import { FaceDocument } from "../../src/maskgan/server/page/state/document.js";
import { Autosave } from "../../src/maskgan/server/page/storage/autosave.js";
import { plain } from "./masks.js";

/** A database that writes down what it is given; the first saves may be made to fail. */
function fixture(failures = 0) {
  /** @type {{title: string, position: number, closed: boolean, steps: number, firstUnsaved: number}[]} */
  const saved = [];
  /** @type {string[]} */
  const complaints = [];
  const document = new FaceDocument(plain(8, 8));
  const database = {
    /**
     * @param {{title: string, position: number, closed: boolean}} record
     * @param {unknown[]} steps
     * @param {number} firstUnsaved
     */
    async save({ title, position, closed }, steps, firstUnsaved) {
      if (failures-- > 0) throw new Error("quota");
      saved.push({ title, position, closed, steps: steps.length, firstUnsaved });
    },
  };
  const autosave = new Autosave(
    /** @type {any} */ (database),
    { id: "a", title: "face", document, appearance: () => ({ hidden: [], opacity: 1 }), thumbnail: () => null },
    (error) => complaints.push(error.message),
  );
  /** @param {number} label */
  const step = (label) => {
    document.mask.data.fill(label);
    document.commit(`step ${label}`);
    autosave.write();
  };
  return { saved, complaints, document, autosave, step };
}

const flush = () => new Promise((resolve) => setTimeout(resolve));

test("each step is written, and only what is new", async () => {
  const { saved, step } = fixture();
  step(1);
  await flush();
  step(2);
  await flush();
  assert.deepEqual(
    saved.map(({ steps, firstUnsaved }) => [steps, firstUnsaved]),
    [
      [1, 0],
      [2, 1],
    ],
  );
});

test("steps that come faster than they can be written go together, none is left out", async () => {
  const { saved, step } = fixture();
  for (const label of [1, 2, 3]) step(label);
  await flush();
  assert.equal(saved.at(-1)?.steps, 3);
  assert.ok(saved.length < 3);
});

test("after undo and another step, the steps from there on are written anew", async () => {
  const { saved, document, step } = fixture();
  for (const label of [1, 2, 3]) step(label);
  await flush();
  document.undo();
  document.undo();
  step(4);
  await flush();
  const last = saved.at(-1);
  assert.deepEqual([last?.steps, last?.firstUnsaved, last?.position], [2, 1, 2]);
});

test("what could not be written is told, and written with the next step", async () => {
  const { saved, complaints, step } = fixture(1);
  step(1);
  await flush();
  assert.deepEqual([complaints, saved], [["quota"], []]);
  step(2);
  await flush();
  assert.deepEqual([saved[0].steps, saved[0].firstUnsaved], [2, 0]);
});

test("a face that is left is written once more and then no longer", async () => {
  const { saved, autosave, step } = fixture();
  step(1);
  await autosave.close();
  step(2);
  await flush();
  assert.equal(saved.at(-1)?.closed, true);
  assert.equal(saved.at(-1)?.steps, 1);
});

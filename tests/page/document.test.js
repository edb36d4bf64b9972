import assert from "node:assert/strict";
import { test } from "node:test";

import { paintLine } from "../../src/maskgan/server/page/mask/brush.js";
import { applyPatch, createPatch } from "../../src/maskgan/server/page/mask/patch.js";
import { FaceDocument } from "../../src/maskgan/server/page/state/document.js";
import { History } from "../../src/maskgan/server/page/state/history.js";
import { parseEditor, serializeEditor } from "../../src/maskgan/server/page/state/project-file.js";
import { parseSettings } from "../../src/maskgan/server/page/state/settings.js";
import { STYLE_PARTS, isSelected, togglePart } from "../../src/maskgan/server/page/state/style-parts.js";
import { locking, plain } from "./masks.js";

/**
 * @param {FaceDocument} document
 * @param {number} y
 * @param {number} label
 */
function stroke(document, y, label) {
  paintLine(document.mask, { x: 2, y }, { x: 60, y }, 5, label, locking());
  document.notifyChange();
  return document.commit(`stroke ${label}`);
}

/** Numbers that look random and are the same in each run. */
function noise(/** @type {number} */ length, /** @type {number} */ below) {
  let state = 12345;
  return Uint8Array.from({ length }, () => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return (state >> 16) % below;
  });
}

test("a patch goes both ways, for any change", () => {
  const before = noise(5000, 19);
  const after = before.slice();
  after.set(noise(900, 19), 700);
  after.fill(4, 3000, 4900);
  const patch = createPatch(before, after);
  assert.ok(patch);
  const labels = before.slice();
  applyPatch(labels, patch, "after");
  assert.deepEqual(labels, after);
  applyPatch(labels, patch, "before");
  assert.deepEqual(labels, before);
  assert.equal(createPatch(before, before), null);
});

test("a stroke's patch is small", () => {
  const document = new FaceDocument(plain(512, 512, 1));
  paintLine(document.mask, { x: 100, y: 100 }, { x: 400, y: 300 }, 20, 2, locking());
  document.commit("stroke");
  assert.ok((document.history.entries[0].patch?.length ?? Infinity) < 2000);
});

test("damaged patches are refused", () => {
  assert.throws(() => applyPatch(new Uint8Array(10), Uint8Array.of(5, 9, 0, 1), "after"), RangeError);
  assert.throws(() => applyPatch(new Uint8Array(10), Uint8Array.of(0, 1, 0), "after"), RangeError);
  assert.throws(() => applyPatch(new Uint8Array(10), Uint8Array.of(0, 1, 0, 77), "after"), RangeError);
  assert.throws(() => applyPatch(new Uint8Array(10), Uint8Array.of(255, 255, 255, 255, 255, 1), "after"), RangeError);
});

test("undo and redo run through strokes, styles, strength and locks in the order of time", () => {
  const document = new FaceDocument(plain(64, 64));
  /** @type {unknown[]} */
  const states = [];
  const remember = () => states.push([document.mask.data.slice(), document.settings]);
  remember();
  stroke(document, 10, 1);
  remember();
  document.updateSettings({ style: { kind: "portrait", number: 2 } });
  document.commit("style");
  remember();
  stroke(document, 12, 2);
  remember();
  for (const strength of [0.9, 0.5, 0.3]) document.updateSettings({ strength });
  document.commit("strength");
  remember();
  document.updateSettings({ styleParts: [13] });
  document.commit("parts");
  remember();
  document.updateSettings({ locks: [1] });
  document.commit("lock");
  remember();
  for (let i = states.length - 2; i >= 0; i--) {
    assert.ok(document.undo());
    assert.deepEqual([document.mask.data, document.settings], states[i]);
  }
  assert.equal(document.undo(), null);
  for (let i = 1; i < states.length; i++) {
    assert.ok(document.redo());
    assert.deepEqual([document.mask.data, document.settings], states[i]);
  }
  assert.equal(document.redo(), null);
});

test("a thousand strokes can all be undone", () => {
  const document = new FaceDocument(plain(64, 64));
  let steps = 0;
  for (let i = 0; i < 1000; i++) steps += Number(stroke(document, 4 + ((i * 7) % 56), 1 + (i % 18)));
  assert.ok(steps > 900);
  while (document.undo());
  assert.deepEqual(document.mask, plain(64, 64));
  while (document.redo());
  assert.equal(document.history.position, steps);
});

test("a new step forgets what was undone; a gesture that changed nothing is none", () => {
  const document = new FaceDocument(plain(64, 64));
  stroke(document, 10, 1);
  stroke(document, 20, 2);
  document.undo();
  assert.equal(document.history.redoTitle, "stroke 2");
  stroke(document, 30, 3);
  assert.equal(document.history.redoTitle, null);
  assert.equal(stroke(document, 30, 3), false);
  assert.deepEqual(
    document.history.entries.map((entry) => entry.title),
    ["stroke 1", "stroke 3"],
  );
});

test("cancel gives back mask and settings; undo takes a gesture under way along", () => {
  const document = new FaceDocument(plain(64, 64));
  stroke(document, 10, 1);
  const kept = document.mask.data.slice();
  paintLine(document.mask, { x: 5, y: 40 }, { x: 30, y: 40 }, 5, 2, locking());
  document.updateSettings({ strength: 0.1 });
  document.cancel();
  assert.deepEqual(document.mask.data, kept);
  assert.equal(document.settings.strength, 1);
  paintLine(document.mask, { x: 5, y: 40 }, { x: 30, y: 40 }, 5, 2, locking());
  document.undo();
  assert.deepEqual(document.mask, plain(64, 64));
});

test("autosave learns which steps changed since it wrote", () => {
  const document = new FaceDocument(plain(64, 64));
  stroke(document, 10, 1);
  stroke(document, 20, 2);
  document.history.markSaved();
  assert.equal(document.history.firstUnsaved, 2);
  document.undo();
  document.undo();
  stroke(document, 30, 3);
  assert.equal(document.history.firstUnsaved, 0);
});

test("a project holds everything and reads back the same", async () => {
  const document = new FaceDocument(plain(64, 64));
  stroke(document, 10, 1);
  document.updateSettings({ style: { kind: "picture", key: "s1" }, strength: 0.4, locks: [1, 13], blend: "full" });
  document.commit("style");
  stroke(document, 20, 2);
  document.undo();
  const styles = new Map([["s1", { picture: new Blob(["bytes"], { type: "image/jpeg" }), mask: null }]]);
  const appearance = { hidden: [3], opacity: 0.25 };
  const text = JSON.stringify(await serializeEditor(document, "face", styles, appearance));
  const read = parseEditor(JSON.parse(text), document.mask.data);
  const reopened = new FaceDocument(document.original, { edited: document.mask.data, ...read });
  assert.deepEqual(reopened.settings, document.settings);
  assert.deepEqual(read.appearance, appearance);
  assert.equal(await read.styles.get("s1")?.picture.text(), "bytes");
  assert.equal(reopened.redo(), "stroke 2");
  while (reopened.undo());
  assert.deepEqual(reopened.mask, plain(64, 64));
});

test("a history of another mask or from another hand is refused", () => {
  const patch = createPatch(new Uint8Array(100), new Uint8Array(100).fill(1));
  const json = new History([{ title: "fill", patch, settings: null }]).toJSON();
  assert.throws(() => History.fromJSON(json, new Uint8Array(50)), RangeError);
  assert.throws(() => History.fromJSON({ ...json, position: 7 }, new Uint8Array(100)), RangeError);
  assert.throws(() => parseEditor({ version: 9 }, new Uint8Array(100)), /another format version/);
});

test("a history that is too long loses what is farthest from now, and still undoes rightly", () => {
  const document = new FaceDocument(plain(64, 64));
  for (let i = 0; i < 50; i++) stroke(document, 4 + ((i * 7) % 56), 1 + (i % 18));
  document.undo();
  const json = document.history.toJSON(2000);
  assert.ok(JSON.stringify(json).length < 2100 && json.entries.length > 3);
  assert.ok(json.position > 0 && json.position < 49);
  const shorter = new FaceDocument(document.original, {
    edited: document.mask.data,
    history: History.fromJSON(json, document.mask.data),
  });
  for (let i = 0; i < json.position; i++) {
    assert.equal(shorter.undo(), document.undo());
    assert.deepEqual(shorter.mask.data, document.mask.data);
  }
});

test("what cannot change the result is told apart: locks, and the end of a gesture", () => {
  const document = new FaceDocument(plain(64, 64, 1));
  /** @type {[string, boolean][]} */
  const told = [];
  document.onChange((cause, alters) => told.push([cause, alters]));
  document.updateSettings({ locks: [3] });
  document.commit("Lock");
  stroke(document, 9, 2);
  document.undo();
  document.undo();
  document.updateSettings({ strength: 0.5 });
  assert.deepEqual(told, [
    ["gesture", false],
    ["commit", false],
    ["gesture", true],
    ["commit", false],
    ["undo", true],
    ["undo", false],
    ["gesture", true],
  ]);
});

test("parts of a style are chosen in groups, and everything where none is left", () => {
  const classes = STYLE_PARTS.flatMap(({ labels }) => labels);
  assert.deepEqual(classes.toSorted((a, b) => a - b), Array.from({ length: 19 }, (_, label) => label));
  const [hair, skin] = STYLE_PARTS;
  const both = togglePart(hair, togglePart(skin, null));
  assert.deepEqual(both, [1, 2, 8, 9, 13, 17]);
  assert.ok(isSelected(skin, both) && isSelected(skin, [2]) && !isSelected(skin, [13]) && !isSelected(skin, null));
  assert.deepEqual(togglePart(skin, both), [13]);
  assert.equal(togglePart(hair, [13]), null);
});

test("settings from a file are checked one by one", () => {
  const style = { kind: "portrait", number: 3 };
  const read = parseSettings({ strength: 7, locks: [3, "x", 99, 1], blend: "melt", style, refined: "yes" });
  assert.deepEqual(read, { strength: 1, styleParts: null, locks: [1, 3], blend: "region", style, refined: false, edits: [] });
  assert.deepEqual(parseSettings({ styleParts: [13, 1, 13, -1, "hair"] }).styleParts, [1, 13]);
  for (const styleParts of [[], ["hair"], "hair", null]) assert.equal(parseSettings({ styleParts }).styleParts, null);
  assert.equal(parseSettings({ refined: true }).refined, true);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { DEFAULTS, MAX_BRUSH, Preferences, nextBrushSize } from "../../src/maskgan/server/page/state/preferences.js";

/** @param {string | null} text */
function storageOf(text) {
  return {
    getItem: () => text,
    setItem(/** @type {string} */ _key, /** @type {string} */ value) {
      text = value;
    },
  };
}

test("preferences come back, but those of the moment do not", () => {
  const storage = storageOf(null);
  new Preferences(storage).set({ brushSize: 33, theme: "dark", compare: true, hidden: [3] });
  const { values } = new Preferences(storage);
  assert.deepEqual([values.brushSize, values.theme, values.compare, values.hidden], [33, "dark", false, []]);
});

test("damaged storage means defaults", () => {
  for (const text of ["{", "null", "[]", '{"label": 99, "brushSize": "x", "opacity": -1, "bendRadius": 1e9}']) {
    assert.deepEqual(new Preferences(storageOf(text)).values, DEFAULTS);
  }
});

test("a browser that refuses to store still works", () => {
  const preferences = new Preferences({
    getItem: () => null,
    setItem: () => {
      throw new Error("quota");
    },
  });
  /** @type {unknown[]} */
  const told = [];
  preferences.onChange((changed) => told.push(changed));
  preferences.set({ brushSize: 5 });
  assert.deepEqual([preferences.values.brushSize, told], [5, [{ brushSize: 5 }]]);
});

test("brush sizes step up and down within bounds", () => {
  let size = 1;
  for (let i = 0; i < 60; i++) size = nextBrushSize(size, 1);
  assert.equal(size, MAX_BRUSH);
  for (let i = 0; i < 60; i++) size = nextBrushSize(size, -1);
  assert.equal(size, 1);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { paintLine } from "../../src/maskgan/server/page/mask/brush.js";
import { locking, maskOf, plain, rowsOf } from "./masks.js";

test("the tip is round", () => {
  const mask = plain(7, 7);
  const box = paintLine(mask, { x: 3.5, y: 3.5 }, { x: 3.5, y: 3.5 }, 5, 1, locking());
  assert.deepEqual(rowsOf(mask), [".......", "..aaa..", ".aaaaa.", ".aaaaa.", ".aaaaa.", "..aaa..", "......."]);
  assert.deepEqual(box, { left: 1, top: 1, right: 6, bottom: 6 });
});

test("a fast stroke leaves no gaps", () => {
  const mask = plain(60, 20);
  paintLine(mask, { x: 2, y: 3 }, { x: 57, y: 16 }, 4, 2, locking());
  for (let x = 2; x < 57; x++) {
    const y = Math.floor(3 + ((x + 0.5 - 2) * 13) / 55);
    assert.equal(mask.data[y * 60 + x], 2, `column ${x}`);
  }
});

test("a line painted in pieces is the line painted at once", () => {
  const [whole, pieces] = [plain(40, 40), plain(40, 40)];
  const at = (/** @type {number} */ t) => ({ x: 3.2 + 30 * t, y: 5.7 + 24 * t });
  paintLine(whole, at(0), at(1), 7, 3, locking());
  for (let i = 0; i < 10; i++) paintLine(pieces, at(i / 10), at((i + 1) / 10), 7, 3, locking());
  assert.deepEqual(pieces, whole);
});

test("the thinnest brush paints the pixel under the pointer", () => {
  const mask = plain(3, 3);
  paintLine(mask, { x: 1.01, y: 1.02 }, { x: 1.01, y: 1.02 }, 1, 1, locking());
  assert.deepEqual(rowsOf(mask), ["...", ".a.", "..."]);
});

test("locked classes are not painted over", () => {
  const mask = maskOf("bbb", "aaa", "bbb");
  paintLine(mask, { x: 1.5, y: 0 }, { x: 1.5, y: 3 }, 3, 4, locking(1));
  assert.deepEqual(rowsOf(mask), ["ddd", "aaa", "ddd"]);
});

test("the eraser restores the original's labels, but not over a lock", () => {
  const original = maskOf("ab", "cd");
  const mask = maskOf("ee", "ff");
  paintLine(mask, { x: 1, y: 1 }, { x: 1, y: 1 }, 9, original, locking(6));
  assert.deepEqual(rowsOf(mask), ["ab", "ff"]);
});

test("strokes beyond the border change nothing and do no harm", () => {
  const mask = plain(4, 4);
  assert.equal(paintLine(mask, { x: -20, y: -20 }, { x: -10, y: -20 }, 5, 1, locking()), null);
  paintLine(mask, { x: -20, y: 2.5 }, { x: 20, y: 2.5 }, 1, 1, locking());
  assert.deepEqual(rowsOf(mask), ["....", "....", "aaaa", "...."]);
});

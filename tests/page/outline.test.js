import assert from "node:assert/strict";
import { test } from "node:test";

import { growPart, shrinkPart, smoothPart } from "../../src/maskgan/server/page/mask/outline.js";
import { selectPart } from "../../src/maskgan/server/page/mask/parts.js";
import { locking, maskOf, plain, rowsOf } from "./masks.js";

/**
 * @param {import("../../src/maskgan/server/page/mask/label-map.js").LabelMap} mask
 * @param {{x: number, y: number}} point
 * @param {Uint8Array} [locks]
 */
function partAt(mask, point, locks = locking()) {
  const part = selectPart(mask, point, locks);
  assert.ok(part);
  return part;
}

test("a part grows on all sides by a disc, with the labels of its nearest pixels", () => {
  const mask = maskOf("aaaaaaa", "aaaaaaa", "aaabbaa", "aaaaaaa", "aaaaaaa");
  const { data, part } = growPart(mask, partAt(mask, { x: 3.5, y: 2.5 }), 1, locking());
  assert.deepEqual(rowsOf({ ...mask, data }), ["aaaaaaa", "aaabbaa", "aabbbba", "aaabbaa", "aaaaaaa"]);
  assert.deepEqual(part.box, { left: 2, top: 1, right: 6, bottom: 4 });
  assert.equal(part.pixels.reduce((sum, flag) => sum + flag, 0), 8);
  const lips = maskOf("aaaaa", "aakaa", "aalaa", "aaaaa"); // 11 and 12
  const grown = growPart(lips, partAt(lips, { x: 2.5, y: 1.5 }), 1, locking());
  assert.deepEqual(rowsOf({ ...lips, data: grown.data }), ["aakaa", "akkka", "allla", "aalaa"]);
});

test("growing does not cover locked classes", () => {
  const mask = maskOf("ccccc", "aabaa", "aaaaa");
  const { data } = growPart(mask, partAt(mask, { x: 2.5, y: 1.5 }), 1, locking(3));
  assert.deepEqual(rowsOf({ ...mask, data }), ["ccccc", "abbba", "aabaa"]);
});

test("a part shrinks on all sides but the mask's border, and its surroundings fill in", () => {
  const mask = maskOf("bbbaa", "bbbaa", "bbbaa", "ccccc");
  const { data, part } = shrinkPart(mask, partAt(mask, { x: 0.5, y: 0.5 }), 1, locking());
  assert.deepEqual(rowsOf({ ...mask, data }).toSpliced(2, 1), ["bbaaa", "bbaaa", "ccccc"]);
  assert.match(rowsOf({ ...mask, data })[2], /^cc[ac]aa$/);
  assert.deepEqual(part.box, { left: 0, top: 0, right: 2, bottom: 2 });
});

test("a part is never shrunk away, and locked classes do not spread", () => {
  const mask = maskOf("aaaa", "abba", "aaaa");
  const thin = shrinkPart(mask, partAt(mask, { x: 1.5, y: 1.5 }), 2, locking());
  assert.deepEqual(thin.data, mask.data);
  const beside = maskOf("cccccc", "bbbbbb", "bbbbbb", "bbbbbb", "aaaaaa");
  const { data } = shrinkPart(beside, partAt(beside, { x: 2.5, y: 2.5 }, locking(3)), 1, locking(3));
  assert.deepEqual(rowsOf({ ...beside, data }), ["cccccc", "aaaaaa", "bbbbbb", "aaaaaa", "aaaaaa"]);
});

test("growing and shrinking a disc change its area as its radius says", () => {
  const mask = plain(80, 80, 1);
  for (let i = 0; i < 6400; i++) if (((i % 80) - 40) ** 2 + (Math.floor(i / 80) - 40) ** 2 <= 400) mask.data[i] = 2;
  const part = partAt(mask, { x: 40, y: 40 });
  const area = (/** @type {Uint8Array} */ data) => data.reduce((sum, label) => sum + Number(label === 2), 0);
  const radius = (/** @type {Uint8Array} */ data) => Math.sqrt(area(data) / Math.PI);
  assert.ok(Math.abs(radius(growPart(mask, part, 4, locking()).data) - radius(mask.data) - 4) < 0.3);
  assert.ok(Math.abs(radius(mask.data) - radius(shrinkPart(mask, part, 4, locking()).data) - 4) < 0.3);
});

test("smoothing removes a ragged edge and keeps the area; straight edges at the mask's border stay", () => {
  const mask = plain(60, 60, 1);
  for (let y = 0; y < 60; y++) for (let x = 0; x < 30 + (y % 4 < 2 ? 3 : -3); x++) mask.data[y * 60 + x] = 2;
  const part = partAt(mask, { x: 5, y: 30 });
  const { data } = smoothPart(mask, part, 3, locking());
  const edges = Array.from({ length: 60 }, (_, y) => data.subarray(y * 60, (y + 1) * 60).indexOf(1));
  assert.ok(Math.max(...edges) - Math.min(...edges) <= 2, `edges from ${Math.min(...edges)} to ${Math.max(...edges)}`);
  assert.ok(Math.abs(edges.reduce((sum, edge) => sum + edge, 0) / 60 - 30) < 0.6);
});

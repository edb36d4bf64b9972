import assert from "node:assert/strict";
import { test } from "node:test";

import { resizedLabels } from "../../src/maskgan/server/page/mask/label-map.js";
import { labelsOfPixels } from "../../src/maskgan/server/page/ui/mask-file.js";

/** Three classes with the colours black, (204, 0, 0) and (0, 0, 204). */
const CLASSES = [[0, 0, 0], [204, 0, 0], [0, 0, 204]].map((colour, index) => ({
  ...{ index, name: `c${index}`, title: `class ${index}`, mirror: index },
  colour: /** @type {[number, number, number]} */ (colour),
}));

/** @param {number[][]} colours */
const pixels = (...colours) => Uint8ClampedArray.from(colours.flatMap((colour) => [...colour, 255]));

test("masks are read from class colours and from grey indices", () => {
  assert.deepEqual(labelsOfPixels(pixels([204, 0, 0], [0, 0, 204], [0, 0, 0]), CLASSES), Uint8Array.of(1, 2, 0));
  assert.deepEqual(labelsOfPixels(pixels([2, 2, 2], [0, 0, 0], [1, 1, 1]), CLASSES), Uint8Array.of(2, 0, 1));
});

test("photographs and plain areas are no masks", () => {
  assert.equal(labelsOfPixels(pixels([204, 0, 0], [203, 0, 0]), CLASSES), null);
  assert.equal(labelsOfPixels(pixels([3, 3, 3], [0, 0, 0]), CLASSES), null);
  assert.equal(labelsOfPixels(pixels([0, 0, 0], [0, 0, 0]), CLASSES), null);
});

test("masks are resized by nearest neighbour", () => {
  const mask = { width: 2, height: 2, data: Uint8Array.of(1, 2, 3, 4) };
  assert.deepEqual(resizedLabels(mask, { width: 4, height: 2 }), Uint8Array.of(1, 1, 2, 2, 3, 3, 4, 4));
  assert.deepEqual(resizedLabels({ width: 4, height: 1, data: Uint8Array.of(1, 2, 3, 4) }, { width: 2, height: 1 }), Uint8Array.of(2, 4));
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { boundingBox } from "../../src/maskgan/server/page/mask/label-map.js";
import { STAMPS, applyStamp, findLandmarks } from "../../src/maskgan/server/page/mask/stamps.js";
import { locking, plain } from "./masks.js";

/** A plain face: skin, eyes, brows, nose, mouth, hair, neck; 200 x 200. */
function face() {
  const mask = plain(200, 200);
  const ellipse = (/** @type {number[]} */ [x, y, rx, ry], /** @type {number} */ label) => {
    for (let row = 0; row < 200; row++) {
      for (let column = 0; column < 200; column++) {
        if (((column - x) / rx) ** 2 + ((row - y) / ry) ** 2 < 1) mask.data[row * 200 + column] = label;
      }
    }
  };
  ellipse([100, 190, 30, 50], 17);
  ellipse([100, 90, 60, 75], 13);
  ellipse([100, 105, 50, 65], 1);
  ellipse([80, 90, 8, 4], 5);
  ellipse([120, 90, 8, 4], 4);
  ellipse([80, 78, 10, 3], 7);
  ellipse([120, 78, 10, 3], 6);
  ellipse([100, 140, 18, 6], 12);
  return mask;
}

/** @param {string} name */
function stampNamed(name) {
  const stamp = STAMPS.find((candidate) => candidate.name === name);
  assert.ok(stamp);
  return stamp;
}

test("each stamp lands on the face with its class, whole", () => {
  for (const stamp of STAMPS) {
    const mask = face();
    const frame = stamp.defaultFrame(findLandmarks(mask));
    assert.ok(applyStamp(mask, stamp, frame, locking()), stamp.name);
    assert.ok(boundingBox(mask, [stamp.label]), stamp.name);
  }
});

test("glasses cover both eyes and stay on the face", () => {
  const mask = face();
  const stamp = stampNamed("glasses");
  applyStamp(mask, stamp, stamp.defaultFrame(findLandmarks(mask)), locking());
  assert.equal(mask.data[90 * 200 + 80], 3);
  assert.equal(mask.data[90 * 200 + 120], 3);
  const box = boundingBox(mask, [3]);
  assert.ok(box && box.left > 40 && box.right < 160 && box.top > 70 && box.bottom < 115, JSON.stringify(box));
});

test("a hat covers hair and ends above the brows", () => {
  const mask = face();
  const stamp = stampNamed("hat");
  applyStamp(mask, stamp, stamp.defaultFrame(findLandmarks(mask)), locking());
  assert.equal(mask.data[30 * 200 + 100], 14);
  assert.equal(boundingBox(mask, [7, 6])?.top, boundingBox(face(), [7, 6])?.top);
});

test("earrings hang on both sides, a necklace below the chin", () => {
  const mask = face();
  for (const name of ["earrings", "necklace"]) {
    const stamp = stampNamed(name);
    applyStamp(mask, stamp, stamp.defaultFrame(findLandmarks(mask)), locking());
  }
  const earrings = boundingBox(mask, [15]);
  assert.ok(earrings && earrings.left < 60 && earrings.right > 140);
  const necklace = boundingBox(mask, [16]);
  assert.ok(necklace && necklace.top >= 168);
});

test("stamps respect locks", () => {
  const mask = face();
  const stamp = stampNamed("glasses");
  applyStamp(mask, stamp, stamp.defaultFrame(findLandmarks(mask)), locking(4, 5));
  assert.equal(mask.data[90 * 200 + 80], 5);
});

test("an empty mask still gives frames of some size", () => {
  const landmarks = findLandmarks(plain(64, 64));
  for (const stamp of STAMPS) {
    const frame = stamp.defaultFrame(landmarks);
    assert.ok(Object.values(frame).every(Number.isFinite) && frame.halfWidth > 1 && frame.halfHeight > 1, stamp.name);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { boundingBox } from "../../src/maskgan/server/page/mask/label-map.js";
import { reflect, symmetryAxis } from "../../src/maskgan/server/page/mask/symmetry.js";
import { fillFromNearest } from "../../src/maskgan/server/page/mask/nearest.js";
import { bendDisplacement } from "../../src/maskgan/server/page/mask/bend.js";
import { displacePart, affineDisplacement, selectPart, unionOfParts } from "../../src/maskgan/server/page/mask/parts.js";
import { locking, maskOf, plain, rowsOf } from "./masks.js";

/** A face of skin with lips (11, 12) around a mouth (10), 60 x 40. */
function smilingFace() {
  const mask = plain(60, 40, 1);
  for (let y = 0; y < 40; y++) {
    for (let x = 0; x < 60; x++) {
      const inside = ((x - 30) / 16) ** 2 + ((y - 20) / 6) ** 2;
      if (inside < 1) mask.data[y * 60 + x] = inside < 0.2 ? 10 : y < 20 ? 11 : 12;
    }
  }
  return mask;
}

/**
 * @param {Uint8Array} data
 * @param {number} label
 */
const count = (data, label) => data.reduce((sum, value) => sum + Number(value === label), 0);

test("a hole is filled from the nearest pixels", () => {
  const mask = maskOf("aabbb", "aaxbb", "aaxbb", "ccccc");
  const hole = Uint8Array.from(mask.data, (label) => Number(label === 24));
  mask.data[6] = 24;
  hole[6] = 1;
  fillFromNearest(mask, hole, { left: 1, top: 1, right: 3, bottom: 3 });
  assert.equal(count(mask.data, 24), 0);
  assert.equal(mask.data[6], 1);
  assert.equal(mask.data[7], 2);
});

test("nearest filling agrees with a search through all pixels", () => {
  const size = 24;
  const mask = plain(size, size);
  for (let i = 0; i < mask.data.length; i++) mask.data[i] = (i * 7919) % 5;
  const hole = Uint8Array.from(mask.data, (_, i) =>
    Number(((i % size) - 12) ** 2 + (Math.floor(i / size) - 11) ** 2 < 64),
  );
  const before = mask.data.slice();
  fillFromNearest(mask, hole, { left: 4, top: 3, right: 21, bottom: 20 });
  for (let i = 0; i < mask.data.length; i++) {
    if (!hole[i]) {
      assert.equal(mask.data[i], before[i]);
      continue;
    }
    /** @type {Map<number, Set<number>>} */
    const found = new Map();
    for (let j = 0; j < before.length; j++) {
      if (hole[j]) continue;
      const distance = ((i % size) - (j % size)) ** 2 + (Math.floor(i / size) - Math.floor(j / size)) ** 2;
      found.set(distance, (found.get(distance) ?? new Set()).add(before[j]));
    }
    // Sweeps may miss the nearest pixel by a hair (the known error of 8SSED), never by more.
    const least = Math.sqrt(Math.min(...found.keys()));
    const near = [...found].filter(([distance]) => Math.sqrt(distance) <= least + 0.5).flatMap(([, set]) => [...set]);
    assert.ok(near.includes(mask.data[i]), `pixel ${i}`);
  }
});

test("a mouth is taken with its lips, and alone where wanted", () => {
  const mask = smilingFace();
  const whole = selectPart(mask, { x: 30, y: 16 }, locking());
  assert.equal(whole?.label, 11);
  assert.equal(count(whole.pixels, 1), count(mask.data, 10) + count(mask.data, 11) + count(mask.data, 12));
  const lip = selectPart(mask, { x: 30, y: 16 }, locking(), { groupParts: false });
  assert.equal(count(lip?.pixels ?? new Uint8Array(), 1), count(mask.data, 11));
});

test("locked classes and the background cannot be taken", () => {
  const mask = smilingFace();
  assert.equal(selectPart(mask, { x: 30, y: 16 }, locking(11)), null);
  assert.equal(selectPart(plain(4, 4), { x: 1, y: 1 }, locking()), null);
  const rest = selectPart(mask, { x: 30, y: 24 }, locking(11));
  assert.equal(rest?.pixels[16 * 60 + 30], 0);
});

test("a feature near the point is meant rather than the skin around it", () => {
  const mask = smilingFace();
  assert.equal(selectPart(mask, { x: 30, y: 12 }, locking())?.label, 1);
  assert.equal(selectPart(mask, { x: 30, y: 12 }, locking(), { reach: 4 })?.label, 11);
});

test("from the background, an edge within reach is meant", () => {
  const mask = plain(20, 20);
  for (let y = 0; y < 20; y++) mask.data.fill(13, y * 20 + 10, y * 20 + 20);
  assert.equal(selectPart(mask, { x: 7, y: 10 }, locking()), null);
  assert.equal(selectPart(mask, { x: 7, y: 10 }, locking(), { reach: 5 })?.label, 13);
});

test("allRegions selects separate regions of a class", () => {
  const mask = maskOf("b.b", "...", "b.b");
  const part = selectPart(mask, { x: 0, y: 0 }, locking(), { allRegions: true });
  assert.deepEqual(part?.box, { left: 0, top: 0, right: 3, bottom: 3 });
});

test("a moved part arrives whole, and its old place closes", () => {
  const mask = maskOf("aaaaaa", "abbaaa", "abbaaa", "aaaaaa");
  const part = selectPart(mask, { x: 1, y: 1 }, locking());
  assert.ok(part);
  const data = displacePart(mask, part, affineDisplacement(part, { dx: 2, dy: 1 }), locking());
  assert.deepEqual(rowsOf({ ...mask, data }), ["aaaaaa", "aaaaaa", "aaabba", "aaabba"]);
});

test("no displacement changes nothing", () => {
  const mask = smilingFace();
  const part = selectPart(mask, { x: 30, y: 20 }, locking());
  assert.ok(part);
  assert.deepEqual(displacePart(mask, part, affineDisplacement(part, {}), locking()), mask.data);
  assert.deepEqual(displacePart(mask, part, bendDisplacement(part, [{ grip: { x: 30, y: 20 }, pull: { x: 0, y: 0 } }], 20), locking()), mask.data);
});

test("scaling doubles a part's area about its middle", () => {
  const mask = plain(40, 40, 1);
  for (let y = 16; y < 24; y++) mask.data.fill(2, y * 40 + 16, y * 40 + 24);
  const part = selectPart(mask, { x: 20, y: 20 }, locking());
  assert.ok(part);
  const data = displacePart(mask, part, affineDisplacement(part, { scaleX: 2, scaleY: 2 }), locking());
  assert.deepEqual(boundingBox({ ...mask, data }, [2]), { left: 12, top: 12, right: 28, bottom: 28 });
  assert.equal(count(data, 2), 256);
});

test("a quarter turn lays a standing part down", () => {
  const mask = plain(30, 30, 1);
  for (let y = 5; y < 25; y++) mask.data.fill(2, y * 30 + 13, y * 30 + 17);
  const part = selectPart(mask, { x: 15, y: 15 }, locking());
  assert.ok(part);
  const data = displacePart(mask, part, affineDisplacement(part, { angle: Math.PI / 2 }), locking());
  assert.deepEqual(boundingBox({ ...mask, data }, [2]), { left: 5, top: 13, right: 25, bottom: 17 });
});

test("dragging a mouth's corner up bends the outline there and leaves the other corner", () => {
  const mask = smilingFace();
  const part = selectPart(mask, { x: 30, y: 20 }, locking());
  assert.ok(part);
  const data = displacePart(mask, part, bendDisplacement(part, [{ grip: { x: 45, y: 20 }, pull: { x: 0, y: -5 } }], 18), locking());
  const lips = [10, 11, 12];
  const columnTop = (/** @type {Uint8Array} */ labels, /** @type {number} */ x) => {
    for (let y = 0; y < 40; y++) if (lips.includes(labels[y * 60 + x])) return y;
    return 40;
  };
  assert.ok(columnTop(mask.data, 44) - columnTop(data, 44) >= 3, "the corner rises");
  for (let x = 14; x < 24; x++) assert.equal(columnTop(data, x), columnTop(mask.data, x));
  const area = lips.reduce((sum, label) => sum + count(data, label) - count(mask.data, label), 0);
  assert.ok(Math.abs(area) < 40, `area changed by ${area}`);
  assert.equal(count(data, 1) + lips.reduce((sum, label) => sum + count(data, label), 0), data.length);
});

test("long pulls do not tear the part", () => {
  const mask = smilingFace();
  const part = selectPart(mask, { x: 30, y: 20 }, locking());
  assert.ok(part);
  const data = displacePart(mask, part, bendDisplacement(part, [{ grip: { x: 45, y: 20 }, pull: { x: 10, y: -14 } }], 4), locking());
  const again = selectPart({ ...mask, data }, { x: 20, y: 20 }, locking());
  const lips = [10, 11, 12].reduce((sum, label) => sum + count(data, label), 0);
  assert.equal(count(again?.pixels ?? new Uint8Array(), 1), lips);
});

test("locked classes are neither covered nor spread by a move", () => {
  const mask = maskOf("cccccc", "abbacc", "aaaacc");
  const part = selectPart(mask, { x: 1, y: 1 }, locking(3));
  assert.ok(part);
  const data = displacePart(mask, part, affineDisplacement(part, { dx: 2 }), locking(3));
  assert.deepEqual(rowsOf({ ...mask, data }), ["cccccc", "aaabcc", "aaaacc"]);
});

test("points are reflected about the line between the eyes, level or tilted", () => {
  const level = { x: 10, y: 5, tilt: 0 };
  assert.deepEqual(reflect(level, { x: 4, y: 7 }), { x: 16, y: 7 });
  const tilted = { x: 10, y: 10, tilt: Math.PI / 4 };
  const { x, y } = reflect(tilted, { x: 12, y: 10 });
  assert.ok(Math.abs(x - 10) < 1e-9 && Math.abs(y - 8) < 1e-9, `${x}, ${y}`);
  const back = reflect(tilted, { x, y });
  assert.ok(Math.abs(back.x - 12) < 1e-9 && Math.abs(back.y - 10) < 1e-9);
});

test("the axis lies midway between the eyes, across the eye line", () => {
  const mask = plain(100, 100, 1);
  for (const [label, left, top] of [[5, 20, 40], [4, 70, 50]]) {
    for (let y = 0; y < 4; y++) mask.data.fill(label, (top + y) * 100 + left, (top + y) * 100 + left + 10);
  }
  const { x, y, tilt } = symmetryAxis(mask);
  assert.deepEqual([x, y], [50, 47]);
  assert.ok(Math.abs(tilt - Math.atan2(10, 50)) < 1e-9);
});

test("a bend at two places moves both, and parts are united", () => {
  const mask = maskOf("aaaaaaaaaa", "abaaaaaaba", "aaaaaaaaaa");
  const [first, second] = [1, 8].map((x) => selectPart(mask, { x: x + 0.5, y: 1.5 }, locking()));
  assert.ok(first && second);
  const part = unionOfParts(first, second);
  assert.deepEqual(part.box, { left: 1, top: 1, right: 9, bottom: 2 });
  const drags = [1.5, 8.5].map((x) => ({ grip: { x, y: 1.5 }, pull: { x: 0, y: -1 } }));
  const data = displacePart(mask, part, bendDisplacement(part, drags, 3), locking());
  assert.deepEqual(rowsOf({ ...mask, data }), ["abaaaaaaba", "aaaaaaaaaa", "aaaaaaaaaa"]);
});

/**
 * How far each column of the mouth rose, from the middle to the right corner.
 *
 * @param {import("../../src/maskgan/server/page/mask/bend.js").Drag[]} drags
 */
function riseOf(drags) {
  const mask = plain(240, 160, 1);
  for (let i = 0; i < mask.data.length; i++) {
    const [x, y] = [i % 240, Math.floor(i / 240)];
    if (((x + 0.5 - 120) / 56) ** 2 + ((y + 0.5 - 90) / 14) ** 2 < 1) mask.data[i] = y < 90 ? 11 : 12;
  }
  const part = selectPart(mask, { x: 120, y: 88 }, locking());
  assert.ok(part);
  const data = displacePart(mask, part, bendDisplacement(part, drags, 60), locking());
  /** The line between the lips. */
  const seam = (/** @type {Uint8Array} */ labels, /** @type {number} */ x) => {
    let y = 0;
    while (y < 160 && labels[y * 240 + x] !== 12) y++;
    return y;
  };
  return [120, 134, 148, 162].map((x) => seam(mask.data, x) - seam(data, x));
}

test("pulling both corners of the mouth up gives a smile, a parabola level in the middle, at once or in turns", () => {
  const corners = [65, 175].map((x) => ({ grip: { x, y: 90 }, pull: { x: 0, y: -16 } }));
  const rise = riseOf(corners);
  // Shares of 16 at 0, 14, 28 and 42 of 55 pixels from the middle, squared.
  for (const [i, expected] of [0, 1, 4.1, 9.3].entries()) {
    assert.ok(Math.abs(rise[i] - expected) <= 1, `${rise} at ${i}`);
  }
  assert.deepEqual(riseOf([corners[1]]), rise, "the other corner does not matter on this side");
  assert.deepEqual(riseOf([corners[0]]), [0, 0, 0, 0]);
});

test("a mouth bent in its middle follows by distance", () => {
  const rise = riseOf([{ grip: { x: 120, y: 90 }, pull: { x: 0, y: -16 } }]);
  assert.ok(rise[0] >= 15 && rise[3] < rise[2] && rise[2] < rise[1], String(rise));
});

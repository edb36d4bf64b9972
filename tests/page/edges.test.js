import assert from "node:assert/strict";
import { test } from "node:test";

import { colourMapOf, paintToEdges } from "../../src/maskgan/server/page/mask/edges.js";
import { Stabiliser, pressedDiameter } from "../../src/maskgan/server/page/state/stabiliser.js";
import { locking, plain } from "./masks.js";

const SIDE = 40;

/** @param {(x: number, y: number) => [number, number, number]} colour */
function photograph(colour) {
  const rgba = new Uint8ClampedArray(4 * SIDE * SIDE);
  for (let i = 0; i < SIDE * SIDE; i++) rgba.set([...colour(i % SIDE, Math.floor(i / SIDE)), 255], 4 * i);
  return colourMapOf(rgba, SIDE, SIDE);
}

/** @type {[number, number, number]} */
const HAIR = [60, 40, 30];
/** @type {[number, number, number]} */
const SKIN = [220, 170, 150];

test("colours are OKLab: white, grey and red have their published values", () => {
  for (const [rgb, lab] of /** @type {[[number, number, number], number[]][]} */ ([
    [[255, 255, 255], [100, 0, 0]],
    [[255, 0, 0], [62.8, 22.49, 12.58]],
    [[0, 0, 0], [0, 0, 0]],
  ])) {
    const { data } = photograph(() => rgb);
    for (let c = 0; c < 3; c++) assert.ok(Math.abs(data[3 * 55 + c] - lab[c]) < 0.05, `${rgb}: ${data.slice(165, 168)}`);
  }
});

test("the brush stops at the photograph's edge, on the side of its middle", () => {
  const colours = photograph((x) => (x < 20 ? HAIR : SKIN));
  const mask = plain(SIDE, SIDE, 1);
  paintToEdges(mask, colours, { x: 15, y: 10 }, { x: 15, y: 30 }, 20, 13, locking());
  for (const y of [10, 20, 30]) {
    const row = Array.from(mask.data.subarray(y * SIDE, (y + 1) * SIDE));
    const last = row.lastIndexOf(13);
    assert.ok(last === 19 || last === 18, `row ${y} is painted up to ${last}`);
    assert.equal(row[6], 13);
    assert.equal(row[4], 1, "not beyond the radius");
  }
});

test("a soft gradient is painted like a plain area", () => {
  const colours = photograph((x) => [180 + x, 130 + x, 110 + x]);
  const mask = plain(SIDE, SIDE, 1);
  paintToEdges(mask, colours, { x: 20, y: 20 }, { x: 20, y: 20 }, 16, 13, locking());
  const painted = mask.data.reduce((sum, label) => sum + Number(label === 13), 0);
  assert.ok(Math.abs(painted - Math.PI * 64) < 12, `${painted} pixels`);
});

test("the same colour beyond an edge is not reached; locked classes stay", () => {
  const colours = photograph((x) => (x >= 18 && x < 22 ? SKIN : HAIR));
  const mask = plain(SIDE, SIDE, 1);
  mask.data.fill(4, 20 * SIDE, 21 * SIDE);
  paintToEdges(mask, colours, { x: 12, y: 20 }, { x: 12, y: 20 }, 36, 13, locking(4));
  assert.equal(mask.data[15 * SIDE + 25], 1);
  assert.equal(mask.data[15 * SIDE + 12], 13);
  assert.equal(mask.data[20 * SIDE + 12], 4);
});

test("the brush hangs on a string behind the pointer", () => {
  const stabiliser = new Stabiliser({ x: 0, y: 0 }, 10);
  assert.deepEqual(stabiliser.follow({ x: 6, y: 0 }), { x: 0, y: 0 });
  assert.ok(Math.abs(stabiliser.follow({ x: 15, y: 0 }).x - 5) < 1e-9);
  const { x, y } = stabiliser.follow({ x: 5, y: 20 });
  assert.ok(Math.abs(x - 5) < 1e-9 && Math.abs(y - 10) < 1e-9);
  const direct = new Stabiliser({ x: 0, y: 0 }, 0);
  assert.deepEqual(direct.follow({ x: 3, y: 4, pressure: 0.5 }), { x: 3, y: 4, pressure: 0.5 });
});

test("a tremor is smaller behind the string", () => {
  const stabiliser = new Stabiliser({ x: 0, y: 0 }, 8);
  let [highest, lowest] = [-Infinity, Infinity];
  for (let x = 0; x <= 200; x += 2) {
    const { x: at, y } = stabiliser.follow({ x, y: x % 4 ? 3 : -3 });
    if (at > 60) [highest, lowest] = [Math.max(highest, y), Math.min(lowest, y)];
  }
  assert.ok(highest - lowest < 3, `${highest - lowest} of 6 pixels are left`);
});

test("a pen's pressure sets the width, from a fifth", () => {
  assert.equal(pressedDiameter(50), 50);
  assert.ok(Math.abs(pressedDiameter(50, 0.5) - 30) < 1e-9);
  assert.equal(pressedDiameter(50, 0), 10);
  assert.equal(pressedDiameter(2, 0), 1);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { dragged, gripAt } from "../../src/maskgan/server/page/ui/tools/frame-handles.js";

const frame = { x: 100, y: 50, halfWidth: 40, halfHeight: 20, angle: 0 };

test("what a press on a frame means", () => {
  assert.deepEqual(gripAt(frame, { x: 100, y: 50 }, 2), { kind: "move" });
  assert.deepEqual(gripAt(frame, { x: 140, y: 70 }, 2), { kind: "size", x: 1, y: 1 });
  assert.deepEqual(gripAt(frame, { x: 100, y: 30 }, 2), { kind: "size", x: 0, y: -1 });
  assert.deepEqual(gripAt(frame, { x: 100, y: 17 }, 2), { kind: "turn" });
  assert.equal(gripAt(frame, { x: 200, y: 50 }, 2), null);
});

test("a small frame can still be moved: its corners alone have handles", () => {
  assert.deepEqual(gripAt({ ...frame, halfHeight: 5 }, { x: 100, y: 50 }, 2), { kind: "move" });
});

test("sizing keeps the opposite corner where it is, turned or not", () => {
  for (const angle of [0, 0.7]) {
    const turned = { ...frame, angle };
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const corner = (/** @type {typeof frame} */ { x, y, halfWidth, halfHeight }, /** @type {number} */ sign) => ({
      x: x + sign * (cos * halfWidth - sin * halfHeight),
      y: y + sign * (sin * halfWidth + cos * halfHeight),
    });
    const from = corner(turned, 1);
    const to = { x: from.x + 11, y: from.y + 3 };
    const sized = dragged(turned, { kind: "size", x: 1, y: 1 }, from, to);
    for (const axis of /** @type {const} */ (["x", "y"])) {
      assert.ok(Math.abs(corner(sized, -1)[axis] - corner(turned, -1)[axis]) < 1e-9);
      assert.ok(Math.abs(corner(sized, 1)[axis] - to[axis]) < 1e-9);
    }
  }
});

test("proportions are kept where they should be, and nothing shrinks away", () => {
  /** @type {import("../../src/maskgan/server/page/ui/tools/frame-handles.js").Grip} */
  const corner = { kind: "size", x: 1, y: 1 };
  const sized = dragged(frame, corner, { x: 140, y: 70 }, { x: 180, y: 70 }, { proportional: true });
  assert.ok(Math.abs(sized.halfWidth / sized.halfHeight - 2) < 1e-9);
  const tiny = dragged(frame, corner, { x: 140, y: 70 }, { x: -900, y: -900 });
  assert.ok(tiny.halfWidth > 0 && tiny.halfHeight > 0);
});

test("turning follows the knob", () => {
  const turned = dragged(frame, { kind: "turn" }, { x: 100, y: 10 }, { x: 140, y: 50 });
  assert.ok(Math.abs(turned.angle - Math.PI / 2) < 1e-9);
});

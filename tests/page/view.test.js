import assert from "node:assert/strict";
import { test } from "node:test";

import {
  MAX_SCALE,
  fitView,
  panView,
  pinchView,
  toMask,
  toScreen,
  zoomView,
} from "../../src/maskgan/server/page/state/view.js";

const picture = { width: 512, height: 512 };
const pane = { width: 800, height: 600 };

/**
 * @param {{x: number, y: number}} actual
 * @param {{x: number, y: number}} expected
 */
function near(actual, expected) {
  assert.ok(Math.hypot(actual.x - expected.x, actual.y - expected.y) < 1e-6, JSON.stringify({ actual, expected }));
}

test("a fitted picture lies whole in the middle", () => {
  const view = fitView(picture, pane);
  near(toScreen(view, { x: 256, y: 256 }), { x: 400, y: 300 });
  assert.ok(view.y > 0 && view.y + 512 * view.scale < 600);
});

test("screen to mask and back", () => {
  const view = { scale: 1.7, x: -33, y: 12.5 };
  near(toScreen(view, toMask(view, { x: 123, y: 45 })), { x: 123, y: 45 });
});

test("zooming keeps the point under the pointer, within bounds", () => {
  const anchor = { x: 500, y: 200 };
  let view = fitView(picture, pane);
  const point = toMask(view, anchor);
  view = zoomView(view, anchor, 2.5, picture, pane);
  near(toMask(view, anchor), point);
  for (let i = 0; i < 50; i++) view = zoomView(view, anchor, 2, picture, pane);
  assert.equal(view.scale, MAX_SCALE);
  for (let i = 0; i < 50; i++) view = zoomView(view, anchor, 0.5, picture, pane);
  assert.equal(view.scale, fitView(picture, pane).scale / 2);
});

test("a picture cannot be pushed out of sight", () => {
  const view = panView(fitView(picture, pane), { x: 9999, y: -9999 }, picture, pane);
  assert.ok(view.x < 800 && view.y + 512 * view.scale > 0);
});

test("a pinch carries what lies under the fingers", () => {
  const view = fitView(picture, pane);
  const before = /** @type {const} */ ([{ x: 300, y: 300 }, { x: 400, y: 300 }]);
  const after = /** @type {const} */ ([{ x: 280, y: 340 }, { x: 480, y: 340 }]);
  const moved = pinchView(view, before, after, picture, pane);
  near(toScreen(moved, toMask(view, before[0])), after[0]);
  near(toScreen(moved, toMask(view, before[1])), after[1]);
});

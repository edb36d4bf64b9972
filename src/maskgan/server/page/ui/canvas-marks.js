/**
 * Marks over the face: the axis of symmetric painting and the keyboard's cursor.
 *
 * @typedef {import("../mask/label-map.js").Point} Point
 * @typedef {import("../mask/symmetry.js").Axis} Axis
 * @typedef {import("../state/view.js").View} View
 */

import { toScreen } from "../state/view.js";
import { strokeTwice } from "./tools/tool.js";

const CROSS = [3, 11]; // arms of the cursor, from and to, screen pixels

/**
 * @param {CanvasRenderingContext2D} context
 * @param {View} view
 * @param {Axis} axis
 * @param {number} length mask pixels to both sides
 */
export function drawAxis(context, view, { x, y, tilt }, length) {
  context.beginPath();
  for (const side of [-1, 1]) {
    const end = toScreen(view, { x: x - side * length * Math.sin(tilt), y: y + side * length * Math.cos(tilt) });
    context.lineTo(end.x, end.y);
  }
  strokeTwice(context, [2, 6]);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {View} view
 * @param {Point} point
 */
export function drawCursor(context, view, point) {
  const { x, y } = toScreen(view, point);
  context.beginPath();
  for (const [stepX, stepY] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    context.moveTo(x + CROSS[0] * stepX, y + CROSS[0] * stepY);
    context.lineTo(x + CROSS[1] * stepX, y + CROSS[1] * stepY);
  }
  strokeTwice(context);
}

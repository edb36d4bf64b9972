/**
 * Left and right of a face: reflection about the line through the middle between the eyes, across the eye line.
 *
 * @typedef {import("./label-map.js").LabelMap} LabelMap
 * @typedef {import("./label-map.js").Point} Point
 *
 * @typedef {{x: number, y: number, tilt: number}} Axis a point of the axis in mask pixels, and the angle of the eye line,
 *   radians clockwise
 */

import { findLandmarks } from "./stamps.js";

/**
 * @param {LabelMap} mask
 * @returns {Axis}
 */
export function symmetryAxis(mask) {
  const { eyesX, eyeLine, tilt } = findLandmarks(mask);
  return { x: eyesX, y: eyeLine, tilt };
}

/**
 * @param {Axis} axis
 * @param {Point} point
 * @returns {Point} the point on the other side of the axis
 */
export function reflect({ x, y, tilt }, point) {
  const [cos, sin] = [Math.cos(tilt), Math.sin(tilt)];
  const distance = (point.x - x) * cos + (point.y - y) * sin;
  return { x: point.x - 2 * distance * cos, y: point.y - 2 * distance * sin };
}

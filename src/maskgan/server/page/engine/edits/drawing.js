/**
 * Filled shapes as Pillow draws them: rounded rectangles exactly, wide lines up to single pixels of their borders.
 *
 * @typedef {import("../arrays.js").Flags} Flags
 */

import { rint } from "../arrays.js";

/**
 * @param {Flags} flags changed in place
 * @param {{left: number, top: number, right: number, bottom: number}} box inclusive
 * @param {number} radius of the corners
 */
export function fillRoundedRectangle(flags, { left, top, right, bottom }, radius) {
  let diameter = Math.min(right - left, bottom - top, 2 * radius);
  const [x0, y0, x1, y1] = [left, top, right, bottom].map(rint);
  const isNarrow = diameter >= x1 - x0 - 1;
  if (isNarrow) diameter = x1 - x0;
  const isFlat = diameter >= y1 - y0 - 1;
  if (isFlat) diameter = y1 - y0;
  const inner = Math.floor(diameter / 2);
  for (const x of [x0, x1 - diameter]) {
    for (const y of [y0, y1 - diameter]) fillEllipse(flags, Math.trunc(x), Math.trunc(y), Math.trunc(x + diameter), Math.trunc(y + diameter));
  }
  if (isNarrow || isFlat) {
    fillRectangle(flags, isFlat ? x0 + inner + 1 : x0, isNarrow ? y0 + inner + 1 : y0, isFlat ? x1 - inner - 1 : x1, isNarrow ? y1 - inner - 1 : y1);
    return;
  }
  fillRectangle(flags, x0 + inner + 1, y0, x1 - inner - 1, y1);
  fillRectangle(flags, x0, y0 + inner + 1, x0 + inner, y1 - inner - 1);
  fillRectangle(flags, x1 - inner, y0 + inner + 1, x1, y1 - inner - 1);
}

/**
 * @param {Flags} flags changed in place
 * @param {readonly [number, number]} start x and y
 * @param {readonly [number, number]} end
 * @param {number} width
 */
export function fillLine(flags, start, end, width) {
  const [[x0, y0], [x1, y1]] = [start.map(Math.trunc), end.map(Math.trunc)];
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length = Math.hypot(dx, dy);
  if (!length) return;
  const half = (width - 1) / 2;
  const [most, least] = [outward(half) / length, inward(half) / length];
  const corners = [
    [x0 - inward(least * dy), y0 + outward(most * dx)],
    [x1 - inward(least * dy), y1 + outward(most * dx)],
    [x1 + inward(most * dy), y1 - outward(least * dx)],
    [x0 + inward(most * dy), y0 - outward(least * dx)],
  ];
  const rows = corners.map(([, y]) => y);
  for (let y = Math.min(...rows); y <= Math.max(...rows); y++) {
    const crossings = corners.flatMap(([ax, ay], i) => {
      const [bx, by] = corners[(i + 1) % 4];
      if (ay === by) return ay === y ? [ax, bx] : [];
      return Math.min(ay, by) <= y && y <= Math.max(ay, by) ? [ax + ((y - ay) * (bx - ax)) / (by - ay)] : [];
    });
    fillRectangle(flags, Math.ceil(Math.min(...crossings) - 0.5), y, Math.floor(Math.max(...crossings) + 0.5), y);
  }
}

/**
 * @param {Flags} flags
 * @param {number} left
 * @param {number} top
 * @param {number} right inclusive
 * @param {number} bottom inclusive
 */
function fillRectangle({ width, height, data }, left, top, right, bottom) {
  const [start, end] = [Math.max(left, 0), Math.min(right + 1, width)];
  if (start >= end) return;
  for (let y = Math.max(top, 0); y <= Math.min(bottom, height - 1); y++) data.fill(1, y * width + start, y * width + end);
}

/**
 * The ellipse in a box: its outline goes, in doubled coordinates from the right end to the top, where the equation is
 * missed least.
 *
 * @param {Flags} flags
 * @param {number} left
 * @param {number} top
 * @param {number} right inclusive
 * @param {number} bottom inclusive
 */
function fillEllipse(flags, left, top, right, bottom) {
  const [w, h] = [right - left, bottom - top];
  if (w <= 0 || h <= 0) return;
  const missed = (/** @type {number} */ x, /** @type {number} */ y) => Math.abs(h * h * x * x + w * w * y * y - w * w * h * h);
  let filled = -1;
  for (let [x, y] = [w, h % 2]; y <= h; ) {
    if (y !== filled) {
      // The first pixel of a row is its outermost.
      for (const row of [(h - y) / 2, (h + y) / 2]) fillRectangle(flags, left + (w - x) / 2, top + row, left + (w + x) / 2, top + row);
      filled = y;
    }
    let [nextX, nextY] = [x, y + 2];
    if (x > 1) {
      for (const [otherX, otherY] of [[x - 2, y + 2], [x - 2, y]]) {
        if (missed(otherX, otherY) < missed(nextX, nextY)) [nextX, nextY] = [otherX, otherY];
      }
    }
    [x, y] = [nextX, nextY];
  }
}

/**
 * Rounded, halves away from 0.
 *
 * @param {number} value
 */
function outward(value) {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
}

/**
 * Rounded, halves towards 0.
 *
 * @param {number} value
 */
function inward(value) {
  return Math.sign(value) * Math.ceil(Math.abs(value) - 0.5);
}

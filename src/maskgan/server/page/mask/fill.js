/**
 * Flood fill and polygon fill.
 *
 * @typedef {import("./label-map.js").LabelMap} LabelMap
 * @typedef {import("./label-map.js").Point} Point
 * @typedef {import("./label-map.js").Box} Box
 * @typedef {import("./label-map.js").Locks} Locks
 */

import { NUM_CLASSES, clipBox, labelAt } from "./label-map.js";

/**
 * The 4-connected region of some classes around a point.
 *
 * @param {LabelMap} mask
 * @param {Point} point
 * @param {readonly number[]} classes
 * @returns {{pixels: Uint8Array, box: Box} | null} a flag per pixel; null if the point has none of the classes
 */
export function connectedRegion(mask, point, classes) {
  const start = labelAt(mask, point);
  if (start === null || !classes.includes(start)) return null;
  const { width, height, data } = mask;
  const wanted = new Uint8Array(NUM_CLASSES);
  for (const label of classes) wanted[label] = 1;
  const pixels = new Uint8Array(data.length);
  const first = Math.floor(point.y) * width + Math.floor(point.x);
  const box = { left: width, top: height, right: 0, bottom: 0 };
  const stack = [first];
  pixels[first] = 1;
  /** @param {number} index */
  const visit = (index) => {
    if (!pixels[index] && wanted[data[index]]) {
      pixels[index] = 1;
      stack.push(index);
    }
  };
  for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
    const x = index % width;
    const y = (index - x) / width;
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x + 1);
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y + 1);
    if (x > 0) visit(index - 1);
    if (x < width - 1) visit(index + 1);
    if (y > 0) visit(index - width);
    if (y < height - 1) visit(index + width);
  }
  return { pixels, box };
}

/**
 * Flood-fill the connected region under a point.
 *
 * @param {LabelMap} mask changed in place
 * @param {Point} point
 * @param {number} label
 * @param {Locks} locks
 * @returns {Box | null} where pixels changed; null if nothing changed
 */
export function floodFill(mask, point, label, locks) {
  const old = labelAt(mask, point);
  if (old === null || old === label || locks[old]) return null;
  const region = connectedRegion(mask, point, [old]);
  if (!region) return null;
  for (let i = 0; i < region.pixels.length; i++) {
    if (region.pixels[i]) mask.data[i] = label;
  }
  return region.box;
}

/**
 * Fill a polygon by the even-odd rule, sampled at pixel centres.
 *
 * @param {LabelMap} mask changed in place
 * @param {readonly Point[]} outline at least three corners; closed automatically
 * @param {number} label
 * @param {Locks} locks
 * @returns {Box | null} where pixels may have changed
 */
export function fillOutline(mask, outline, label, locks) {
  if (outline.length < 3) return null;
  const xs = outline.map((point) => point.x);
  const ys = outline.map((point) => point.y);
  const box = clipBox(
    { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) },
    mask,
  );
  if (!box) return null;
  for (let y = box.top; y < box.bottom; y++) {
    const crossings = crossingsOfRow(outline, y + 0.5);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const begin = Math.max(Math.ceil(crossings[i] - 0.5), 0);
      const end = Math.min(Math.ceil(crossings[i + 1] - 0.5), mask.width);
      for (let x = begin; x < end; x++) {
        const index = y * mask.width + x;
        if (!locks[mask.data[index]]) mask.data[index] = label;
      }
    }
  }
  return box;
}

/**
 * @param {readonly Point[]} outline
 * @param {number} y
 * @returns {number[]} sorted x positions at which the outline crosses the row
 */
function crossingsOfRow(outline, y) {
  const crossings = [];
  for (let i = 0, previous = outline[outline.length - 1]; i < outline.length; previous = outline[i++]) {
    const point = outline[i];
    if (previous.y <= y !== point.y <= y) {
      crossings.push(previous.x + ((y - previous.y) / (point.y - previous.y)) * (point.x - previous.x));
    }
  }
  return crossings.sort((a, b) => a - b);
}

/**
 * Parts of a mask scaled, moved and taken away: what named edits are made of. Masks stay as they are; results are new.
 *
 * @typedef {import("../arrays.js").LabelMap} LabelMap
 * @typedef {import("../arrays.js").Flags} Flags
 *
 * @callback Backward from a row and column of the result to where in the mask the pixel comes from
 * @param {number} row
 * @param {number} column
 * @returns {readonly [number, number]}
 */

import { EngineError, clamp, extent, labelTable, rint, where } from "../arrays.js";
import { BROWS, FACE } from "../../mask/face-parts.js";

/** Pixels around holes. */
const NEAR = 48;

/**
 * @param {LabelMap} mask
 * @returns {LabelMap}
 */
export function copyMask({ width, height, data }) {
  return { width, height, data: data.slice() };
}

/**
 * Box of the face.
 *
 * @param {LabelMap} mask
 * @throws {EngineError} there is none
 */
export function faceBox(mask) {
  const box = extent(where(mask, FACE));
  if (!box) throw new EngineError("The mask shows no face, so it cannot be edited.");
  return box;
}

/**
 * The row where the brows begin; without brows, a share of the face below its top.
 *
 * @param {LabelMap} mask
 * @param {number} [otherwise]
 */
export function browLine(mask, otherwise = 0.3) {
  const { top, bottom } = faceBox(mask);
  return extent(where(mask, BROWS))?.top ?? top + otherwise * (bottom - top);
}

/**
 * Where a brow lies above an eye.
 *
 * @param {number} eyeRow of its middle
 * @param {number} eyeColumn
 * @param {number} half of its width, in pixels
 * @returns {(row: number, column: number) => boolean}
 */
export function browAbove(eyeRow, eyeColumn, half) {
  return (row, column) => {
    const across = (column - eyeColumn) / Math.max(1.45 * half, 1);
    const arch = eyeRow - 1.3 * half + 0.35 * half * across ** 2;
    return Math.abs(row - arch) < 0.2 * half * Math.sqrt(clamp(1 - across ** 2, 0, 1));
  };
}

/**
 * Set the label of all pixels for which something holds.
 *
 * @param {LabelMap} mask changed in place
 * @param {number} label
 * @param {(row: number, column: number, label: number, index: number) => boolean} holds
 */
export function paint({ width, height, data }, label, holds) {
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++, i++) if (holds(row, column, data[i], i)) data[i] = label;
  }
}

/**
 * Where something holds.
 *
 * @param {LabelMap} mask
 * @param {(row: number, column: number, label: number) => boolean} holds
 * @returns {Flags}
 */
export function flagged({ width, height, data }, holds) {
  const flags = new Uint8Array(data.length);
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++, i++) flags[i] = Number(holds(row, column, data[i]));
  }
  return { width, height, data: flags };
}

/**
 * Give each hole the label of the nearest pixel outside that has one of some classes.
 *
 * Distances are counted in steps along rows and columns, across whatever lies between. Where the mask has no such pixel the
 * labels stay.
 *
 * @param {LabelMap} mask
 * @param {Flags} holes
 * @param {readonly number[]} classes
 * @returns {LabelMap}
 */
export function fillFromNearest(mask, holes, classes) {
  const known = where(mask, classes);
  for (let i = 0; i < known.data.length; i++) if (holes.data[i]) known.data[i] = 0;
  const filled = copyMask(mask);
  const box = extent(holes);
  if (!box || !known.data.includes(1)) return filled;
  // What fills a hole mostly lies near it; the whole mask is searched only where it does not.
  const { width, height } = mask;
  const near = {
    top: Math.max(box.top - NEAR, 0),
    bottom: Math.min(box.bottom + NEAR, height),
    left: Math.max(box.left - NEAR, 0),
    right: Math.min(box.right + NEAR, width),
  };
  const part = extentWithin(known, near) ? near : { top: 0, bottom: height, left: 0, right: width };
  spread(filled, holes, known, part);
  return filled;
}

/**
 * @param {Flags} flags
 * @param {import("../arrays.js").Box} part
 * @returns {boolean} whether any is set in a part
 */
function extentWithin({ width, data }, { top, bottom, left, right }) {
  for (let row = top; row < bottom; row++) if (data.subarray(row * width + left, row * width + right).includes(1)) return true;
  return false;
}

/**
 * @param {LabelMap} mask changed in place
 * @param {Flags} holes
 * @param {Flags} known changed in place
 * @param {import("../arrays.js").Box} part to work in
 */
function spread({ width, data }, { data: holes }, { data: known }, { top, bottom, left, right }) {
  const nearest = data.slice();
  /** @type {number[]} */
  let front = [];
  let missing = 0;
  for (let row = top; row < bottom; row++) {
    for (let i = row * width + left; i < row * width + right; i++) {
      if (known[i]) front.push(i);
      else if (holes[i]) missing++;
    }
  }
  while (missing > 0 && front.length) {
    /** @type {number[]} */
    const next = [];
    for (const [rows, columns] of [[0, 1], [0, -1], [1, 0], [-1, 0]]) {
      for (const from of front) {
        const [row, column] = [Math.floor(from / width) + rows, (from % width) + columns];
        if (row < top || row >= bottom || column < left || column >= right) continue;
        const to = row * width + column;
        if (known[to]) continue;
        known[to] = 1;
        nearest[to] = nearest[from];
        if (holes[to]) missing--;
        next.push(to);
      }
    }
    front = next;
  }
  for (let row = top; row < bottom; row++) {
    for (let i = row * width + left; i < row * width + right; i++) if (holes[i]) data[i] = nearest[i];
  }
}

/**
 * Move the pixels of a part.
 *
 * @param {LabelMap} mask
 * @param {readonly number[]} part classes that move
 * @param {readonly number[]} ground classes that they may cover, and that fill what they leave
 * @param {Backward} backward
 * @returns {LabelMap}
 */
export function warpPart(mask, part, ground, backward) {
  const { width, height, data } = mask;
  const [isPart, isGround] = [labelTable(part), labelTable(ground)];
  const moved = new Int16Array(data.length).fill(-1);
  const holes = new Uint8Array(data.length);
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++, i++) {
      const was = isPart[data[i]];
      const [y, x] = backward(row, column);
      const isInside = y > -0.5 && y < height - 0.5 && x > -0.5 && x < width - 0.5;
      if (isInside && (was || isGround[data[i]])) {
        const label = data[clamp(rint(y), 0, height - 1) * width + clamp(rint(x), 0, width - 1)];
        if (isPart[label]) moved[i] = label;
      }
      if (was && moved[i] < 0) holes[i] = 1;
    }
  }
  const result = fillFromNearest(mask, { width, height, data: holes }, ground);
  for (let i = 0; i < moved.length; i++) if (moved[i] >= 0) result.data[i] = moved[i];
  return result;
}

/**
 * Give pixels of holes below which, in their column, one of some labels comes next the label that this maps to.
 *
 * @param {LabelMap} mask
 * @param {Flags} holes
 * @param {ReadonlyMap<number, number>} labels
 * @returns {LabelMap}
 */
export function extendUpwards(mask, holes, labels) {
  const { width, height } = mask;
  const extended = copyMask(mask);
  for (let column = 0; column < width; column++) {
    /** @type {number | undefined} */
    let filling;
    for (let i = (height - 1) * width + column; i >= 0; i -= width) {
      if (!holes.data[i]) filling = labels.get(mask.data[i]);
      else if (filling !== undefined) extended.data[i] = filling;
    }
  }
  return extended;
}

/**
 * Scale a part about the middle of its box; a part that is not there stays so.
 *
 * @param {LabelMap} mask
 * @param {readonly number[]} part
 * @param {readonly number[]} ground
 * @param {{height?: number, width?: number}} factors
 */
export function scalePart(mask, part, ground, { height = 1, width = 1 }) {
  const box = extent(where(mask, part));
  if (!box) return copyMask(mask);
  const [row, column] = [(box.top + box.bottom - 1) / 2, (box.left + box.right - 1) / 2];
  return warpPart(mask, part, ground, (y, x) => [row + (y - row) / height, column + (x - column) / width]);
}

/**
 * Scale the height of a part in each column by itself, so that what is bent keeps its bend.
 *
 * @param {LabelMap} mask
 * @param {readonly number[]} part
 * @param {readonly number[]} ground
 * @param {number} factor
 */
export function thickenPart(mask, part, ground, factor) {
  const { width, height, data } = mask;
  const isPart = labelTable(part);
  const [sums, counts] = [new Float64Array(width), new Float64Array(width)];
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++, i++) {
      if (!isPart[data[i]]) continue;
      sums[column] += row;
      counts[column]++;
    }
  }
  const middle = sums.map((sum, column) => (counts[column] ? sum / counts[column] : 0));
  return warpPart(mask, part, ground, (y, x) => [middle[x] + (y - middle[x]) / factor, x]);
}

/**
 * Grow a part over the ground, or shrink it where the radius is negative: from the ground alone, so that it keeps its
 * border on other classes.
 *
 * @param {LabelMap} mask
 * @param {number} part
 * @param {readonly number[]} ground
 * @param {number} radius in pixels
 * @returns {LabelMap}
 */
export function growPart(mask, part, ground, radius) {
  const own = where(mask, [part]);
  const free = where(mask, ground);
  if (radius >= 0) {
    const grown = expanded(own, free, radius);
    const result = copyMask(mask);
    for (let i = 0; i < grown.data.length; i++) if (grown.data[i]) result.data[i] = part;
    return result;
  }
  const taken = expanded(free, own, -radius);
  for (let i = 0; i < taken.data.length; i++) taken.data[i] &= own.data[i];
  return fillFromNearest(mask, taken, ground);
}

/**
 * Flags and what lies within some steps of them, over allowed pixels alone.
 *
 * @param {Flags} flags
 * @param {Flags} allowed
 * @param {number} steps
 * @returns {Flags}
 */
function expanded({ width, height, data }, { data: allowed }, steps) {
  const grown = data.slice();
  let front = Array.from(data.keys()).filter((i) => data[i]);
  for (let step = 0; step < steps; step++) {
    /** @type {number[]} */
    const next = [];
    for (const i of front) {
      const column = i % width;
      const neighbours = [column > 0 ? i - 1 : i, column < width - 1 ? i + 1 : i, i - width, i + width];
      for (const to of neighbours) {
        if (to < 0 || to >= data.length || grown[to] || !allowed[to]) continue;
        grown[to] = 1;
        next.push(to);
      }
    }
    front = next;
  }
  return { width, height, data: grown };
}

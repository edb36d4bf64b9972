/**
 * Growing, shrinking and smoothing the outline of a part.
 *
 * @typedef {import("./label-map.js").LabelMap} LabelMap
 * @typedef {import("./label-map.js").Box} Box
 * @typedef {import("./label-map.js").Locks} Locks
 * @typedef {import("./parts.js").Part} Part
 */

import { clipBox } from "./label-map.js";
import { fillFromNearest } from "./nearest.js";

/**
 * Grow a part by `amount` pixels on all sides; what it gains takes the label of the nearest pixel of the part.
 *
 * @param {LabelMap} mask not modified
 * @param {Part} part
 * @param {number} amount pixels
 * @param {Locks} locks locked classes are not covered
 * @returns {{data: Uint8Array, part: Part}} the new labels, and the part in them
 */
export function growPart(mask, part, amount, locks) {
  return reshape(mask, part, dilated(mask, part.pixels, part.box, amount), locks);
}

/**
 * Shrink a part by `amount` pixels on all sides but the mask's border; what it loses takes the nearest label outside.
 *
 * @param {LabelMap} mask not modified
 * @param {Part} part
 * @param {number} amount pixels
 * @param {Locks} locks locked classes do not spread
 * @returns {{data: Uint8Array, part: Part}} the new labels, and the part in them
 */
export function shrinkPart(mask, part, amount, locks) {
  const outside = part.pixels.map((flag) => 1 - flag);
  const lost = dilated(mask, outside, padded(part.box, amount + 1, mask), amount);
  return reshape(mask, part, lost.map((flag) => 1 - flag), locks);
}

/**
 * Smooth a part's outline: corners and ragged edges finer than `amount` pixels vanish, the area stays about the same.
 *
 * @param {LabelMap} mask not modified
 * @param {Part} part
 * @param {number} amount pixels
 * @param {Locks} locks
 * @returns {{data: Uint8Array, part: Part}} the new labels, and the part in them
 */
export function smoothPart(mask, part, amount, locks) {
  const box = padded(part.box, 3 * amount, mask);
  const [width, height] = [box.right - box.left, box.bottom - box.top];
  let values = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) values[y * width + x] = part.pixels[(y + box.top) * mask.width + x + box.left];
  }
  // Three box filters are nearly a Gaussian.
  for (let pass = 0; pass < 3; pass++) {
    values = boxFilter(values, width, height, amount, 1, width);
    values = boxFilter(values, height, width, amount, width, 1);
  }
  const inside = new Uint8Array(part.pixels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      inside[(y + box.top) * mask.width + x + box.left] = Number(values[y * width + x] >= 0.5);
    }
  }
  return reshape(mask, part, inside, locks);
}

/**
 * Mean over 2 * radius + 1 values along one axis; the border's value goes on beyond it.
 *
 * @param {Float32Array} values
 * @param {number} length of a line
 * @param {number} lines
 * @param {number} radius
 * @param {number} step between the values of a line
 * @param {number} stride between lines
 */
function boxFilter(values, length, lines, radius, step, stride) {
  const means = new Float32Array(values.length);
  for (let line = 0; line < lines; line++) {
    const at = (/** @type {number} */ i) => values[line * stride + Math.min(Math.max(i, 0), length - 1) * step];
    let sum = 0;
    for (let i = -radius; i <= radius; i++) sum += at(i);
    for (let i = 0; i < length; i++) {
      means[line * stride + i * step] = sum / (2 * radius + 1);
      sum += at(i + radius + 1) - at(i - radius);
    }
  }
  return means;
}

/**
 * @param {LabelMap} mask
 * @param {Part} part
 * @param {Uint8Array} inside the part's new pixels
 * @param {Locks} locks
 * @returns {{data: Uint8Array, part: Part}}
 */
function reshape(mask, part, inside, locks) {
  const { width } = mask;
  const copy = { ...mask, data: mask.data.slice() };
  const gained = new Uint8Array(inside.length);
  const lost = new Uint8Array(inside.length);
  const pixels = new Uint8Array(inside.length);
  const box = { left: width, top: mask.height, right: 0, bottom: 0 };
  for (let i = 0; i < inside.length; i++) {
    const was = part.pixels[i];
    const isGained = !was && inside[i] && !locks[mask.data[i]];
    const isLost = was && !inside[i];
    // 2: read nothing there.
    gained[i] = isGained ? 1 : was ? 0 : 2;
    lost[i] = isLost ? 1 : was || locks[mask.data[i]] ? 2 : 0;
    pixels[i] = Number(isGained || (was && inside[i]));
    if (!pixels[i]) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x + 1);
    box.top = Math.min(box.top, y);
    box.bottom = y + 1;
  }
  if (box.left >= box.right) return { data: mask.data.slice(), part }; // nothing of the part would be left
  const whole = { left: 0, top: 0, right: width, bottom: mask.height };
  // Where all around is locked, the search for other labels goes on far away.
  fillFromNearest(copy, lost, whole);
  const grown = { ...mask, data: mask.data.slice() };
  fillFromNearest(grown, gained, union(part.box, box));
  for (let i = 0; i < inside.length; i++) if (gained[i] === 1) copy.data[i] = grown.data[i];
  return { data: copy.data, part: { ...part, pixels, box } };
}

/**
 * All pixels within `radius` of a flagged one.
 *
 * @param {{width: number, height: number}} mask
 * @param {Uint8Array} flags
 * @param {Box} box in which flagged pixels count
 * @param {number} radius
 * @returns {Uint8Array}
 */
function dilated({ width, height }, flags, box, radius) {
  const result = flags.slice();
  const reach = Math.floor(radius);
  for (let y = box.top; y < box.bottom; y++) {
    for (let x = box.left; x < box.right; x++) {
      if (!flags[y * width + x] || isInterior(flags, x, y, width, height)) continue;
      for (let offY = -reach; offY <= reach; offY++) {
        for (let offX = -reach; offX <= reach; offX++) {
          const [toX, toY] = [x + offX, y + offY];
          if (offX * offX + offY * offY > radius * radius) continue;
          if (toX >= 0 && toY >= 0 && toX < width && toY < height) result[toY * width + toX] = 1;
        }
      }
    }
  }
  return result;
}

/**
 * @param {Uint8Array} flags
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 */
function isInterior(flags, x, y, width, height) {
  const i = y * width + x;
  return Boolean(
    (x === 0 || flags[i - 1]) &&
      (x === width - 1 || flags[i + 1]) &&
      (y === 0 || flags[i - width]) &&
      (y === height - 1 || flags[i + width]),
  );
}

/**
 * @param {Box} box
 * @param {number} margin
 * @param {{width: number, height: number}} size
 * @returns {Box}
 */
function padded({ left, top, right, bottom }, margin, size) {
  const box = { left: left - margin, top: top - margin, right: right + margin, bottom: bottom + margin };
  return clipBox(box, size) ?? { left, top, right, bottom };
}

/**
 * @param {Box} first
 * @param {Box} second
 * @returns {Box}
 */
function union(first, second) {
  return {
    left: Math.min(first.left, second.left),
    top: Math.min(first.top, second.top),
    right: Math.max(first.right, second.right),
    bottom: Math.max(first.bottom, second.bottom),
  };
}

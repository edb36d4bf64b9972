/**
 * Regions with soft borders around flagged pixels.
 *
 * @typedef {import("./arrays.js").Flags} Flags
 * @typedef {import("./arrays.js").Planes} Planes
 * @typedef {import("./arrays.js").Size} Size
 */

import { extent, planes, rint } from "./arrays.js";
import { blur, blurRadius, dilate } from "./filters.js";
import { BOX, resizePlanes } from "./resampling.js";

/**
 * 1 on the flagged pixels and `growth` around, falling softly to exactly 0.
 *
 * The resolution is bounded: soft borders need no more, and the cost does not grow with the photograph.
 *
 * @param {Flags} flags
 * @param {number} growth reach of the dilation, as a fraction of the longer side
 * @param {number} softness standard deviation of the blur, as a fraction of the longer side
 * @param {number} side pixels on the longer side of the result, at most
 * @returns {Planes} one plane
 */
export function softRegion(flags, growth, softness, side) {
  const factor = Math.min(1, side / Math.max(flags.height, flags.width));
  const height = Math.max(rint(flags.height * factor), 1);
  const width = Math.max(rint(flags.width * factor), 1);
  const region = planes(1, height, width);
  const touched = covered(flags, { width, height });
  const box = extent(touched);
  if (!box) return region;
  const longer = Math.max(height, width);
  const grow = Math.max(rint(growth * longer), 1);
  const sigma = Math.max(softness * longer, 0.5);
  // Beyond the reach of growth and blur the region is 0: only what lies within is computed.
  const margin = grow + blurRadius(sigma) + 1;
  const [top, left] = [Math.max(box.top - margin, 0), Math.max(box.left - margin, 0)];
  const [bottom, right] = [Math.min(box.bottom + margin, height), Math.min(box.right + margin, width)];
  const mask = planes(1, bottom - top, right - left);
  for (let y = top; y < bottom; y++) {
    mask.data.set(touched.data.subarray(y * width + left, y * width + right), (y - top) * mask.width);
  }
  const soft = blur(dilate(mask, grow), sigma);
  // The blur must not thin the region out where labels did change.
  const near = blur(dilate(mask, 1), 0.5);
  for (let y = 0, i = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++, i++) {
      const value = Math.max(soft.data[i], near.data[i]);
      region.data[(top + y) * width + left + x] = value < 1 / 255 ? 0 : Math.min(value, 1);
    }
  }
  return region;
}

/**
 * 1 for the pixels of a size that flagged pixels touch: averaged and not sampled, so that a thin stroke is not lost.
 *
 * @param {Flags} flags
 * @param {Size} size
 * @returns {Planes} one plane
 */
export function covered(flags, size) {
  const sharp = planes(1, flags.height, flags.width, new Float32Array(flags.data));
  if (flags.width === size.width && flags.height === size.height) return sharp;
  const averaged = resizePlanes(sharp, size, BOX);
  for (let i = 0; i < averaged.data.length; i++) averaged.data[i] = Number(averaged.data[i] > 0);
  return averaged;
}

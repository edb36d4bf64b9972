/**
 * Masks from pictures by the face parser.
 *
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("./arrays.js").Picture} Picture
 * @typedef {import("./networks.js").Networks} Networks
 */

import { clamp, toImage } from "./arrays.js";
import { resizePicture } from "./resampling.js";

/**
 * @param {Networks} networks
 * @param {Picture} picture
 * @returns {Promise<LabelMap>} of the picture's size
 */
export async function parse(networks, picture) {
  const { width, height } = picture;
  const side = networks.info("parser").resolution;
  const longer = Math.max(width, height);
  const [top, left] = [Math.floor((longer - height) / 2), Math.floor((longer - width) / 2)];
  // Faces keep their proportions: a picture that is not square is one with its borders drawn out.
  const small = resizePicture(squared(picture, longer, top, left), { width: side, height: side });
  const labels = await networks.parse(toImage(small), { width: longer, height: longer });
  if (longer === width && longer === height) return labels;
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const start = (top + y) * longer + left;
    data.set(labels.data.subarray(start, start + width), y * width);
  }
  return { width, height, data };
}

/**
 * @param {Picture} picture
 * @param {number} side
 * @param {number} top rows above the picture
 * @param {number} left columns beside it
 * @returns {Picture}
 */
function squared(picture, side, top, left) {
  const { width, height, data } = picture;
  if (width === side && height === side) return picture;
  const square = new Uint8ClampedArray(3 * side * side);
  for (let y = 0, to = 0; y < side; y++) {
    const row = clamp(y - top, 0, height - 1) * width;
    for (let x = 0; x < side; x++, to += 3) {
      const from = 3 * (row + clamp(x - left, 0, width - 1));
      for (let c = 0; c < 3; c++) square[to + c] = data[from + c];
    }
  }
  return { width: side, height: side, data: square };
}

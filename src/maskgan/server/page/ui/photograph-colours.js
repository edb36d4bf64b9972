/**
 * @typedef {import("../mask/edges.js").ColourMap} ColourMap
 */

import { colourMapOf } from "../mask/edges.js";

/** @type {WeakMap<ImageBitmap, ColourMap>} */
const known = new WeakMap();

/**
 * The colours of a picture at a mask's size; computed once.
 *
 * @param {ImageBitmap} picture
 * @param {{width: number, height: number}} size of the mask
 * @returns {ColourMap}
 */
export function coloursOf(picture, { width, height }) {
  const before = known.get(picture);
  if (before?.width === width && before.height === height) return before;
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, width, height);
  const colours = colourMapOf(context.getImageData(0, 0, width, height).data, width, height);
  known.set(picture, colours);
  return colours;
}

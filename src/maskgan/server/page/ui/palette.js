/**
 * The colours in which classes are shown: the hues of CelebAMask-HQ, soften, so that a face under them stays a face.
 *
 * @typedef {import("../remote/api.js").FaceClass} FaceClass
 */

const BACKGROUND_SHARE = 0.5; // of the mask's opacity: the background would hide too much of the photo

/**
 * @param {readonly [number, number, number]} colour RGB, 0..255
 * @returns {[number, number, number]}
 */
function soften([red, green, blue]) {
  const grey = 0.3 * red + 0.59 * green + 0.11 * blue;
  const soften = (/** @type {number} */ channel) => Math.round(28 + 0.87 * (grey + 0.66 * (channel - grey)));
  return [soften(red), soften(green), soften(blue)];
}

/**
 * Lookup table from class to RGBA pixel, for either endianness.
 *
 * @param {readonly FaceClass[]} classes
 * @param {readonly number[]} hidden transparent classes
 * @returns {Uint32Array} RGBA in memory order, by class
 */
export function pixelTable(classes, hidden) {
  const bytes = new Uint8ClampedArray(4 * classes.length);
  for (const { index, colour } of classes) {
    const alpha = hidden.includes(index) ? 0 : index === 0 ? 255 * BACKGROUND_SHARE : 255;
    bytes.set([...soften(colour), alpha], 4 * index);
  }
  return new Uint32Array(bytes.buffer);
}

/** @param {FaceClass} face */
export function cssColour({ colour }) {
  return `rgb(${soften(colour).join(" ")})`;
}

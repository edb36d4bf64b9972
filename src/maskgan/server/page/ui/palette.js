/**
 * The colours in which classes are shown: the hues of CelebAMask-HQ, softened, so that a face under them stays a face.
 *
 * @typedef {import("../remote/api.js").FaceClass} FaceClass
 */

const BACKGROUND_SHARE = 0.5; // of the mask's opacity: the background says little and covers much

/**
 * @param {readonly [number, number, number]} colour RGB, 0..255
 * @returns {[number, number, number]}
 */
function softened([red, green, blue]) {
  const grey = 0.3 * red + 0.59 * green + 0.11 * blue;
  const soften = (/** @type {number} */ channel) => Math.round(28 + 0.87 * (grey + 0.66 * (channel - grey)));
  return [soften(red), soften(green), soften(blue)];
}

/**
 * A table from class to pixel, for little- or big-endian machines alike.
 *
 * @param {readonly FaceClass[]} classes
 * @param {readonly number[]} hidden classes that are left transparent
 * @returns {Uint32Array} RGBA in memory order, by class
 */
export function pixelTable(classes, hidden) {
  const bytes = new Uint8ClampedArray(4 * classes.length);
  for (const { index, colour } of classes) {
    const alpha = hidden.includes(index) ? 0 : index === 0 ? 255 * BACKGROUND_SHARE : 255;
    bytes.set([...softened(colour), alpha], 4 * index);
  }
  return new Uint32Array(bytes.buffer);
}

/** @param {FaceClass} face */
export function cssColour({ colour }) {
  return `rgb(${softened(colour).join(" ")})`;
}

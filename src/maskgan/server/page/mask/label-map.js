/**
 * Label maps and operations shared by all tools; independent of the DOM.
 *
 * @typedef {object} LabelMap
 * @property {number} width pixels
 * @property {number} height pixels
 * @property {Uint8Array} data row-major classes 0..18 in CelebAMask-HQ order
 *
 * @typedef {{x: number, y: number}} Point in mask pixels; pixel (0, 0) covers 0..1, its centre is 0.5
 *
 * @typedef {{left: number, top: number, right: number, bottom: number}} Box in whole pixels; right and bottom
 *   are exclusive
 *
 * @typedef {Uint8Array} Locks 19 flags; a class with flag 1 is never painted over
 */

export const NUM_CLASSES = 19;

/** Class indices. */
export const BACKGROUND = 0;
export const SKIN = 1;
export const NOSE = 2;
export const GLASSES = 3;
export const LEFT_EYE = 4;
export const RIGHT_EYE = 5;
export const LEFT_BROW = 6;
export const RIGHT_BROW = 7;
export const LEFT_EAR = 8;
export const RIGHT_EAR = 9;
export const MOUTH = 10;
export const UPPER_LIP = 11;
export const LOWER_LIP = 12;
export const HAIR = 13;
export const HAT = 14;
export const EARRING = 15;
export const NECKLACE = 16;
export const NECK = 17;
export const CLOTHES = 18;

/** Class names in the server's API. */
export const CLASS_NAMES = [
  ...["background", "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear"],
  ...["mouth", "u_lip", "l_lip", "hair", "hat", "ear_r", "neck_l", "neck", "cloth"],
];

/**
 * The classes that a mask shows.
 *
 * @param {Uint8Array} data
 * @returns {Set<number>}
 */
export function shownClasses(data) {
  // Searched for one by one, which is native code; all pixels in a set take ten times as long.
  return new Set(CLASS_NAMES.map((_, label) => label).filter((label) => data.includes(label)));
}

/** @returns {Locks} */
export function noLocks() {
  return new Uint8Array(NUM_CLASSES);
}

/**
 * @param {LabelMap} mask
 * @returns {LabelMap}
 */
export function copyMask(mask) {
  return { width: mask.width, height: mask.height, data: mask.data.slice() };
}

/**
 * The class at a point; null outside.
 *
 * @param {LabelMap} mask
 * @param {Point} point
 * @returns {number | null}
 */
export function labelAt(mask, point) {
  const x = Math.floor(point.x);
  const y = Math.floor(point.y);
  const inside = x >= 0 && y >= 0 && x < mask.width && y < mask.height;
  return inside ? mask.data[y * mask.width + x] : null;
}

/**
 * Clip a box to the mask, rounded outwards to whole pixels; null if empty.
 *
 * @param {Box} box
 * @param {{width: number, height: number}} size
 * @returns {Box | null}
 */
export function clipBox(box, size) {
  const left = Math.max(Math.floor(box.left), 0);
  const top = Math.max(Math.floor(box.top), 0);
  const right = Math.min(Math.ceil(box.right), size.width);
  const bottom = Math.min(Math.ceil(box.bottom), size.height);
  return left < right && top < bottom ? { left, top, right, bottom } : null;
}

/**
 * Bounding box of some classes; null if there are none.
 *
 * @param {LabelMap} mask
 * @param {readonly number[]} classes
 * @returns {Box | null}
 */
export function boundingBox(mask, classes) {
  const wanted = new Uint8Array(NUM_CLASSES);
  for (const label of classes) wanted[label] = 1;
  let left = mask.width;
  let right = 0;
  let top = mask.height;
  let bottom = 0;
  for (let y = 0, i = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++, i++) {
      if (!wanted[mask.data[i]]) continue;
      if (x < left) left = x;
      if (x >= right) right = x + 1;
      if (y < top) top = y;
      bottom = y + 1;
    }
  }
  return left < right ? { left, top, right, bottom } : null;
}

/**
 * Resize by nearest neighbour.
 *
 * @param {LabelMap} mask not modified
 * @param {{width: number, height: number}} size
 * @returns {Uint8Array}
 */
export function resizedLabels(mask, { width, height }) {
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * mask.height) / height) * mask.width;
    for (let x = 0; x < width; x++) data[y * width + x] = mask.data[row + Math.floor(((x + 0.5) * mask.width) / width)];
  }
  return data;
}

/**
 * Restore locked classes: they keep exactly the pixels they had.
 *
 * @param {Uint8Array} before
 * @param {Uint8Array} after of the same length; changed in place
 * @param {Locks} locks
 */
export function restoreLocked(before, after, locks) {
  for (let i = 0; i < after.length; i++) {
    if (locks[before[i]] || locks[after[i]]) after[i] = before[i];
  }
}

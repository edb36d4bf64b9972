/**
 * @typedef {import("./label-map.js").LabelMap} LabelMap
 * @typedef {import("./label-map.js").Locks} Locks
 */

import { keepLocked } from "./label-map.js";

/**
 * The mirrored mask: flipped, with left and right classes exchanged.
 *
 * @param {LabelMap} mask left as it is
 * @param {readonly number[]} counterparts the class that each class becomes
 * @param {Locks} locks
 * @returns {Uint8Array}
 */
export function mirrored(mask, counterparts, locks) {
  const { width, height, data } = mask;
  const flipped = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) flipped[y * width + x] = counterparts[data[y * width + width - 1 - x]];
  }
  keepLocked(data, flipped, locks);
  return flipped;
}

/**
 * @typedef {import("./label-map.js").LabelMap} LabelMap
 * @typedef {import("./label-map.js").Locks} Locks
 */

import { restoreLocked } from "./label-map.js";

/**
 * Mirror a mask: flip it and swap left and right classes.
 *
 * @param {LabelMap} mask not modified
 * @param {readonly number[]} counterparts mirrored counterpart of each class
 * @param {Locks} locks
 * @returns {Uint8Array}
 */
export function mirrorMask(mask, counterparts, locks) {
  const { width, height, data } = mask;
  const flipped = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) flipped[y * width + x] = counterparts[data[y * width + width - 1 - x]];
  }
  restoreLocked(data, flipped, locks);
  return flipped;
}

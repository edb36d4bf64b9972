/**
 * Label orders of mask files.
 *
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 */

import { CLASS_NAMES } from "../mask/label-map.js";
import { EngineError } from "./arrays.js";

/** For each order, the class name of every index. @type {Record<string, readonly string[]>} */
export const ORDERS = {
  "celebamask-hq": CLASS_NAMES,
  // zllrunning/face-parsing.PyTorch, and the many programs built on it.
  "face-parsing": [
    ...["background", "skin", "l_brow", "r_brow", "l_eye", "r_eye", "eye_g", "l_ear", "r_ear", "ear_r"],
    ...["nose", "mouth", "u_lip", "l_lip", "neck", "neck_l", "cloth", "hair", "hat"],
  ],
};

/**
 * A mask in CelebAMask-HQ order.
 *
 * @param {LabelMap} mask
 * @param {string} order that it has
 * @returns {LabelMap}
 */
export function standardOrder({ width, height, data }, order) {
  const names = Object.hasOwn(ORDERS, order) ? ORDERS[order] : null;
  if (!names) throw new EngineError(`There is no label order “${order}”; known are ${Object.keys(ORDERS).join(", ")}.`);
  const table = names.map((name) => CLASS_NAMES.indexOf(name));
  return { width, height, data: data.map((label) => table[label]) };
}

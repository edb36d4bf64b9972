/**
 * Which accessories an edit adds: they get the style of real ones, which the face cannot tell.
 *
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 */

import { EYES } from "../mask/face-parts.js";
import * as labels from "../mask/label-map.js";

/** Share of the image that eyes behind clear lenses take. */
const CLEAR = 0.0004;

/** @type {readonly (readonly [number, string])[]} */
const KINDS = [
  [labels.GLASSES, "glasses"],
  [labels.HAT, "hat"],
  [labels.EARRING, "earring"],
  [labels.NECKLACE, "necklace"],
];

/**
 * Class and kind of each accessory in `after` that `before` lacks, or has of another kind; glasses without eyes behind
 * them are sunglasses.
 *
 * @param {LabelMap} before
 * @param {LabelMap} after
 * @returns {[number, string][]}
 */
export function addedAccessories(before, after) {
  const isAdded = (/** @type {number} */ label) => after.data.includes(label) && !before.data.includes(label);
  const added = KINDS.filter(([label]) => isAdded(label) || (label === labels.GLASSES && glassesTurn(before, after)));
  return added.map(([label, kind]) => [label, kind === "glasses" && !hasEyes(after) ? "sunglasses" : kind]);
}

/**
 * Whether glasses that both masks show turn dark or clear.
 *
 * @param {LabelMap} before
 * @param {LabelMap} after
 */
export function glassesTurn(before, after) {
  const areWorn = [before, after].every((mask) => mask.data.includes(labels.GLASSES));
  return areWorn && hasEyes(before) !== hasEyes(after);
}

/** @param {LabelMap} mask */
function hasEyes({ data }) {
  let count = 0;
  for (const label of data) if (EYES.includes(label)) count++;
  return count / data.length >= CLEAR;
}

/**
 * What an edit adds that the face cannot tell: accessories, and the inside of an open mouth, get the style of real ones.
 *
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 */

import { MOUTH_PARTS } from "../mask/face-parts.js";
import * as labels from "../mask/label-map.js";
import { clamp, extent, where } from "./arrays.js";
import { isWorn } from "./edits/accessories.js";
import { lensesAreClear } from "./lenses.js";

/** Opening of a mouth from which it is seen into, and at which its style is all an open one's. */
const OPEN_FROM = 0.15;
const OPEN_TO = 0.25;

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
  const added = KINDS.filter(([label]) => after.data.includes(label) && !keepsKind(label, before, after));
  return added.map(([label, kind]) => [label, kind === "glasses" && !lensesAreClear(after) ? "sunglasses" : kind]);
}

/**
 * Whether an accessory that both masks show is of one kind: clear glasses that become dark are not. Specks in `before`
 * are none.
 *
 * @param {number} label
 * @param {LabelMap} before
 * @param {LabelMap} after
 */
export function keepsKind(label, before, after) {
  if (!isWorn(before, label) || !after.data.includes(label)) return false;
  return label !== labels.GLASSES || lensesAreClear(before) === lensesAreClear(after);
}

/**
 * How far an edit opens a mouth, 0..1: 0 where its teeth are as much to be seen as before.
 *
 * @param {LabelMap} before
 * @param {LabelMap} after
 */
export function openedMouth(before, after) {
  return clamp((mouthOpening(after) - Math.max(mouthOpening(before), OPEN_FROM)) / (OPEN_TO - OPEN_FROM), 0, 1);
}

/** Area between the lips, in squared widths of the mouth; 0 without one. @param {LabelMap} mask */
function mouthOpening(mask) {
  const box = extent(where(mask, MOUTH_PARTS));
  if (!box) return 0;
  let area = 0;
  for (const label of mask.data) if (label === labels.MOUTH) area++;
  return area / (box.right - box.left) ** 2;
}

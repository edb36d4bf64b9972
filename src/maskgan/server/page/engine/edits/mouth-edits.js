/**
 * Named edits of the mouth; masks stay as they are, results are new.
 *
 * @typedef {import("../arrays.js").LabelMap} LabelMap
 */

import { LOWER_LIP, MOUTH, SKIN, UPPER_LIP } from "../../mask/label-map.js";
import { EngineError, clamp, extent, labelTable, rint, where } from "../arrays.js";
import { LIPS, MOUTH_PARTS } from "../face-parts.js";
import { copyMask } from "./mask-warps.js";

/**
 * Widen the mouth, lift its corners and part the lips a little; a frown for negative amounts.
 *
 * @param {LabelMap} mask
 * @param {number} amount
 */
export function smile(mask, amount) {
  const { width, height, data } = mask;
  const box = inclusiveBox(mask, MOUTH_PARTS, "mouth");
  const [centreX, centreY] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
  const half = Math.max((box.right - box.left) / 2, 1);
  const tall = Math.max(box.bottom - box.top, 1);
  const [widen, open] = [1 + 0.35 * amount, 1 + 0.25 * amount];
  const lift = 0.25 * amount * half;
  const [isMouth, isFree] = [labelTable(MOUTH_PARTS), labelTable([...MOUTH_PARTS, SKIN])];
  const edited = copyMask(mask);
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++, i++) {
      if (isMouth[data[i]]) edited.data[i] = SKIN;
      if (!isFree[data[i]]) continue;
      // Where in the old mouth does the pixel come from?
      const x = centreX + (column - centreX) / widen;
      const outward = clamp(Math.abs(x - centreX) / half, 0, 1.2);
      const y = centreY + (row - centreY + lift * (outward ** 2 - 0.35)) / open;
      const label = data[clamp(rint(y), 0, height - 1) * width + clamp(rint(x), 0, width - 1)];
      if (isMouth[label]) edited.data[i] = label;
    }
  }
  if (!data.includes(MOUTH)) partLips(edited, tall * 0.14 * amount);
  return edited;
}

/**
 * Lower the lower lip, most in its middle, and show the inside of the mouth above it.
 *
 * @param {LabelMap} mask
 * @param {number} amount how far the lip sinks, in widths of half the mouth; it ends above the chin
 */
export function openMouth(mask, amount) {
  const { width, height, data } = mask;
  const { left, right } = inclusiveBox(mask, LIPS, "lips");
  const half = Math.max((right - left) / 2, 1);
  const edited = copyMask(mask);
  for (let column = left; column <= right; column++) {
    const across = (column - (left + right) / 2) / half;
    const wanted = rint(amount * half * Math.max(1 - across ** 2, 0));
    const at = (/** @type {number} */ row) => data[row * width + column];
    const lip = Array.from({ length: height }, (_, row) => row).filter((row) => at(row) === LOWER_LIP);
    if (!lip.length || !wanted) continue;
    // Skin that the lip may take: what lies right below it, but a strip of chin.
    const last = lip[lip.length - 1];
    let room = 0;
    while (last + 1 + room < height && at(last + 1 + room) === SKIN) room++;
    const chin = rint(0.1 * half) + 1;
    const sink = Math.min(wanted, Math.max(room - chin, 0));
    for (const row of lip) edited.data[row * width + column] = MOUTH;
    for (let row = lip[0]; row < lip[0] + sink; row++) edited.data[row * width + column] = MOUTH;
    for (const row of lip) edited.data[(row + sink) * width + column] = LOWER_LIP;
  }
  return edited;
}

/**
 * Open a lens-shaped gap where the lips meet.
 *
 * @param {LabelMap} mask changed in place
 * @param {number} gap
 */
function partLips({ width, height, data }, gap) {
  /** The last row of the upper lip in each column that shows both. @type {Map<number, number>} */
  const seams = new Map();
  for (let column = 0; column < width; column++) {
    let [seam, hasLower] = [-1, false];
    for (let row = 0; row < height; row++) {
      const label = data[row * width + column];
      if (label === UPPER_LIP) seam = row;
      if (label === LOWER_LIP) hasLower = true;
    }
    if (seam >= 0 && hasLower) seams.set(column, seam);
  }
  if (seams.size < 3) return;
  const [first, last] = [Math.min(...seams.keys()), Math.max(...seams.keys())];
  const [centre, half] = [(first + last) / 2, (last - first) / 2];
  for (const [column, seam] of seams) {
    const depth = gap * (1 - ((column - centre) / half) ** 2);
    const [low, high] = [rint(seam - 0.3 * depth), rint(seam + 0.7 * depth)];
    for (let row = Math.max(low, 0); row <= Math.min(high, height - 1); row++) {
      const i = row * width + column;
      if (data[i] === UPPER_LIP || data[i] === LOWER_LIP) data[i] = MOUTH;
    }
  }
}

/**
 * Box of a part, all edges inclusive.
 *
 * @param {LabelMap} mask
 * @param {readonly number[]} classes
 * @param {string} part for the message
 */
export function inclusiveBox(mask, classes, part) {
  const box = extent(where(mask, classes));
  if (!box) throw new EngineError(`The mask shows no ${part}, so they cannot be edited.`);
  return { top: box.top, bottom: box.bottom - 1, left: box.left, right: box.right - 1 };
}

/**
 * Named edits of the mouth; masks stay as they are, results are new.
 *
 * @typedef {import("../arrays.js").LabelMap} LabelMap
 */

import { LOWER_LIP, MOUTH, SKIN, UPPER_LIP } from "../../mask/label-map.js";
import { EngineError, clamp, extent, labelTable, rint, where } from "../arrays.js";
import { LIPS, MOUTH_PARTS } from "../../mask/face-parts.js";
import { copyMask } from "./mask-warps.js";

/**
 * Widen the mouth, lift its corners, stretch the lips thin and show teeth between them. For negative amounts the corners
 * sink and the mouth closes, by up to 0.3 of half its width: it hides teeth, but no scream.
 *
 * @param {LabelMap} mask
 * @param {number} amount
 */
export function smile(mask, amount) {
  const { width, height, data } = mask;
  const { top, bottom, left, right } = inclusiveBox(mask, MOUTH_PARTS, "mouth");
  const [centre, half] = [(left + right) / 2, Math.max((right - left) / 2, 1)];
  const [smiling, frowning] = [Math.max(amount, 0), Math.max(-amount, 0)];
  const widen = 1 + 0.25 * smiling - 0.08 * frowning;
  const lift = (0.28 * smiling - 0.22 * frowning) * half;
  const [isMouth, isFree] = [labelTable(MOUTH_PARTS), labelTable([...MOUTH_PARTS, SKIN])];
  const edited = copyMask(mask);
  data.forEach((label, i) => { if (isMouth[label]) edited.data[i] = SKIN; });
  const [first, last] = [left, right].map((side) => rint(centre + (side - centre) * widen));
  for (let column = Math.max(first, 0); column <= Math.min(last, width - 1); column++) {
    const across = (column - centre) / widen / half;
    const source = clamp(rint(centre + across * half), left, right);
    let [upper, inside, lower, lowest] = [0, 0, 0, -1];
    for (let row = top; row <= bottom; row++) {
      const label = data[row * width + source];
      if (isMouth[label]) lowest = row;
      if (label === UPPER_LIP) upper++;
      if (label === MOUTH) inside++;
      if (label === LOWER_LIP) lower++;
    }
    if (lowest < 0) continue;
    const arch = Math.max(1 - across ** 2, 0);
    const thin = 1 - 0.2 * smiling * arch;
    const closing = Math.min(0.3 * frowning * half, inside);
    const opened = Math.max(inside * (1 + 0.25 * smiling), upper && lower ? 0.34 * smiling * half * arch : 0) - closing;
    // The lowest edge stays where it is in the middle, or rises to close the mouth; all else lies above it.
    const edge = lowest - lift * across ** 2 - closing / 2;
    /** @type {[number, number][]} each part's label and height, upwards */
    const parts = [[LOWER_LIP, thin * lower], [MOUTH, opened], [UPPER_LIP, thin * upper]];
    let [end, raised] = [clamp(rint(edge) + 1, 0, height), 0];
    for (const [label, tall] of parts) {
      raised += tall;
      const start = clamp(rint(edge - raised) + 1, 0, height);
      for (let row = start; row < end; row++) {
        const i = row * width + column;
        if (isFree[data[i]]) edited.data[i] = label;
      }
      end = start;
    }
  }
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
 * Box of a part, all edges inclusive.
 *
 * @param {LabelMap} mask
 * @param {readonly number[]} classes
 * @param {string} part for the message
 */
export function inclusiveBox(mask, classes, part) {
  const box = extent(where(mask, classes));
  if (!box) throw new EngineError(`The mask shows no ${part} to edit.`);
  return { top: box.top, bottom: box.bottom - 1, left: box.left, right: box.right - 1 };
}

/**
 * Lenses of glasses: whether they are clear, and what is seen through them.
 *
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("./arrays.js").Picture} Picture
 * @typedef {import("./arrays.js").Planes} Planes
 */

import { EYES } from "../mask/face-parts.js";
import { GLASSES, SKIN } from "../mask/label-map.js";
import { extent, labelTable, planes, where } from "./arrays.js";
import { dilate } from "./filters.js";

/** Pixels of eyes behind clear lenses, in pixels of the glasses. */
const CLEAR = 0.005;
/** The farthest that a channel's share of the skin's colour lies from that of all, in logarithms, and its least mean. */
const TINT = 0.13;
const DARK = 0.4;

/** Whether eyes are seen through the glasses of a mask. @param {LabelMap} mask */
export function lensesAreClear({ data }) {
  let [eyes, glasses] = [0, 0];
  for (const label of data) {
    if (EYES.includes(label)) eyes++;
    else if (label === GLASSES) glasses++;
  }
  return eyes >= CLEAR * glasses;
}

/**
 * Whether glasses change the colour of what is seen through them; false without glasses or skin.
 *
 * @param {Picture} picture
 * @param {LabelMap} mask of its size
 */
export function lensesAreTinted(picture, mask) {
  const sums = new Map([GLASSES, SKIN].map((label) => [label, { total: [0, 0, 0], count: 0 }]));
  for (let i = 0; i < mask.data.length; i++) {
    const sum = sums.get(mask.data[i]);
    if (!sum) continue;
    for (let c = 0; c < 3; c++) sum.total[c] += picture.data[3 * i + c];
    sum.count++;
  }
  const [lens, skin] = [...sums.values()].map(({ total, count }) => total.map((each) => Math.max(each / count, 1)));
  if (lens.some(Number.isNaN) || skin.some(Number.isNaN)) return false;
  const ratios = lens.map((value, c) => value / skin[c]);
  const mean = (/** @type {number[]} */ values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const shades = ratios.map(Math.log);
  return Math.max(...shades.map((shade) => Math.abs(shade - mean(shades)))) > TINT || mean(ratios) < DARK;
}

/**
 * Leave the inside of the rims of new glasses out of a hole where the eyes are seen through them: there is nothing to
 * draw.
 *
 * CelebAMask-HQ paints lenses whole, whether they are clear or dark, and eyes on top of clear ones. Where an edit moved
 * the eyes too, there is something to draw.
 *
 * @param {Planes} hole
 * @param {LabelMap} before of its size
 * @param {LabelMap} after of its size
 * @param {number} rim thickness of what is drawn, pixels
 */
export function leaveNewRims(hole, before, after, rim) {
  if (!after.data.includes(GLASSES)) return;
  const isEye = labelTable(EYES);
  const { width, height } = hole;
  const isNew = after.data.map((label, i) => Number(label === GLASSES && before.data[i] !== GLASSES));
  const box = extent({ width, height, data: isNew });
  if (!box) return;
  const rest = planes(1, height, width);
  rest.data.fill(1);
  let [eyePixels, seenPixels] = [0, 0];
  for (let y = box.top; y < box.bottom; y++) {
    for (let x = box.left, i = y * width + x; x < box.right; x++, i++) {
      const wasEye = isEye[before.data[i]];
      const isSeen = wasEye & isEye[after.data[i]];
      eyePixels += wasEye;
      seenPixels += isSeen;
      if (isSeen || (isNew[i] && !wasEye)) rest.data[i] = 0;
    }
  }
  if (2 * seenPixels <= eyePixels) return;
  const outside = dilate(rest, rim);
  for (let i = 0; i < hole.data.length; i++) if (!outside.data[i]) hole.data[i] = 0;
}

/**
 * The clear lenses of glasses that go, one plane: what was seen through them stays, but for their rims.
 *
 * A lens is clear if an eye is seen through it.
 *
 * @param {LabelMap} before
 * @param {LabelMap} after of its size
 * @returns {Planes} 1 there
 */
export function seenThrough(before, after) {
  const isEye = labelTable(EYES);
  const clear = planes(1, before.height, before.width);
  const box = extent(where(before, [GLASSES]));
  const isGone = (/** @type {number} */ i) => before.data[i] === GLASSES && after.data[i] === SKIN;
  if (!box || !before.data.some((_, i) => isGone(i))) return clear;
  const middle = Math.floor((box.left + box.right) / 2);
  for (const [left, right] of [[box.left, middle], [middle, box.right]]) {
    let [worn, seen] = [0, 0];
    const inside = [];
    for (let y = box.top; y < box.bottom; y++) {
      for (let x = left, i = y * before.width + left; x < right; x++, i++) {
        const isSeen = isEye[before.data[i]] && isEye[after.data[i]];
        if (before.data[i] === GLASSES) worn++;
        if (isSeen) seen++;
        if (isSeen || isGone(i)) inside.push(i);
      }
    }
    if (seen > CLEAR * worn) for (const i of inside) clear.data[i] = 1;
  }
  return clear;
}

/**
 * @param {Planes} hole that loses `clear` but its rim
 * @param {Planes} clear see `seenThrough`
 * @param {number} rim thickness of what is drawn, pixels
 */
export function leaveRims(hole, clear, rim) {
  if (!clear.data.includes(1)) return;
  const rest = dilate({ ...clear, data: clear.data.map((flag) => 1 - flag) }, rim);
  for (let i = 0; i < hole.data.length; i++) if (!rest.data[i]) hole.data[i] = 0;
}

/**
 * Named edits of hair; masks stay as they are, results are new.
 *
 * @typedef {import("../arrays.js").LabelMap} LabelMap
 * @typedef {import("../arrays.js").Flags} Flags
 */

import { BACKGROUND, CLOTHES, EARRING, GLASSES, HAIR, NECK, SKIN } from "../../mask/label-map.js";
import { EngineError, clamp, extent, labelTable, rint, where } from "../arrays.js";
import { BROWS, EARS, EYES, FACE } from "../../mask/face-parts.js";
import { browAbove, browLine, copyMask, faceBox, fillFromNearest, flagged, growPart, paint } from "./mask-warps.js";
import { inclusiveBox } from "./mouth-edits.js";

/** The share of a brow's place that was hair, from which all of it is drawn and not that share alone. */
const HIDDEN_BROW = 0.5;
/** Of the size that brows have: what shows less counts as hidden, too. */
const TRACE_OF_BROW = 0.4;
/** Of the size that brows have: one that shows less below a fringe is drawn when that goes. */
const SHOWN_BROW = 0.8;
const AROUND = [BACKGROUND, NECK, CLOTHES];
/** Of short hair's lower corners, in widths of half the face. */
const [ROUND_WIDTH, ROUND_HEIGHT] = [0.35, 0.9];

/**
 * Longer hair down to the shoulders at 1, hair that ends above the ears at -1.
 *
 * @param {LabelMap} mask
 * @param {number} amount
 */
export function longer(mask, amount) {
  const { top, bottom, left, right } = faceBox(mask);
  if (amount > 0) return longHair(mask, 0.35 + 0.75 * amount);
  const box = extent(where(mask, [HAIR]));
  if (!box) throw new EngineError("The mask shows no hair, so it cannot be made shorter.");
  const end = box.bottom + amount * Math.max(box.bottom - (top + 0.35 * (bottom - top)), 0);
  // Beside the head it ends higher, as a head is round: cut straight it would be a helmet.
  const half = (right - left) / 2;
  const isGone = (/** @type {number} */ row, /** @type {number} */ column) => {
    const beside = clamp((Math.abs(column - (left + right - 1) / 2) / Math.max(half, 1) - 1) / ROUND_WIDTH, 0, 1);
    return row >= end + amount * ROUND_HEIGHT * half * beside ** 2;
  };
  return withoutHair(mask, flagged(mask, (row, column, label) => label === HAIR && isGone(row, column)));
}

/**
 * Hair that stands off further, or less far, from the head.
 *
 * @param {LabelMap} mask
 * @param {number} amount
 */
export function fuller(mask, amount) {
  const { left, right } = faceBox(mask);
  if (!mask.data.includes(HAIR)) throw new EngineError("The mask shows no hair, so it cannot be made fuller.");
  const reach = amount > 0 ? 0.12 : 0.07;
  return growPart(mask, HAIR, AROUND, rint(reach * amount * (right - left)));
}

/**
 * Hair over the forehead, down to just above the brows at 1; at -1 forehead and brows are free.
 *
 * @param {LabelMap} mask
 * @param {number} amount
 */
export function fringe(mask, amount) {
  const { top, bottom, left, right } = faceBox(mask);
  let line = browLine(mask);
  const half = Math.max((right - left) / 2, 1);
  const across = (/** @type {number} */ column) => Math.abs(column - (left + right - 1) / 2) / half;
  const edited = copyMask(mask);
  if (amount > 0) {
    const end = top + amount * (line - 0.03 * (bottom - top) - top);
    paint(edited, HAIR, (row, column, label) => label === SKIN && row < end && across(column) < 0.95);
    return edited;
  }
  const eyes = EYES.flatMap((eye, i) => {
    const box = extent(where(mask, [eye]));
    return box ? { box, row: (box.top + box.bottom - 1) / 2, column: (box.left + box.right - 1) / 2, brow: BROWS[i] } : [];
  });
  if (eyes.length && !BROWS.some((brow) => mask.data.includes(brow))) {
    line = Math.min(...eyes.map(({ box, row }) => row - 0.65 * (box.right - box.left)));
  }
  // What lies over the forehead: within a dome from brow to brow.
  const height = 0.33 * (bottom - line);
  // Below the brows what hangs before the eyes, that first.
  const reach = Math.max(...eyes.map(({ box }) => box.right - box.left));
  const lowest = line + Math.min(-2 * amount, 1) * Math.max(Math.max(...eyes.map(({ row }) => row)) - line, 0);
  const [first, last] = [Math.min(...eyes.map(({ box }) => box.left)) - reach, Math.max(...eyes.map(({ box }) => box.right)) + reach];
  const isGone = (/** @type {number} */ row, /** @type {number} */ column) => {
    if (mask.data[row * mask.width + column] !== HAIR || row <= line + amount * height) return false;
    if (row >= line && !(eyes.length && row < lowest && column > first && column < last)) return false;
    return (across(column) / 0.78) ** 2 + (Math.max(line - row, 0) / height) ** 2 < 1;
  };
  paint(edited, SKIN, isGone);
  for (const { box, row: eyeRow, column: eyeColumn, brow } of eyes) {
    const isAbove = browAbove(eyeRow, eyeColumn, (box.right - box.left) / 2);
    let [size, shown, hidden, isBared] = [0, 0, 0, false];
    for (let row = 0; row < mask.height; row++) {
      for (let column = 0; column < mask.width; column++) {
        if (isAbove(row, column)) {
          size++;
          if (isGone(row, column)) hidden++;
        }
        if (mask.data[row * mask.width + column] === brow) shown++;
        if (column >= box.left && column < box.right && isGone(row, column)) isBared = true;
      }
    }
    if (!isBared || shown >= SHOWN_BROW * size) continue;
    const isWhole = shown < TRACE_OF_BROW * size || hidden > HIDDEN_BROW * size;
    paint(edited, brow, (row, column, label) => {
      return label === SKIN && isAbove(row, column) && (isWhole || isGone(row, column));
    });
  }
  return edited;
}

/**
 * Less hair from the hairline back; at 1 none is left, and the head shows in its place.
 *
 * @param {LabelMap} mask
 * @param {number} amount
 */
export function bald(mask, amount) {
  const { bottom, left, right } = faceBox(mask);
  const hair = extent(where(mask, [HAIR]));
  if (!hair) return copyMask(mask);
  const line = browLine(mask);
  const [middle, half] = [(left + right - 1) / 2, 0.54 * (right - left)];
  const crown = Math.max(line - 0.62 * (bottom - line), hair.top);
  // Below the brows it tapers to the width of the face, where it ends beside the ears.
  const depth = (/** @type {number} */ row) =>
    row < line ? (line - row) / Math.max(line - crown, 1) : (row - line) / Math.max(0.93 * (bottom - line), 1);
  const isSkull = (/** @type {number} */ row, /** @type {number} */ column) =>
    ((column - middle) / Math.max(half, 1)) ** 2 + depth(row) ** 2 < 1 && row < line + 0.35 * (bottom - line);
  // The part of the scalp that has lost its hair: from the brows up.
  const reach = amount >= 1 ? 1 : amount * 0.9;
  const isFront = (/** @type {number} */ row) => row >= line - reach * (line - crown) && (amount >= 1 || row < line);
  const gone = flagged(mask, (row, column, label) => label === HAIR && !isSkull(row, column));
  const result = amount >= 1 ? withoutHair(mask, gone) : copyMask(mask);
  paint(result, SKIN, (row, column, _, i) => mask.data[i] === HAIR && isSkull(row, column) && isFront(row));
  return result;
}

/**
 * Let the hair fall on both sides of the face, behind it and over the clothes.
 *
 * @param {LabelMap} mask
 * @param {number} length how far below the forehead it reaches, in heights of the face
 */
function longHair(mask, length) {
  const { top, bottom, left, right } = inclusiveBox(mask, [...FACE, GLASSES], "face");
  const [height, width, centre] = [bottom - top, right - left, (left + right) / 2];
  const [crown, end] = [top - 0.14 * height, top + (0.25 + length) * height];
  // Half the hair's width at each height: a dome over the head, then nearly straight, rounded off at the ends.
  const halves = Float64Array.from({ length: mask.height }, (_, row) => {
    const down = clamp((row - crown) / (end - crown), 0, 1);
    const dome = Math.sqrt(1 - (1 - clamp(down / 0.4, 0, 1)) ** 2);
    const ends = Math.sqrt(1 - clamp((down - 0.8) / 0.2, 0, 1) ** 2);
    return width * dome * (0.58 + 0.07 * Math.sin(2.5 * Math.PI * down)) * (0.8 + 0.2 * ends);
  });
  const isBehind = labelTable([BACKGROUND, ...EARS, CLOTHES, EARRING, NECK]);
  // The hairline arches above the brows; a forehead that ends below it stays as it is.
  const brows = extent(where(mask, BROWS));
  const hairline = (brows ? brows.top : top + 0.3 * height) - 0.2 * height;
  const edited = copyMask(mask);
  paint(edited, HAIR, (row, column, label) => {
    const off = Math.abs(column - centre);
    if (off > halves[row] || row < crown || row > end) return false;
    // Below the jaw it falls on both sides.
    if (off <= 0.3 * width && row > top + 0.6 * height) return false;
    const arch = hairline + 0.22 * height * ((column - centre) / (0.5 * width)) ** 4;
    return Boolean(isBehind[label]) || (label === SKIN && row < arch);
  });
  return edited;
}

/**
 * What shows in place of hair: the neck below the face, what is behind the head elsewhere.
 *
 * @param {LabelMap} mask
 * @param {Flags} gone
 */
function withoutHair(mask, gone) {
  const { bottom, left, right } = faceBox(mask);
  const width = right - left;
  const isThroat = (/** @type {number} */ row, /** @type {number} */ column) =>
    Math.abs(column - (left + right - 1) / 2) < 0.4 * width && row > bottom - 0.3 * width;
  const throat = flagged(mask, isThroat);
  const [beside, below] = [0, 1].map((side) => ({ ...gone, data: gone.data.map((flag, i) => Number(flag && throat.data[i] === side)) }));
  return fillFromNearest(fillFromNearest(mask, beside, [BACKGROUND, CLOTHES]), below, [NECK, CLOTHES]);
}

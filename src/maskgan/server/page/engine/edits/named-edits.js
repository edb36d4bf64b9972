/**
 * Edits by name, such as `smile=0.6` or `glasses=clear`, each confined to its own parts: a lock keeps every other label.
 *
 * @typedef {import("../arrays.js").LabelMap} LabelMap
 * @typedef {number | string} Amount a number, or one of an edit's choices
 *
 * @typedef {object} NamedEdit
 * @property {string} name
 * @property {string} summary
 * @property {readonly number[]} part classes that it moves, adds or takes away
 * @property {readonly number[]} ground classes that may be covered or uncovered
 * @property {(mask: LabelMap, amount: any) => LabelMap} change
 * @property {number} low least amount; 0 changes nothing
 * @property {readonly string[]} choices words in place of amounts
 * @property {boolean} isSwitch whether every amount over 0 does the same
 */

import { BACKGROUND, CLOTHES, EARRING, GLASSES, HAIR, HAT, NECK, NECKLACE, NOSE, SKIN } from "../../mask/label-map.js";
import { EngineError, clamp, extent, labelTable, rint, where } from "../arrays.js";
import { BROWS, EARS, EYES, FACE, FEATURES, MOUTH_PARTS } from "../../mask/face-parts.js";
import { earrings, glasses, hat, isWorn, necklace, withoutEarrings, withoutGlasses, withoutHat } from "./accessories.js";
import { bald, fringe, fuller, longer } from "./hair-edits.js";
import { copyMask, extendUpwards, fillFromNearest, scalePart, thickenPart, warpPart } from "./mask-warps.js";
import { openMouth, smile } from "./mouth-edits.js";

const HIGH = 1;
const AROUND_HEAD = [BACKGROUND, NECK, CLOTHES];
const OUTLINE = [SKIN, ...EARS, EARRING];

/** @type {readonly NamedEdit[]} */
const ALL = [
  edit("smile", "the mouth smiles, or frowns", MOUTH_PARTS, [SKIN], smile, { low: -1 }),
  edit("open-mouth", "the mouth opens", MOUTH_PARTS, [SKIN], (mask, amount) => openMouth(mask, 0.8 * amount)),
  edit("lips-fuller", "fuller or thinner lips", MOUTH_PARTS, [SKIN], lipsFuller, { low: -1 }),
  edit("eyes-wider", "wider or narrower eyes", EYES, [SKIN], eyesWider, { low: -1 }),
  edit("eyes-closed", "the eyes close", EYES, [SKIN], eyesClosed),
  edit("brows-raised", "the brows rise, or sink", BROWS, [SKIN], browsRaised, { low: -1 }),
  edit("brows-thicker", "thicker or thinner brows", BROWS, [SKIN], browsThicker, { low: -1 }),
  edit("nose-wider", "a wider or narrower nose", [NOSE], [SKIN], noseWider, { low: -1 }),
  edit("face-narrower", "a narrower or wider face", OUTLINE, [HAIR, HAT, ...AROUND_HEAD], faceNarrower, { low: -1 }),
  edit("hair-longer", "longer or shorter hair", [HAIR], [...AROUND_HEAD, ...EARS, EARRING], longer, { low: -1 }),
  edit("hair-fuller", "fuller or thinner hair", [HAIR], AROUND_HEAD, fuller, { low: -1 }),
  edit("fringe", "a fringe, or none", [HAIR], [SKIN, ...BROWS], fringe, { low: -1 }),
  edit("bald", "the hair goes", [HAIR, SKIN], AROUND_HEAD, bald),
  edit("glasses", "clear glasses or sunglasses", [GLASSES], [...FACE, ...EARS, HAIR], glasses, { choices: ["clear", "sun"] }),
  edit("hat", "a hat", [HAT], [SKIN, HAIR, ...AROUND_HEAD, ...EARS, ...BROWS], hat, { choices: ["beanie", "cap", "brim"] }),
  edit("earrings", "earrings, from studs to large hoops", [EARRING], [...EARS, SKIN, HAIR, NECK, BACKGROUND, CLOTHES], earrings),
  edit("necklace", "a necklace", [NECKLACE], [NECK], necklace),
  edit("remove-glasses", "glasses go", [GLASSES], [...FACE, ...EARS, HAIR], removal(withoutGlasses, GLASSES), { isSwitch: true }),
  edit(
    "remove-hat",
    "the hat goes, and hair comes in its place",
    [HAT],
    [HAIR, SKIN, ...AROUND_HEAD],
    removal(withoutHat, HAT),
    { isSwitch: true },
  ),
  edit(
    "remove-earrings",
    "earrings go",
    [EARRING],
    [...EARS, SKIN, HAIR, ...AROUND_HEAD],
    removal(withoutEarrings, EARRING),
    { isSwitch: true },
  ),
];

/** All named edits of the mask, by name. */
export const EDITS = new Map(ALL.map((one) => [one.name, one]));

/**
 * Edit a mask.
 *
 * @param {NamedEdit} named
 * @param {LabelMap} mask
 * @param {Amount} amount as `checkAmount` gives it
 * @returns {LabelMap} equal to `mask` where the old or the new label is not among the edit's classes
 */
export function applyEdit(named, mask, amount) {
  if (amount === 0) return copyMask(mask);
  const changed = named.change(mask, amount);
  const isFree = labelTable(classesOf(named));
  const data = mask.data.map((label, i) => (isFree[label] && isFree[changed.data[i]] ? changed.data[i] : label));
  return { width: mask.width, height: mask.height, data };
}

/**
 * Classes whose pixels may change, ascending.
 *
 * @param {NamedEdit} named
 */
export function classesOf({ part, ground }) {
  return [...new Set([...part, ...ground])].sort((a, b) => a - b);
}

/**
 * The amount of a text; the greatest, or the first choice, for none.
 *
 * @param {NamedEdit} named
 * @param {string | null} text
 * @returns {Amount}
 * @throws {EngineError} it is out of range
 */
export function checkAmount({ name, low, choices }, text) {
  if (text === null) return choices[0] ?? HIGH;
  const amount = choices.length ? text : text.trim() === "" ? Number.NaN : Number(text);
  const isFit = typeof amount === "string" ? choices.includes(amount) : amount >= low && amount <= HIGH;
  if (isFit) return amount;
  throw new EngineError(`${name}: takes ${choices.join("|") || `${low}..${HIGH}`}, not ${text.slice(0, 40)}.`);
}

/**
 * What the page needs to know of an edit.
 *
 * @param {NamedEdit} named
 */
export function describeEdit(named) {
  const { name, summary, low, choices, isSwitch, part } = named;
  const oneClick = oneClickAmount(named);
  return { name, summary, low, high: HIGH, choices, switch: isSwitch, one_click: oneClick, part, classes: classesOf(named) };
}

/**
 * The amount that a click applies, and that a thumbnail shows.
 *
 * @param {NamedEdit} named
 * @param {string | null} [choice]
 * @returns {Amount}
 */
export function oneClickAmount(named, choice = null) {
  if (choice !== null) return checkAmount(named, choice);
  return named.choices.length || named.isSwitch ? checkAmount(named, null) : 0.7;
}

/**
 * @param {string} name
 * @param {string} summary
 * @param {readonly number[]} part
 * @param {readonly number[]} ground
 * @param {NamedEdit["change"]} change
 * @param {{low?: number, choices?: readonly string[], isSwitch?: boolean}} [options]
 * @returns {NamedEdit}
 */
function edit(name, summary, part, ground, change, { low = 0, choices = [], isSwitch = false } = {}) {
  return { name, summary, part, ground, change, low, choices, isSwitch };
}

/**
 * What takes things away leaves a face that wears none as it is.
 *
 * @param {(mask: LabelMap) => LabelMap} change
 * @param {number} label
 * @returns {(mask: LabelMap) => LabelMap}
 */
function removal(change, label) {
  return (mask) => (isWorn(mask, label) ? change(mask) : copyMask(mask));
}

/** @param {LabelMap} mask @param {number} amount */
function lipsFuller(mask, amount) {
  return scalePart(mask, MOUTH_PARTS, [SKIN], { height: 1 + 0.45 * amount, width: 1 + 0.05 * amount });
}

/** @param {LabelMap} mask @param {number} amount */
function eyesWider(mask, amount) {
  const factors = { height: 1 + 0.45 * amount, width: 1 + 0.12 * amount };
  return EYES.reduce((current, eye) => scalePart(current, [eye], [SKIN], factors), mask);
}

/** @param {LabelMap} mask @param {number} amount */
function eyesClosed(mask, amount) {
  return EYES.reduce((current, eye) => thickenPart(current, [eye], [SKIN], 1 - 0.8 * amount), mask);
}

/** @param {LabelMap} mask @param {number} amount */
function browsRaised(mask, amount) {
  const box = extent(where(mask, [...FACE, GLASSES]));
  if (!box || !BROWS.some((brow) => mask.data.includes(brow))) throw new EngineError("The mask shows no brows, so they cannot be raised.");
  const up = 0.06 * amount * (box.bottom - box.top);
  return warpPart(mask, BROWS, [SKIN], (row, column) => [row + up, column]);
}

/** @param {LabelMap} mask @param {number} amount */
function browsThicker(mask, amount) {
  return BROWS.reduce((current, brow) => thickenPart(current, [brow], [SKIN], 1 + 0.6 * amount), mask);
}

/** @param {LabelMap} mask @param {number} amount */
function noseWider(mask, amount) {
  return scalePart(mask, [NOSE], [SKIN], { width: 1 + 0.35 * amount });
}

/** Their height, as a fraction of the face's. */
const EAR_LOBES = 0.6;

/**
 * Cheeks, jaw and ears move towards the middle, least at the brow and most at the jaw.
 *
 * @param {LabelMap} mask
 * @param {number} amount
 */
function faceNarrower(mask, amount) {
  const box = extent(where(mask, FACE));
  if (!box) throw new EngineError("The mask shows no face, so it cannot be made narrower.");
  const { top, bottom, left, right } = box;
  const middle = (left + right - 1) / 2;
  const start = top + 0.25 * (bottom - top);
  // What lies on the skin stays in its place, and the skin below it moves.
  const isFeature = labelTable(FEATURES);
  const bare = { ...mask, data: mask.data.map((label) => (isFeature[label] ? SKIN : label)) };
  const narrower = warpPart(bare, OUTLINE, [HAIR, HAT, ...AROUND_HEAD], (row, column) => {
    const down = clamp((row - start) / Math.max(bottom - start, 1), 0, 1);
    return [row, middle + (column - middle) / (1 - 0.22 * amount * Math.sqrt(down))];
  });
  const isOutline = labelTable(OUTLINE);
  const uncovered = { ...mask, data: bare.data.map((label, i) => Number(isOutline[label] && !isOutline[narrower.data[i]])) };
  // By distance alone the neck would spread sideways: it comes out right above where it is, from below the ears on.
  const behind = fillFromNearest(narrower, uncovered, [BACKGROUND, HAIR, HAT]);
  const belowEars = rint(top + EAR_LOBES * (bottom - top));
  const { width } = mask;
  const isFace = labelTable(FACE);
  const level = Math.min(belowEars, bottom - 1) * width;
  const half = narrower.data.subarray(level, level + width).reduce((sum, label) => sum + Number(isFace[label]), 0) / 2;
  const slanting = uncovered.data.map((isFree, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return isFree && row - belowEars >= Math.abs(column - middle) - half ? 1 : 0;
  });
  const fillings = new Map([[NECK, NECK], [NECKLACE, NECK], [CLOTHES, CLOTHES]]);
  return extendUpwards(behind, { ...uncovered, data: slanting }, fillings);
}

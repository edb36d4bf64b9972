/**
 * Plausibility of masks: what a mask that can be read, but is wrong, looks like.
 *
 * Labels are compared with where classes usually lie, under each way in which masks are mixed up.
 *
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("../remote/api.js").FaceClass} FaceClass
 * @typedef {{kind: string, text: string, order: string | null}} MaskWarning order: the label order that fits, if another does
 * @typedef {{x: number, y: number, logArea: number}} Placement fractions of width and height; log of the share of the area
 */

import { CLASS_NAMES, HAIR, NUM_CLASSES, SKIN } from "../mask/label-map.js";
import { ORDERS } from "./label-orders.js";

/** Share of outlines with a label between their neighbours' from which a mask counts as blended. */
const BLENDED_SHARE = 0.12;
/** Pixels of outline below which the share says nothing. */
const FEWEST_OUTLINES = 100;
/** Pixels on the longer side of what is looked at. */
const CHECKED_SIDE = 2048;
const MEASURED_SIDE = 512;
/** Nats by which another reading of a mask must beat CelebAMask-HQ's. */
const MARGIN = 10;
/** What one class can cost at most: a single odd part must not decide. */
const WORST = 20;
const POSITION_FLOOR = 0.08;
const AREA_FLOOR = 0.6;

// Over 1,063 CelebAMask-HQ training masks, of each class that is present: share of pictures that hold it; centre x, its
// deviation; centre y, its deviation; log of its share of the area, its deviation.
/** @type {Record<string, readonly number[]>} */
const TYPICAL = {
  background: [0.99, 0.48, 0.18, 0.4, 0.11, -1.35, 0.46],
  skin: [0.99, 0.5, 0.05, 0.55, 0.04, -1.39, 0.2],
  nose: [0.99, 0.5, 0.02, 0.58, 0.01, -3.9, 0.14],
  eye_g: [0.05, 0.5, 0.02, 0.5, 0.01, -2.97, 0.26],
  l_eye: [0.97, 0.62, 0.03, 0.48, 0.01, -6.15, 0.36],
  r_eye: [0.97, 0.38, 0.03, 0.48, 0.01, -6.15, 0.36],
  l_brow: [0.97, 0.62, 0.03, 0.41, 0.02, -5.53, 0.49],
  r_brow: [0.97, 0.37, 0.03, 0.41, 0.02, -5.55, 0.49],
  l_ear: [0.52, 0.82, 0.09, 0.56, 0.06, -4.92, 0.81],
  r_ear: [0.46, 0.2, 0.09, 0.56, 0.06, -5.04, 0.85],
  mouth: [0.57, 0.5, 0.01, 0.74, 0.02, -5.61, 0.92],
  u_lip: [0.99, 0.5, 0.01, 0.73, 0.02, -5.57, 0.4],
  l_lip: [0.99, 0.5, 0.01, 0.77, 0.02, -5.05, 0.32],
  hair: [0.98, 0.5, 0.11, 0.36, 0.14, -1.29, 0.62],
  hat: [0.04, 0.48, 0.1, 0.22, 0.08, -1.63, 0.48],
  ear_r: [0.25, 0.54, 0.24, 0.71, 0.09, -5.48, 1.35],
  neck_l: [0.04, 0.5, 0.21, 0.9, 0.09, -7.15, 1.69],
  neck: [0.97, 0.51, 0.14, 0.92, 0.03, -3.26, 0.5],
  cloth: [0.59, 0.51, 0.23, 0.92, 0.06, -3.38, 1.32],
};

/** @type {Record<string, string>} */
const TEXTS = {
  "other-order": "the mask looks like one in the 'ORDER' label order; it was opened in that of CelebAMask-HQ",
  "sides-swapped": "left and right look exchanged in the mask; l_eye, l_brow and l_ear are the person's left",
  "labels-too-high": "all labels of the mask look one too high; 0 is the background and 1 skin",
  "labels-too-low": "all labels of the mask look one too low; 0 is the background and 1 skin",
  "red-blue-swapped": "red and blue look exchanged in the mask; save colour masks as RGB, not BGR",
  "foreground-only": "the mask holds skin and background alone; open the picture without it to have one predicted",
  blended: "the mask has thin rings of wrong labels along its outlines; resize masks by nearest neighbour",
};

/**
 * What seems wrong with a mask.
 *
 * @param {LabelMap} mask taken to be in CelebAMask-HQ order
 * @param {readonly FaceClass[]} classes
 * @param {boolean} isOrderKnown whether the person said which order it has, so that no other is suggested
 * @returns {MaskWarning[]}
 */
export function maskWarnings(mask, classes, isOrderKnown) {
  const checked = everyNth(mask, Math.ceil(Math.max(mask.width, mask.height) / CHECKED_SIDE));
  /** @type {MaskWarning[]} */
  const warnings = [];
  const warn = (/** @type {string} */ kind, /** @type {string | null} */ order = null) =>
    warnings.push({ kind, text: TEXTS[kind].replace("ORDER", order ?? ""), order });
  if (blendedShare(checked) > BLENDED_SHARE) warn("blended");
  const present = new Set(checked.data);
  if (present.size === 2 && present.has(0) && present.has(SKIN)) {
    warn("foreground-only");
    return warnings;
  }
  const reading = likeliestReading(checked, classes);
  if (reading && !(isOrderKnown && reading.order)) warn(reading.kind, reading.order);
  return warnings;
}

/**
 * Share of the outlines' pixels whose label lies strictly between those before and behind: smooth resizing makes such ramps.
 *
 * @param {LabelMap} mask
 */
function blendedShare({ width, height, data }) {
  let [between, outlines] = [0, 0];
  for (const [lines, length, lineStep, step] of [[height, width, width, 1], [width, height, 1, width]]) {
    for (let line = 0; line < lines; line++) {
      for (let i = 1; i < length; i++) {
        const at = line * lineStep + i * step;
        const [before, middle] = [data[at - step], data[at]];
        if (middle === before) continue;
        outlines++;
        if (i === length - 1) continue;
        const behind = data[at + step];
        if ((before < middle && middle < behind) || (before > middle && middle > behind)) between++;
      }
    }
  }
  return outlines >= FEWEST_OUTLINES ? between / outlines : 0;
}

/**
 * Under each kind of mix-up, the class that each label really means.
 *
 * @param {readonly FaceClass[]} classes
 * @returns {{names: readonly (string | null)[], kind: string, order: string | null}[]}
 */
function readings(classes) {
  const mirror = (/** @type {string} */ name) => CLASS_NAMES[classes[CLASS_NAMES.indexOf(name)].mirror];
  const others = Object.entries(ORDERS).filter(([order]) => order !== "celebamask-hq");
  const swapped = classes.map(({ index, colour: [red, green, blue] }) => {
    const other = classes.find(({ colour }) => colour[0] === blue && colour[1] === green && colour[2] === red);
    return CLASS_NAMES[other?.index ?? index];
  });
  return [
    ...others.flatMap(([order, names]) => [names, names.map(mirror)].map((read) => ({ names: read, kind: "other-order", order }))),
    { names: CLASS_NAMES.map(mirror), kind: "sides-swapped", order: null },
    { names: [null, ...CLASS_NAMES.slice(0, -1)], kind: "labels-too-high", order: null },
    { names: [CLASS_NAMES[0], null, ...CLASS_NAMES.slice(1, -1)], kind: "labels-too-high", order: null },
    { names: [...CLASS_NAMES.slice(1), null], kind: "labels-too-low", order: null },
    { names: swapped, kind: "red-blue-swapped", order: null },
  ];
}

/**
 * @param {LabelMap} mask
 * @param {readonly FaceClass[]} classes
 */
function likeliestReading(mask, classes) {
  const measured = measure(mask);
  const all = readings(classes);
  const isBare = measured.has(HAIR) && [...measured.keys()].every((label) => [0, SKIN, HAIR].includes(label));
  if (isBare && hairIsTheFace(mask)) return all[all.length - 1];
  if (measured.size < 3) return null;
  let best = null;
  let lead = MARGIN;
  const asItIs = logLikelihood(measured, CLASS_NAMES);
  for (const reading of all) {
    const margin = logLikelihood(measured, reading.names) - asItIs;
    if (margin <= lead) continue;
    best = reading;
    lead = margin;
  }
  return best;
}

/**
 * Whether hair lies where skin should in a mask that has no features to tell by: in the middle.
 *
 * @param {LabelMap} mask
 */
function hairIsTheFace({ width, height, data }) {
  let [hair, skin, count] = [0, 0, 0];
  for (let y = Math.trunc(0.45 * height); y < Math.trunc(0.75 * height); y++) {
    for (let x = Math.trunc(0.4 * width); x < Math.trunc(0.6 * width); x++, count++) {
      if (data[y * width + x] === HAIR) hair++;
      else if (data[y * width + x] === SKIN) skin++;
    }
  }
  return hair > 0.15 * count && hair > 3 * skin;
}

/**
 * Where each label lies; large masks are looked at coarsely.
 *
 * @param {LabelMap} mask
 * @returns {Map<number, Placement>}
 */
function measure(mask) {
  const { width, height, data } = everyNth(mask, Math.max(Math.floor(Math.max(mask.width, mask.height) / MEASURED_SIDE), 1));
  const [counts, rows, columns] = [0, 1, 2].map(() => new Float64Array(NUM_CLASSES));
  for (let i = 0; i < data.length; i++) {
    counts[data[i]]++;
    rows[data[i]] += Math.floor(i / width);
    columns[data[i]] += i % width;
  }
  /** @type {Map<number, Placement>} */
  const measured = new Map();
  for (const [label, count] of counts.entries()) {
    if (!count) continue;
    const [x, y] = [columns[label] / count / width, rows[label] / count / height];
    measured.set(label, { x, y, logArea: Math.log(count / data.length) });
  }
  return measured;
}

/**
 * How well labels fit where classes usually lie, in nats.
 *
 * @param {Map<number, Placement>} measured
 * @param {readonly (string | null)[]} names the class that each label is taken for; null: no class
 */
function logLikelihood(measured, names) {
  let total = 0;
  /** @type {Map<string, Placement>} */
  const seen = new Map();
  for (const [label, placement] of measured) {
    const name = names[label] ?? null;
    if (name === null) total -= WORST;
    else seen.set(name, placement);
  }
  for (const [name, [share, x, xSd, y, ySd, area, areaSd]] of Object.entries(TYPICAL)) {
    const placement = seen.get(name);
    if (!placement) {
      total += Math.log1p(-share);
      continue;
    }
    let logP = Math.log(share);
    for (const [value, mean, sd] of [
      [placement.x, x, Math.max(xSd, POSITION_FLOOR)],
      [placement.y, y, Math.max(ySd, POSITION_FLOOR)],
      [placement.logArea, area, Math.max(areaSd, AREA_FLOOR)],
    ]) {
      logP -= 0.5 * ((value - mean) / sd) ** 2 + Math.log(sd);
    }
    total += Math.max(logP, -WORST);
  }
  return total;
}

/**
 * @param {LabelMap} mask
 * @param {number} step
 * @returns {LabelMap}
 */
function everyNth(mask, step) {
  if (step <= 1) return mask;
  const [width, height] = [Math.ceil(mask.width / step), Math.ceil(mask.height / step)];
  const data = new Uint8Array(width * height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) data[i] = mask.data[y * step * mask.width + x * step];
  }
  return { width, height, data };
}

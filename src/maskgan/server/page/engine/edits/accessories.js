/**
 * Glasses, hats and jewellery put on and taken off; masks stay as they are, results are new.
 *
 * @typedef {import("../arrays.js").LabelMap} LabelMap
 */

import {
  BACKGROUND,
  CLOTHES,
  EARRING,
  GLASSES,
  HAIR,
  HAT,
  LEFT_EYE,
  NECK,
  NECKLACE,
  NOSE,
  RIGHT_EYE,
  SKIN,
} from "../../mask/label-map.js";
import { EngineError, clamp, extent, labelTable, rint, where } from "../arrays.js";
import { BROWS, EARS, EYES, FACE } from "../../mask/face-parts.js";
import { fillLine, fillRoundedRectangle } from "./drawing.js";
import { lensesAreClear } from "../lenses.js";
import { browAbove, browLine, copyMask, faceBox, fillFromNearest, flagged, paint } from "./mask-warps.js";
import { inclusiveBox } from "./mouth-edits.js";

/** Pixels of what is worn, by class, in areas of the face's bounding box; fewer are taken for errors of a parser. */
const LEAST_WORN = new Map([[HAT, 0.04], [GLASSES, 0.005], [EARRING, 0.0002]]);

const BEHIND_EARRINGS = [...EARS, SKIN, HAIR, NECK, BACKGROUND, CLOTHES];
/** Glasses this tall, in heights of the face, are lenses and no temples. */
const LENS = 0.06;

/**
 * Put on glasses, in place of those that are worn: `clear` ones lie below the eyes, as CelebAMask-HQ paints them, `sun`
 * ones over them.
 *
 * @param {LabelMap} original
 * @param {string} choice
 */
export function glasses(original, choice) {
  const mask = isWorn(original, GLASSES) ? withoutGlasses(original) : original;
  const [first, second] = EYES.map((eye) => {
    const { top, bottom, left, right } = inclusiveBox(mask, [eye], "eyes");
    return /** @type {const} */ ([(left + right) / 2, (top + bottom) / 2]);
  }).sort(([a, b], [c, d]) => a - c || b - d);
  const [[leftX, leftY], [rightX, rightY]] = [first, second];
  const distance = rightX - leftX;
  const lensHeight = 0.3 * distance;
  const share = bridgeShare(mask, leftX, rightX);
  const lenses = /** @type {const} */ ([
    { x: leftX, y: leftY, lensWidth: 0.42 * distance * (0.4 + 1.2 * share), sign: -1 },
    { x: rightX, y: rightY, lensWidth: 0.42 * distance * (0.4 + 1.2 * (1 - share)), sign: 1 },
  ]);
  const tilt = (rightY - leftY) / Math.max(distance, 1);
  const [front, temples] = [0, 1].map(() => ({ width: mask.width, height: mask.height, data: new Uint8Array(mask.data.length) }));
  const drop = 0.05 * distance; // lenses sit a little below the pupils
  for (const { x, y, lensWidth } of lenses) {
    const lens = { left: x - lensWidth, top: y + drop - lensHeight, right: x + lensWidth, bottom: y + drop + lensHeight };
    fillRoundedRectangle(front, lens, 0.75 * lensHeight);
  }
  const thickness = Math.max(rint(0.05 * distance), 1);
  fillLine(front, first, second, thickness);
  for (const { x, y, lensWidth, sign } of lenses) {
    const [start, reach] = [x + sign * lensWidth, sign * 0.35 * distance];
    fillLine(temples, [start, y], [start + reach, y + tilt * reach], thickness);
  }
  // Hair falls over the temples.
  const [carriesTemples, carriesFront] = [[], [HAIR]].map((hair) => labelTable([...FACE, GLASSES, ...EARS, ...hair]));
  const isSeen = labelTable(choice === "clear" ? EYES : []);
  const edited = copyMask(mask);
  paint(edited, GLASSES, (_row, _column, label, i) => {
    const isCovered = (front.data[i] && carriesFront[label]) || (temples.data[i] && carriesTemples[label]);
    return Boolean(isCovered && !isSeen[label]);
  });
  return edited;
}

/**
 * Where the bridge of the nose divides the distance of the eyes, from the left: in a face that is turned, the eye
 * farther from it lies nearer to the camera.
 *
 * @param {LabelMap} mask
 * @param {number} leftX
 * @param {number} rightX
 */
function bridgeShare(mask, leftX, rightX) {
  const nose = where(mask, [NOSE]);
  const box = extent(nose);
  if (!box || rightX <= leftX) return 0.5;
  const bridge = meanColumn(nose, box.top, box.top + Math.max(Math.floor((box.bottom - box.top) / 3), 1));
  return clamp((bridge - leftX) / (rightX - leftX), 0.3, 0.7);
}

/**
 * Put on a hat, in place of one that is worn: a `beanie`, a `cap` with its visor in front, or one with a `brim` all
 * around.
 *
 * @param {LabelMap} original
 * @param {string} choice
 */
export function hat(original, choice) {
  const mask = isWorn(original, HAT) ? withoutHat(original) : original;
  const { top, bottom, left, right } = faceBox(mask);
  const [height, width, middle] = [bottom - top, right - left, (left + right - 1) / 2];
  const edge = browLine(mask) - 0.1 * height;
  const worn = wornHat(mask, choice, { height, width, middle, edge, crown: crownLine(mask) });
  const isKept = labelTable([...EYES, NOSE]);
  const edited = copyMask(mask);
  paint(edited, BACKGROUND, (row, column, label) => (label === HAIR || label === HAT) && worn.tucks(row, column));
  paint(edited, HAT, (row, column, _, i) => !isKept[mask.data[i]] && worn.covers(row, column));
  return edited;
}

/**
 * @typedef {(row: number, column: number) => boolean} Area
 *
 * @param {LabelMap} mask
 * @param {string} choice
 * @param {{height: number, width: number, middle: number, edge: number, crown: number}} head the face's size and middle,
 *   and where hats begin and end
 * @returns {{covers: Area, tucks: Area}} where the hat is, and where hair is tucked in
 */
function wornHat(mask, choice, { height, width, middle, edge, crown }) {
  if (choice === "brim") {
    const high = Math.min(crown, edge - 0.42 * height);
    const acrossOf = (/** @type {number} */ column) => (column - middle) / Math.max(0.98 * width, 1);
    // Its ends rise.
    const brimOf = (/** @type {number} */ column) => edge + 0.02 * height - 0.1 * height * acrossOf(column) ** 2;
    return {
      tucks: (row, column) => row < brimOf(column),
      covers(row, column) {
        const up = clamp((edge - row) / Math.max(edge - high, 1), 0, 1);
        const rounded = Math.sqrt(1 - 0.75 * (clamp(up - 0.8, 0, 1) / 0.2) ** 2);
        const half = 0.54 * width * (1 - 0.16 * up) * rounded;
        if (Math.abs(column - middle) <= half && row >= high && row <= edge) return true;
        return Math.abs(row - brimOf(column)) < 0.085 * height * Math.sqrt(clamp(1 - acrossOf(column) ** 2, 0, 1));
      },
    };
  }
  // Hair is tucked in and falls out below the sides.
  const tucks = (/** @type {number} */ row, /** @type {number} */ column) => {
    return row < edge + 0.7 * Math.max(Math.abs(column - middle) - 0.5 * width, 0);
  };
  if (choice === "beanie") {
    const { data } = beanie(mask);
    return { tucks, covers: (row, column) => data[row * mask.width + column] === HAT };
  }
  return {
    tucks,
    covers(row, column) {
      const up = clamp((edge - row) / Math.max(edge - crown, 1), 0, 1);
      const isUnderDome = Math.abs(column - middle) <= 0.55 * width * Math.sqrt(1 - up ** 2 * Math.sqrt(up));
      if (isUnderDome && row >= crown && row <= edge) return true;
      const across = (column - middle) / Math.max(0.66 * width, 1);
      const visor = edge + 0.02 * height + 0.06 * height * across ** 2;
      return Math.abs(row - visor) < 0.08 * height * Math.sqrt(clamp(1 - across ** 2, 0, 1));
    },
  };
}

/** The row where a hat begins, above hair and forehead. @param {LabelMap} mask */
function crownLine(mask) {
  const { top, bottom } = faceBox(mask);
  const hair = extent(where(mask, [HAIR, HAT]));
  return Math.min(hair ? hair.top : top, top - 0.1 * (bottom - top)) - 0.03 * (bottom - top);
}

/**
 * A beanie over head and hair, down to above the brows and over the ears.
 *
 * @param {LabelMap} mask
 */
function beanie(mask) {
  const { top, bottom, left, right } = faceBox(mask);
  const [height, width, centre] = [bottom - top, right - left, (left + right - 1) / 2];
  const [edge, crown] = [browLine(mask) - 0.1 * height, crownLine(mask)];
  const edited = copyMask(mask);
  paint(edited, HAT, (row, column) => {
    const up = clamp((edge - row) / Math.max(edge - crown, 1), 0, 1);
    const down = clamp((row - edge) / Math.max(0.26 * height, 1), 0, 1);
    const half = 0.6 * width * Math.sqrt(1 - up ** 2 * Math.sqrt(up)) * (1 - 0.12 * down ** 2);
    const across = Math.abs(column - centre) / Math.max(0.6 * width, 1);
    const bend = 0.26 * height * across ** 2 * Math.sqrt(across);
    return Math.abs(column - centre) <= half && row <= edge + bend && row >= crown;
  });
  return edited;
}

/**
 * Hang earrings from the ears that the mask shows, studs to large hoops; where one is worn, in its place.
 *
 * @param {LabelMap} mask
 * @param {number} amount
 */
export function earrings(mask, amount) {
  const { top, bottom, left, right } = faceBox(mask);
  const lobes = EARS.flatMap((ear) => earLobe(mask, ear) ?? []);
  if (!lobes.length) throw new EngineError("The mask shows no ears, so earrings cannot hang from them.");
  const height = bottom - top;
  const [radius, thickness] = [Math.max((0.018 + 0.047 * amount) * height, 1), Math.max(0.018 * height, 1.5)];
  const middle = (left + right - 1) / 2;
  let edited = mask;
  const centres = lobes.map((lobe) => {
    const worn = flagged(mask, (_row, column, label) => label === EARRING && column > middle === lobe.column > middle);
    const box = extent(worn);
    edited = fillFromNearest(edited, worn, BEHIND_EARRINGS);
    // A half more, or its highest pixel would lie on the edge.
    const top = box ? box.top - 0.5 : lobe.row - 0.02 * height;
    return { row: top + radius, column: box ? (box.left + box.right - 1) / 2 : lobe.column };
  });
  edited = copyMask(edited);
  for (const centre of centres) {
    paint(edited, EARRING, (row, column) => {
      const squared = (row - centre.row) ** 2 + (column - centre.column) ** 2;
      return squared < radius ** 2 && squared >= Math.max(radius - thickness, 0) ** 2;
    });
  }
  return edited;
}

/**
 * The row below an ear, and the middle column of its lowest quarter; null if the mask shows none.
 *
 * @param {LabelMap} mask
 * @param {number} ear
 */
function earLobe(mask, ear) {
  const flags = where(mask, [ear]);
  const box = extent(flags);
  if (!box) return null;
  const quarter = Math.max(Math.floor((box.bottom - box.top) / 4), 1);
  return { row: box.bottom, column: meanColumn(flags, box.bottom - quarter, box.bottom) };
}

/**
 * The mean column of the true pixels in rows from `top` to below `bottom`; there must be one.
 *
 * @param {import("../arrays.js").Flags} flags
 * @param {number} top
 * @param {number} bottom
 */
function meanColumn({ width, data }, top, bottom) {
  let [columns, count] = [0, 0];
  for (let i = top * width; i < bottom * width; i++) {
    if (!data[i]) continue;
    columns += i % width;
    count++;
  }
  return columns / count;
}

/**
 * Lay a necklace on the neck, thin to broad.
 *
 * @param {LabelMap} mask
 * @param {number} amount
 */
export function necklace(mask, amount) {
  const box = extent(where(mask, [NECK]));
  if (!box) throw new EngineError("The mask shows no neck, so a necklace cannot lie on it.");
  const { top, bottom, left, right } = box;
  const [middle, half] = [(left + right - 1) / 2, Math.max((right - left) / 2, 1)];
  const thick = (0.015 + 0.02 * amount) * (right - left);
  const edited = copyMask(mask);
  paint(edited, NECKLACE, (row, column, label) => {
    const across = (column - middle) / half;
    const curve = top + (bottom - top) * (0.45 + 0.35 * (1 - across ** 2));
    return label === NECK && Math.abs(across) < 1 && Math.abs(row - curve) < thick / 2 + 0.5;
  });
  return edited;
}

/**
 * Whether a mask shows an accessory, and not just specks of a hat, glasses or earrings.
 *
 * @param {LabelMap} mask
 * @param {number} label
 */
export function isWorn(mask, label) {
  const count = mask.data.reduce((sum, one) => sum + Number(one === label), 0);
  const box = extent(where(mask, FACE));
  if (!box) return count > 0;
  return count > 0 && count >= (LEAST_WORN.get(label) ?? 0) * (box.bottom - box.top) * (box.right - box.left);
}

/**
 * Take glasses off; eyes and brows that dark lenses hid are drawn where the lenses were.
 *
 * @param {LabelMap} mask
 */
export function withoutGlasses(mask) {
  const worn = where(mask, [GLASSES]);
  const head = extent(where(mask, FACE));
  const heights = new Uint32Array(mask.width);
  for (let i = 0; i < worn.data.length; i++) heights[i % mask.width] += worn.data[i];
  const least = LENS * (head ? head.bottom - head.top : 0);
  // Lenses lie on the face, thin temples in hair, too.
  const [temples, lenses] = [false, true].map((isTall) => {
    return { ...worn, data: worn.data.map((flag, i) => flag & Number(heights[i % mask.width] > least === isTall)) };
  });
  const edited = fillFromNearest(fillFromNearest(mask, temples, [SKIN, NOSE, ...EARS, HAIR]), lenses, [SKIN, NOSE]);
  const box = extent(worn);
  if (!box || lensesAreClear(mask)) return edited;
  const face = faceBox(mask);
  const middle = (box.left + box.right - 1) / 2;
  const width = 0.11 * (face.right - face.left);
  // In a picture the person's right eye lies on the left.
  for (const [eye, side] of [[RIGHT_EYE, -1], [LEFT_EYE, 1]]) {
    let [rows, columns, count] = [0, 0, 0];
    for (let i = 0; i < worn.data.length; i++) {
      const column = i % mask.width;
      if (!worn.data[i] || side * (column - middle) <= 0) continue;
      rows += Math.floor(i / mask.width);
      columns += column;
      count++;
    }
    if (!count) continue;
    const [centreRow, centreColumn] = [rows / count, columns / count];
    paint(edited, eye, (row, column, label) => {
      return label === SKIN && ((column - centreColumn) / width) ** 2 + ((row - centreRow) / (0.42 * width)) ** 2 < 1;
    });
    const brow = BROWS[EYES.indexOf(eye)];
    const isAbove = browAbove(centreRow, centreColumn, width);
    let [size, hidden] = [0, 0];
    for (let i = 0; i < mask.data.length; i++) {
      if (!isAbove(Math.floor(i / mask.width), i % mask.width)) continue;
      size++;
      hidden += worn.data[i];
    }
    if (mask.data.includes(brow) || 4 * hidden <= size) continue;
    paint(edited, brow, (row, column, label) => label === SKIN && isAbove(row, column));
  }
  return edited;
}

/**
 * Take a hat off: hair comes where the head must be, what was behind comes elsewhere.
 *
 * @param {LabelMap} mask
 */
export function withoutHat(mask) {
  const { bottom, left, right } = faceBox(mask);
  const [middle, half] = [(left + right - 1) / 2, 0.66 * (right - left)];
  const line = browLine(mask, 0.1); // a hat hides the forehead
  const crown = line - 0.6 * (bottom - line);
  const isHead = (/** @type {number} */ row, /** @type {number} */ column) =>
    ((column - middle) / Math.max(half, 1)) ** 2 + (Math.min(row - line, 0) / Math.max(line - crown, 1)) ** 2 < 1;
  const beyond = flagged(mask, (row, column, label) => label === HAT && !isHead(row, column));
  const edited = fillFromNearest(mask, beyond, [BACKGROUND, CLOTHES, NECK]);
  paint(edited, HAIR, (row, column, _, i) => mask.data[i] === HAT && isHead(row, column));
  paint(edited, SKIN, (row, column, _, i) => {
    if (mask.data[i] !== HAT || !isHead(row, column)) return false;
    return ((column - middle) / (0.44 * (right - left))) ** 2 + ((row - line) / (0.32 * (bottom - line))) ** 2 < 1;
  });
  return edited;
}

/**
 * Take earrings off.
 *
 * @param {LabelMap} mask
 */
export function withoutEarrings(mask) {
  return fillFromNearest(mask, where(mask, [EARRING]), BEHIND_EARRINGS);
}

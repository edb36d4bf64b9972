/**
 * Selecting, moving and scaling parts of a face.
 *
 * @typedef {import("./label-map.js").LabelMap} LabelMap
 * @typedef {import("./label-map.js").Point} Point
 * @typedef {import("./label-map.js").Box} Box
 * @typedef {import("./label-map.js").Locks} Locks
 *
 * @typedef {object} Part
 * @property {number} label class under the pointer
 * @property {boolean} isGroup whether grouped classes are included
 * @property {Uint8Array} pixels flag per mask pixel
 * @property {number} width of the mask
 * @property {Box} box around the flagged pixels
 *
 * @typedef {object} Displacement
 * @property {Box} box bounds of the moved part
 * @property {(x: number, y: number, source: Point) => void} trace inverse mapping: writes the source
 *   of a point to `source`
 */

import {
  BACKGROUND,
  CLOTHES,
  EARRING,
  GLASSES,
  HAIR,
  LEFT_BROW,
  LEFT_EAR,
  LEFT_EYE,
  LOWER_LIP,
  MOUTH,
  NECK,
  NOSE,
  RIGHT_BROW,
  RIGHT_EAR,
  RIGHT_EYE,
  SKIN,
  UPPER_LIP,
  clipBox,
  labelAt,
} from "./label-map.js";
import { connectedRegion } from "./fill.js";
import { fillFromNearest } from "./nearest.js";

export const MOUTH_CLASSES = [MOUTH, UPPER_LIP, LOWER_LIP];
const FACE_CLASSES = [
  SKIN,
  NOSE,
  GLASSES,
  LEFT_EYE,
  RIGHT_EYE,
  LEFT_BROW,
  RIGHT_BROW,
  LEFT_EAR,
  RIGHT_EAR,
  ...MOUTH_CLASSES,
  EARRING,
];

/** Large areas: a nearby feature takes precedence when clicking them. */
const BACKDROP_CLASSES = [BACKGROUND, SKIN, HAIR, NECK, CLOTHES];

/**
 * Classes selected together: lips with the mouth, facial features with the skin.
 *
 * @param {number} label
 * @returns {readonly number[]}
 */
function groupedClasses(label) {
  if (MOUTH_CLASSES.includes(label)) return MOUTH_CLASSES;
  if (label === SKIN) return FACE_CLASSES;
  return [label];
}

/**
 * Select the part under a point.
 *
 * @param {LabelMap} mask
 * @param {Point} point
 * @param {Locks} locks locked classes are excluded
 * @param {{groupParts?: boolean, allRegions?: boolean, reach?: number}} [how] `groupParts`: include grouped classes (default);
 *   `allRegions`: all pixels of the class, not only the connected region; `reach`: hit radius of features on large areas
 *   such as skin and hair, mask pixels
 * @returns {Part | null} null on background, locked classes and outside
 */
export function selectPart(mask, point, locks, { groupParts = true, allRegions = false, reach = 0 } = {}) {
  const start = featureNear(mask, point, reach);
  const label = start && labelAt(mask, start);
  if (!start || label === null || label === BACKGROUND || locks[label]) return null;
  const classes = (groupParts ? groupedClasses(label) : [label]).filter((other) => !locks[other]);
  if (!allRegions) {
    const region = connectedRegion(mask, start, classes);
    return region && { label, isGroup: classes.length > 1, width: mask.width, ...region };
  }
  const pixels = new Uint8Array(mask.data.length);
  const box = { left: mask.width, top: mask.height, right: 0, bottom: 0 };
  for (let y = 0, i = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++, i++) {
      if (!classes.includes(mask.data[i])) continue;
      pixels[i] = 1;
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x + 1);
      box.top = Math.min(box.top, y);
      box.bottom = Math.max(box.bottom, y + 1);
    }
  }
  return { label, isGroup: classes.length > 1, pixels, width: mask.width, box };
}

/**
 * Hit test: the nearest feature within reach, if any; on the background, the nearest part within reach; else the point
 * itself.
 *
 * @param {LabelMap} mask
 * @param {Point} point
 * @param {number} reach
 * @returns {Point | null} null outside
 */
function featureNear(mask, point, reach) {
  const label = labelAt(mask, point);
  if (label === null) return null;
  if (!BACKDROP_CLASSES.includes(label)) return point;
  const feature = nearestPixel(mask, point, reach, (other) => !BACKDROP_CLASSES.includes(other));
  if (feature || label !== BACKGROUND) return feature ?? point;
  return nearestPixel(mask, point, reach, (other) => other !== BACKGROUND) ?? point;
}

/**
 * @param {LabelMap} mask
 * @param {Point} point
 * @param {number} reach
 * @param {(label: number) => boolean} fits
 * @returns {Point | null} centre of the nearest matching pixel
 */
function nearestPixel(mask, point, reach, fits) {
  const box = clipBox(
    { left: point.x - reach, top: point.y - reach, right: point.x + reach, bottom: point.y + reach },
    mask,
  );
  let best = null;
  let bestDistance = reach * reach;
  for (let y = box?.top ?? 0; y < (box?.bottom ?? 0); y++) {
    for (let x = box?.left ?? 0; x < (box?.right ?? 0); x++) {
      const distance = (x + 0.5 - point.x) ** 2 + (y + 0.5 - point.y) ** 2;
      if (distance < bestDistance && fits(mask.data[y * mask.width + x])) {
        best = { x: x + 0.5, y: y + 0.5 };
        bestDistance = distance;
      }
    }
  }
  return best;
}

/**
 * Move, scale and turn about the centre of the part's box.
 *
 * @param {Part} part
 * @param {{dx?: number, dy?: number, scaleX?: number, scaleY?: number, angle?: number}} motion shifts in pixels,
 *   positive factors, angle in radians clockwise
 * @returns {Displacement}
 */
export function affineDisplacement(part, { dx = 0, dy = 0, scaleX = 1, scaleY = 1, angle = 0 }) {
  const { left, top, right, bottom } = part.box;
  const centreX = (left + right) / 2;
  const centreY = (top + bottom) / 2;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const halfX = (right - left) / 2;
  const halfY = (bottom - top) / 2;
  const reachX = Math.abs(cos) * halfX * scaleX + Math.abs(sin) * halfY * scaleY;
  const reachY = Math.abs(sin) * halfX * scaleX + Math.abs(cos) * halfY * scaleY;
  return {
    box: {
      left: centreX + dx - reachX,
      top: centreY + dy - reachY,
      right: centreX + dx + reachX,
      bottom: centreY + dy + reachY,
    },
    trace(x, y, source) {
      const offX = x - centreX - dx;
      const offY = y - centreY - dy;
      source.x = centreX + (cos * offX + sin * offY) / scaleX;
      source.y = centreY + (cos * offY - sin * offX) / scaleY;
    },
  };
}

/**
 * The union of two parts, under the class of the first.
 *
 * @param {Part} first
 * @param {Part} second of the same mask
 * @returns {Part}
 */
export function unionOfParts(first, second) {
  const box = {
    left: Math.min(first.box.left, second.box.left),
    top: Math.min(first.box.top, second.box.top),
    right: Math.max(first.box.right, second.box.right),
    bottom: Math.max(first.box.bottom, second.box.bottom),
  };
  return { ...first, pixels: first.pixels.map((flag, i) => flag | second.pixels[i]), box };
}

/**
 * Displace a part: its old area is filled from the nearest pixels, its new area is covered except locked classes.
 *
 * @param {LabelMap} mask not modified
 * @param {Part} part
 * @param {Displacement} displacement
 * @param {Locks} locks
 * @param {Uint8Array} [background] cached result of `removePart` for this part
 * @returns {Uint8Array} the new labels
 */
export function displacePart(mask, part, displacement, locks, background = removePart(mask, part, locks)) {
  const { width } = mask;
  const data = background.slice();
  const box = clipBox(displacement.box, mask);
  if (!box) return data;
  const source = { x: 0, y: 0 };
  for (let y = box.top; y < box.bottom; y++) {
    for (let x = box.left; x < box.right; x++) {
      displacement.trace(x + 0.5, y + 0.5, source);
      const sourceX = Math.floor(source.x);
      const sourceY = Math.floor(source.y);
      if (sourceX < part.box.left || sourceX >= part.box.right) continue;
      if (sourceY < part.box.top || sourceY >= part.box.bottom) continue;
      const from = sourceY * width + sourceX;
      const index = y * width + x;
      if (part.pixels[from] && !locks[data[index]]) data[index] = mask.data[from];
    }
  }
  return data;
}

/**
 * Remove a part, filling its area from the nearest pixels.
 *
 * @param {LabelMap} mask not modified
 * @param {Part} part
 * @param {Locks} locks locked classes do not spread into the area
 * @returns {Uint8Array}
 */
export function removePart(mask, part, locks) {
  const lifted = { ...mask, data: mask.data.slice() };
  const hole = part.pixels.slice();
  for (let i = 0; i < hole.length; i++) {
    if (!hole[i] && locks[mask.data[i]]) hole[i] = 2;
  }
  const box = boxAroundUnknown(part.box, hole, mask);
  fillFromNearest(lifted, hole, box);
  return lifted.data;
}

/**
 * Locked pixels are not read, so the search extends beyond them.
 *
 * @param {Box} box
 * @param {Uint8Array} hole
 * @param {LabelMap} mask
 * @returns {Box}
 */
function boxAroundUnknown(box, hole, mask) {
  return hole.includes(2) ? { left: 0, top: 0, right: mask.width, bottom: mask.height } : box;
}

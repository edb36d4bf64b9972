/**
 * The edit region: which pixels an edit may change, from the masks before and after and copied styles.
 *
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("./arrays.js").Flags} Flags
 * @typedef {import("./arrays.js").Planes} Planes
 * @typedef {import("./arrays.js").Size} Size
 */

import { cutLabels, cutPlanes, differences, extent, grown, labelTable, planes, putPlanes, rint, where } from "./arrays.js";
import { BACKGROUND, GLASSES } from "../mask/label-map.js";
import { EYES, FACE, MOUTH_PARTS } from "../mask/face-parts.js";
import { blur, blurRadius, dilate } from "./filters.js";
import { BILINEAR, BOX, resizeLabels, resizePlanes } from "./resampling.js";

// Lengths are fractions of the longer side.
/** How far the region reaches beyond the changed labels, and the standard deviation of its soft border. */
const GROW = 0.02;
const SOFT = 0.012;
/** The same for copied styles: eyes within the skin keep their pixels. */
const STYLE_GROW = 0.004;
const STYLE_SOFT = 0.004;
/** The same for the face that changes with the edit. */
const FACE_GROW = 0.08;
const FACE_SOFT = 0.04;
/** How far a hole reaches beyond the labels, about the middle of what the edit network learns. */
const HOLE_GROW = 0.03;
/** The same on unchanged background: a face casts nothing on it, so more context is better. */
const HOLE_GROW_BACKGROUND = 0.012;
/** The same from a changed mouth over the face: cheeks and eyes smile with it. */
const HOLE_GROW_MOUTH = 0.05;
/** Thickness of the rims that are drawn for clear glasses. */
const GLASSES_RIM = 0.014;
/** Pixels on the longer side of the soft region, and of the face around it, which is softer. */
const ALPHA_SIDE = 512;
const FACE_SIDE = 128;

export class EditRegion {
  /** @type {Planes | null} */
  #alpha = null;
  /** By size: the network and the paste after it ask for the same one. @type {Map<string, Planes>} */
  #holes = new Map();
  #stylesFace = false;

  /**
   * @param {LabelMap} before the face's own mask
   * @param {LabelMap} after the edited mask
   * @param {readonly number[]} styleClasses classes with another face's style, wherever `after` shows them
   * @param {boolean} everything whether all pixels may change
   */
  constructor(before, after, styleClasses = [], everything = false) {
    this.before = before;
    this.after = after;
    this.everything = everything;
    /** Where the labels differ. */
    this.changed = differences(before, after);
    /** Where classes with a copied style lie; null without any. */
    this.styleChanged = styleClasses.length ? where(after, styleClasses) : null;
    this.#stylesFace = styleClasses.some((label) => FACE.includes(label));
  }

  /** Whether no pixel may change. */
  get isEmpty() {
    return !(this.everything || this.changed.data.includes(1) || this.styleChanged?.data.includes(1));
  }

  /**
   * Opacity of the new pixels in [0, 1], one plane of at most 512 pixels a side: 1 on the labels, falling softly to 0.
   *
   * @returns {Planes}
   */
  get alpha() {
    this.#alpha ??= this.#computeAlpha();
    return this.#alpha;
  }

  #computeAlpha() {
    const region = softRegion(this.changed, GROW, SOFT, ALPHA_SIDE);
    if (this.styleChanged) {
      const style = softRegion(this.styleChanged, STYLE_GROW, STYLE_SOFT, ALPHA_SIDE);
      for (let i = 0; i < region.data.length; i++) region.data[i] = Math.max(region.data[i], style.data[i]);
    }
    return region;
  }

  /**
   * How much of the network's change the face around the edit takes over, one plane in [0, 1].
   *
   * Backgrounds, hair and clothes take over nothing: there the network redraws texture.
   *
   * @param {Size} size
   * @returns {Planes}
   */
  faceAlpha(size) {
    const near = resizePlanes(softRegion(this.changed, FACE_GROW, FACE_SOFT, FACE_SIDE), size, BILINEAR);
    const [before, after] = [resizeLabels(this.before, size), resizeLabels(this.after, size)];
    const isFace = labelTable(FACE);
    const face = planes(1, size.height, size.width);
    for (let i = 0; i < face.data.length; i++) face.data[i] = isFace[before.data[i]] & isFace[after.data[i]];
    const soft = blur(face, 1);
    for (let i = 0; i < near.data.length; i++) near.data[i] *= face.data[i] * soft.data[i];
    return near;
  }

  /**
   * What a network that sees the photograph is to fill, one plane: 1 inside, 0 outside.
   *
   * @param {Size} size
   * @returns {Planes}
   */
  hole(size) {
    const key = `${size.width}x${size.height}`;
    const hole = this.#holes.get(key) ?? this.#computeHole(size);
    this.#holes.set(key, hole);
    return hole;
  }

  /** @param {Size} size */
  #computeHole(size) {
    const hole = planes(1, size.height, size.width);
    if (this.everything) {
      hole.data.fill(1);
      return hole;
    }
    const touched = covered(this.styleChanged ? either(this.changed, this.styleChanged) : this.changed, size);
    const box = extent(touched);
    if (!box) return hole;
    const pixels = (/** @type {number} */ length) => Math.max(rint(length * Math.max(size.height, size.width)), 1);
    // Only what lies within the farthest reach is computed.
    const reach = pixels(HOLE_GROW_MOUTH);
    const place = grown(box, reach, size);
    const near = cutPlanes(touched, place);
    const [wide, narrow] = [HOLE_GROW, HOLE_GROW_BACKGROUND].map((grow) => dilate(near, pixels(grow)));
    const [before, after] = [this.before, this.after].map((mask) => cutLabels(resizeLabels(mask, size), place));
    const mouth = this.#changedMouth();
    if (mouth) growOverFace(wide, dilate(cutPlanes(covered(mouth, size), place), reach), before, after);
    // Around what uncovers background, what it cast on it goes as well: single hairs, shadows.
    const around = dilate(uncovered(before, after), pixels(HOLE_GROW));
    for (let i = 0; i < wide.data.length; i++) if (before.data[i] === BACKGROUND && !around.data[i]) wide.data[i] = narrow.data[i];
    // A copied style may be seen through lenses.
    if (!this.#stylesFace) leaveClearLenses(wide, before, after, pixels(GLASSES_RIM));
    putPlanes(hole, wide, place);
    return hole;
  }

  /**
   * Background in and around what the edit uncovers of it; null if it does not.
   *
   * @param {Planes} hole of the edit, at any size
   * @returns {{revealed: Planes, known: Planes} | null} what is drawn anew, and all that is the photograph's: 1 there
   */
  revealedBackground(hole) {
    if (this.everything || !uncovered(this.before, this.after).data.includes(1)) return null;
    const [before, after] = [this.before, this.after].map((mask) => resizeLabels(mask, hole));
    const near = dilate(uncovered(before, after), Math.max(rint(HOLE_GROW * Math.max(hole.height, hole.width)), 1));
    const [revealed, known] = [planes(1, hole.height, hole.width), planes(1, hole.height, hole.width)];
    for (let i = 0; i < hole.data.length; i++) {
      if (after.data[i] !== BACKGROUND) continue;
      revealed.data[i] = hole.data[i] * near.data[i];
      known.data[i] = 1 - hole.data[i];
    }
    return { revealed, known };
  }

  /** Where the mouth changed; null if it did not. */
  #changedMouth() {
    const isMouth = labelTable(MOUTH_PARTS);
    const { before, after, changed: { width, height, data } } = this;
    const mouth = new Uint8Array(data.length);
    for (let i = 0; i < data.length; i++) if (data[i]) mouth[i] = isMouth[before.data[i]] | isMouth[after.data[i]];
    return mouth.includes(1) ? { width, height, data: mouth } : null;
  }
}

/**
 * Where background shows that did not before, one plane: 1 there.
 *
 * @param {LabelMap} before
 * @param {LabelMap} after of its size
 */
function uncovered(before, after) {
  const result = planes(1, before.height, before.width);
  for (let i = 0; i < result.data.length; i++) {
    result.data[i] = Number(before.data[i] !== BACKGROUND && after.data[i] === BACKGROUND);
  }
  return result;
}

/**
 * Extend a hole over the face around a changed mouth.
 *
 * @param {Planes} hole
 * @param {Planes} near 1 around the mouth, of its size
 * @param {LabelMap} before of its size
 * @param {LabelMap} after of its size
 */
function growOverFace(hole, near, before, after) {
  const isFace = labelTable(FACE);
  for (let i = 0; i < hole.data.length; i++) {
    if (near.data[i] && isFace[before.data[i]] && isFace[after.data[i]]) hole.data[i] = 1;
  }
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
function leaveClearLenses(hole, before, after, rim) {
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
 * 1 on the flagged pixels and `growth` around, falling softly to exactly 0.
 *
 * The resolution is bounded: soft borders need no more, and the cost does not grow with the photograph.
 *
 * @param {Flags} flags
 * @param {number} growth reach of the dilation, as a fraction of the longer side
 * @param {number} softness standard deviation of the blur, as a fraction of the longer side
 * @param {number} side pixels on the longer side of the result, at most
 * @returns {Planes} one plane
 */
export function softRegion(flags, growth, softness, side) {
  const factor = Math.min(1, side / Math.max(flags.height, flags.width));
  const height = Math.max(rint(flags.height * factor), 1);
  const width = Math.max(rint(flags.width * factor), 1);
  const region = planes(1, height, width);
  const touched = covered(flags, { width, height });
  const box = extent(touched);
  if (!box) return region;
  const longer = Math.max(height, width);
  const grow = Math.max(rint(growth * longer), 1);
  const sigma = Math.max(softness * longer, 0.5);
  // Beyond the reach of growth and blur the region is 0: only what lies within is computed.
  const margin = grow + blurRadius(sigma) + 1;
  const [top, left] = [Math.max(box.top - margin, 0), Math.max(box.left - margin, 0)];
  const [bottom, right] = [Math.min(box.bottom + margin, height), Math.min(box.right + margin, width)];
  const mask = planes(1, bottom - top, right - left);
  for (let y = top; y < bottom; y++) {
    mask.data.set(touched.data.subarray(y * width + left, y * width + right), (y - top) * mask.width);
  }
  const soft = blur(dilate(mask, grow), sigma);
  // The blur must not thin the region out where labels did change.
  const near = blur(dilate(mask, 1), 0.5);
  for (let y = 0, i = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++, i++) {
      const value = Math.max(soft.data[i], near.data[i]);
      region.data[(top + y) * width + left + x] = value < 1 / 255 ? 0 : Math.min(value, 1);
    }
  }
  return region;
}

/**
 * @param {Flags} first
 * @param {Flags} second of the same size
 * @returns {Flags}
 */
function either({ width, height, data }, second) {
  return { width, height, data: data.map((flag, i) => flag | second.data[i]) };
}

/**
 * 1 for the pixels of a size that flagged pixels touch: averaged and not sampled, so that a thin stroke is not lost.
 *
 * @param {Flags} flags
 * @param {Size} size
 * @returns {Planes} one plane
 */
function covered(flags, size) {
  const sharp = planes(1, flags.height, flags.width, new Float32Array(flags.data));
  if (flags.width === size.width && flags.height === size.height) return sharp;
  const averaged = resizePlanes(sharp, size, BOX);
  for (let i = 0; i < averaged.data.length; i++) averaged.data[i] = Number(averaged.data[i] > 0);
  return averaged;
}

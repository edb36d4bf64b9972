/**
 * The edit region: which pixels an edit may change, from the masks before and after and copied styles.
 *
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("./arrays.js").Flags} Flags
 * @typedef {import("./arrays.js").Planes} Planes
 * @typedef {import("./arrays.js").Size} Size
 *
 * @typedef {object} MovingFace the face around a changed mouth, one plane each in [0, 1]
 * @property {Planes} share how much of the network's change the photograph takes over; 0 outside of the hole
 * @property {Planes} kept how much of its detail the photograph keeps; 1 outside of the hole
 */

import { keepsKind } from "./accessory-styles.js";
import { cutLabels, cutPlanes, differences, extent, grown, labelTable, planes, putPlanes, rint, where } from "./arrays.js";
import { BACKGROUND, CLOTHES, EARRING, GLASSES, HAIR, HAT, NECK, NECKLACE, SKIN } from "../mask/label-map.js";
import { BROWS, EYES, FACE, FEATURES, MOUTH_PARTS } from "../mask/face-parts.js";
import { blur, blurRadius, dilate } from "./filters.js";
import { leaveNewRims, leaveRims, seenThrough } from "./lenses.js";
import { BILINEAR, resizeLabels, resizePlanes } from "./resampling.js";
import { covered, softRegion } from "./soft-region.js";

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
/** The same on unchanged background and around new glasses and jewellery, which cast little. */
const HOLE_GROW_NEAR = 0.012;
const THIN = [GLASSES, EARRING, NECKLACE];
/** The same on skin where a face grows sideways: its old edge is darker. */
const HOLE_GROW_SKIN = 0.05;
/** What it covers then. */
const BESIDE_FACE = [BACKGROUND, HAIR, NECK, CLOTHES];
/** How far from features and glasses the hole of a growing face ends. */
const FEATURE_MARGIN = 0.02;
/** The region's reach and soft border for the face around a mouth that moves with it. */
const MOUTH_GROW = 0.12;
const MOUTH_SOFT = 0.03;
/** Intersection over union from which a hat counts as the one that was worn before. */
const SAME_OUTLINE = 0.75;
/** The share of it that may be new whatever was taken away. */
const ADDED_OUTLINE = 0.05;
/** How far its detail reaches into what is drawn anew, and its soft border. */
const KEPT_MARGIN = 0.006;
const KEPT_SOFT = 0.012;
/** Thickness of the rims that are drawn for clear glasses, and of those that go with them: frames, and what they cast. */
const GLASSES_RIM = 0.014;
const REMOVED_RIM = 0.028;
/** Pixels on the longer side of the soft region, and of the face around it, which is softer. */
const ALPHA_SIDE = 512;
const FACE_SIDE = 128;

export class EditRegion {
  /** @type {Planes | null} */
  #alpha = null;
  /**
   * By size: the network and the paste after it ask for the same one.
   * @type {Map<string, {hole: Planes, moving: MovingFace | null}>}
   */
  #holes = new Map();
  #stylesFace = false;
  /** See `#changedMouth`. @type {Flags | null | undefined} */
  #mouth;

  /**
   * @param {LabelMap} before the face's own mask
   * @param {LabelMap} after the edited mask
   * @param {readonly number[]} styleClasses classes with another face's style, wherever `after` shows them
   * @param {boolean} everything whether all pixels may change
   * @param {boolean} tinted whether glasses worn before are: what is seen through them has not its own colour
   */
  constructor(before, after, styleClasses = [], everything = false, tinted = false) {
    this.tinted = tinted;
    this.before = before;
    this.after = after;
    this.everything = everything;
    /** Where the labels differ. */
    this.changed = differences(before, after);
    /** Where classes with a copied style lie, and glasses or a hat that are not those worn before; null without any. */
    this.styleChanged = null;
    const restyled = [...styleClasses];
    for (const [label, keeps] of /** @type {const} */ ([[GLASSES, keepsKind], [HAT, keepsOutline]])) {
      const areShown = [before, after].every((mask) => mask.data.includes(label));
      if (areShown && !keeps(label, before, after)) restyled.push(label);
    }
    if (restyled.length) this.styleChanged = where(after, restyled);
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
    const [before, after] = [this.before, this.after].map((mask) => where(resizeLabels(mask, size), FACE).data);
    return onFace(near, Float32Array.from(before, (flag, i) => flag & after[i]));
  }

  /**
   * What a network that sees the photograph is to fill, one plane: 1 inside, 0 outside.
   *
   * @param {Size} size
   * @returns {Planes}
   */
  hole(size) {
    return this.#at(size).hole;
  }

  /**
   * The face that moves with a changed mouth; null if the mouth did not change, or everything may.
   *
   * @param {Size} size
   * @returns {MovingFace | null}
   */
  movingFace(size) {
    return this.#changedMouth ? this.#at(size).moving : null;
  }

  /** @param {Size} size */
  #at(size) {
    const key = `${size.width}x${size.height}`;
    const known = this.#holes.get(key);
    if (known) return known;
    const hole = this.#drawnAnew(size);
    const moving = this.#movingFace(size, hole);
    if (moving) for (let i = 0; i < hole.data.length; i++) if (moving.share.data[i] > 0) hole.data[i] = 1;
    this.#holes.set(key, { hole, moving });
    return { hole, moving };
  }

  /**
   * @param {Size} size
   * @param {Planes} anew see `#drawnAnew`
   * @returns {MovingFace | null}
   */
  #movingFace(size, anew) {
    const mouth = this.#changedMouth;
    const share = mouth && faceAroundMouth(this.before, size);
    if (!share) return null;
    const face = where(resizeLabels(this.after, size), FACE).data;
    for (let i = 0; i < face.length; i++) share.data[i] *= face[i];
    return { share, kept: keptDetail(share, anew, covered(mouth, size)) };
  }

  /** The hole without the face that moves with a mouth. @param {Size} size */
  #drawnAnew(size) {
    const hole = planes(1, size.height, size.width);
    if (this.everything) {
      hole.data.fill(1);
      return hole;
    }
    const touched = covered(this.styleChanged ? either(this.changed, this.styleChanged) : this.changed, size);
    const box = extent(touched);
    if (!box) return hole;
    const pixels = (/** @type {number} */ length) => Math.max(rint(length * Math.max(size.height, size.width)), 1);
    // Only what lies within the farthest reach is computed, and what features there must be kept away from.
    const place = grown(box, pixels(HOLE_GROW_SKIN) + pixels(FEATURE_MARGIN), size);
    const resized = [this.before, this.after].map((mask) => resizeLabels(mask, size));
    const [before, after] = resized.map((mask) => cutLabels(mask, place));
    const [isThin, isEye] = [labelTable(THIN), labelTable(EYES)];
    const casts = this.changed.data.map((flag, i) => {
      const isCast = flag && !(isThin[this.after.data[i]] && !isEye[this.before.data[i]]);
      return Number(isCast || this.styleChanged?.data[i]);
    });
    const casting = cutPlanes(covered({ ...this.changed, data: casts }, size), place);
    const wide = dilate(casting, pixels(HOLE_GROW));
    const narrow = dilate(cutPlanes(touched, place), pixels(HOLE_GROW_NEAR));
    for (let i = 0; i < wide.data.length; i++) wide.data[i] = Math.max(wide.data[i], narrow.data[i]);
    // Around what uncovers background, what it cast on it goes as well: single hairs, shadows.
    const around = dilate(uncovered(before, after), pixels(HOLE_GROW));
    for (let i = 0; i < wide.data.length; i++) if (before.data[i] === BACKGROUND && !around.data[i]) wide.data[i] = narrow.data[i];
    const brows = (extent(where(resized[0], BROWS))?.top ?? 0) - place.top;
    addOldEdgeOfSkin(wide, before, grownSkin(before, after, brows), pixels(HOLE_GROW_SKIN), pixels(FEATURE_MARGIN));
    // A copied style may be seen through lenses.
    if (!this.#stylesFace) {
      leaveNewRims(wide, before, after, pixels(GLASSES_RIM));
      if (!this.tinted) leaveRims(wide, cutPlanes(seenThrough(resized[0], resized[1]), place), pixels(REMOVED_RIM));
    }
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

  /** Where the mouth changed; null if it did not, or everything may. @returns {Flags | null} */
  get #changedMouth() {
    if (this.#mouth === undefined) {
      const [before, after] = [this.before, this.after].map((mask) => where(mask, MOUTH_PARTS).data);
      const data = this.changed.data.map((flag, i) => flag & (before[i] | after[i]));
      this.#mouth = !this.everything && data.includes(1) ? { ...this.changed, data } : null;
    }
    return this.#mouth;
  }
}

/**
 * How much of the photograph's detail stays, one plane.
 *
 * @param {Planes} share see `MovingFace`
 * @param {Planes} anew what is drawn anew: 1 there
 * @param {Planes} mouth where it changed
 * @returns {Planes}
 */
function keptDetail(share, anew, mouth) {
  const kept = planes(1, anew.height, anew.width);
  kept.data.fill(1);
  const box = extent(anew);
  if (!box) return kept;
  const longer = Math.max(anew.height, anew.width);
  const margin = Math.max(rint(KEPT_MARGIN * longer), 1);
  const sigma = KEPT_SOFT * longer;
  const place = grown(box, 2 * blurRadius(sigma), anew);
  const [moves, drawn, changed] = [share, anew, mouth].map((plane) => cutPlanes(plane, place));
  const byMouth = dilate(changed, Math.max(rint(HOLE_GROW * longer), 1));
  for (let i = 0; i < byMouth.data.length; i++) byMouth.data[i] *= drawn.data[i];
  const inside = blur(dilate(inverted(byMouth), margin), sigma);
  // What else is drawn may be as thin as the rim of glasses: its border is as sharp as without a moving face.
  const others = blur(dilate(inverted(drawn), margin), margin / 2).data;
  for (let i = 0; i < inside.data.length; i++) {
    if (drawn.data[i] && !byMouth.data[i]) inside.data[i] = moves.data[i] > 0 ? Math.min(inside.data[i], others[i]) : 0;
    else if (!drawn.data[i] && !(moves.data[i] > 0)) inside.data[i] = 1;
  }
  putPlanes(kept, inside, place);
  return kept;
}

/** 1 less each value. @param {Planes} plane @returns {Planes} */
function inverted(plane) {
  return { ...plane, data: plane.data.map((value) => 1 - value) };
}

/**
 * The face that moves with its mouth, one plane: 1 near the mouth, falling softly to 0; null if the mask shows no mouth.
 *
 * @param {LabelMap} mask
 * @param {Size} size
 * @returns {Planes | null}
 */
export function faceAroundMouth(mask, size) {
  const mouth = where(mask, MOUTH_PARTS);
  if (!mouth.data.includes(1)) return null;
  const near = resizePlanes(softRegion(mouth, MOUTH_GROW, MOUTH_SOFT, FACE_SIDE), size, BILINEAR);
  return onFace(near, new Float32Array(where(resizeLabels(mask, size), FACE).data));
}

/**
 * The part of a soft region on the face, its border softened.
 *
 * @param {Planes} region
 * @param {Float32Array} face 1 there
 * @returns {Planes}
 */
function onFace(region, face) {
  const result = { ...region, data: new Float32Array(face.length) };
  const box = extent(region);
  if (!box) return result;
  const place = grown(box, blurRadius(1), region);
  const [near, flags] = [region.data, face].map((data) => cutPlanes({ ...region, data }, place));
  const soft = blur(flags, 1);
  for (let i = 0; i < soft.data.length; i++) soft.data[i] *= near.data[i] * flags.data[i];
  putPlanes(result, soft, place);
  return result;
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
 * Whether a hat that both masks show is the same one, changed a little.
 *
 * @param {number} label
 * @param {LabelMap} before
 * @param {LabelMap} after of its size
 */
function keepsOutline(label, before, after) {
  let [shared, lost, added] = [0, 0, 0];
  for (let i = 0; i < before.data.length; i++) {
    const [was, is] = [before.data[i] === label, after.data[i] === label];
    if (was && is) shared++;
    else if (was) lost++;
    else if (is) added++;
  }
  return added <= ADDED_OUTLINE * (shared + added) || shared >= SAME_OUTLINE * (shared + lost + added);
}

/**
 * Where a face grows sideways, one plane: 1 there.
 *
 * @param {LabelMap} before
 * @param {LabelMap} after of its size
 * @param {number} brows the row above which what becomes skin is a forehead
 * @returns {Planes}
 */
function grownSkin(before, after, brows) {
  const isBeside = labelTable(BESIDE_FACE);
  const result = planes(1, before.height, before.width);
  for (let i = Math.max(brows, 0) * before.width; i < result.data.length; i++) {
    result.data[i] = Number(after.data[i] === SKIN && isBeside[before.data[i]]);
  }
  return result;
}

/**
 * Add skin beside which a face grows to a hole, but not the face's features.
 *
 * @param {Planes} hole
 * @param {LabelMap} before of its size
 * @param {Planes} grown what becomes skin
 * @param {number} reach pixels
 * @param {number} margin around features, pixels
 */
function addOldEdgeOfSkin(hole, before, grown, reach, margin) {
  if (!grown.data.includes(1)) return;
  const near = dilate(grown, reach);
  const features = dilate({ ...hole, data: Float32Array.from(where(before, FEATURES).data) }, margin);
  for (let i = 0; i < hole.data.length; i++) {
    if (near.data[i] && !features.data[i] && before.data[i] === SKIN) hole.data[i] = 1;
  }
}

/**
 * @param {Flags} first
 * @param {Flags} second of the same size
 * @returns {Flags}
 */
function either({ width, height, data }, second) {
  return { width, height, data: data.map((flag, i) => flag | second.data[i]) };
}

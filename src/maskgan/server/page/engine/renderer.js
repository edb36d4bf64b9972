/**
 * A face network behind masks and pictures; it keeps nothing of a face between calls.
 *
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("./arrays.js").Picture} Picture
 * @typedef {import("./arrays.js").Planes} Planes
 * @typedef {import("./arrays.js").Size} Size
 * @typedef {import("./networks.js").CoarseDrawing} CoarseDrawing
 * @typedef {import("./networks.js").Context} Context
 * @typedef {import("./networks.js").Networks} Networks
 * @typedef {Float32Array} StyleCode
 */

import { EngineError, bounded, rint, toImage } from "./arrays.js";
import { addedAccessories, openedMouth } from "./accessory-styles.js";
import { MOUTH } from "../mask/label-map.js";
import { resizeLabels, resizePicture } from "./resampling.js";

const ASPECT_TOLERANCE = 0.01;

export class Renderer {
  #networks;

  /**
   * @param {Networks} networks
   * @param {number} [resolution] pixels on the longer side that the network works at; its own by default
   */
  constructor(networks, resolution = networks.manifest.resolution) {
    this.#networks = networks;
    this.resolution = resolution;
    /** Whether the network sees the photograph around the edit region. */
    this.usesContext = "hole" in networks.info("generator").inputs;
    /** Whether it adds detail to a coarse picture, which previews make do with. */
    this.hasDetail = networks.has("detail") && resolution === networks.manifest.resolution;
  }

  /** Whether styles of single parts of a face can be mixed in. */
  get hasPartStyles() {
    return this.#networks.manifest.style.has_parts;
  }

  /**
   * Size for the network: the longer side at its resolution, both multiples that it can halve.
   *
   * @param {Size} mask
   * @returns {Size}
   */
  workingSize({ width, height }) {
    const { size_multiple: multiple } = this.#networks.manifest;
    const scale = this.resolution / Math.max(width, height);
    const [w, h] = [width, height].map((side) => Math.max(rint((side * scale) / multiple), 2) * multiple);
    return { width: w, height: h };
  }

  /**
   * The picture at its mask's working size, 3 x h x w in [-1, 1].
   *
   * @param {Picture} picture
   * @param {LabelMap} mask
   */
  image(picture, mask) {
    return toImage(resizePicture(picture, this.workingSize(mask)));
  }

  /**
   * The style code of a face.
   *
   * @param {Picture} picture
   * @param {LabelMap} mask its own, of the same proportions
   * @returns {Promise<StyleCode>}
   */
  async encode(picture, mask) {
    requireSameProportions(picture, mask);
    return this.#networks.encodeStyle(this.image(picture, mask), resizeLabels(mask, this.workingSize(mask)));
  }

  /**
   * The face for a mask, 3 x h x w in [-1, 1] of the mask's working size.
   *
   * @param {LabelMap} mask
   * @param {StyleCode} style
   * @param {Context | null} context the photograph at that size; null: everything is drawn
   * @param {CoarseDrawing | null} coarse of the same inputs, if it is drawn already
   * @returns {Promise<Planes>}
   */
  async synthesise(mask, style, context = null, coarse = null) {
    const size = this.workingSize(mask);
    const labels = resizeLabels(mask, size);
    if (!this.usesContext) return this.#networks.generate(labels, style, null);
    const given = context ?? everything(size);
    if (!this.hasDetail) return bounded(await this.#networks.generate(labels, style, given));
    const drawn = coarse ?? (await this.#networks.drawCoarse(labels, style, given));
    return this.#networks.addDetail(drawn, labels, style, given);
  }

  /**
   * What a network with detail draws first, at half of the side.
   *
   * @param {LabelMap} mask
   * @param {StyleCode} style
   * @param {Context} context
   */
  async drawCoarse(mask, style, context) {
    return this.#networks.drawCoarse(resizeLabels(mask, this.workingSize(mask)), style, context);
  }

  /**
   * What a network with detail makes of a photograph, which saves edits of it time.
   *
   * @param {Planes} image at the mask's working size
   * @param {LabelMap} mask its own
   */
  async knownLevels(image, mask) {
    return this.#networks.knownLevels(image, resizeLabels(mask, this.workingSize(mask)));
  }

  /**
   * The style code `strength` of the way from one to another; exactly either one at 0 and 1.
   *
   * @param {StyleCode} own
   * @param {StyleCode} other
   * @param {number} strength 0..1
   * @param {readonly number[] | null} parts classes whose codes alone are mixed; null: everything is
   * @returns {StyleCode}
   */
  mixStyles(own, other, strength, parts) {
    const chosen = parts && this.#partMask(parts);
    return own.map((value, i) => {
      if (chosen && !chosen[i]) return value;
      const step = other[i] - value;
      return strength < 0.5 ? value + strength * step : other[i] - step * (1 - strength);
    });
  }

  /**
   * The style code with those of the accessories that an edit adds to a face.
   *
   * @param {StyleCode} style
   * @param {LabelMap} before the face's own mask
   * @param {LabelMap} after the edited mask
   * @param {readonly number[]} kept classes whose codes stay as they are
   * @returns {StyleCode}
   */
  addAccessories(style, before, after, kept) {
    let result = style;
    for (const [label, kind] of addedAccessories(before, after)) {
      const code = this.#networks.manifest.accessory_styles?.[kind];
      if (!code || kept.includes(label)) continue;
      result = this.#mixed(result, label, code, 1);
    }
    const share = openedMouth(before, after);
    const code = this.#networks.manifest.accessory_styles?.["open-mouth"];
    return share > 0 && code && !kept.includes(MOUTH) ? this.#mixed(result, MOUTH, code, share) : result;
  }

  /**
   * @param {StyleCode} style
   * @param {number} label of the class whose code changes
   * @param {readonly number[]} code that it is mixed with
   * @param {number} share of that, 0..1
   */
  #mixed(style, label, code, share) {
    const part = this.#partMask([label]);
    let next = 0;
    return style.map((value, i) => (part[i] ? (1 - share) * value + share * code[next++] : value));
  }

  /**
   * Which entries of a style code are those of some classes.
   *
   * @param {readonly number[]} parts
   */
  #partMask(parts) {
    if (!this.hasPartStyles) throw new EngineError("These weights have no styles of parts, only one of the whole face.");
    const { size, parts_start: start, code_size: length, regions } = this.#networks.manifest.style;
    const mask = new Uint8Array(size);
    for (const region of parts.flatMap((label) => regions[label])) {
      mask.fill(1, start + region * length, start + (region + 1) * length);
    }
    return mask;
  }
}

/** @param {Size} size */
function everything({ width, height }) {
  const area = width * height;
  const image = { channels: 3, height, width, data: new Float32Array(3 * area) };
  return { image, hole: { channels: 1, height, width, data: new Float32Array(area).fill(1) } };
}

/**
 * @param {Size} picture
 * @param {Size} mask
 * @throws {EngineError} they show different frames
 */
export function requireSameProportions(picture, mask) {
  const ratio = picture.width / picture.height / (mask.width / mask.height);
  if (Math.abs(ratio - 1) <= ASPECT_TOLERANCE) return;
  const [own, other] = [mask, picture].map(({ width, height }) => `${width}x${height}`);
  throw new EngineError(
    `The mask is ${own} and the picture ${other}: they have other proportions, so the mask belongs to another picture or was cropped.`,
  );
}

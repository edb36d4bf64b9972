/**
 * From the files of a request to pictures and masks.
 *
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("./arrays.js").Picture} Picture
 * @typedef {import("./codecs.js").DecodePicture} DecodePicture
 * @typedef {import("./files/edited-file.js").SourceImage} SourceImage
 * @typedef {import("./framing.js").Frame} Frame
 * @typedef {import("./mask-check.js").MaskWarning} MaskWarning
 * @typedef {import("../remote/api.js").ServerInfo} ServerInfo
 */

import { NUM_CLASSES } from "../mask/label-map.js";
import { labelsOfPixels } from "../ui/mask-file.js";
import { EngineError, clamp } from "./arrays.js";
import { isJpeg } from "./files/jpeg-segments.js";
import { readMetadata } from "./files/metadata.js";
import { isGrey, isPng, readPixels } from "./files/png.js";
import { MIN_SIDE, cropFace, radians } from "./framing.js";
import { standardOrder } from "./label-orders.js";
import { maskWarnings } from "./mask-check.js";
import { requireSameProportions } from "./renderer.js";

/** Longest side over shortest side of a picture that is not cropped. */
const PROPORTION = 4;

export class Uploads {
  #decode;
  #info;

  /**
   * @param {DecodePicture} decode
   * @param {ServerInfo} info
   */
  constructor(decode, info) {
    this.#decode = decode;
    this.#info = info;
  }

  /**
   * A photograph with what its file carries.
   *
   * @param {Blob} file
   * @returns {Promise<SourceImage>}
   */
  async source(file) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const picture = await this.#decode(file, this.#info.limits.pixels);
    if (Math.min(picture.width, picture.height) < MIN_SIDE) {
      throw new EngineError(`The picture has ${picture.width}x${picture.height} pixels; at least ${MIN_SIDE} on each side are needed.`);
    }
    return { picture, metadata: await readMetadata(bytes), jpeg: isJpeg(bytes) ? bytes : null };
  }

  /**
   * The parts `picture`, whole, and `crop` of a form.
   *
   * @param {FormData} form
   * @returns {Promise<{source: SourceImage, frame: Frame | null}>}
   */
  async framedPicture(form) {
    const source = await this.source(requiredFile(form, "picture"));
    const crop = form.get("crop");
    if (crop !== null) return { source, frame: parseFrame(JSON.parse(String(crop)), source.picture) };
    const { width, height } = source.picture;
    if (Math.max(width, height) > PROPORTION * Math.min(width, height)) {
      throw new EngineError(`The picture is ${width}x${height}, too long and narrow for a face; crop it first.`);
    }
    return { source, frame: null };
  }

  /**
   * The parts `picture`, `mask`, its `order` and `crop` of a form, the picture and its mask cut to the crop; and what seems
   * wrong with the mask.
   *
   * @param {FormData} form
   * @returns {Promise<{source: SourceImage, mask: LabelMap | null, warnings: MaskWarning[]}>}
   */
  async face(form) {
    const { source, frame } = await this.framedPicture(form);
    const file = form.get("mask");
    let mask = file instanceof Blob ? await this.mask(file) : null;
    /** @type {MaskWarning[]} */
    let warnings = [];
    if (mask) {
      requireSameProportions(source.picture, mask);
      const order = form.get("order");
      if (order !== null) mask = standardOrder(mask, String(order));
      warnings = maskWarnings(mask, this.#info.classes, order !== null);
    }
    if (!frame) return { source, mask, warnings };
    const cut = mask && cutMask(mask, frame, source.picture, this.#info.limits.side);
    return { source: { ...source, picture: cropFace(source.picture, frame), jpeg: null }, mask: cut, warnings };
  }

  /**
   * A mask of indices, or of the classes' colours.
   *
   * @param {Blob} file
   * @returns {Promise<LabelMap>}
   */
  async mask(file) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (!isPng(bytes)) throw new EngineError("Masks in other formats than PNG are not read here, and most blur labels; save it as PNG.");
    const pixels = await readPixels(bytes, this.#info.limits.pixels);
    const { width, height, channels, data, palette } = pixels;
    if (isGrey(pixels)) return { width, height, data: checkLabels(everyNth(data, channels)) };
    const colours = new Uint8ClampedArray(4 * width * height).fill(255);
    const used = new Uint8Array(256);
    for (let i = 0; i < width * height; i++) {
      const from = palette ? 3 * data[i] : i * channels;
      colours.set((palette ?? data).subarray(from, from + 3), 4 * i);
      used[data[i * (palette ? 1 : channels)]] = 1;
      if (channels === 4 && data[from + 3] !== 255) throw new EngineError("A mask must not be transparent; save it without an alpha channel.");
    }
    const labels = labelsOfPixels(colours, this.#info.classes);
    if (labels) return { width, height, data: labels };
    // Indexed colours that are not the classes' are read by index.
    if (palette && !used.subarray(NUM_CLASSES).includes(1)) return { width, height, data: Uint8Array.from(data) };
    throw new EngineError("The mask has colours that stand for no class; save masks without smoothing or compression.");
  }
}

/**
 * @param {FormData} form
 * @param {string} name
 */
export function requiredFile(form, name) {
  const part = form.get(name);
  if (part instanceof Blob) return part;
  throw new EngineError(`The request lacks its part “${name}”.`);
}

/**
 * A mask as the page sends it, one byte a pixel.
 *
 * @param {Uint8Array} data
 * @param {import("./arrays.js").Size} size
 * @returns {LabelMap}
 */
export function rawMask(data, { width, height }) {
  if (data.length !== width * height) throw new EngineError(`The mask should have ${width * height} bytes, not ${data.length}.`);
  return { width, height, data: checkLabels(data) };
}

/** @param {Uint8Array} data */
function checkLabels(data) {
  for (let i = 0; i < data.length; i++) {
    if (data[i] >= NUM_CLASSES) throw new EngineError(`The mask holds the value ${data[i]}; labels are 0..${NUM_CLASSES - 1}.`);
  }
  return data;
}

/**
 * @param {Uint8Array} data
 * @param {number} step
 */
function everyNth(data, step) {
  return step === 1 ? data : Uint8Array.from({ length: data.length / step }, (_, i) => data[i * step]);
}

/**
 * The crop that the page asks for.
 *
 * @param {any} value
 * @param {Picture} picture
 * @returns {Frame}
 */
function parseFrame({ x, y, side, angle = 0 }, { width, height }) {
  if (![x, y, side, angle].every(Number.isFinite)) throw new EngineError("The crop should have numbers for x, y, side and angle.");
  if (!(side >= MIN_SIDE && side <= 4 * Math.max(width, height))) {
    throw new EngineError(`The crop's side should be between ${MIN_SIDE} pixels and four times the picture's longer side.`);
  }
  const reach = side / 2;
  if (!(-reach < x && x < width + reach && -reach < y && y < height + reach)) throw new EngineError("The crop lies outside the picture.");
  return { x, y, side, angle };
}

/**
 * What a frame shows of a picture's mask, by nearest neighbours; beyond the edges, theirs are drawn out.
 *
 * @param {LabelMap} mask
 * @param {Frame} frame
 * @param {Picture} picture
 * @param {number} side of the result
 * @returns {LabelMap}
 */
function cutMask(mask, frame, picture, side) {
  const [cos, sin] = [Math.cos(radians(frame.angle)), Math.sin(radians(frame.angle))];
  const data = new Uint8Array(side * side);
  for (let y = 0, i = 0; y < side; y++) {
    for (let x = 0; x < side; x++, i++) {
      const [across, down] = [x, y].map((at) => ((at + 0.5) / side - 0.5) * frame.side);
      const column = ((frame.x + across * cos - down * sin) * mask.width) / picture.width;
      const row = ((frame.y + across * sin + down * cos) * mask.height) / picture.height;
      data[i] = mask.data[clamp(Math.trunc(row), 0, mask.height - 1) * mask.width + clamp(Math.trunc(column), 0, mask.width - 1)];
    }
  }
  return { width: side, height: side, data };
}

/**
 * Arrays of the engine: pictures, planes, flags. The counterparts in Python are numpy arrays and tensors.
 *
 * @typedef {import("../mask/label-map.js").Box} Box
 * @typedef {import("../mask/label-map.js").LabelMap} LabelMap
 *
 * @typedef {object} Picture sRGB, upright
 * @property {number} width pixels
 * @property {number} height pixels
 * @property {Uint8ClampedArray} data row-major, 3 bytes a pixel: red, green, blue
 *
 * @typedef {object} Planes channels of floats, such as an image in [-1, 1]
 * @property {number} channels
 * @property {number} height
 * @property {number} width
 * @property {Float32Array} data channels x height x width
 *
 * @typedef {{width: number, height: number, data: Uint8Array}} Flags 1 where something holds, 0 elsewhere
 * @typedef {{width: number, height: number}} Size
 */

/** 8-bit steps per unit of an image in [-1, 1]. */
export const HALF_RANGE = 127.5;

/** Rec. 601. */
const LUMA = Float32Array.of(0.299, 0.587, 0.114);

/** 8-bit steps between the channels of a pixel that compression makes of a grey one. */
const GREY_SPREAD = 4;

/** 0..255 to [-1, 1], in single precision. */
const NORMALISED = Float32Array.from({ length: 256 }, (_, value) => Math.fround(value / HALF_RANGE) - 1);

/** A request that cannot be fulfilled, with a message for the user. */
export class EngineError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "EngineError";
  }
}

/**
 * Round to the nearest integer, halves to the even one, as Python and numpy do.
 *
 * @param {number} value
 */
export function rint(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/**
 * @param {number} channels
 * @param {number} height
 * @param {number} width
 * @param {Float32Array} [data]
 * @returns {Planes}
 */
export function planes(channels, height, width, data = new Float32Array(channels * height * width)) {
  return { channels, height, width, data };
}

/**
 * One channel as planes that share its memory.
 *
 * @param {Planes} image
 * @param {number} index
 * @returns {Planes}
 */
export function channel({ height, width, data }, index) {
  const size = height * width;
  return planes(1, height, width, data.subarray(index * size, (index + 1) * size));
}

/**
 * A picture as an image in [-1, 1], 3 x H x W.
 *
 * @param {Picture} picture
 * @returns {Planes}
 */
export function toImage({ width, height, data }) {
  const image = planes(3, height, width);
  const size = width * height;
  for (let i = 0; i < size; i++) {
    image.data[i] = NORMALISED[data[3 * i]];
    image.data[size + i] = NORMALISED[data[3 * i + 1]];
    image.data[2 * size + i] = NORMALISED[data[3 * i + 2]];
  }
  return image;
}

/**
 * An image in [-1, 1], 3 x H x W, as a picture, clamped and rounded.
 *
 * @param {Planes} image
 * @returns {Picture}
 */
export function toPicture({ width, height, data }) {
  const size = width * height;
  const pixels = new Uint8ClampedArray(3 * size); // rounds halves to even, as torch does
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < 3; c++) pixels[3 * i + c] = Math.fround(Math.fround(data[c * size + i] + 1) * HALF_RANGE);
  }
  return { width, height, data: pixels };
}

/**
 * Whether a picture is black and white.
 *
 * @param {Picture} picture
 */
export function isGrey({ data }) {
  for (let i = 0; i < data.length; i += 3) {
    if (Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > GREY_SPREAD) return false;
  }
  return true;
}

/**
 * The luma of three planes, in all of them.
 *
 * @param {Planes} image
 * @returns {Planes}
 */
export function withoutColour({ channels, height, width, data }) {
  const size = width * height;
  const grey = new Float32Array(data.length);
  for (let i = 0; i < size; i++) {
    let luma = 0;
    for (let c = 0; c < channels; c++) luma = Math.fround(luma + Math.fround(LUMA[c] * data[c * size + i]));
    for (let c = 0; c < channels; c++) grey[c * size + i] = luma;
  }
  return { channels, height, width, data: grey };
}

/**
 * @param {Picture} picture
 * @returns {Picture}
 */
export function copyPicture({ width, height, data }) {
  return { width, height, data: data.slice() };
}

/**
 * A copy with values in [-1, 1].
 *
 * @param {Planes} image
 * @returns {Planes}
 */
export function bounded(image) {
  const data = image.data.slice();
  for (let i = 0; i < data.length; i++) {
    if (data[i] > 1) data[i] = 1;
    else if (data[i] < -1) data[i] = -1;
  }
  return { ...image, data };
}

/**
 * RGBA pixels, as canvases have them, of a picture.
 *
 * @param {Picture} picture
 * @returns {Uint8ClampedArray<ArrayBuffer>}
 */
export function toRGBA({ width, height, data }) {
  const pixels = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0, j = 0; i < data.length; i += 3, j += 4) {
    pixels[j] = data[i];
    pixels[j + 1] = data[i + 1];
    pixels[j + 2] = data[i + 2];
  }
  return pixels;
}

/**
 * 256 flags: 1 for the given labels.
 *
 * @param {Iterable<number>} labels
 */
export function labelTable(labels) {
  const table = new Uint8Array(256);
  for (const label of labels) table[label] = 1;
  return table;
}

/**
 * Where a mask shows one of some classes.
 *
 * @param {LabelMap} mask
 * @param {Iterable<number>} labels
 * @returns {Flags}
 */
export function where({ width, height, data }, labels) {
  const table = labelTable(labels);
  const flags = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) flags[i] = table[data[i]];
  return { width, height, data: flags };
}

/**
 * Where two masks of one size differ.
 *
 * @param {LabelMap} first
 * @param {LabelMap} second
 * @returns {Flags}
 */
export function differences(first, second) {
  const flags = new Uint8Array(first.data.length);
  for (let i = 0; i < flags.length; i++) flags[i] = Number(first.data[i] !== second.data[i]);
  return { width: first.width, height: first.height, data: flags };
}

/**
 * @param {ArrayLike<number>} first
 * @param {ArrayLike<number>} second
 */
export function equalArrays(first, second) {
  if (first.length !== second.length) return false;
  for (let i = 0; i < first.length; i++) if (first[i] !== second[i]) return false;
  return true;
}

/** The box of everything. @param {Size} size @returns {Box} */
export /** @param {Size} size @returns {Box} */
function whole({ width, height }) {
  return { top: 0, bottom: height, left: 0, right: width };
}

/**
 * Bounding box of the entries that are not 0; null if there are none.
 *
 * @param {{width: number, height: number, data: ArrayLike<number>}} plane
 * @returns {Box | null}
 */
export function extent({ width, height, data }) {
  let [top, bottom, left, right] = [height, 0, width, 0];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (!data[i]) continue;
      if (x < left) left = x;
      if (x >= right) right = x + 1;
      if (y < top) top = y;
      bottom = y + 1;
    }
  }
  return left < right ? { top, bottom, left, right } : null;
}

/**
 * The part of a mask inside a box.
 *
 * @param {LabelMap} mask
 * @param {Box} place
 * @returns {LabelMap}
 */
export function cutLabels({ width, data }, { top, bottom, left, right }) {
  const cut = { width: right - left, height: bottom - top, data: new Uint8Array((right - left) * (bottom - top)) };
  for (let y = top; y < bottom; y++) cut.data.set(data.subarray(y * width + left, y * width + right), (y - top) * cut.width);
  return cut;
}

/**
 * Every second label of every second row.
 *
 * @param {LabelMap} mask its sides are even
 * @returns {LabelMap}
 */
export function halfLabels({ width, height, data }) {
  const half = { width: width / 2, height: height / 2, data: new Uint8Array((width / 2) * (height / 2)) };
  for (let y = 0, to = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) half.data[to++] = data[y * width + x];
  }
  return half;
}

/**
 * The part of each plane inside a box.
 *
 * @param {Planes} image
 * @param {Box} place
 */
export function cutPlanes({ channels, height, width, data }, { top, bottom, left, right }) {
  const cut = planes(channels, bottom - top, right - left);
  for (let c = 0, to = 0; c < channels; c++) {
    for (let y = top; y < bottom; y++, to += cut.width) {
      cut.data.set(data.subarray((c * height + y) * width + left, (c * height + y) * width + right), to);
    }
  }
  return cut;
}

/**
 * Write planes into larger ones of as many channels; `cutPlanes` reversed.
 *
 * @param {Planes} target changed in place
 * @param {Planes} part
 * @param {{top: number, left: number}} place
 */
export function putPlanes({ height, width, data }, part, { top, left }) {
  for (let row = 0; row < part.channels * part.height; row++) {
    const [c, y] = [Math.floor(row / part.height), row % part.height];
    data.set(part.data.subarray(row * part.width, (row + 1) * part.width), (c * height + top + y) * width + left);
  }
}

/**
 * A box with a margin, within planes, its sides at multiples.
 *
 * @param {Box} box
 * @param {number} margin
 * @param {Size} size of the planes, multiples of `multiple`
 * @param {number} [multiple]
 * @returns {Box}
 */
export function grown({ top, bottom, left, right }, margin, { width, height }, multiple = 1) {
  const low = (/** @type {number} */ start) => Math.max(Math.floor((start - margin) / multiple) * multiple, 0);
  const high = (/** @type {number} */ end, /** @type {number} */ side) => Math.min(Math.ceil((end + margin) / multiple) * multiple, side);
  return { top: low(top), bottom: high(bottom, height), left: low(left), right: high(right, width) };
}

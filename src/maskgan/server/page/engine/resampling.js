/**
 * Resampling as Pillow does it, bit for bit on 8-bit pictures: separable filters that average when shrinking.
 *
 * @typedef {import("./arrays.js").Picture} Picture
 * @typedef {import("./arrays.js").Planes} Planes
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("./arrays.js").Box} Box
 * @typedef {import("./arrays.js").Size} Size
 * @typedef {{left: number, top: number, right: number, bottom: number}} FloatBox a box whose edges need not be whole pixels
 *
 * @typedef {object} Filter
 * @property {number} support radius in source pixels at scale 1
 * @property {(x: number) => number} weight
 *
 * @typedef {object} Coefficients
 * @property {Int32Array} first source index of each target pixel's first weight
 * @property {Int32Array} count number of weights
 * @property {Float64Array} weights `stride` entries a target pixel
 * @property {number} stride
 */

import { cutPlanes, planes } from "./arrays.js";

/** Bits after the point of 8-bit weights. */
const PRECISION = 22;
const HALF = 2 ** (PRECISION - 1);

/** @type {Filter} */
export const BOX = { support: 0.5, weight: (x) => Number(x > -0.5 && x <= 0.5) };

/** @type {Filter} */
export const BILINEAR = { support: 1, weight: (x) => Math.max(1 - Math.abs(x), 0) };

/** @type {Filter} */
export const BICUBIC = {
  support: 2,
  weight: (x) => {
    const d = Math.abs(x);
    if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
    return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
  },
};

/** @type {Filter} */
export const LANCZOS = { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) };

/** @param {number} x */
function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/**
 * Resize a picture with Lanczos.
 *
 * @param {Picture} picture
 * @param {Size} size
 * @returns {Picture} the same one if it has that size
 */
export function resizePicture(picture, size) {
  return resizeWindow(picture, size, { top: 0, bottom: size.height, left: 0, right: size.width });
}

/**
 * A part of a picture as `resizePicture` gives it, for the cost of that part.
 *
 * @param {Picture} picture
 * @param {Size} size of all of it
 * @param {Box} window in pixels of `size`
 * @returns {Picture} the same one if nothing is resized or cut
 */
export function resizeWindow(picture, size, window) {
  const across = windowWeights(picture.width, size.width, window.left, window.right);
  const down = windowWeights(picture.height, size.height, window.top, window.bottom);
  if (!down) return across ? resizeRows(picture, across, 0, picture.height) : picture;
  if (!across) return resizeColumns(picture, down);
  // Only the rows that the second pass looks at.
  const [start, end] = [down.first[0], endOf(down)];
  for (let i = 0; i < down.first.length; i++) down.first[i] -= start;
  return resizeColumns(resizeRows(picture, across, start, end), down);
}

/**
 * The part of each plane inside a box, at another size, in double precision with single precision results; boxes reach
 * over no edge.
 *
 * @param {Planes} image
 * @param {Size} size
 * @param {Filter} filter
 * @param {FloatBox} [box] in pixels, all of it by default
 * @returns {Planes}
 */
export function resizePlanes(image, size, filter, box = { left: 0, top: 0, right: image.width, bottom: image.height }) {
  const { channels, height, width } = image;
  const isCut = size.width === box.right - box.left && size.height === box.bottom - box.top;
  // Whole pixels at their own size: these filters give each its own value.
  if (isCut && Number.isInteger(box.left) && Number.isInteger(box.top)) return cutPlanes(image, box);
  const keepsColumns = size.width === width && box.left === 0 && box.right === width;
  const keepsRows = size.height === height && box.top === 0 && box.bottom === height;
  let { data } = image;
  const down = keepsRows ? null : coefficients(height, box.top, box.bottom, size.height, filter);
  if (!keepsColumns) {
    const { first, count, weights, stride } = coefficients(width, box.left, box.right, size.width, filter);
    // Only the rows that the second pass looks at.
    const [top, bottom] = down ? [down.first[0], endOf(down)] : [0, height];
    const resized = new Float32Array(channels * height * size.width);
    for (let c = 0; c < channels; c++) {
      for (let row = c * height + top; row < c * height + bottom; row++) {
        for (let x = 0; x < size.width; x++) {
          const from = row * width + first[x];
          let sum = 0;
          for (let k = 0; k < count[x]; k++) sum += data[from + k] * weights[x * stride + k];
          resized[row * size.width + x] = sum;
        }
      }
    }
    data = resized;
  }
  if (down) {
    const { first, count, weights, stride } = down;
    const resized = new Float32Array(channels * size.height * size.width);
    const sums = new Float64Array(size.width);
    for (let c = 0; c < channels; c++) {
      for (let y = 0; y < size.height; y++) {
        sums.fill(0);
        for (let k = 0; k < count[y]; k++) {
          const weight = weights[y * stride + k];
          const from = (c * height + first[y] + k) * size.width;
          for (let x = 0; x < size.width; x++) sums[x] += data[from + x] * weight;
        }
        resized.set(sums, (c * size.height + y) * size.width);
      }
    }
    data = resized;
  }
  return { channels, height: size.height, width: size.width, data };
}

/**
 * Resize a mask by nearest neighbour.
 *
 * @param {LabelMap} mask
 * @param {Size} size
 * @returns {LabelMap} the same one if it has that size
 */
export function resizeLabels(mask, { width, height }) {
  if (mask.width === width && mask.height === height) return mask;
  const columns = nearestIndices(mask.width, width);
  const rows = nearestIndices(mask.height, height);
  const data = new Uint8Array(width * height);
  for (let y = 0, i = 0; y < height; y++) {
    const from = rows[y] * mask.width;
    for (let x = 0; x < width; x++, i++) data[i] = mask.data[from + columns[x]];
  }
  return { width, height, data };
}

/**
 * Planes at another size, bilinear between pixel centres without averaging, as networks resize feature maps.
 *
 * @param {Planes} image
 * @param {Size} size
 * @param {Box} [window] of that size, which alone is wanted; all of it by default
 * @returns {Planes} of the window
 */
export function interpolate(image, size, window = { top: 0, bottom: size.height, left: 0, right: size.width }) {
  const { channels, height, width, data } = image;
  const columns = linearIndices(width, size.width);
  const rows = linearIndices(height, size.height);
  const result = planes(channels, window.bottom - window.top, window.right - window.left);
  for (let c = 0, to = 0; c < channels; c++) {
    for (let y = window.top; y < window.bottom; y++) {
      const upper = (c * height + rows.low[y]) * width;
      const lower = (c * height + rows.high[y]) * width;
      const down = rows.share[y];
      for (let x = window.left; x < window.right; x++, to++) {
        const [low, high, across] = [columns.low[x], columns.high[x], columns.share[x]];
        const above = (1 - across) * data[upper + low] + across * data[upper + high];
        const below = (1 - across) * data[lower + low] + across * data[lower + high];
        result.data[to] = (1 - down) * above + down * below;
      }
    }
  }
  return result;
}

/**
 * @param {number} from
 * @param {number} to
 */
function linearIndices(from, to) {
  const [low, high, share] = [new Int32Array(to), new Int32Array(to), new Float64Array(to)];
  for (let i = 0; i < to; i++) {
    const centre = Math.max(((i + 0.5) * from) / to - 0.5, 0);
    low[i] = Math.min(Math.floor(centre), from - 1);
    high[i] = Math.min(low[i] + 1, from - 1);
    share[i] = centre - low[i];
  }
  return { low, high, share };
}

/**
 * @param {number} from
 * @param {number} to
 */
function nearestIndices(from, to) {
  const indices = new Int32Array(to);
  const step = from / to;
  // Added up as Pillow does: rounding decides where a centre falls on a pixel's edge.
  for (let i = 0, at = 0.5 * step; i < to; i++, at += step) indices[i] = Math.min(Math.floor(at), from - 1);
  return indices;
}

/**
 * Weights of the source pixels for each target pixel.
 *
 * @param {number} from pixels of the source
 * @param {number} start of the part to resample
 * @param {number} end
 * @param {number} to pixels of the target
 * @param {Filter} filter
 * @returns {Coefficients}
 */
function coefficients(from, start, end, to, filter) {
  const scale = (end - start) / to;
  const widening = Math.max(scale, 1);
  const support = filter.support * widening;
  const stride = 2 * Math.ceil(support) + 1;
  const weights = new Float64Array(to * stride);
  const [first, count] = [new Int32Array(to), new Int32Array(to)];
  for (let i = 0; i < to; i++) {
    const centre = start + (i + 0.5) * scale;
    const low = Math.max(Math.trunc(centre - support + 0.5), 0);
    const high = Math.min(Math.trunc(centre + support + 0.5), from);
    let sum = 0;
    for (let k = 0; k < high - low; k++) {
      const weight = filter.weight((k + low - centre + 0.5) / widening);
      weights[i * stride + k] = weight;
      sum += weight;
    }
    if (sum !== 0) for (let k = 0; k < high - low; k++) weights[i * stride + k] /= sum;
    first[i] = low;
    count[i] = high - low;
  }
  return { first, count, weights, stride };
}

/**
 * Source index behind the last weight.
 *
 * @param {Coefficients} coefficients
 */
function endOf({ first, count }) {
  return first[first.length - 1] + count[count.length - 1];
}

/**
 * Weights of a window's pixels; null if they are those of the source.
 *
 * @param {number} from
 * @param {number} to
 * @param {number} start of the window
 * @param {number} end
 * @returns {Coefficients | null}
 */
function windowWeights(from, to, start, end) {
  if (from !== to) {
    const { first, count, weights, stride } = fixedPoint(coefficients(from, 0, from, to, LANCZOS));
    const cut = weights.subarray(start * stride, end * stride);
    return { first: first.slice(start, end), count: count.subarray(start, end), weights: cut, stride };
  }
  if (start === 0 && end === from) return null;
  const length = end - start;
  const weights = new Float64Array(length).fill(2 ** PRECISION);
  return { first: Int32Array.from({ length }, (_, i) => start + i), count: new Int32Array(length).fill(1), weights, stride: 1 };
}

/**
 * Weights as integers, which 8-bit pictures are resampled with; changed in place.
 *
 * @param {Coefficients} given
 */
function fixedPoint(given) {
  const { weights } = given;
  for (let i = 0; i < weights.length; i++) {
    weights[i] = Math.trunc(weights[i] * 2 ** PRECISION + (weights[i] < 0 ? -0.5 : 0.5));
  }
  return given;
}

/**
 * @param {Picture} picture
 * @param {Coefficients} across
 * @param {number} top first row
 * @param {number} bottom end of the rows
 * @returns {Picture}
 */
function resizeRows({ width: from, data }, { first, count, weights, stride }, top, bottom) {
  const width = first.length;
  const resized = new Uint8ClampedArray(3 * width * (bottom - top));
  for (let y = top, to = 0; y < bottom; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      let [red, green, blue] = [HALF, HALF, HALF];
      let i = 3 * (y * from + first[x]);
      const start = x * stride;
      const end = start + count[x];
      for (let k = start; k < end; k++, i += 3) {
        const weight = weights[k];
        red += data[i] * weight;
        green += data[i + 1] * weight;
        blue += data[i + 2] * weight;
      }
      resized[to] = red >> PRECISION;
      resized[to + 1] = green >> PRECISION;
      resized[to + 2] = blue >> PRECISION;
    }
  }
  return { width, height: bottom - top, data: resized };
}

/**
 * @param {Picture} picture
 * @param {Coefficients} down
 * @returns {Picture}
 */
function resizeColumns({ width, data }, { first, count, weights, stride }) {
  const row = 3 * width;
  const height = first.length;
  const resized = new Uint8ClampedArray(row * height);
  const sums = new Float64Array(row);
  for (let y = 0; y < height; y++) {
    sums.fill(HALF);
    for (let k = 0; k < count[y]; k++) {
      const weight = weights[y * stride + k];
      const from = (first[y] + k) * row;
      for (let x = 0; x < row; x++) sums[x] += data[from + x] * weight;
    }
    for (let x = 0; x < row; x++) resized[y * row + x] = sums[x] >> PRECISION;
  }
  return { width, height, data: resized };
}

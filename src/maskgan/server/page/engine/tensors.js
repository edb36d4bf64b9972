/**
 * Tensors of networks from and to pictures and masks.
 *
 * @typedef {import("./arrays.js").Box} Box
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("./arrays.js").Planes} Planes
 * @typedef {import("./arrays.js").Size} Size
 *
 * @typedef {{data: Float32Array | Uint8Array | BigInt64Array, dims: readonly number[]}} Tensor
 */

import { planes } from "./arrays.js";

/** @param {Float32Array} values @returns {Tensor} 1 x N */
export function vector(values) {
  return { data: values, dims: [1, values.length] };
}

/** @param {Planes} image @returns {Tensor} 1 x C x H x W */
export function imageTensor({ channels, height, width, data }) {
  return { data, dims: [1, channels, height, width] };
}

/** @param {LabelMap} mask @returns {Tensor} 1 x H x W */
export function labelTensor({ width, height, data }) {
  return { data, dims: [1, height, width] };
}

/** @param {Size} size @returns {Tensor} height and width */
export function sizeTensor({ width, height }) {
  return { data: BigInt64Array.of(BigInt(height), BigInt(width)), dims: [2] };
}

/** @param {Box} window @param {number} cell @returns {Tensor} */
export function windowTensor({ top, bottom, left, right }, cell) {
  return { data: BigInt64Array.from([top, bottom, left, right], (edge) => BigInt(edge / cell)), dims: [4] };
}

/** @param {Tensor} tensor */
export function floats({ data }) {
  return /** @type {Float32Array} */ (data);
}

/**
 * @param {Tensor} tensor 1 x C x H x W
 * @returns {Planes}
 */
export function imageOf({ dims: [, channels, height, width], data }) {
  return planes(channels, height, width, /** @type {Float32Array} */ (data));
}

/**
 * @param {Tensor} tensor 1 x H x W
 * @returns {LabelMap}
 */
export function maskOf({ dims: [, height, width], data }) {
  return { width, height, data: new Uint8Array(/** @type {Uint8Array} */ (data)) };
}

/**
 * The Python that the engine is compared with, on the same arrays.
 *
 * @typedef {{shape: number[], data: Uint8Array | Uint8ClampedArray | Float32Array | Float64Array | Int32Array}} NDArray
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("reference.py", import.meta.url));

/** @type {Record<string, any>} */
const TYPES = {
  uint8: Uint8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  float32: Float32Array,
  float64: Float64Array,
};

/**
 * Run Python code.
 *
 * @param {string} code fills the dictionary `results` with arrays, bytes and what JSON can hold
 * @param {Record<string, unknown>} [inputs] pictures, masks, planes and arrays of a shape become numpy arrays, all else
 *   what JSON makes of it
 * @returns {Record<string, any>} `NDArray`s and values
 */
export function python(code, inputs = {}) {
  const folder = mkdtempSync(join(tmpdir(), "maskgan-reference-"));
  try {
    const file = join(folder, "arrays");
    writeFileSync(file, pack(inputs));
    execFileSync(process.env.PYTHON ?? "python3", [SCRIPT, file, code], { stdio: ["ignore", "inherit", "inherit"] });
    return unpack(readFileSync(file));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * @param {NDArray} array H x W x 3 uint8
 * @returns {import("../../src/maskgan/server/page/engine/arrays.js").Picture}
 */
export function pictureOf({ shape: [height, width], data }) {
  return { width, height, data: new Uint8ClampedArray(data) };
}

/**
 * @param {NDArray} array H x W uint8
 * @returns {import("../../src/maskgan/server/page/mask/label-map.js").LabelMap}
 */
export function maskOfArray({ shape: [height, width], data }) {
  return { width, height, data: new Uint8Array(data) };
}

/**
 * @param {NDArray} array C x H x W float32, or 1 x C x H x W, or H x W
 * @returns {import("../../src/maskgan/server/page/engine/arrays.js").Planes}
 */
export function planesOf({ shape, data }) {
  const [channels, height, width] = [1, ...shape].slice(-3);
  return { channels, height, width, data: new Float32Array(data) };
}

/**
 * @param {ArrayLike<number>} first
 * @param {ArrayLike<number>} second
 */
export function maximumDifference(first, second) {
  if (first.length !== second.length) return Infinity;
  let most = 0;
  for (let i = 0; i < first.length; i++) {
    const difference = Math.abs(first[i] - second[i]);
    if (!(difference <= most)) most = difference; // NaN as well
  }
  return most;
}

/**
 * Share of the entries that differ by more than a bound.
 *
 * @param {ArrayLike<number>} first
 * @param {ArrayLike<number>} second
 * @param {number} [bound]
 */
export function shareBeyond(first, second, bound = 0) {
  if (first.length !== second.length) return 1;
  let count = 0;
  for (let i = 0; i < first.length; i++) if (!(Math.abs(first[i] - second[i]) <= bound)) count++;
  return count / first.length;
}

/** @param {Record<string, any>} inputs */
function pack(inputs) {
  /** @type {Record<string, object>} */
  const head = {};
  const body = [];
  for (const [name, value] of Object.entries(inputs)) {
    const { data } = value ?? {};
    const type = ArrayBuffer.isView(data) ? dtypeOf(data) : null;
    if (!type) {
      head[name] = { value };
      continue;
    }
    head[name] = { dtype: type, shape: shapeOf(value) };
    body.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  }
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...body]);
}

/** @param {any} value */
function shapeOf({ shape, channels, height, width, data }) {
  if (shape) return shape;
  if (channels !== undefined) return [channels, height, width];
  return data.length === 3 * width * height ? [height, width, 3] : [height, width];
}

/** @param {ArrayBufferView} data */
function dtypeOf(data) {
  if (data instanceof Uint8Array || data instanceof Uint8ClampedArray) return "uint8";
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  return data instanceof Int32Array ? "int32" : null;
}

/** @param {Buffer} bytes */
function unpack(bytes) {
  const end = bytes.indexOf(10);
  let at = end + 1;
  /** @type {Record<string, any>} */
  const results = {};
  for (const [name, entry] of Object.entries(JSON.parse(bytes.subarray(0, end).toString()))) {
    if ("value" in entry) {
      results[name] = entry.value;
      continue;
    }
    const type = TYPES[entry.dtype];
    const count = entry.shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1);
    const size = count * type.BYTES_PER_ELEMENT;
    results[name] = { shape: entry.shape, data: new type(bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + at + size)) };
    at += size;
  }
  return results;
}

/**
 * PNG files: pictures and masks written, masks read by index.
 *
 * @typedef {import("../arrays.js").LabelMap} LabelMap
 * @typedef {import("../arrays.js").Picture} Picture
 * @typedef {import("./bytes.js").Bytes} Bytes
 * @typedef {{type: string, body: Uint8Array}} Chunk
 *
 * @typedef {object} Pixels as the file stores them
 * @property {number} width
 * @property {number} height
 * @property {number} channels 1 grey or index, 2 grey and alpha, 3 RGB, 4 RGBA
 * @property {Uint8Array} data a byte a channel: numbers of grey files as they are, 255 at most; of 16-bit colours the upper
 *   byte
 * @property {number} depth bits of a sample in the file
 * @property {Uint8Array | null} palette RGB of each index
 */

import { EngineError } from "../arrays.js";
import { compress, crc32, decompress, join, startsWith, uint32, viewOf } from "./bytes.js";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const CHANNELS = new Map([[0, 1], [2, 3], [3, 1], [4, 2], [6, 4]]);
const RGB = 2;
const INDEXED = 3;
/** Columns where the passes of interlaced files begin, rows, and steps of both (section 8.2). */
const PASSES = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];

/** @param {Uint8Array} bytes */
export function isPng(bytes) {
  return SIGNATURE.every((byte, i) => bytes[i] === byte);
}

/**
 * @param {Picture} picture
 * @param {readonly Chunk[]} [chunks] further ones, such as metadata
 * @returns {Promise<Bytes>}
 */
export async function writePicture({ width, height, data }, chunks = []) {
  return file(width, height, RGB, filtered(data, 3 * width, height, 3), chunks);
}

/**
 * @param {LabelMap} mask
 * @param {readonly (readonly number[])[]} palette colour of each class
 * @returns {Promise<Bytes>}
 */
export async function writeMask({ width, height, data }, palette) {
  const rows = new Uint8Array(height * (width + 1));
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  return file(width, height, INDEXED, rows, [{ type: "PLTE", body: Uint8Array.from(palette.flat()) }]);
}

/**
 * @param {Uint8Array} bytes of a file
 * @returns {Chunk[]} up to where the file is damaged
 */
export function readChunks(bytes) {
  const view = viewOf(bytes);
  /** @type {Chunk[]} */
  const chunks = [];
  for (let at = SIGNATURE.length; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    if (at + 12 + length > bytes.length) break;
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    chunks.push({ type, body: bytes.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
    if (type === "IEND") break;
  }
  return chunks;
}

/**
 * Size of a file's picture.
 *
 * @param {Uint8Array} bytes
 */
export function pngSize(bytes) {
  if (!isPng(bytes) || !startsWith(bytes, "IHDR", 12)) throw damaged();
  const view = viewOf(bytes);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/**
 * The numbers that a file stores, colours and profile unread.
 *
 * @param {Uint8Array} bytes
 * @param {number} maxPixels
 * @returns {Promise<Pixels>}
 * @throws {EngineError} it is damaged, or too large
 */
export async function readPixels(bytes, maxPixels) {
  const { width, height } = pngSize(bytes);
  const [depth, type, interlace] = [bytes[24], bytes[25], bytes[28]];
  const channels = CHANNELS.get(type);
  if (!channels || !width || !height || ![1, 2, 4, 8, 16].includes(depth)) throw damaged();
  if (width * height > maxPixels) throw new EngineError(`The mask has ${width}x${height} pixels, which is too large.`);
  const chunks = readChunks(bytes);
  const packed = join(...chunks.filter((chunk) => chunk.type === "IDAT").map(({ body }) => body));
  const rows = await decompress(packed).catch(() => {
    throw damaged();
  });
  const pixels = { width, height, channels, data: new Uint8Array(width * height * channels) };
  let at = 0;
  for (const [left, top, stepX, stepY] of interlace ? PASSES : [[0, 0, 1, 1]]) {
    const [columns, lines] = [Math.ceil((width - left) / stepX), Math.ceil((height - top) / stepY)];
    if (columns <= 0 || lines <= 0) continue;
    const stride = Math.ceil((columns * channels * depth) / 8);
    if (at + lines * (stride + 1) > rows.length) throw damaged();
    const pass = unfiltered(rows.subarray(at, at + lines * (stride + 1)), stride, Math.max((channels * depth) >> 3, 1));
    at += lines * (stride + 1);
    for (let y = 0; y < lines; y++) {
      for (let x = 0; x < columns; x++) {
        const to = ((top + y * stepY) * width + left + x * stepX) * channels;
        for (let c = 0; c < channels; c++) pixels.data[to + c] = sample(pass, y * stride, x * channels + c, depth, channels > 2);
      }
    }
  }
  return { ...pixels, depth, palette: chunks.find((chunk) => chunk.type === "PLTE")?.body ?? null };
}

/**
 * @param {Pixels} pixels
 * @returns {boolean} whether they are grey numbers, without colours
 */
export function isGrey({ channels, palette }) {
  return channels <= 2 && !palette;
}

/**
 * @param {Uint8Array} rows
 * @param {number} start of the row
 * @param {number} index of the sample in it
 * @param {number} depth
 * @param {boolean} isColour
 */
function sample(rows, start, index, depth, isColour) {
  if (depth === 8) return rows[start + index];
  if (depth === 16) {
    const [upper, lower] = rows.subarray(start + 2 * index, start + 2 * index + 2);
    return isColour ? upper : upper ? 255 : lower;
  }
  const bit = index * depth;
  return (rows[start + (bit >> 3)] >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
}

/**
 * @param {number} width
 * @param {number} height
 * @param {number} type
 * @param {Uint8Array} rows filtered
 * @param {readonly Chunk[]} chunks
 * @returns {Promise<Bytes>}
 */
async function file(width, height, type, rows, chunks) {
  const header = { type: "IHDR", body: join(uint32(width), uint32(height), [8, type, 0, 0, 0]) };
  const data = { type: "IDAT", body: await compress(rows) };
  const parts = [header, ...chunks, data, { type: "IEND", body: new Uint8Array() }].map(({ type: name, body }) => {
    const named = join(name, body);
    return join(uint32(body.length), named, uint32(crc32(named)));
  });
  return join(SIGNATURE, ...parts);
}

/**
 * Rows with the filter that makes the smallest numbers, a byte with its kind in front of each.
 *
 * @param {Uint8ClampedArray} data
 * @param {number} stride bytes of a row
 * @param {number} height
 * @param {number} step bytes of a pixel
 */
function filtered(data, stride, height, step) {
  const rows = new Uint8Array(height * (stride + 1));
  const tries = [1, 2, 4].map((kind) => ({ kind, row: new Uint8Array(stride) }));
  for (let y = 0; y < height; y++) {
    const start = y * stride;
    let best = tries[0];
    let least = Infinity;
    for (const attempt of tries) {
      let sum = 0;
      for (let x = 0; x < stride; x++) {
        const left = x >= step ? data[start + x - step] : 0;
        const up = y ? data[start + x - stride] : 0;
        const corner = y && x >= step ? data[start + x - stride - step] : 0;
        const value = (data[start + x] - predicted(attempt.kind, left, up, corner)) & 255;
        attempt.row[x] = value;
        sum += value < 128 ? value : 256 - value;
      }
      if (sum >= least) continue;
      least = sum;
      best = attempt;
    }
    rows[y * (stride + 1)] = best.kind;
    rows.set(best.row, y * (stride + 1) + 1);
  }
  return rows;
}

/**
 * @param {Uint8Array} rows
 * @param {number} stride
 * @param {number} step
 */
function unfiltered(rows, stride, step) {
  const height = rows.length / (stride + 1);
  const data = new Uint8Array(height * stride);
  for (let y = 0; y < height; y++) {
    const kind = rows[y * (stride + 1)];
    if (kind > 4) throw damaged();
    const start = y * stride;
    for (let x = 0; x < stride; x++) {
      const left = x >= step ? data[start + x - step] : 0;
      const up = y ? data[start + x - stride] : 0;
      const corner = y && x >= step ? data[start + x - stride - step] : 0;
      data[start + x] = rows[y * (stride + 1) + 1 + x] + predicted(kind, left, up, corner);
    }
  }
  return data;
}

/**
 * What a filter expects of a byte: 0 nothing, 1 the left one, 2 the upper one, 3 their mean, 4 Paeth's choice.
 *
 * @param {number} kind
 * @param {number} left
 * @param {number} up
 * @param {number} corner
 */
function predicted(kind, left, up, corner) {
  if (kind === 0) return 0;
  if (kind === 1) return left;
  if (kind === 2) return up;
  if (kind === 3) return (left + up) >> 1;
  const [toLeft, toUp, toCorner] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

function damaged() {
  return new EngineError("The file is no PNG picture, or damaged; get it again.");
}

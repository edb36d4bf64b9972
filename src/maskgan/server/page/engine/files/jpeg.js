/**
 * Baseline JPEG files (ITU-T T.81), with given quantisation tables and subsampling, so that an edit is compressed as the
 * photograph was.
 *
 * @typedef {import("../arrays.js").Picture} Picture
 * @typedef {import("./bytes.js").Bytes} Bytes
 *
 * @typedef {object} Coding
 * @property {readonly (readonly number[])[]} tables quantisation tables in zigzag order: of brightness, perhaps of colour
 * @property {number} subsampling of the colours: 0 none, 1 in halves across, 2 in halves both ways
 */

import { join, uint16 } from "./bytes.js";
import { segment } from "./jpeg-segments.js";
import { BitWriter, CODES, HUFFMAN_SEGMENTS } from "./jpeg-huffman.js";

/** Natural index of each zigzag index. */
const ZIGZAG = zigzag();
// Tables of annex K in natural order; quality 50.
const BRIGHTNESS = [
  ...[16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87],
  ...[80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92],
  ...[95, 98, 112, 100, 103, 99],
];
const COLOUR = [
  ...[17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99],
  ...new Array(34).fill(99),
];
/** Cosines of the transform: frequency x place, scaled to be orthonormal. */
const COSINES = Float64Array.from({ length: 64 }, (_, i) => {
  const [frequency, place] = [i >> 3, i & 7];
  return Math.cos(((2 * place + 1) * frequency * Math.PI) / 16) * (frequency ? 0.5 : Math.SQRT1_2 / 2);
});

/**
 * Tables of a quality, as libjpeg scales them.
 *
 * @param {number} quality 1..100
 */
export function qualityTables(quality) {
  const scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  return [BRIGHTNESS, COLOUR].map((table) =>
    zigzagTable(table).map((entry) => Math.min(Math.max(Math.floor((entry * scale + 50) / 100), 1), 255)),
  );
}

/**
 * A table in natural order, row by row, as Pillow lists it.
 *
 * @param {readonly number[]} table in zigzag order
 */
export function naturalTable(table) {
  const natural = new Array(64);
  for (const [i, place] of ZIGZAG.entries()) natural[place] = table[i];
  return natural;
}

/** @param {readonly number[]} table in natural order */
export function zigzagTable(table) {
  return ZIGZAG.map((place) => table[place]);
}

/**
 * @param {Picture} picture
 * @param {Coding} coding
 * @param {readonly Uint8Array[]} segments that carry metadata, JFIF's among them
 * @returns {Bytes}
 */
export function writeJpeg({ width, height, data }, { tables, subsampling }, segments) {
  const quantisers = [tables[0], tables[1] ?? tables[0]];
  const [across, down] = [subsampling ? 2 : 1, subsampling === 2 ? 2 : 1];
  const [columns, rows] = [Math.ceil(width / (8 * across)), Math.ceil(height / (8 * down))];
  const components = components3(data, width, height, 8 * across * columns, 8 * down * rows);
  const planes = components.map((plane, i) => (i ? reduced(plane, across, down) : plane));
  const writer = new BitWriter();
  const previous = [0, 0, 0];
  const block = new Int32Array(64);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      for (const [i, plane] of planes.entries()) {
        const [h, v] = i ? [1, 1] : [across, down];
        for (let dy = 0; dy < v; dy++) {
          for (let dx = 0; dx < h; dx++) {
            transform(plane, 8 * (column * h + dx), 8 * (row * v + dy), quantisers[i ? 1 : 0], block);
            writeBlock(writer, block, previous[i], CODES[i ? 1 : 0]);
            previous[i] = block[0];
          }
        }
      }
    }
  }
  const sampling = (across << 4) | down;
  const isWide = quantisers.some((table) => Math.max(...table) > 255);
  return join(
    [0xff, 0xd8],
    ...segments,
    ...quantisers.map((table, i) => segment(0xdb, [(isWide ? 16 : 0) | i, ...(isWide ? table.flatMap(uint16) : table)])),
    // Extended sequential where tables need 16 bits.
    segment(isWide ? 0xc1 : 0xc0, [8], uint16(height), uint16(width), [3, 1, sampling, 0, 2, 0x11, 1, 3, 0x11, 1]),
    ...HUFFMAN_SEGMENTS,
    segment(0xda, [3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]),
    writer.end(),
    [0xff, 0xd9],
  );
}

/** @typedef {{width: number, height: number, data: Float32Array}} Component */

/**
 * Brightness and colours, their edges repeated up to a size.
 *
 * @param {Uint8ClampedArray} data RGB
 * @param {number} width
 * @param {number} height
 * @param {number} columns
 * @param {number} rows
 * @returns {Component[]}
 */
function components3(data, width, height, columns, rows) {
  const planes = [0, 1, 2].map(() => new Float32Array(columns * rows));
  for (let y = 0, to = 0; y < rows; y++) {
    const row = Math.min(y, height - 1) * width;
    for (let x = 0; x < columns; x++, to++) {
      const from = 3 * (row + Math.min(x, width - 1));
      const [red, green, blue] = [data[from], data[from + 1], data[from + 2]];
      planes[0][to] = Math.round(0.299 * red + 0.587 * green + 0.114 * blue) - 128;
      planes[1][to] = Math.round(-0.168735892 * red - 0.331264108 * green + 0.5 * blue);
      planes[2][to] = Math.round(0.5 * red - 0.418687589 * green - 0.081312411 * blue);
    }
  }
  return planes.map((plane) => ({ width: columns, height: rows, data: plane }));
}

/**
 * @param {Component} component
 * @param {number} across
 * @param {number} down
 * @returns {Component}
 */
function reduced({ width, height, data }, across, down) {
  if (across === 1 && down === 1) return { width, height, data };
  const [columns, rows] = [width / across, height / down];
  const plane = new Float32Array(columns * rows);
  for (let y = 0, to = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++, to++) {
      let sum = 0;
      for (let dy = 0; dy < down; dy++) {
        for (let dx = 0; dx < across; dx++) sum += data[(y * down + dy) * width + x * across + dx];
      }
      // Halves go up and down in turn, so that colours do not drift.
      plane[to] = Math.floor(sum / (across * down) + (x & 1 ? 0.5 : 0.49));
    }
  }
  return { width: columns, height: rows, data: plane };
}

const half = new Float64Array(64);

/**
 * The quantised frequencies of a block, in zigzag order.
 *
 * @param {Component} component
 * @param {number} left
 * @param {number} top
 * @param {readonly number[]} table
 * @param {Int32Array} block
 */
function transform({ width, data }, left, top, table, block) {
  for (let y = 0; y < 8; y++) {
    const from = (top + y) * width + left;
    for (let u = 0; u < 8; u++) {
      let sum = 0;
      for (let x = 0; x < 8; x++) sum += COSINES[8 * u + x] * data[from + x];
      half[8 * y + u] = sum;
    }
  }
  for (let i = 0; i < 64; i++) {
    const [v, u] = [ZIGZAG[i] >> 3, ZIGZAG[i] & 7];
    let sum = 0;
    for (let y = 0; y < 8; y++) sum += COSINES[8 * v + y] * half[8 * y + u];
    const level = sum / table[i];
    block[i] = level < 0 ? -Math.floor(0.5 - level) : Math.floor(level + 0.5);
  }
}

/**
 * @param {BitWriter} writer
 * @param {Int32Array} block
 * @param {number} previous the first frequency of the block before
 * @param {(typeof CODES)[0]} codes
 */
function writeBlock(writer, block, previous, { dc, ac }) {
  const step = block[0] - previous;
  const size = bits(step);
  writer.write(dc[size]);
  if (size) writer.writeNumber(step, size);
  let last = 63;
  while (last > 0 && block[last] === 0) last--;
  let zeros = 0;
  for (let i = 1; i <= last; i++) {
    if (block[i] === 0) {
      zeros++;
      continue;
    }
    for (; zeros > 15; zeros -= 16) writer.write(ac[0xf0]);
    const length = bits(block[i]);
    writer.write(ac[(zeros << 4) | length]);
    writer.writeNumber(block[i], length);
    zeros = 0;
  }
  if (last < 63) writer.write(ac[0]);
}

/** @param {number} value */
function bits(value) {
  return 32 - Math.clz32(Math.abs(value));
}

function zigzag() {
  /** @type {number[]} */
  const order = [];
  for (let diagonal = 0; diagonal < 15; diagonal++) {
    const places = [];
    for (let row = 0; row < 8; row++) {
      const column = diagonal - row;
      if (column >= 0 && column < 8) places.push(8 * row + column);
    }
    order.push(...(diagonal % 2 ? places : places.reverse()));
  }
  return order;
}

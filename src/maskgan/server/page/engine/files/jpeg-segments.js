/**
 * Segments of JPEG files: what they carry besides pixels, and how they were compressed.
 *
 * @typedef {import("./bytes.js").Bytes} Bytes
 * @typedef {{marker: number, body: Uint8Array, start: number, end: number}} Segment start and end in the file, marker included
 *
 * @typedef {object} JpegCoding how a JPEG was compressed
 * @property {number[][]} tables quantisation tables, 64 numbers each, in zigzag order
 * @property {number} subsampling of the colours: 0 none, 1 in halves across, 2 in halves both ways; -1 otherwise
 * @property {boolean} progressive
 */

import { join, uint16, viewOf } from "./bytes.js";

/** Bytes in one segment. */
export const MAX_SEGMENT = 65_533;
export const APP0 = 0xe0;
export const APP1 = 0xe1;
export const APP13 = 0xed;
export const COMMENT = 0xfe;
const START = 0xd8;
const SCAN = 0xda;
const TABLES = 0xdb;
const FRAMES = [0xc0, 0xc1, 0xc2];

/** @param {Uint8Array} bytes */
export function isJpeg(bytes) {
  return bytes[0] === 0xff && bytes[1] === START && bytes[2] === 0xff;
}

/**
 * The segments before the pixels.
 *
 * @param {Uint8Array} bytes of a file
 * @returns {Segment[]} up to where it is damaged
 */
export function readSegments(bytes) {
  /** @type {Segment[]} */
  const segments = [];
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++; // fill byte
      continue;
    }
    const end = at + 2 + ((bytes[at + 2] << 8) | bytes[at + 3]);
    if (marker === SCAN || end > bytes.length) break;
    segments.push({ marker, body: bytes.subarray(at + 4, end), start: at, end });
    at = end;
  }
  return segments;
}

/**
 * A segment's bytes.
 *
 * @param {number} marker
 * @param {readonly (Uint8Array | string | readonly number[])[]} parts of its body
 * @returns {Bytes}
 */
export function segment(marker, ...parts) {
  const body = join(...parts);
  return join([0xff, marker], uint16(body.length + 2), body);
}

/**
 * @param {readonly Segment[]} segments
 * @returns {JpegCoding | null} null if the file is none that can be written again in the same way
 */
export function readCoding(segments) {
  /** @type {number[][]} */
  const tables = [];
  for (const { marker, body } of segments) {
    if (marker !== TABLES) continue;
    const view = viewOf(body);
    for (let at = 0; at < body.length; ) {
      const isWide = body[at] >> 4 === 1;
      if (at + (isWide ? 129 : 65) > body.length) return null;
      const read = (/** @type {number} */ i) => (isWide ? view.getUint16(at + 1 + 2 * i) : body[at + 1 + i]);
      tables[body[at] & 15] = Array.from({ length: 64 }, (_, i) => read(i));
      at += isWide ? 129 : 65;
    }
  }
  const frame = segments.find(({ marker }) => FRAMES.includes(marker));
  if (!frame || !tables.length || ![1, 3].includes(frame.body[5])) return null;
  const { body } = frame;
  const sampling = Array.from({ length: body[5] }, (_, i) => body[7 + 3 * i]);
  const chroma = sampling.slice(1).every((value) => value === 0x11);
  const known = new Map([[0x11, 0], [0x21, 1], [0x22, 2]]);
  const subsampling = sampling.length === 1 ? 0 : chroma ? (known.get(sampling[0]) ?? -1) : -1;
  return { tables: tables.filter(Boolean), subsampling, progressive: frame.marker === 0xc2 };
}

/**
 * Zip files of a few parts, stored or deflated.
 *
 * @typedef {import("./bytes.js").Bytes} Bytes
 */

import { EngineError } from "../arrays.js";
import { compress, crc32, decompress, join, textOf, utf8, viewOf } from "./bytes.js";

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const STORED = 0;
const DEFLATED = 8;
/** The first day that zip files know. */
const DATE = (1 << 5) | 1;

/**
 * @param {readonly {name: string, bytes: Uint8Array, deflate?: boolean}[]} parts
 * @returns {Promise<Blob>}
 */
export async function writeZip(parts) {
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const pieces = [];
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const directory = [];
  let at = 0;
  for (const { name, bytes, deflate = false } of parts) {
    const data = deflate ? await compress(bytes, "deflate-raw") : Uint8Array.from(bytes);
    const file = utf8(name);
    const common = [
      [20, 0], // version 2.0
      [0, 8], // names are UTF-8
      [deflate ? DEFLATED : STORED, 0],
      [0, 0, DATE & 255, DATE >> 8],
      little(crc32(bytes)),
      little(data.length),
      little(bytes.length),
      [file.length, 0, 0, 0],
    ];
    const head = join(little(LOCAL), ...common, file);
    directory.push(join(little(CENTRAL), [20, 0], ...common, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], little(at), file));
    pieces.push(head, data);
    at += head.length + data.length;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const count = [parts.length, 0];
  const end = join(little(END), [0, 0, 0, 0], count, count, little(size), little(at), [0, 0]);
  return new Blob([...pieces, ...directory, end], { type: "application/zip" });
}

/**
 * @param {Uint8Array} bytes
 * @param {number} maxBytes of all parts together, unpacked
 * @returns {Promise<Map<string, Bytes>>} parts by name
 * @throws {EngineError} the file is damaged or too large
 */
export async function readZip(bytes, maxBytes) {
  try {
    return await readParts(bytes, maxBytes);
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) throw damaged();
    throw error;
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {number} maxBytes
 */
async function readParts(bytes, maxBytes) {
  const view = viewOf(bytes);
  const end = bytes.length - 22; // no comment
  if (end < 0 || view.getUint32(end, true) !== END) throw damaged();
  /** @type {Map<string, Bytes>} */
  const parts = new Map();
  let left = maxBytes;
  let at = view.getUint32(end + 16, true);
  for (let i = 0; i < view.getUint16(end + 10, true); i++) {
    if (view.getUint32(at, true) !== CENTRAL) throw damaged();
    const [method, packed, size] = [view.getUint16(at + 10, true), view.getUint32(at + 20, true), view.getUint32(at + 24, true)];
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    const name = textOf(bytes.subarray(at + 46, at + 46 + nameLength));
    const local = view.getUint32(at + 42, true);
    if (view.getUint32(local, true) !== LOCAL || (method !== STORED && method !== DEFLATED)) throw damaged();
    left -= size;
    if (left < 0) throw new EngineError("The project is too large.");
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const data = bytes.subarray(start, start + packed);
    const part = method === DEFLATED ? await decompress(data, "deflate-raw") : Uint8Array.from(data);
    if (part.length !== size || crc32(part) !== view.getUint32(at + 16, true)) throw damaged();
    parts.set(name, part);
    at += 46 + nameLength + extra + comment;
  }
  return parts;
}

/** @param {number} value */
function little(value) {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, (value >>> 24) & 255];
}

function damaged() {
  return new EngineError("The project is damaged, or no project of this editor (.maskgan).");
}

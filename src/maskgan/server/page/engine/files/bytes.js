/** Bytes: joining, texts, compression, checksums. */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/**
 * @param {readonly (Uint8Array | string | readonly number[])[]} parts texts as UTF-8
 * @returns {Bytes}
 */
export function join(...parts) {
  const pieces = parts.map((part) => (typeof part === "string" ? encoder.encode(part) : Uint8Array.from(part)));
  const joined = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

/** @param {number} value */
export function uint32(value) {
  return [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

/** @param {number} value */
export function uint16(value) {
  return [(value >>> 8) & 255, value & 255];
}

/** @param {Uint8Array} bytes */
export function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * @param {string} text
 * @returns {Bytes}
 */
export function utf8(text) {
  return join(text);
}

/** @param {Uint8Array} bytes UTF-8; what is none is replaced */
export function textOf(bytes) {
  return decoder.decode(bytes);
}

/**
 * Latin-1 text.
 *
 * @param {Uint8Array} bytes
 */
export function latin1Of(bytes) {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/**
 * @param {Uint8Array} bytes
 * @param {string} text ASCII
 * @param {number} [at]
 */
export function startsWith(bytes, text, at = 0) {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/**
 * @param {Uint8Array} bytes
 * @param {"deflate" | "deflate-raw"} format
 * @returns {Promise<Bytes>}
 */
export async function compress(bytes, format = "deflate") {
  return through(bytes, new CompressionStream(format));
}

/**
 * @param {Uint8Array} bytes
 * @param {"deflate" | "deflate-raw"} format
 * @returns {Promise<Bytes>}
 * @throws {TypeError} they are damaged
 */
export async function decompress(bytes, format = "deflate") {
  return through(bytes, new DecompressionStream(format));
}

/**
 * @param {Uint8Array} bytes
 * @param {CompressionStream | DecompressionStream} stream
 */
async function through(bytes, stream) {
  const source = new Blob([/** @type {Bytes} */ (bytes)]).stream();
  return new Uint8Array(await new Response(source.pipeThrough(stream)).arrayBuffer());
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** @param {readonly Uint8Array[]} parts */
export function crc32(...parts) {
  let value = 0xffffffff;
  for (const part of parts) for (let i = 0; i < part.length; i++) value = CRC_TABLE[(value ^ part[i]) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

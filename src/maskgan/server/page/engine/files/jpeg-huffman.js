/**
 * Huffman codes of JPEG: the typical tables of annex K.3 of ITU-T T.81, and bits written with them.
 *
 * @typedef {{bits: number, length: number}} Code
 */

import { segment } from "./jpeg-segments.js";

// Number of codes of each length from 1 to 16.
const DC_COUNTS = [
  [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
  [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
];
const AC_COUNTS = [
  [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d],
  [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77],
];
const DC_VALUES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const AC_VALUES = [
  `01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a43444546
   4748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8
   b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa`,
  `000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a35363738393a434445
   464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6
   b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa`,
].map((text) => (text.replace(/\s/g, "").match(/../g) ?? []).map((digits) => Number.parseInt(digits, 16)));

/** Codes of brightness and colour: `dc` by size, `ac` by run and size. */
export const CODES = [0, 1].map((i) => ({ dc: codes(DC_COUNTS[i], DC_VALUES), ac: codes(AC_COUNTS[i], AC_VALUES[i]) }));

/** The segments that hold these tables. */
export const HUFFMAN_SEGMENTS = [0, 1].flatMap((i) => [
  segment(0xc4, [i], DC_COUNTS[i], DC_VALUES),
  segment(0xc4, [16 | i], AC_COUNTS[i], AC_VALUES[i]),
]);

/** Bits in the order of the file, 0xff stuffed. */
export class BitWriter {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;
  #bits = 0;
  #count = 0;

  /** @param {Code} code */
  write({ bits, length }) {
    this.#append(bits, length);
  }

  /**
   * A number in JPEG's own way: negative ones as their complement.
   *
   * @param {number} value
   * @param {number} length
   */
  writeNumber(value, length) {
    this.#append(value < 0 ? value + (1 << length) - 1 : value, length);
  }

  /** The bytes, the last one filled with ones. */
  end() {
    if (this.#count) this.#append((1 << (8 - this.#count)) - 1, 8 - this.#count);
    return this.#bytes.subarray(0, this.#length);
  }

  /**
   * @param {number} bits
   * @param {number} length at most 16
   */
  #append(bits, length) {
    this.#bits = (this.#bits << length) | bits;
    this.#count += length;
    while (this.#count >= 8) {
      this.#count -= 8;
      const byte = (this.#bits >> this.#count) & 255;
      this.#push(byte);
      if (byte === 255) this.#push(0);
    }
    this.#bits &= (1 << this.#count) - 1;
  }

  /** @param {number} byte */
  #push(byte) {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length++] = byte;
  }
}

/**
 * @param {readonly number[]} counts
 * @param {readonly number[]} values in the order of their codes
 * @returns {Code[]} by value
 */
function codes(counts, values) {
  /** @type {Code[]} */
  const table = [];
  let [next, at] = [0, 0];
  for (const [i, count] of counts.entries()) {
    for (let k = 0; k < count; k++) table[values[at++]] = { bits: next++, length: i + 1 };
    next <<= 1;
  }
  return table;
}

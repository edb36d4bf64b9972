/**
 * Compact difference of two label maps.
 *
 * A patch is a sequence of runs of changed pixels, each four LEB128 numbers: gap since the previous run, run length,
 * class before, class after.
 *
 * @typedef {Uint8Array} Patch
 */

/**
 * @param {Uint8Array} before
 * @param {Uint8Array} after of the same length
 * @returns {Patch | null} null if equal
 */
export function createPatch(before, after) {
  /** @type {number[]} */
  const bytes = [];
  let end = 0;
  for (let i = 0; i < before.length; ) {
    if (before[i] === after[i]) {
      i++;
      continue;
    }
    const start = i;
    const [old, now] = [before[i], after[i]];
    while (i < before.length && before[i] === old && after[i] === now) i++;
    for (const number of [start - end, i - start, old, now]) writeNumber(bytes, number);
    end = i;
  }
  return bytes.length ? Uint8Array.from(bytes) : null;
}

/**
 * Set the changed pixels to their state before or after.
 *
 * @param {Uint8Array} labels changed in place
 * @param {Patch} patch
 * @param {"before" | "after"} side
 * @throws {RangeError} malformed, or made for a larger mask
 */
export function applyPatch(labels, patch, side) {
  const reader = { bytes: patch, at: 0 };
  let position = 0;
  while (reader.at < patch.length) {
    position += readNumber(reader);
    const count = readNumber(reader);
    const before = readNumber(reader);
    const after = readNumber(reader);
    if (position + count > labels.length || before > 18 || after > 18) throw new RangeError("malformed patch");
    labels.fill(side === "before" ? before : after, position, position + count);
    position += count;
  }
}

/**
 * @param {number[]} bytes
 * @param {number} number
 */
function writeNumber(bytes, number) {
  for (; number > 127; number >>>= 7) bytes.push((number & 127) | 128);
  bytes.push(number);
}

/** @param {{bytes: Uint8Array, at: number}} reader */
function readNumber(reader) {
  let number = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    if (reader.at >= reader.bytes.length) break;
    const digit = reader.bytes[reader.at++];
    number |= (digit & 127) << shift;
    if (digit < 128) return number;
  }
  throw new RangeError("malformed patch");
}

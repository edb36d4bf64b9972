/**
 * EXIF blocks, changed in place: every field that is not named here keeps its bytes, maker notes and GPS included.
 *
 * @typedef {{tag: number, kind: number, count: number, position: number}} Entry position of the value, or of the offset to it
 */

import { startsWith, viewOf } from "./bytes.js";

/** In front of the TIFF structure in JPEG files. */
export const EXIF_PREFIX = "Exif\0\0";
const ORIENTATION = 0x0112;
const EXIF_IFD = 0x8769;
const WIDTH = 0xa002;
const HEIGHT = 0xa003;
const THUMBNAIL = 0x0201;
const THUMBNAIL_SIZE = 0x0202;
const SHORT = 3;
const LONG = 4;

/**
 * An EXIF block for pixels that lie upright: orientation 1, and no thumbnail of the picture before its edit.
 *
 * @param {Uint8Array} data with or without prefix
 * @returns {Uint8Array<ArrayBuffer>} the TIFF structure without prefix; empty if `data` is none
 */
export function uprightExif(data) {
  const block = Uint8Array.from(startsWith(data, EXIF_PREFIX) ? data.subarray(EXIF_PREFIX.length) : data);
  if (!startsWith(block, "II*\0") && !startsWith(block, "MM\0*")) return new Uint8Array();
  try {
    straighten(block);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // cut off: what could be reached is set right
  }
  return block;
}

/** @param {Uint8Array} block */
function straighten(block) {
  const view = viewOf(block);
  const little = block[0] === 0x49;
  const first = view.getUint32(4, little);
  const fields = entries(view, little, first);
  const orientation = fields.find(({ tag }) => tag === ORIENTATION);
  // Orientations from 5 exchange width and height.
  const isTurned = orientation !== undefined && numberOf(view, little, orientation) >= 5;
  if (orientation) setNumber(view, little, orientation, 1);
  const inner = fields.find(({ tag }) => tag === EXIF_IFD);
  if (inner && isTurned) {
    const sizes = entries(view, little, numberOf(view, little, inner));
    const [width, height] = [WIDTH, HEIGHT].map((wanted) => sizes.find(({ tag }) => tag === wanted));
    if (width && height) {
      const [columns, rows] = [numberOf(view, little, width), numberOf(view, little, height)];
      setNumber(view, little, width, rows);
      setNumber(view, little, height, columns);
    }
  }
  const link = first + 2 + 12 * view.getUint16(first, little);
  const second = view.getUint32(link, little);
  if (!second) return;
  const thumbnail = entries(view, little, second);
  const at = thumbnail.find(({ tag }) => tag === THUMBNAIL);
  const size = thumbnail.find(({ tag }) => tag === THUMBNAIL_SIZE);
  const start = at ? numberOf(view, little, at) : 0;
  if (start > 0 && start <= block.length) block.fill(0, start, start + (size ? numberOf(view, little, size) : 0));
  view.setUint32(link, 0, little);
}

/**
 * @param {DataView} view
 * @param {boolean} little
 * @param {number} start
 * @returns {Entry[]}
 */
function entries(view, little, start) {
  return Array.from({ length: view.getUint16(start, little) }, (_, i) => {
    const at = start + 2 + 12 * i;
    const [tag, kind] = [view.getUint16(at, little), view.getUint16(at + 2, little)];
    return { tag, kind, count: view.getUint32(at + 4, little), position: at + 8 };
  });
}

/**
 * @param {DataView} view
 * @param {boolean} little
 * @param {Entry} entry
 */
function numberOf(view, little, { kind, position }) {
  return kind === SHORT ? view.getUint16(position, little) : view.getUint32(position, little);
}

/**
 * @param {DataView} view
 * @param {boolean} little
 * @param {Entry} entry
 * @param {number} value
 */
function setNumber(view, little, { kind, count, position }, value) {
  if (count !== 1) return;
  if (kind === SHORT) view.setUint16(position, Math.min(value, 0xffff), little);
  else if (kind === LONG) view.setUint32(position, value, little);
}

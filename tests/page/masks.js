/** Small label maps, written as rows of letters: `.` is 0, `a` 1, `b` 2 and so on. */

/**
 * @param {string[]} rows
 * @returns {import("../../src/maskgan/server/page/mask/label-map.js").LabelMap}
 */
export function maskOf(...rows) {
  const data = Uint8Array.from(rows.join(""), (letter) => (letter === "." ? 0 : letter.charCodeAt(0) - 96));
  return { width: rows[0].length, height: rows.length, data };
}

/**
 * @param {{width: number, height: number, data: Uint8Array}} mask
 * @returns {string[]}
 */
export function rowsOf({ width, height, data }) {
  const letters = Array.from(data, (label) => (label ? String.fromCharCode(96 + label) : "."));
  return Array.from({ length: height }, (_, y) => letters.slice(y * width, (y + 1) * width).join(""));
}

/**
 * @param {number} width
 * @param {number} height
 * @param {number} [label]
 */
export function plain(width, height, label = 0) {
  return { width, height, data: new Uint8Array(width * height).fill(label) };
}

/** @param {number[]} labels */
export function locking(...labels) {
  const locks = new Uint8Array(19);
  for (const label of labels) locks[label] = 1;
  return locks;
}

/**
 * Brush and eraser: a hard-edged disc swept along a line.
 *
 * @typedef {import("./label-map.js").LabelMap} LabelMap
 * @typedef {import("./label-map.js").Point} Point
 * @typedef {import("./label-map.js").Box} Box
 * @typedef {import("./label-map.js").Locks} Locks
 */

import { clipBox } from "./label-map.js";

/**
 * Paint all pixels whose centre is within half a diameter of the line from `from` to `to`. The pixels under both ends
 * are always painted, even with a thin brush.
 *
 * @param {LabelMap} mask changed in place
 * @param {Point} from
 * @param {Point} to
 * @param {number} diameter in mask pixels
 * @param {number | LabelMap} ink a class, or a label map of the same size to copy from
 * @param {Locks} locks
 * @returns {Box | null} where pixels may have changed
 */
export function paintLine(mask, from, to, diameter, ink, locks) {
  const radius = diameter / 2;
  const box = clipBox(
    {
      left: Math.min(from.x, to.x) - radius,
      top: Math.min(from.y, to.y) - radius,
      right: Math.max(from.x, to.x) + radius,
      bottom: Math.max(from.y, to.y) + radius,
    },
    mask,
  );
  if (!box) return null;
  const alongX = to.x - from.x;
  const alongY = to.y - from.y;
  const lengthSquared = alongX * alongX + alongY * alongY;
  for (let y = box.top; y < box.bottom; y++) {
    for (let x = box.left; x < box.right; x++) {
      const offX = x + 0.5 - from.x;
      const offY = y + 0.5 - from.y;
      const share = lengthSquared ? (offX * alongX + offY * alongY) / lengthSquared : 0;
      const nearest = share < 0 ? 0 : share > 1 ? 1 : share;
      const distanceX = offX - nearest * alongX;
      const distanceY = offY - nearest * alongY;
      if (distanceX * distanceX + distanceY * distanceY <= radius * radius) {
        paintPixel(mask, y * mask.width + x, ink, locks);
      }
    }
  }
  for (const end of [from, to]) {
    const x = Math.floor(end.x);
    const y = Math.floor(end.y);
    if (x >= 0 && y >= 0 && x < mask.width && y < mask.height) paintPixel(mask, y * mask.width + x, ink, locks);
  }
  return box;
}

/**
 * @param {LabelMap} mask
 * @param {number} index
 * @param {number | LabelMap} ink
 * @param {Locks} locks
 */
export function paintPixel(mask, index, ink, locks) {
  if (!locks[mask.data[index]]) mask.data[index] = typeof ink === "number" ? ink : ink.data[index];
}

/**
 * Fill a hole from its surroundings.
 *
 * @typedef {import("./label-map.js").LabelMap} LabelMap
 * @typedef {import("./label-map.js").Box} Box
 */

/**
 * Give each pixel of a hole the label of the nearest pixel outside it (8SSED: two sweeps that hand offsets to the
 * nearest known pixel from neighbour to neighbour).
 *
 * @param {LabelMap} mask changed in place
 * @param {Uint8Array} hole flag per pixel; 1: fill, 2: neither fill nor read
 * @param {Box} box around the hole
 */
export function fillFromNearest(mask, hole, box) {
  // Pad by one pixel, to include the surroundings.
  const left = Math.max(box.left - 1, 0);
  const top = Math.max(box.top - 1, 0);
  const width = Math.min(box.right + 1, mask.width) - left;
  const height = Math.min(box.bottom + 1, mask.height) - top;
  const far = 1 << 14;
  const offsetX = new Int16Array(width * height);
  const offsetY = new Int16Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (hole[(y + top) * mask.width + x + left]) offsetX[y * width + x] = far;
    }
  }
  /**
   * @param {number} x
   * @param {number} y
   * @param {number} stepX
   * @param {number} stepY
   */
  const relax = (x, y, stepX, stepY) => {
    const fromX = x + stepX;
    const fromY = y + stepY;
    if (fromX < 0 || fromY < 0 || fromX >= width || fromY >= height) return;
    const from = fromY * width + fromX;
    if (offsetX[from] === far) return;
    const here = y * width + x;
    const newX = offsetX[from] + stepX;
    const newY = offsetY[from] + stepY;
    if (newX * newX + newY * newY < offsetX[here] * offsetX[here] + offsetY[here] * offsetY[here]) {
      offsetX[here] = newX;
      offsetY[here] = newY;
    }
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (const [stepX, stepY] of NEIGHBOURS_ABOVE) relax(x, y, stepX, stepY);
    }
    for (let x = width - 1; x >= 0; x--) relax(x, y, 1, 0);
  }
  for (let y = height - 1; y >= 0; y--) {
    for (let x = width - 1; x >= 0; x--) {
      for (const [stepX, stepY] of NEIGHBOURS_ABOVE) relax(x, y, -stepX, -stepY);
    }
    for (let x = 0; x < width; x++) relax(x, y, -1, 0);
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const index = (y + top) * mask.width + x + left;
      const here = y * width + x;
      if (hole[index] === 1 && offsetX[here] !== far) {
        mask.data[index] = mask.data[index + offsetY[here] * mask.width + offsetX[here]];
      }
    }
  }
}

const NEIGHBOURS_ABOVE = [
  [-1, 0],
  [-1, -1],
  [0, -1],
  [1, -1],
];

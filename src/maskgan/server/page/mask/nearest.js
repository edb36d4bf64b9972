/**
 * Filling a hole from what surrounds it.
 *
 * @typedef {import("./label-map.js").LabelMap} LabelMap
 * @typedef {import("./label-map.js").Box} Box
 */

/**
 * Give each pixel of a hole the label of the nearest pixel outside it (8SSED: two sweeps that hand offsets to the
 * nearest known pixel from neighbour to neighbour).
 *
 * @param {LabelMap} mask changed in place
 * @param {Uint8Array} hole one flag a pixel; 1 is to be filled, 2 neither filled nor a source of labels
 * @param {Box} box around the hole
 */
export function fillFromNearest(mask, hole, box) {
  // One pixel more on each side, so that the surroundings are seen; what lies farther is never nearer.
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
  const learn = (x, y, stepX, stepY) => {
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
      for (const [stepX, stepY] of ABOVE) learn(x, y, stepX, stepY);
    }
    for (let x = width - 1; x >= 0; x--) learn(x, y, 1, 0);
  }
  for (let y = height - 1; y >= 0; y--) {
    for (let x = width - 1; x >= 0; x--) {
      for (const [stepX, stepY] of ABOVE) learn(x, y, -stepX, -stepY);
    }
    for (let x = 0; x < width; x++) learn(x, y, -1, 0);
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

const ABOVE = [
  [-1, 0],
  [-1, -1],
  [0, -1],
  [1, -1],
];

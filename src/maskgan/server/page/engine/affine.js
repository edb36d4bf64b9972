/**
 * Affine transforms of pictures, as Pillow's bicubic ones, bit for bit.
 *
 * @typedef {import("./arrays.js").Picture} Picture
 * @typedef {import("./arrays.js").Size} Size
 * @typedef {readonly [number, number, number, number, number, number]} Matrix a, b, c, d, e, f: column x and row y of the
 *   result show the source at a x + b y + c and d x + e y + f, in pixels
 */

/**
 * @param {Picture} picture
 * @param {Size} size of the result
 * @param {Matrix} matrix
 * @returns {Picture} black where the source does not reach
 */
export function transformPicture(picture, { width, height }, [a, b, c, d, e, f]) {
  const data = new Uint8ClampedArray(3 * width * height);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      const sourceX = a * (x + 0.5) + b * (y + 0.5) + c;
      const sourceY = d * (x + 0.5) + e * (y + 0.5) + f;
      samplePicture(picture, sourceX, sourceY, data, to);
    }
  }
  return { width, height, data };
}

const offsets = new Int32Array(4);

/**
 * Write the bicubic colour of a picture at a point, in pixels; nothing if that lies outside.
 *
 * @param {Picture} picture
 * @param {number} x
 * @param {number} y
 * @param {Uint8ClampedArray} result
 * @param {number} to index of the red value
 */
export function samplePicture({ width, height, data }, x, y, result, to) {
  if (!(x >= 0 && x < width && y >= 0 && y < height)) return;
  const left = Math.floor(x - 0.5);
  const top = Math.floor(y - 0.5);
  const across = x - 0.5 - left;
  const down = y - 0.5 - top;
  for (let k = 0; k < 4; k++) offsets[k] = 3 * Math.min(Math.max(left - 1 + k, 0), width - 1);
  for (let band = 0; band < 3; band++) {
    // Rows beyond the picture repeat the last one inside.
    const first = line(data, 3 * Math.min(Math.max(top - 1, 0), height - 1) * width + band, across);
    const second = top >= 0 ? line(data, 3 * top * width + band, across) : first;
    const third = top + 1 < height ? line(data, 3 * (top + 1) * width + band, across) : second;
    const fourth = top + 2 < height ? line(data, 3 * (top + 2) * width + band, across) : third;
    result[to + band] = Math.trunc(cubic(first, second, third, fourth, down));
  }
}

/**
 * @param {Uint8ClampedArray} data
 * @param {number} start
 * @param {number} share
 */
function line(data, start, share) {
  const [first, second] = [data[start + offsets[0]], data[start + offsets[1]]];
  return cubic(first, second, data[start + offsets[2]], data[start + offsets[3]], share);
}

/**
 * @param {number} first
 * @param {number} second
 * @param {number} third
 * @param {number} fourth
 * @param {number} share of the way from the second to the third
 */
function cubic(first, second, third, fourth, share) {
  const p2 = third - first;
  const p3 = 2 * (first - second) + third - fourth;
  const p4 = fourth - third + second - first;
  return second + share * (p2 + share * (p3 + share * p4));
}

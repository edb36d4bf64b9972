/**
 * Filters of planes.
 *
 * @typedef {import("./arrays.js").Planes} Planes
 */

/**
 * Gaussian blur with replicated borders.
 *
 * @param {Planes} image
 * @param {number} sigma in pixels
 * @returns {Planes}
 */
export function blur(image, sigma) {
  const radius = blurRadius(sigma);
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-0.5 * ((i - radius) / sigma) ** 2));
  const sum = kernel.reduce((total, weight) => total + weight, 0);
  for (let i = 0; i < kernel.length; i++) kernel[i] /= sum;
  const { channels, height, width, data } = image;
  const across = new Float32Array(data.length);
  const padded = new Float32Array(width + 2 * radius);
  for (let row = 0; row < channels * height; row++) {
    const start = row * width;
    padded.fill(data[start], 0, radius);
    padded.set(data.subarray(start, start + width), radius);
    padded.fill(data[start + width - 1], radius + width);
    for (let x = 0; x < width; x++) {
      let value = 0;
      for (let k = 0; k < kernel.length; k++) value += padded[x + k] * kernel[k];
      across[start + x] = value;
    }
  }
  const result = new Float32Array(data.length);
  const sums = new Float64Array(width);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      sums.fill(0);
      for (let k = 0; k < kernel.length; k++) {
        const row = Math.min(Math.max(y + k - radius, 0), height - 1);
        const from = (c * height + row) * width;
        const weight = kernel[k];
        for (let x = 0; x < width; x++) sums[x] += across[from + x] * weight;
      }
      result.set(sums, (c * height + y) * width);
    }
  }
  return { channels, height, width, data: result };
}

/**
 * How many pixels `blur` looks in each direction.
 *
 * @param {number} sigma
 */
export function blurRadius(sigma) {
  return Math.max(Math.trunc(3 * sigma + 0.5), 1);
}

/**
 * The highest value within a square of `2 * radius + 1`.
 *
 * @param {Planes} image
 * @param {number} radius in pixels
 * @returns {Planes}
 */
export function dilate({ channels, height, width, data }, radius) {
  const tall = new Float32Array(data.length);
  for (let c = 0; c < channels; c++) {
    const start = c * height * width;
    for (let x = 0; x < width; x++) slidingMaximum(data, tall, start + x, height, width, radius);
  }
  const result = new Float32Array(data.length);
  for (let row = 0; row < channels * height; row++) slidingMaximum(tall, result, row * width, width, 1, radius);
  return { channels, height, width, data: result };
}

/**
 * Maximum over squares; sides are multiples of the factor.
 *
 * @param {Planes} image
 * @param {number} factor
 * @returns {Planes}
 */
export function maxPool({ channels, height, width, data }, factor) {
  const [rows, columns] = [height / factor, width / factor];
  const result = new Float32Array(channels * rows * columns).fill(-Infinity);
  for (let row = 0, from = 0; row < channels * height; row++) {
    const channel = Math.floor(row / height);
    const start = (channel * rows + Math.floor((row % height) / factor)) * columns;
    for (let x = 0; x < width; x++, from++) {
      const to = start + Math.floor(x / factor);
      result[to] = Math.max(result[to], data[from]);
    }
  }
  return { channels, height: rows, width: columns, data: result };
}

/**
 * Average pooling; sides are multiples of the factor.
 *
 * @param {Planes} image
 * @param {number} factor
 * @returns {Planes}
 */
export function averagePool({ channels, height, width, data }, factor) {
  const [rows, columns] = [Math.floor(height / factor), Math.floor(width / factor)];
  const result = new Float32Array(channels * rows * columns);
  const area = factor * factor;
  for (let c = 0, to = 0; c < channels; c++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++, to++) {
        let sum = 0;
        for (let dy = 0; dy < factor; dy++) {
          const from = (c * height + y * factor + dy) * width + x * factor;
          for (let dx = 0; dx < factor; dx++) sum += data[from + dx];
        }
        result[to] = sum / area;
      }
    }
  }
  return { channels, height: rows, width: columns, data: result };
}

/**
 * Sums over squares of `2 * radius + 1`, 0 beyond the borders.
 *
 * @param {Planes} image
 * @param {number} radius in pixels
 * @returns {Planes}
 */
export function boxSums({ channels, height, width, data }, radius) {
  const tall = new Float32Array(data.length);
  const sums = new Float64Array(width);
  for (let c = 0; c < channels; c++) {
    const rows = c * height;
    sums.fill(0);
    for (let y = -radius; y < height; y++) {
      const [next, last] = [y + radius, y - radius - 1];
      if (next < height) for (let x = 0; x < width; x++) sums[x] += data[(rows + next) * width + x];
      if (last >= 0) for (let x = 0; x < width; x++) sums[x] -= data[(rows + last) * width + x];
      if (y >= 0) tall.set(sums, (rows + y) * width);
    }
  }
  const result = new Float32Array(data.length);
  for (let start = 0; start < data.length; start += width) {
    let sum = 0;
    for (let x = -radius; x < width; x++) {
      if (x + radius < width) sum += tall[start + x + radius];
      if (x - radius > 0) sum -= tall[start + x - radius - 1];
      if (x >= 0) result[start + x] = sum;
    }
  }
  return { channels, height, width, data: result };
}

/**
 * Sums over squares of two pixels a side; of odd sides the last column and row alone.
 *
 * @param {Planes} image
 * @returns {Planes}
 */
export function pairSums({ channels, height, width, data }) {
  const [rows, columns] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  const result = new Float32Array(channels * rows * columns);
  for (let row = 0, from = 0; row < channels * height; row++) {
    const to = (Math.floor(row / height) * rows + ((row % height) >> 1)) * columns;
    for (let x = 0; x < width; x++, from++) result[to + (x >> 1)] += data[from];
  }
  return { channels, height: rows, width: columns, data: result };
}

/**
 * @param {Float32Array} from
 * @param {Float32Array} to
 * @param {number} start
 * @param {number} count
 * @param {number} step
 * @param {number} radius
 */
function slidingMaximum(from, to, start, count, step, radius) {
  // Indices whose values fall, the highest first: a deque in an array.
  const queue = new Int32Array(count);
  let [head, tail] = [0, 0];
  for (let i = 0, next = 0; i < count; i++) {
    for (; next < Math.min(i + radius + 1, count); next++) {
      const value = from[start + next * step];
      while (tail > head && from[start + queue[tail - 1] * step] <= value) tail--;
      queue[tail++] = next;
    }
    while (queue[head] < i - radius) head++;
    to[start + i * step] = from[start + queue[head] * step];
  }
}

/**
 * A brush that follows the photograph: it paints what is connected to the middle of the brush and has its colour.
 *
 * @typedef {import("./label-map.js").LabelMap} LabelMap
 * @typedef {import("./label-map.js").Point} Point
 * @typedef {import("./label-map.js").Box} Box
 * @typedef {import("./label-map.js").Locks} Locks
 *
 * @typedef {object} ColourMap the photograph at the mask's size
 * @property {number} width
 * @property {number} height
 * @property {Float32Array} data OKLab times 100 (L 0..100), three values a pixel
 */

import { clipBox } from "./label-map.js";
import { paintPixel } from "./brush.js";

/** The middle of the brush, whose colour counts, relative to its radius. */
const CORE = 0.3;
const MIN_CORE = 1.5; // mask pixels

/** Largest difference from the core's mean colour: a base, and a factor of the core's own deviation. */
const TOLERANCE = 5;
const DEVIATIONS = 2.5;

/** Distance between dabs, relative to the radius. */
const SPACING = 0.4;

/**
 * @param {Uint8ClampedArray} rgba sRGB pixels
 * @param {number} width
 * @param {number} height
 * @returns {ColourMap} averaged over 3 x 3 pixels, which drops noise
 */
export function colourMapOf(rgba, width, height) {
  const lab = new Float32Array(3 * width * height);
  const linear = Float32Array.from({ length: 256 }, (_, value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  for (let i = 0; i < width * height; i++) {
    const [r, g, b] = [linear[rgba[4 * i]], linear[rgba[4 * i + 1]], linear[rgba[4 * i + 2]]];
    // Björn Ottosson's OKLab (2020).
    const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    lab[3 * i] = 100 * (0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s);
    lab[3 * i + 1] = 100 * (1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s);
    lab[3 * i + 2] = 100 * (0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s);
  }
  return { width, height, data: mean3(mean3(lab, width, height, 1), height, width, width) };
}

/**
 * Mean over three neighbours along one axis; fewer at the border.
 *
 * @param {Float32Array} values three channels
 * @param {number} length of a line, pixels
 * @param {number} lines
 * @param {number} step between the pixels of a line
 */
function mean3(values, length, lines, step) {
  const result = new Float32Array(values.length);
  const stride = step === 1 ? length : 1;
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < length; i++) {
      const here = 3 * (line * stride + i * step);
      const before = i > 0 ? here - 3 * step : here;
      const after = i < length - 1 ? here + 3 * step : here;
      for (let c = 0; c < 3; c++) result[here + c] = (values[before + c] + values[here + c] + values[after + c]) / 3;
    }
  }
  return result;
}

/**
 * Paint along a line, each dab only as far as the photograph's colour in its middle goes.
 *
 * @param {LabelMap} mask changed in place
 * @param {ColourMap} colours of the same size
 * @param {Point} from
 * @param {Point} to
 * @param {number} diameter in mask pixels
 * @param {number | LabelMap} ink a class, or a label map of the same size to copy from
 * @param {Locks} locks
 */
export function paintToEdges(mask, colours, from, to, diameter, ink, locks) {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const dabs = Math.max(Math.ceil(length / Math.max((SPACING * diameter) / 2, 1)), 1);
  for (let i = length ? 1 : dabs; i <= dabs; i++) {
    const share = i / dabs;
    const centre = { x: from.x + share * (to.x - from.x), y: from.y + share * (to.y - from.y) };
    for (const index of connectedColour(colours, centre, diameter / 2)) paintPixel(mask, index, ink, locks);
  }
}

/**
 * The pixels of a disc that are connected to its core through the core's colour.
 *
 * @param {ColourMap} colours
 * @param {Point} centre
 * @param {number} radius
 * @returns {number[]} pixel indices
 */
function connectedColour({ width, height, data }, centre, radius) {
  const bounds = { left: centre.x - radius, top: centre.y - radius, right: centre.x + radius, bottom: centre.y + radius };
  const box = clipBox(bounds, { width, height });
  if (!box) return [];
  const boxWidth = box.right - box.left;
  const coreRadius = Math.min(Math.max(CORE * radius, MIN_CORE), Math.max(radius, 0.75));
  const core = pixelsWithin(box, centre, coreRadius, width);
  const limit = toleranceAround(data, core);
  const seen = new Uint8Array(boxWidth * (box.bottom - box.top));
  const cell = (/** @type {number} */ x, /** @type {number} */ y) => (y - box.top) * boxWidth + x - box.left;
  const found = core.slice();
  for (const index of core) seen[cell(index % width, Math.floor(index / width))] = 1;
  for (let next = 0; next < found.length; next++) {
    const x = found[next] % width;
    const y = (found[next] - x) / width;
    for (const [toX, toY] of [[x - 1, y], [x + 1, y], [x, y - 1], [x, y + 1]]) {
      if (toX < box.left || toY < box.top || toX >= box.right || toY >= box.bottom || seen[cell(toX, toY)]) continue;
      seen[cell(toX, toY)] = 1;
      if ((toX + 0.5 - centre.x) ** 2 + (toY + 0.5 - centre.y) ** 2 > radius * radius) continue;
      const index = toY * width + toX;
      if (squaredDifference(data, index, limit.mean) <= limit.squared) found.push(index);
    }
  }
  return found;
}

/**
 * @param {Box} box
 * @param {Point} centre
 * @param {number} radius
 * @param {number} width of the mask
 * @returns {number[]}
 */
function pixelsWithin(box, centre, radius, width) {
  const pixels = [];
  for (let y = box.top; y < box.bottom; y++) {
    for (let x = box.left; x < box.right; x++) {
      if ((x + 0.5 - centre.x) ** 2 + (y + 0.5 - centre.y) ** 2 <= radius * radius) pixels.push(y * width + x);
    }
  }
  return pixels;
}

/**
 * @param {Float32Array} data
 * @param {number[]} pixels
 * @returns {{mean: [number, number, number], squared: number}} mean colour, and the largest squared difference from it
 */
function toleranceAround(data, pixels) {
  /** @type {[number, number, number]} */
  const mean = [0, 0, 0];
  for (const i of pixels) for (let c = 0; c < 3; c++) mean[c] += data[3 * i + c] / pixels.length;
  const variance = pixels.reduce((sum, i) => sum + squaredDifference(data, i, mean), 0) / Math.max(pixels.length, 1);
  return { mean, squared: (TOLERANCE + DEVIATIONS * Math.sqrt(variance)) ** 2 };
}

/**
 * @param {Float32Array} data
 * @param {number} index
 * @param {readonly [number, number, number]} colour
 */
function squaredDifference(data, index, colour) {
  const [l, a, b] = colour;
  return (data[3 * index] - l) ** 2 + (data[3 * index + 1] - a) ** 2 + (data[3 * index + 2] - b) ** 2;
}

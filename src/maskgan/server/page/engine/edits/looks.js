/**
 * Colours by name, such as `hair-colour=#8e3a1f`: a part of the photograph painted over, its light and texture kept. Every
 * pixel outside of the part stays as it is.
 *
 * @typedef {import("../arrays.js").Flags} Flags
 * @typedef {import("../arrays.js").LabelMap} LabelMap
 * @typedef {import("../arrays.js").Picture} Picture
 *
 * @typedef {object} Look
 * @property {string} name
 * @property {string} summary
 * @property {readonly number[]} classes whose pixels may change
 * @property {boolean} iris whether only the iris within the part is painted
 */

import { HAIR } from "../../mask/label-map.js";
import { EngineError, clamp, extent, where } from "../arrays.js";
import { BROWS, EYES, LIPS } from "../../mask/face-parts.js";

/** Colours of hair, lips and eyes by name. @type {Record<string, string>} */
export const COLOURS = {
  blond: "#c9a468",
  "light-blond": "#e3c893",
  brown: "#5a3a24",
  "light-brown": "#8a6242",
  black: "#1d1a1b",
  grey: "#9a9a9c",
  white: "#dcdad6",
  red: "#8e3a1f",
  ginger: "#b5642d",
  blue: "#3f62a8",
  green: "#4d7a4b",
  pink: "#d4789f",
  purple: "#6f4a94",
};

/** All looks, by name. @type {Map<string, Look>} */
export const LOOKS = new Map(
  [
    { name: "hair-colour", summary: "another colour of hair", classes: [HAIR], iris: false },
    { name: "brow-colour", summary: "another colour of the brows", classes: BROWS, iris: false },
    { name: "lip-colour", summary: "another colour of the lips", classes: LIPS, iris: false },
    { name: "eye-colour", summary: "another colour of the irises", classes: EYES, iris: true },
  ].map((look) => [look.name, look]),
);

const LUMA = [0.299, 0.587, 0.114];
/** Width of the border over which the colour fades in, of the longer side. */
const SOFT = 1 / 256;
/** Radius of an iris, in heights of the eye as its label shows it. */
const IRIS = 0.6;
/** Passes of a box blur that stand for a Gaussian one, as in Pillow. */
const PASSES = 3;

/**
 * A colour as `#rrggbb`.
 *
 * @param {Look} look
 * @param {string} text `#rrggbb`, `#rgb` or a name
 * @throws {EngineError} it is none
 */
export function checkColour({ name }, text) {
  const given = text.trim().toLowerCase();
  const colour = Object.hasOwn(COLOURS, given) ? COLOURS[given] : given.replace(/^#(.)(.)(.)$/, "#$1$1$2$2$3$3");
  if (/^#[0-9a-f]{6}$/.test(colour)) return colour;
  throw new EngineError(`${name}: takes #RRGGBB or a name such as ${Object.keys(COLOURS).join(", ")}, not ${text.slice(0, 40)}.`);
}

/**
 * Paint a part.
 *
 * @param {Look} look
 * @param {Picture} picture
 * @param {LabelMap} mask its own, of the same size
 * @param {string} colour `#rrggbb`
 * @returns {Picture}
 * @throws {EngineError} the mask does not show the part
 */
export function paintLook({ name, classes, iris }, picture, mask, colour) {
  const part = where(mask, classes);
  if (!part.data.includes(1)) throw new EngineError(`${name}: the mask shows nothing to colour.`);
  const luma = lumaOf(picture);
  const alpha = iris ? irises(luma, mask) : faded(part);
  const target = [1, 3, 5].map((start) => Number.parseInt(colour.slice(start, start + 2), 16));
  let [sum, weight] = [0, 0];
  for (let i = 0; i < alpha.length; i++) {
    sum += luma[i] * alpha[i];
    weight += alpha[i];
  }
  const mean = sum / Math.max(weight, 1e-6);
  const own = target.reduce((total, value, c) => total + value * LUMA[c], 0);
  // A lighter colour shows less of the shadows than a darker one: hair that reflects more lights its own depths.
  const lift = clamp(mean / Math.max(own, 1), 0.35, 1);
  const data = picture.data.slice();
  for (let i = 0; i < alpha.length; i++) {
    if (!part.data[i] || alpha[i] <= 0) continue;
    const light = luma[i] / Math.max(mean, 8);
    const shade = Math.min(light, 1) ** lift;
    // Beyond the mean the colour goes towards white as far as the picture does.
    const shine = clamp(((light - 1) * mean) / Math.max(255 - mean, 1), 0, 1);
    for (let c = 0; c < 3; c++) {
      const shaded = target[c] * shade;
      const lit = shaded + (255 - shaded) * shine * 0.8;
      const pixel = picture.data[3 * i + c];
      data[3 * i + c] = pixel + (lit - pixel) * alpha[i];
    }
  }
  return { width: picture.width, height: picture.height, data };
}

/** @param {Picture} picture */
function lumaOf({ data }) {
  return Float32Array.from({ length: data.length / 3 }, (_, i) => LUMA[0] * data[3 * i] + LUMA[1] * data[3 * i + 1] + LUMA[2] * data[3 * i + 2]);
}

/**
 * 1 inside, falling towards the border, 0 outside.
 *
 * @param {Flags} part
 */
function faded(part) {
  const { width, height, data } = part;
  const blurred = gaussianBlur(data.map((flag) => 255 * flag), width, height, Math.max(SOFT * Math.max(width, height), 0.5));
  return Float32Array.from(data, (flag, i) => (flag ? clamp((2 * blurred[i]) / 255 - 0.6, 0, 1) : 0));
}

/**
 * Discs about the darkest places of the eyes, without the pupils' darkest and the white around.
 *
 * @param {Float32Array} luma
 * @param {LabelMap} mask
 */
function irises(luma, mask) {
  const { width, data } = mask;
  const alpha = new Float32Array(data.length);
  for (const eye of EYES) {
    const box = extent(where(mask, [eye]));
    if (!box) continue;
    const bright = percentile(luma.filter((_, i) => data[i] === eye), 0.6);
    let [sum, row, column] = [0, 0, 0];
    for (let i = 0; i < data.length; i++) {
      if (data[i] !== eye) continue;
      const dark = Math.max(bright - luma[i], 0);
      sum += dark;
      row += dark * Math.floor(i / width);
      column += dark * (i % width);
    }
    if (sum <= 0) continue;
    const radius = Math.max(IRIS * (box.bottom - box.top), 1.5);
    for (let i = 0; i < data.length; i++) {
      if (data[i] !== eye) continue;
      const distance = Math.hypot(Math.floor(i / width) - row / sum, (i % width) - column / sum);
      alpha[i] += clamp(1.5 - (1.5 * distance) / radius, 0, 1);
    }
  }
  return alpha;
}

/**
 * @param {Float32Array} values
 * @param {number} share 0..1
 */
function percentile(values, share) {
  const sorted = values.slice().sort();
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

/**
 * Pillow's Gaussian blur of 8-bit values: three box blurs, the box's ends weighted by a fraction.
 *
 * @param {Uint8Array} data
 * @param {number} width
 * @param {number} height
 * @param {number} sigma
 */
function gaussianBlur(data, width, height, sigma) {
  const variance = (sigma * sigma) / PASSES;
  const whole = Math.floor((Math.sqrt(12 * variance + 1) - 1) / 2);
  const rest = ((2 * whole + 1) * (whole * (whole + 1) - 3 * variance)) / (6 * (variance - (whole + 1) ** 2));
  const radius = whole + rest;
  let current = data;
  for (let pass = 0; pass < PASSES; pass++) current = boxBlur(current, height, width, width, 1, radius);
  for (let pass = 0; pass < PASSES; pass++) current = boxBlur(current, width, height, 1, width, radius);
  return current;
}

/**
 * @param {Uint8Array} data
 * @param {number} lines
 * @param {number} length of a line
 * @param {number} lineStep between lines
 * @param {number} step between the values of a line
 * @param {number} radius
 */
function boxBlur(data, lines, length, lineStep, step, radius) {
  const whole = Math.floor(radius);
  const inner = Math.floor(2 ** 24 / (2 * radius + 1));
  const outer = Math.floor((2 ** 24 - (2 * whole + 1) * inner) / 2);
  const result = new Uint8Array(data.length);
  for (let line = 0; line < lines; line++) {
    const start = line * lineStep;
    const at = (/** @type {number} */ i) => data[start + Math.min(Math.max(i, 0), length - 1) * step];
    let sum = 0;
    for (let i = -whole; i <= whole; i++) sum += at(i);
    for (let i = 0; i < length; i++) {
      result[start + i * step] = Math.floor((sum * inner + (at(i - whole - 1) + at(i + whole + 1)) * outer + 2 ** 23) / 2 ** 24);
      sum += at(i + whole + 1) - at(i - whole);
    }
  }
  return result;
}

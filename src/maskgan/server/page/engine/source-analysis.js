/**
 * How a network reproduces a photograph before any edit: the residuals from which the colours of edits are corrected.
 *
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("./arrays.js").Picture} Picture
 * @typedef {import("./arrays.js").Planes} Planes
 *
 * @typedef {object} SourceAnalysis
 * @property {LabelMap} workingMask the mask at the network's size
 * @property {Planes} reconstruction the network's picture of this mask, 3 x h x w in [-1, 1]
 * @property {Planes} residual the photograph minus that, 3 x h x w
 * @property {Float32Array} classResiduals 19 x 3: the average residual over each class; 0 for a class that is not there
 * @property {Planes[]} localResiduals for each class the average residual over its nearby pixels, 3 x h/4 x w/4
 */

import { planes, toImage } from "./arrays.js";
import { NUM_CLASSES } from "../mask/label-map.js";
import { averagePool, blur } from "./filters.js";
import { resizeLabels, resizePicture } from "./resampling.js";

/** Over how much of the longer side residuals are averaged. */
const COLOUR_REACH = 0.08;
/** By how much the grid of residuals is coarser than the network's picture. */
export const COARSE = 4;
/** Weight of the class's average where no unedited pixel of it is near. */
const FAR = 1e-3;
/** Share of a picture at which a class's average colour in it counts half. */
const FEW = 1e-4;

/**
 * Compare a photograph with the network's picture of it.
 *
 * @param {Picture} picture
 * @param {LabelMap} mask
 * @param {Planes} reconstruction the network's picture of `mask`
 * @returns {SourceAnalysis}
 */
export function analyseSource(picture, mask, reconstruction) {
  const residual = toImage(resizePicture(picture, reconstruction));
  for (let i = 0; i < residual.data.length; i++) residual.data[i] -= reconstruction.data[i];
  const workingMask = resizeLabels(mask, reconstruction);
  const size = residual.height * residual.width;
  const sums = new Float64Array(4 * NUM_CLASSES);
  for (let i = 0; i < size; i++) {
    const at = 4 * workingMask.data[i];
    for (let c = 0; c < 3; c++) sums[at + c] += residual.data[c * size + i];
    sums[at + 3]++;
  }
  const classResiduals = new Float32Array(3 * NUM_CLASSES);
  for (let label = 0; label < NUM_CLASSES; label++) {
    for (let c = 0; c < 3; c++) classResiduals[3 * label + c] = sums[4 * label + c] / Math.max(sums[4 * label + 3], 1);
  }
  const localResiduals = Array.from({ length: NUM_CLASSES }, (_, label) =>
    localResidual(residual, workingMask.data, label, classResiduals),
  );
  return { workingMask, reconstruction, residual, classResiduals, localResiduals };
}

/**
 * The average residual over the nearby pixels of a class.
 *
 * @param {Planes} residual 3 x h x w
 * @param {Uint8Array} labels h x w; pixels with other labels count for nothing
 * @param {number} label
 * @param {Float32Array} classResiduals 19 x 3, used where no such pixel is near
 * @returns {Planes} 3 x h/4 x w/4
 */
export function localResidual({ height, width, data }, labels, label, classResiduals) {
  const size = height * width;
  const own = planes(4, height, width);
  for (let i = 0; i < size; i++) {
    if (labels[i] !== label) continue;
    for (let c = 0; c < 3; c++) own.data[c * size + i] = data[c * size + i];
    own.data[3 * size + i] = 1;
  }
  // Colours change slowly, so a coarse grid is enough.
  const sums = blur(averagePool(own, COARSE), (COLOUR_REACH * Math.max(height, width)) / COARSE);
  const local = planes(3, sums.height, sums.width);
  const cells = sums.height * sums.width;
  for (let i = 0; i < cells; i++) {
    const weight = sums.data[3 * cells + i] + FAR;
    for (let c = 0; c < 3; c++) {
      local.data[c * cells + i] = (sums.data[c * cells + i] + FAR * classResiduals[3 * label + c]) / weight;
    }
  }
  return local;
}

/**
 * The average colour of each class and how far it can be relied on, 19 x 4: red, green, blue in [-1, 1]; 0..1.
 *
 * @param {Picture} picture
 * @param {LabelMap} mask
 * @returns {Float32Array}
 */
export function classColours(picture, mask) {
  const image = toImage(resizePicture(picture, mask));
  const size = mask.width * mask.height;
  const colours = new Float32Array(4 * NUM_CLASSES);
  const sums = new Float64Array(4 * NUM_CLASSES);
  for (let i = 0; i < size; i++) {
    const at = 4 * mask.data[i];
    for (let c = 0; c < 3; c++) sums[at + c] += image.data[c * size + i];
    sums[at + 3]++;
  }
  for (let at = 0; at < sums.length; at += 4) {
    const share = sums[at + 3] / size;
    for (let c = 0; c < 3; c++) colours[at + c] = sums[at + c] / Math.max(sums[at + 3], 1);
    colours[at + 3] = share / (share + FEW);
  }
  return colours;
}

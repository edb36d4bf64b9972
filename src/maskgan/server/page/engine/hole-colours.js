/**
 * The colours of a drawn hole follow the photograph's.
 *
 * A hole reaches over pixels whose labels stay: there the network's picture can be compared with the photograph. What it
 * lacks is added, class by class and fading with the distance, to all of the hole.
 *
 * @typedef {import("./arrays.js").Planes} Planes
 * @typedef {import("./edit-region.js").EditRegion} EditRegion
 */

import { BACKGROUND, CLOTHES, HAIR, HAT, NECK, SKIN } from "../mask/label-map.js";
import { clamp, cutPlanes, extent, grown, labelTable, planes, putPlanes } from "./arrays.js";
import { MOUTH_PARTS } from "./face-parts.js";
import { averagePool, blur } from "./filters.js";
import { interpolate, resizeLabels } from "./resampling.js";

/** What surrounds the features. */
const SURROUNDINGS = [BACKGROUND, HAIR, HAT, NECK, CLOTHES];
/** Cells on the longer side, about, of the grid on which residuals are spread. */
const GRID = 128;
/** Blurs as fractions of the longer side, and their weights. */
const REACHES = [[0.024, 1], [0.0625, 0.1], [0.1875, 0.01]];
/** Weight of the average, which counts farther than all reaches. */
const FAR = 1e-6;
/** Of a residual that counts; a larger one is another thing, not another tint. */
const LARGEST = 0.5;

/**
 * Bring what was drawn into a hole to the photograph's colours.
 *
 * Classes with a copied style keep the network's colours, features do, and so does skin around a mouth that changes.
 *
 * @param {Planes} image the photograph, 3 x h x w in [-1, 1]
 * @param {Planes} generated the network's picture, the photograph outside of the hole
 * @param {EditRegion} region
 * @param {readonly number[]} styled classes with a copied style
 * @param {Planes} place the hole, of the size of `generated`
 * @returns {Planes} equal to `generated` outside of the hole
 */
export function matchHoleColours(image, generated, region, styled = [], place = region.hole(generated)) {
  const { height, width } = generated;
  const result = planes(3, height, width, generated.data.slice());
  const box = extent(place);
  if (!box) return result;
  const [before, after] = [region.before, region.after].map((mask) => resizeLabels(mask, generated).data);
  const hole = place.data;
  const cell = Math.max(Math.floor(Math.max(height, width) / GRID), 1);
  // Outside of the hole there is no difference: only what lies around it is computed.
  const window = grown(box, 0, generated, cell);
  const [columns, rows] = [window.right - window.left, window.bottom - window.top];
  const difference = cutPlanes(image, window);
  const drawn = cutPlanes(generated, window).data;
  for (let i = 0; i < drawn.length; i++) difference.data[i] = clamp(difference.data[i] - drawn[i], -LARGEST, LARGEST);
  /** @param {Planes} part @returns {Planes} averages over the cells of all of the picture */
  const cells = (part) => {
    const grid = planes(part.channels, Math.floor(height / cell), Math.floor(width / cell));
    putPlanes(grid, averagePool(part, cell), { top: window.top / cell, left: window.left / cell });
    return grid;
  };
  const residual = cells(difference);
  for (const label of matchedClasses(before, after, styled)) {
    const same = planes(1, rows, columns);
    const places = [];
    for (let y = 0, i = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++, i++) {
        const at = (window.top + y) * width + window.left + x;
        if (hole[at] === 0 || after[at] !== label) continue;
        places.push(i);
        same.data[i] = Number(before[at] === label);
      }
    }
    if (!places.length) continue;
    // Cells at borders may show other classes, too.
    const known = cells(same).data.map((share) => Number(share === 1));
    if (!known.includes(1)) continue;
    const correction = interpolate(spread(residual, known), generated, window).data;
    for (const i of places) {
      const at = (window.top + Math.floor(i / columns)) * width + window.left + (i % columns);
      for (let c = 0; c < 3; c++) result.data[c * height * width + at] += correction[c * rows * columns + i];
    }
  }
  return result;
}

/**
 * @param {Uint8Array} before
 * @param {Uint8Array} after
 * @param {readonly number[]} styled
 */
function matchedClasses(before, after, styled) {
  const isMouth = labelTable(MOUTH_PARTS);
  const moves = before.some((label, i) => label !== after[i] && (isMouth[label] || isMouth[after[i]]));
  return [...SURROUNDINGS, ...(moves ? [] : [SKIN])].filter((label) => !styled.includes(label));
}

/**
 * The residual of known cells as it is near them, everywhere.
 *
 * @param {Planes} residual 3 x h x w
 * @param {Float32Array} known 1 for those
 * @returns {Planes}
 */
function spread({ height, width, data }, known) {
  const size = height * width;
  const sums = planes(4, height, width);
  sums.data.set(known, 3 * size);
  for (let i = 0; i < 3 * size; i++) sums.data[i] = data[i] * known[i % size];
  const total = new Float64Array(4 * size);
  for (let c = 0; c < 4; c++) {
    const plane = sums.data.subarray(c * size, (c + 1) * size);
    total.fill((FAR * plane.reduce((sum, value) => sum + value, 0)) / size, c * size, (c + 1) * size);
  }
  for (const [reach, weight] of REACHES) {
    const blurred = blur(sums, Math.max(reach * Math.max(height, width), 0.5)).data;
    for (let i = 0; i < total.length; i++) total[i] += weight * blurred[i];
  }
  const result = planes(3, height, width);
  for (let i = 0; i < 3 * size; i++) result.data[i] = total[i] / total[3 * size + (i % size)];
  return result;
}

/**
 * Background that an edit reveals, such as behind hair that is cut off, in the colours of the background around it.
 *
 * The edit network guesses what was hidden, and where its guess is a little off, it shows as a ghost of what was there.
 * Large shapes are therefore continued from the photograph, coarse to fine, as in the pull-push algorithm (Gortler et al.,
 * "The Lumigraph", SIGGRAPH 1996); only the grain is the network's.
 *
 * @typedef {import("./arrays.js").Planes} Planes
 */

import { clamp, cutPlanes, extent, grown, putPlanes, rint } from "./arrays.js";
import { boxSums, pairSums } from "./filters.js";
import { BILINEAR, resizePlanes } from "./resampling.js";

// Lengths are fractions of the longer side.
/** Distance to both sides over which colours are averaged; what varies faster is grain. */
const GRAIN = 0.006;
/** Around revealed background that is read. */
const CONTEXT = 0.1;

/**
 * The network's picture with revealed background that continues the known one.
 *
 * @param {Planes} generated in [-1, 1], the photograph outside of the hole
 * @param {Planes} revealed background in the hole, one plane: 1 there
 * @param {Planes} known background outside of the hole, the same
 * @returns {Planes} the same where `revealed` is 0, and everywhere if no known background is near
 */
export function matchRevealedBackground(generated, revealed, known) {
  const longer = Math.max(generated.height, generated.width);
  const box = extent(revealed);
  if (!box) return generated;
  const place = grown(box, rint(CONTEXT * longer), generated);
  const [image, inner, outer] = [generated, revealed, known].map((plane) => cutPlanes(plane, place));
  if (!outer.data.includes(1)) return generated;
  const reach = Math.max(rint(GRAIN * longer), 1);
  const colours = localMean(image, inner, reach);
  const either = { ...inner, data: inner.data.map((value, i) => value + outer.data[i]) };
  const smooth = localMean(continued(image, outer), either, reach);
  const area = image.height * image.width;
  for (let i = 0; i < image.data.length; i++) {
    if (inner.data[i % area]) image.data[i] = clamp(smooth.data[i] + image.data[i] - colours.data[i], -1, 1);
  }
  const result = { ...generated, data: generated.data.slice() };
  putPlanes(result, image, place);
  return result;
}

/**
 * Weighted means over squares of `reach` pixels to both sides; 0 where all weights are 0.
 *
 * @param {Planes} image
 * @param {Planes} weight one plane
 * @param {number} reach
 */
function localMean(image, weight, reach) {
  return divided(boxSums(weighted(image, weight), reach), boxSums(weight, reach));
}

/**
 * The colours of known pixels carried over to all others.
 *
 * @param {Planes} image
 * @param {Planes} known one plane, 0 or 1
 * @returns {Planes}
 */
function continued(image, known) {
  if (Math.max(image.height, image.width) === 1) return image;
  const weights = pairSums(known);
  const means = divided(pairSums(weighted(image, known)), weights);
  const signs = { ...weights, data: weights.data.map(Math.sign) };
  const result = resizePlanes(continued(means, signs), image, BILINEAR);
  const area = image.height * image.width;
  for (let i = 0; i < image.data.length; i++) if (known.data[i % area]) result.data[i] = image.data[i];
  return result;
}

/**
 * @param {Planes} image
 * @param {Planes} weight one plane
 */
function weighted(image, weight) {
  const area = weight.data.length;
  return { ...image, data: image.data.map((value, i) => value * weight.data[i % area]) };
}

/**
 * @param {Planes} sums changed in place
 * @param {Planes} weights one plane
 */
function divided(sums, weights) {
  const area = weights.data.length;
  for (let i = 0; i < sums.data.length; i++) sums.data[i] = weights.data[i % area] ? sums.data[i] / weights.data[i % area] : 0;
  return sums;
}

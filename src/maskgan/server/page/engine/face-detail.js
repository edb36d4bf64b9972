/**
 * The face around a changed mouth: it keeps the photograph's detail and moves with the mouth.
 *
 * Cheeks and chin belong to a smile. Drawn anew, they would smile but be another person's; left alone, they would belie the
 * mouth. The network therefore draws them twice, with the mask before and after, and the photograph takes over how the two
 * differ: skin, beard and freckles stay.
 *
 * @typedef {import("./arrays.js").Planes} Planes
 * @typedef {import("./edit-region.js").MovingFace} MovingFace
 */

import { bounded, cutPlanes, extent, grown, putPlanes } from "./arrays.js";
import { blur, blurRadius } from "./filters.js";

// Lengths are fractions of the longer side.
/** What varies faster is the photograph's: standard deviation of the change's blur. */
const DETAIL = 0.006;
/** Standard deviation over which the network's error of colour is averaged. */
const COLOUR = 0.02;
/** Share of the photograph in the surroundings below which that error counts less: teeth are not skin. */
const FEW = 0.1;
/** Of the change: blurred, and drawn beside eyes that do not smile, it is less than a real face's. */
const STRENGTH = 1.4;
/** What the change adds to a colour of [-1, 1], at most: more is a beard or a shadow that the network moved. */
const MOST = 0.3;

/**
 * The network's picture of an edit, with the photograph's detail around the changed mouth.
 *
 * @param {Planes} drawn the network's picture of the edit, 3 x h x w in [-1, 1]
 * @param {Planes} unedited what it draws around the mouth with the mask before the edit
 * @param {Planes} image the photograph
 * @param {MovingFace} moving of the edit, at this size
 * @returns {Planes} 3 x h x w in [-1, 1]; `image` outside of the hole
 */
export function keepFaceDetail(drawn, unedited, image, { share, kept }) {
  const result = takeOver(drawn, unedited, image, share);
  const box = extent({ ...kept, data: kept.data.map((value) => 1 - value) });
  if (!box) return bounded(result);
  const sigma = COLOUR * Math.max(image.height, image.width);
  // Only what changes is computed, here and below: beyond the margin no pixel is read.
  const place = grown(box, blurRadius(sigma), image);
  const [anew, before, photograph, part, weight] = [drawn, unedited, image, result, kept].map((plane) => cutPlanes(plane, place));
  const area = weight.data.length;
  // Next to the photograph the network's colours have to be the photograph's.
  const errors = before.data.map((value, i) => (photograph.data[i] - value) * weight.data[i % area]);
  const error = blur({ ...before, data: errors }, sigma).data;
  const norm = blur(weight, sigma).data;
  for (let i = 0; i < part.data.length; i++) {
    const own = weight.data[i % area];
    const matched = anew.data[i] + error[i] / Math.max(norm[i % area], FEW);
    part.data[i] = own * part.data[i] + (1 - own) * matched;
  }
  putPlanes(result, part, place);
  return bounded(result);
}

/**
 * The photograph with a share of the change that the network makes.
 *
 * @param {Planes} drawn
 * @param {Planes} unedited
 * @param {Planes} image
 * @param {Planes} share
 * @returns {Planes}
 */
function takeOver(drawn, unedited, image, share) {
  const result = { ...image, data: image.data.slice() };
  const box = extent(share);
  if (!box) return result;
  const sigma = DETAIL * Math.max(image.height, image.width);
  const place = grown(box, blurRadius(sigma), image);
  const [after, before, part, near] = [drawn, unedited, image, share].map((plane) => cutPlanes(plane, place));
  const area = near.data.length;
  const change = blur({ ...after, data: after.data.map((value, i) => value - before.data[i]) }, sigma).data;
  for (let i = 0; i < part.data.length; i++) {
    part.data[i] += near.data[i % area] * MOST * Math.tanh((STRENGTH * change[i]) / MOST);
  }
  putPlanes(result, part, place);
  return result;
}

/**
 * Compositing: the edited region goes back into the photograph, all other pixels stay, the border is soft.
 *
 * The network's colours are corrected class by class with the residual that it leaves where nothing was edited, parts with
 * a copied style towards the average colour that they have in the reference. The face around the edit keeps the
 * photograph's pixels and takes over the change that the network makes there. A network that sees the photograph needs no
 * such correction: its hole is pasted.
 *
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("./arrays.js").Picture} Picture
 * @typedef {import("./arrays.js").Planes} Planes
 * @typedef {import("./arrays.js").Size} Size
 * @typedef {import("./edit-region.js").EditRegion} EditRegion
 * @typedef {import("./resampling.js").FloatBox} FloatBox
 * @typedef {import("./source-analysis.js").SourceAnalysis} SourceAnalysis
 *
 * @typedef {object} Detail what a photograph keeps of itself in a hole
 * @property {Planes} image the photograph as the network saw it, 3 x h x w in [-1, 1]
 * @property {Planes} kept how much of what is finer in the photograph is kept, 1 x h x w in [0, 1]
 *
 * @typedef {object} PartStyle parts of a face that have another face's style
 * @property {readonly number[]} classes wherever the edited mask shows them
 * @property {number} strength how much of that style, 0..1
 * @property {Float32Array} colours the other face's, see `classColours`
 */

import {
  HALF_RANGE,
  channel,
  copyPicture,
  cutLabels,
  cutPlanes,
  extent,
  grown,
  labelTable,
  planes,
  putPlanes,
  rint,
} from "./arrays.js";
import { blur, blurRadius, dilate } from "./filters.js";
import { BICUBIC, BILINEAR, interpolate, resizeLabels, resizePlanes } from "./resampling.js";
import { COARSE, localResidual } from "./source-analysis.js";

/** Over how much of the longer side the correction may step between classes. */
const STEP_BLUR = 0.004;
/** Of a pasted hole over which the photograph fades into it, of the longer side; holes reach further than labels. */
const PASTE_MARGIN = 0.006;

/**
 * Blend the edit region of the network's picture into the original, its colours corrected.
 *
 * @param {Picture} picture the original, at any size
 * @param {SourceAnalysis} analysis of the original
 * @param {EditRegion} region which pixels may change
 * @param {Planes} generated the network's picture of `region.after`, 3 x h x w in [-1, 1]
 * @param {PartStyle | null} partStyle the copied style of classes, those of `region`
 * @returns {Picture} exactly the original outside of the region and of the face around it
 */
export function composite(picture, analysis, region, generated, partStyle = null) {
  const { alpha } = region;
  const propagated = propagatedChange(analysis, region, generated);
  const box = unitedBox([alpha, ...[0, 1, 2].map((c) => channel(propagated, c))]);
  if (!box) return copyPicture(picture);
  // Only the region is brought to the photograph's size, which may be large.
  const { place, frame, size } = placed(box, picture);
  const corrected = correct(analysis, region.after, generated, frame, size, partStyle);
  const opacity = cropped(alpha, frame, size, BILINEAR).data;
  const rendered = cropped(corrected, frame, size, BICUBIC).data;
  const change = cropped(propagated, frame, size, BILINEAR).data;
  const result = copyPicture(picture);
  const area = size.width * size.height;
  for (let y = place.top, i = 0; y < place.bottom; y++) {
    let to = 3 * (y * picture.width + place.left);
    for (let x = place.left; x < place.right; x++, i++, to += 3) {
      const share = opacity[i];
      for (let c = 0; c < 3; c++) {
        const adjusted = picture.data[to + c] + HALF_RANGE * change[c * area + i];
        // Clamped arrays round halves to even, as numpy does.
        result.data[to + c] = share * (rendered[c * area + i] + 1) * HALF_RANGE + (1 - share) * adjusted;
      }
    }
  }
  return result;
}

/**
 * Paste what a network that saw the photograph drew into its hole.
 *
 * @param {Picture} picture the photograph, at any size
 * @param {Planes} generated 3 x h x w in [-1, 1], the photograph outside of the hole
 * @param {Planes} hole 1 x h x w, 1 inside
 * @param {Detail | null} detail of the photograph, kept in the hole; null: none
 * @returns {Picture} exactly the photograph outside of the hole
 */
export function paste(picture, generated, hole, detail = null) {
  // The border is softened inside the hole, so that no pixel outside of it changes.
  let margin = rint(PASTE_MARGIN * Math.max(generated.width, generated.height));
  const isSameSize = generated.width === picture.width && generated.height === picture.height;
  if (!isSameSize) margin = Math.max(margin, 1); // so that interpolation does not carry it across the border
  const alpha = margin > 0 ? softened(hole, margin) : hole;
  const box = unitedBox([alpha]);
  if (!box) return copyPicture(picture);
  const { place, frame, size } = placed(box, picture);
  const opacity = cropped(alpha, frame, size, BILINEAR).data;
  const rendered = cropped(generated, frame, size, BICUBIC).data;
  const seen = detail && cropped(detail.image, frame, size, BICUBIC).data;
  const kept = detail && cropped(detail.kept, frame, size, BILINEAR).data;
  const result = copyPicture(picture);
  const area = size.width * size.height;
  for (let y = place.top, i = 0; y < place.bottom; y++) {
    let to = 3 * (y * picture.width + place.left);
    for (let x = place.left; x < place.right; x++, i++, to += 3) {
      for (let c = 0; c < 3; c++) {
        let drawn = (rendered[c * area + i] + 1) * HALF_RANGE;
        if (seen && kept) drawn += kept[i] * (picture.data[to + c] - (seen[c * area + i] + 1) * HALF_RANGE);
        result.data[to + c] = opacity[i] * drawn + (1 - opacity[i]) * picture.data[to + c];
      }
    }
  }
  return result;
}

/**
 * @param {Planes} hole
 * @param {number} margin over which it fades, pixels
 */
function softened(hole, margin) {
  const result = planes(1, hole.height, hole.width);
  const box = extent(hole);
  if (!box) return result;
  // A pixel around the hole tells as much of the outside as all others.
  const place = grown(box, 1, hole);
  const near = cutPlanes(hole, place);
  const soft = blur(eroded(near, margin), margin / 2);
  const inside = eroded(near, 1);
  for (let i = 0; i < soft.data.length; i++) soft.data[i] *= inside.data[i];
  putPlanes(result, soft, place);
  return result;
}

/**
 * @param {Planes} hole
 * @param {number} radius
 */
function eroded(hole, radius) {
  const outside = planes(1, hole.height, hole.width, hole.data.map((value) => 1 - value));
  return planes(1, hole.height, hole.width, dilate(outside, radius).data.map((value) => 1 - value));
}

/**
 * What is added to the face around the edit: the change of the network's picture, 3 x h x w of [-1, 1].
 *
 * @param {SourceAnalysis} analysis
 * @param {EditRegion} region
 * @param {Planes} generated
 * @returns {Planes}
 */
function propagatedChange({ workingMask, reconstruction }, region, generated) {
  const share = region.faceAlpha(workingMask).data;
  const change = planes(3, generated.height, generated.width);
  const size = share.length;
  for (let i = 0; i < change.data.length; i++) {
    change.data[i] = Math.fround(generated.data[i] - reconstruction.data[i]) * share[i % size];
  }
  return change;
}

/**
 * The network's picture with the photograph's colours in a frame, which is to be brought to a size.
 *
 * Parts with a copied style get the reference's instead. Beyond what resizing the frame looks at, it stays as it is.
 *
 * @param {SourceAnalysis} analysis
 * @param {LabelMap} edited
 * @param {Planes} generated
 * @param {FloatBox} frame as fractions of the sides
 * @param {Size} size
 * @param {PartStyle | null} partStyle
 * @returns {Planes}
 */
function correct(analysis, edited, generated, frame, size, partStyle) {
  const { workingMask, residual, classResiduals, localResiduals } = analysis;
  const { height, width } = workingMask;
  const after = resizeLabels(edited, workingMask);
  const sigma = STEP_BLUR * Math.max(height, width);
  /** @param {number} start @param {number} end @param {number} side @param {number} pixels @returns {[number, number]} */
  const cell = (start, end, side, pixels) => {
    // Bicubic resizing looks two pixels further, shrinking more; then the blur; bilinear resizing one cell further.
    const reach = 2 * Math.max(((end - start) * side) / pixels, 1) + 1 + blurRadius(sigma);
    const first = Math.floor(Math.trunc(start * side - reach) / COARSE) - 1;
    const last = -Math.trunc(Math.floor(-(end * side + reach) / COARSE)) + 1;
    return [Math.max(first, 0), Math.min(last, Math.floor(side / COARSE))];
  };
  const [top, bottom] = cell(frame.top, frame.bottom, height, size.height);
  const [left, right] = cell(frame.left, frame.right, width, size.width);
  const place = { top: COARSE * top, bottom: COARSE * bottom, left: COARSE * left, right: COARSE * right };
  const part = cutLabels(after, place);
  // Where the edit took pixels from a class, those that are left decide.
  const kept = Uint8Array.from(after.data, (label, i) => (label === workingMask.data[i] ? label : 255));
  const lost = labelTable(workingMask.data.filter((label, i) => label !== after.data[i]));
  const styled = labelTable(partStyle?.classes ?? []);
  const correction = planes(3, part.height, part.width);
  const area = part.width * part.height;
  for (const label of new Set(part.data)) {
    let local = localResiduals[label];
    if (lost[label]) local = localResidual(residual, kept, label, classResiduals);
    if (partStyle && styled[label]) local = towards(local, missingColour(generated, after, label, partStyle.colours), partStyle.strength);
    const smooth = interpolate(cutPlanes(local, { top, bottom, left, right }), part).data;
    for (let i = 0; i < area; i++) {
      if (part.data[i] !== label) continue;
      for (let c = 0; c < 3; c++) correction.data[c * area + i] = smooth[c * area + i];
    }
  }
  // Corrections meet at class borders; a short blur keeps their steps from showing.
  const blurred = blur(correction, sigma).data;
  const corrected = planes(3, height, width, generated.data.slice());
  for (let c = 0, i = 0; c < 3; c++) {
    for (let y = place.top; y < place.bottom; y++) {
      const row = (c * height + y) * width;
      for (let x = place.left; x < place.right; x++, i++) corrected.data[row + x] += blurred[i];
    }
  }
  return corrected;
}

/**
 * What the pixels of a class lack of its colour as in `classColours`, as far as that is reliable.
 *
 * @param {Planes} generated
 * @param {LabelMap} mask of its size
 * @param {number} label
 * @param {Float32Array} colours
 */
function missingColour(generated, mask, label, colours) {
  const size = mask.data.length;
  const sums = [0, 0, 0];
  let count = 0;
  for (let i = 0; i < size; i++) {
    if (mask.data[i] !== label) continue;
    for (let c = 0; c < 3; c++) sums[c] += generated.data[c * size + i];
    count++;
  }
  return sums.map((sum, c) => (colours[4 * label + c] - sum / count) * colours[4 * label + 3]);
}

/**
 * @param {Planes} local
 * @param {number[]} colour one value a channel
 * @param {number} strength
 */
function towards(local, colour, strength) {
  const size = local.width * local.height;
  const mixed = local.data.map((value, i) => value + strength * (colour[Math.floor(i / size)] - value));
  return planes(local.channels, local.height, local.width, mixed);
}

/**
 * Bounding box of what is not 0 in any plane, with a pixel to spare, as fractions of the sides; null if there is nothing.
 *
 * @param {Planes[]} regions of any sizes that show the same frame
 * @returns {FloatBox | null}
 */
function unitedBox(regions) {
  const boxes = regions.flatMap((region) => {
    const box = extent(region);
    if (!box) return [];
    const { width, height } = region;
    return [{
      top: Math.max(box.top - 1, 0) / height,
      bottom: Math.min(box.bottom + 1, height) / height,
      left: Math.max(box.left - 1, 0) / width,
      right: Math.min(box.right + 1, width) / width,
    }];
  });
  if (!boxes.length) return null;
  return {
    top: Math.min(...boxes.map(({ top }) => top)),
    bottom: Math.max(...boxes.map(({ bottom }) => bottom)),
    left: Math.min(...boxes.map(({ left }) => left)),
    right: Math.max(...boxes.map(({ right }) => right)),
  };
}

/**
 * A box at whole pixels of a picture: those, the box again as fractions, and its size.
 *
 * @param {FloatBox} box as fractions of the sides
 * @param {Size} size
 */
function placed(box, { width, height }) {
  const [top, bottom] = [rint(box.top * height), rint(box.bottom * height)];
  const [left, right] = [rint(box.left * width), rint(box.right * width)];
  return {
    place: { top, bottom, left, right },
    frame: { top: top / height, bottom: bottom / height, left: left / width, right: right / width },
    size: { width: right - left, height: bottom - top },
  };
}

/**
 * The part of planes inside a frame, given as fractions of the sides, at a size.
 *
 * @param {Planes} image
 * @param {FloatBox} frame
 * @param {Size} size
 * @param {import("./resampling.js").Filter} filter
 */
function cropped(image, { top, bottom, left, right }, size, filter) {
  const { width, height } = image;
  return resizePlanes(image, size, filter, { left: left * width, top: top * height, right: right * width, bottom: bottom * height });
}

/**
 * From a photograph to the frame that the networks know, a face upright in a square as in CelebA-HQ, and back.
 *
 * @typedef {import("./arrays.js").Picture} Picture
 * @typedef {import("../remote/sources.js").Crop} Frame centre and side in pixels of the photograph; degrees clockwise
 * @typedef {readonly [number, number]} Point x and y
 */

import { EngineError, clamp, copyPicture, rint } from "./arrays.js";
import { samplePicture, transformPicture } from "./affine.js";
import { resizeWindow } from "./resampling.js";

/** Pixels a side of the smallest picture and frame. */
export const MIN_SIDE = 16;
const MAX_CROP_SIDE = 4096;
/** Share of a frame's side in which what is put back fades out. */
const FADE = 0.04;

/**
 * What a frame shows, upright.
 *
 * @param {Picture} picture
 * @param {Frame} frame beyond the picture's edges, the edge's pixels are drawn out
 * @param {number} [side] of the result; the frame's own, 16 to 4096, if absent
 * @returns {Picture} side x side
 * @throws {EngineError} the frame is too small, too large, or outside of the picture
 */
export function cropFace(picture, frame, side = clamp(rint(frame.side), MIN_SIDE, MAX_CROP_SIDE)) {
  const { width, height } = picture;
  if (!(frame.side >= MIN_SIDE && frame.side <= 4 * Math.max(height, width))) {
    throw new EngineError(`A crop of ${Math.round(frame.side)} pixels does not suit a picture of ${width}x${height}.`);
  }
  const reach = frame.side / 2;
  if (!(-reach < frame.x && frame.x < width + reach && -reach < frame.y && frame.y < height + reach)) {
    throw new EngineError("The crop lies outside the picture.");
  }
  // Single pixels are taken below; shrinking first averages, so that nothing flickers.
  const shrink = Math.min(1, side / frame.side);
  const size = shrink < 1 ? { width: Math.max(rint(width * shrink), 1), height: Math.max(rint(height * shrink), 1) } : picture;
  const [scaleX, scaleY] = [size.width / width, size.height / height];
  const [x, y] = [frame.x * scaleX, frame.y * scaleY];
  // Drawn out so far that every corner of the frame finds pixels.
  const margin = Math.ceil(0.75 * frame.side * Math.max(scaleX, scaleY)) + 2;
  const top = Math.max(rint(y) - margin, -margin);
  const left = Math.max(rint(x) - margin, -margin);
  const bottom = Math.min(rint(y) + margin, size.height + margin);
  const right = Math.min(rint(x) + margin, size.width + margin);
  const around = drawnOut(picture, size, { top, bottom, left, right });
  const [cos, sin] = [Math.cos(radians(frame.angle)), Math.sin(radians(frame.angle))];
  const [stepX, stepY] = [(frame.side * scaleX) / side, (frame.side * scaleY) / side];
  const [alongX, alongY, downX, downY] = [cos * stepX, sin * stepY, -sin * stepX, cos * stepY];
  const middle = side / 2;
  const originX = x - left - middle * (alongX + downX);
  const originY = y - top - middle * (alongY + downY);
  return transformPicture(around, { width: side, height: side }, [alongX, downX, originX, alongY, downY, originY]);
}

/**
 * A window of a resized picture; where it reaches over the edges, their pixels are repeated.
 *
 * @param {Picture} picture
 * @param {import("./arrays.js").Size} size of the resized picture
 * @param {import("./arrays.js").Box} window
 * @returns {Picture}
 */
function drawnOut(picture, size, { top, bottom, left, right }) {
  const inside = {
    top: clamp(top, 0, size.height - 1),
    bottom: clamp(bottom - 1, 0, size.height - 1) + 1,
    left: clamp(left, 0, size.width - 1),
    right: clamp(right - 1, 0, size.width - 1) + 1,
  };
  const part = resizeWindow(picture, size, inside);
  const [width, height] = [right - left, bottom - top];
  const data = new Uint8ClampedArray(3 * width * height);
  for (let row = 0, to = 0; row < height; row++) {
    const start = (clamp(top + row, inside.top, inside.bottom - 1) - inside.top) * part.width;
    for (let column = 0; column < width; column++, to += 3) {
      const from = 3 * (start + clamp(left + column, inside.left, inside.right - 1) - inside.left);
      data[to] = part.data[from];
      data[to + 1] = part.data[from + 1];
      data[to + 2] = part.data[from + 2];
    }
  }
  return { width, height, data };
}

/**
 * The frame of a face, as the pictures of CelebA-HQ were cut out (Karras et al., ICLR 2018, appendix C).
 *
 * @param {Point} leftEye the eye on the left of an upright picture
 * @param {Point} rightEye
 * @param {Point} mouth its middle
 * @returns {Frame}
 */
export function celebahqFrame(leftEye, rightEye, mouth) {
  const eyes = [(leftEye[0] + rightEye[0]) / 2, (leftEye[1] + rightEye[1]) / 2];
  const between = [rightEye[0] - leftEye[0], rightEye[1] - leftEye[1]];
  const toMouth = [mouth[0] - eyes[0], mouth[1] - eyes[1]];
  // Across the face: the line of the eyes, and the one to the mouth turned by a quarter, together.
  const across = [between[0] + toMouth[1], between[1] - toMouth[0]];
  return {
    x: eyes[0] + 0.1 * toMouth[0],
    y: eyes[1] + 0.1 * toMouth[1],
    side: 2 * Math.max(2 * Math.hypot(between[0], between[1]), 1.8 * Math.hypot(toMouth[0], toMouth[1])),
    angle: (Math.atan2(across[1], across[0]) * 180) / Math.PI,
  };
}

/**
 * A photograph in which what a frame shows is changed as it was changed there.
 *
 * The difference is added, so that unchanged pixels stay exactly as they were. It fades out towards those edges of the
 * frame that lie inside the photograph.
 *
 * @param {Picture} photograph
 * @param {Frame} frame
 * @param {Picture} before what `cropFace` gave for it
 * @param {Picture} after the same, edited
 * @returns {Picture}
 */
export function pasteBack(photograph, frame, before, after) {
  const { width, height } = photograph;
  const side = before.width;
  const unit = side / frame.side;
  const turn = radians(frame.angle);
  const [across, down] = [Math.cos(turn) * unit, Math.sin(turn) * unit];
  const reach = (frame.side / 2) * (Math.abs(Math.cos(turn)) + Math.abs(Math.sin(turn)));
  const [top, bottom] = [Math.max(Math.trunc(frame.y - reach), 0), Math.min(Math.ceil(frame.y + reach), height)];
  const [left, right] = [Math.max(Math.trunc(frame.x - reach), 0), Math.min(Math.ceil(frame.x + reach), width)];
  const fading = edgesInside(frame, width, height);
  const changed = nearChanges(before, after);
  const result = copyPicture(photograph);
  const [old, fresh] = [new Uint8ClampedArray(3), new Uint8ClampedArray(3)];
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const [fromX, fromY] = [column + 0.5 - frame.x, row + 0.5 - frame.y];
      const x = side / 2 + fromX * across + fromY * down;
      const y = side / 2 - fromX * down + fromY * across;
      if (!(x >= 0 && x < side && y >= 0 && y < side) || !changed[Math.floor(y) * side + Math.floor(x)]) continue;
      const share = shareInside(fading, x / side, y / side);
      if (share <= 0) continue;
      samplePicture(before, x, y, old, 0);
      samplePicture(after, x, y, fresh, 0);
      const to = 3 * (row * width + column);
      // Clamped arrays round halves to even.
      for (let band = 0; band < 3; band++) result.data[to + band] += (fresh[band] - old[band]) * share;
    }
  }
  return result;
}

/**
 * @param {readonly boolean[]} fading left, right, upper and lower edge
 * @param {number} x 0..1
 * @param {number} y 0..1
 */
function shareInside(fading, x, y) {
  let share = 1;
  if (fading[0]) share = Math.min(share, x / FADE);
  if (fading[1]) share = Math.min(share, (1 - x) / FADE);
  if (fading[2]) share = Math.min(share, y / FADE);
  if (fading[3]) share = Math.min(share, (1 - y) / FADE);
  return Math.max(share, 0);
}

/**
 * 1 for the pixels whose surroundings, as far as bicubic sampling looks, hold a pixel that differs.
 *
 * @param {Picture} before
 * @param {Picture} after
 */
function nearChanges({ width, height, data }, after) {
  const near = new Uint8Array(width * height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i += 3) {
      if (data[i] === after.data[i] && data[i + 1] === after.data[i + 1] && data[i + 2] === after.data[i + 2]) continue;
      for (let row = Math.max(y - 2, 0); row <= Math.min(y + 2, height - 1); row++) {
        near.fill(1, row * width + Math.max(x - 2, 0), row * width + Math.min(x + 3, width));
      }
    }
  }
  return near;
}

/**
 * Whether the middles of a frame's edges lie inside a picture: left, right, upper, lower.
 *
 * @param {Frame} frame
 * @param {number} width
 * @param {number} height
 */
function edgesInside(frame, width, height) {
  const reach = frame.side / 2;
  const [cos, sin] = [Math.cos(radians(frame.angle)), Math.sin(radians(frame.angle))];
  return [[-reach, 0], [reach, 0], [0, -reach], [0, reach]].map(([across, down]) => {
    const x = frame.x + across * cos - down * sin;
    const y = frame.y + across * sin + down * cos;
    return 0 < x && x < width && 0 < y && y < height;
  });
}

/** @param {number} degrees */
export function radians(degrees) {
  return (degrees * Math.PI) / 180;
}

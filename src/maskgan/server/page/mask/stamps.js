/**
 * Accessory shapes, placed on the face and adjusted by hand.
 *
 * A shape is defined in the square [-1, 1], x to the right and y down; its frame maps the square to the mask.
 *
 * @typedef {import("./label-map.js").LabelMap} LabelMap
 * @typedef {import("./label-map.js").Box} Box
 * @typedef {import("./label-map.js").Locks} Locks
 *
 * @typedef {object} Frame
 * @property {number} x middle, mask pixels
 * @property {number} y
 * @property {number} halfWidth above 0, mask pixels
 * @property {number} halfHeight
 * @property {number} angle radians, clockwise
 *
 * @typedef {object} Stamp
 * @property {"glasses" | "hat" | "earrings" | "necklace"} name
 * @property {number} label the class that it paints
 * @property {(x: number, y: number) => boolean} covers whether a point of the square belongs to the shape
 * @property {readonly number[]} under classes that it does not cover
 * @property {(face: Landmarks) => Frame} defaultFrame placement on the face
 *
 * @typedef {object} Landmarks face landmarks for placement, mask pixels
 * @property {number} x middle of the face
 * @property {number} width
 * @property {number} top hairline
 * @property {number} chin
 * @property {number} crown the highest hair
 * @property {number} browLine
 * @property {number} eyeLine
 * @property {number} eyeDistance between the eye centres
 * @property {number} eyesX centre between the eyes
 * @property {number} tilt of the line through the eyes, radians
 * @property {number} earLine height of the earlobes
 * @property {number} earDistance between both
 * @property {number} bottom of the mask
 */

import {
  EARRING,
  GLASSES,
  HAIR,
  HAT,
  LEFT_BROW,
  LEFT_EAR,
  LEFT_EYE,
  LOWER_LIP,
  MOUTH,
  NECKLACE,
  NOSE,
  RIGHT_BROW,
  RIGHT_EAR,
  RIGHT_EYE,
  SKIN,
  UPPER_LIP,
  boundingBox,
  clipBox,
} from "./label-map.js";

const FEATURES = [NOSE, LEFT_EYE, RIGHT_EYE, LEFT_BROW, RIGHT_BROW, MOUTH, UPPER_LIP, LOWER_LIP];

/** @type {readonly Stamp[]} */
export const STAMPS = [
  {
    name: "glasses",
    label: GLASSES,
    under: [HAT],
    covers(x, y) {
      const lens = roundedBox(Math.abs(x) - 0.45, y, 0.34, 0.95, 0.7, 0.34 / 0.95);
      const bridge = Math.abs(x) < 0.14 && Math.abs(y + 0.15) < 0.14;
      const temple = Math.abs(x) > 0.75 && Math.abs(y + 0.3) < 0.14;
      return lens || bridge || temple;
    },
    defaultFrame: (face) => ({
      x: face.eyesX,
      y: face.eyeLine + 0.06 * face.eyeDistance,
      halfWidth: 1.12 * face.eyeDistance,
      halfHeight: 0.34 * face.eyeDistance,
      angle: face.tilt,
    }),
  },
  {
    name: "hat",
    label: HAT,
    under: FEATURES,
    covers(x, y) {
      const dome = y < 0.75 && Math.abs(x) <= 0.96 * Math.sqrt(Math.max(1 - ((0.75 - y) / 1.75) ** 2, 0));
      const bend = 0.12 * x * x;
      const band = Math.abs(x) <= 1 && y > 0.5 + bend && y < 0.88 + bend;
      return dome || band;
    },
    defaultFrame: (face) => {
      const edge = face.browLine - 0.05 * (face.chin - face.top);
      const crown = Math.max(face.crown - 0.06 * (face.chin - face.top), 0);
      const halfHeight = Math.max((edge - crown) / 1.9, 0.2 * (face.chin - face.top));
      const halfWidth = 0.62 * face.width;
      return { x: face.x, y: edge - 0.9 * halfHeight, halfWidth, halfHeight, angle: 0.6 * face.tilt };
    },
  },
  {
    name: "earrings",
    label: EARRING,
    under: FEATURES,
    covers(x, y) {
      const side = Math.abs(x) - 0.94;
      const stud = Math.hypot(side / 0.035, (y + 0.8) / 0.2) <= 1;
      const drop = Math.hypot(side / (0.03 + 0.015 * (y + 1)), (y - 0.2) / 0.8) <= 1;
      return stud || drop;
    },
    defaultFrame: (face) => ({
      x: face.x,
      y: face.earLine + 0.06 * (face.chin - face.top),
      halfWidth: face.earDistance / 2,
      halfHeight: 0.085 * (face.chin - face.top),
      angle: 0,
    }),
  },
  {
    name: "necklace",
    label: NECKLACE,
    under: [...FEATURES, SKIN, HAIR, HAT, LEFT_EAR, RIGHT_EAR, EARRING],
    covers(x, y) {
      if (Math.abs(x) > 1) return false;
      const chain = -0.9 + 1.35 * Math.sqrt(Math.max(1 - x * x, 0));
      const thick = 0.12 + 0.1 * (1 - x * x);
      const pendant = Math.hypot(x / 0.1, (y - 0.66) / 0.3) <= 1;
      return Math.abs(y - chain) <= thick || pendant;
    },
    defaultFrame: (face) => {
      const halfHeight = 0.12 * (face.chin - face.top);
      // Close crops show little neck: keep the necklace inside the mask.
      const y = Math.min(face.chin + 0.14 * (face.chin - face.top), face.bottom - 0.95 * halfHeight);
      return { x: face.x, y, halfWidth: 0.42 * face.width, halfHeight, angle: 0 };
    },
  },
];

/**
 * Estimate landmarks from a mask; missing parts are extrapolated.
 *
 * @param {LabelMap} mask
 * @returns {Landmarks}
 */
export function findLandmarks(mask) {
  const { width: w, height: h } = mask;
  const guess = { left: 0.25 * w, top: 0.3 * h, right: 0.75 * w, bottom: 0.9 * h };
  const skin = boundingBox(mask, [SKIN, ...FEATURES]) ?? guess;
  const height = skin.bottom - skin.top;
  const width = skin.right - skin.left;
  const left = boundingBox(mask, [RIGHT_EYE]);
  const right = boundingBox(mask, [LEFT_EYE]);
  const leftEye = left ? centre(left) : { x: skin.left + 0.3 * width, y: skin.top + 0.4 * height };
  const rightEye = right ? centre(right) : { x: skin.right - 0.3 * width, y: skin.top + 0.4 * height };
  const brows = boundingBox(mask, [LEFT_BROW, RIGHT_BROW]);
  const hair = boundingBox(mask, [HAIR, HAT]);
  const ears = boundingBox(mask, [LEFT_EAR, RIGHT_EAR]);
  const oneEar = !boundingBox(mask, [LEFT_EAR]) || !boundingBox(mask, [RIGHT_EAR]);
  const eyeDistance = Math.max(Math.abs(rightEye.x - leftEye.x), 0.15 * width, 4);
  const eyeLine = (leftEye.y + rightEye.y) / 2;
  return {
    x: (skin.left + skin.right) / 2,
    width: Math.max(width, 8),
    top: skin.top,
    chin: Math.max(skin.bottom, skin.top + 8),
    crown: Math.min(hair?.top ?? skin.top, skin.top),
    browLine: brows?.top ?? eyeLine - 0.12 * height,
    eyeLine,
    eyeDistance,
    eyesX: (leftEye.x + rightEye.x) / 2,
    tilt: Math.atan2(rightEye.y - leftEye.y, Math.abs(rightEye.x - leftEye.x) || 1),
    earLine: ears && !oneEar ? ears.bottom : eyeLine + 0.28 * height,
    earDistance: ears && !oneEar ? ears.right - ears.left : width * 1.02,
    bottom: mask.height,
  };
}

/**
 * Rasterize a stamp.
 *
 * @param {LabelMap} mask changed in place
 * @param {Stamp} stamp
 * @param {Frame} frame
 * @param {Locks} locks
 * @returns {Box | null} where pixels may have changed
 */
export function applyStamp(mask, stamp, frame, locks) {
  const cos = Math.cos(frame.angle);
  const sin = Math.sin(frame.angle);
  const reachX = Math.abs(cos) * frame.halfWidth + Math.abs(sin) * frame.halfHeight;
  const reachY = Math.abs(sin) * frame.halfWidth + Math.abs(cos) * frame.halfHeight;
  const box = clipBox(
    { left: frame.x - reachX, top: frame.y - reachY, right: frame.x + reachX, bottom: frame.y + reachY },
    mask,
  );
  if (!box) return null;
  for (let y = box.top; y < box.bottom; y++) {
    for (let x = box.left; x < box.right; x++) {
      const offX = x + 0.5 - frame.x;
      const offY = y + 0.5 - frame.y;
      const unitX = (cos * offX + sin * offY) / frame.halfWidth;
      const unitY = (cos * offY - sin * offX) / frame.halfHeight;
      const index = y * mask.width + x;
      const old = mask.data[index];
      if (Math.abs(unitX) > 1 || Math.abs(unitY) > 1 || locks[old] || stamp.under.includes(old)) continue;
      if (stamp.covers(unitX, unitY)) mask.data[index] = stamp.label;
    }
  }
  return box;
}

/**
 * Whether a point lies in a box with rounded corners around the origin.
 *
 * @param {number} x
 * @param {number} y
 * @param {number} halfWidth
 * @param {number} halfHeight
 * @param {number} rounding 0 sharp, 1 elliptic
 * @param {number} squash aspect ratio of a corner
 */
function roundedBox(x, y, halfWidth, halfHeight, rounding, squash) {
  const cornerY = rounding * halfHeight;
  const cornerX = cornerY * squash;
  const overX = Math.max(Math.abs(x) - (halfWidth - cornerX), 0) / cornerX;
  const overY = Math.max(Math.abs(y) - (halfHeight - cornerY), 0) / cornerY;
  return overX * overX + overY * overY <= 1;
}

/** @param {Box} box */
function centre(box) {
  return { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 };
}

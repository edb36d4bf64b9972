/**
 * Finding faces in photographs: several, small ones, and turned by any angle.
 *
 * @typedef {import("./arrays.js").Picture} Picture
 * @typedef {import("./arrays.js").Planes} Planes
 * @typedef {import("./framing.js").Frame} Frame
 * @typedef {import("./framing.js").Point} Point
 * @typedef {import("../remote/sources.js").DetectedFace} DetectedFace
 * @typedef {{score: number, points: Point[]}} Candidate corners of a box, then landmarks: eye on the left, other eye, nose,
 *   corner of the mouth on the left, other corner; in pixels
 *
 * @typedef {object} Detections candidates before overlapping ones are removed
 * @property {Float32Array} scores M
 * @property {Float32Array} boxes M x 4: left, top, width, height
 * @property {Float32Array} landmarks M x 5 x 2
 *
 * @callback DetectorNetwork YuNet
 * @param {Planes} image 3 x H x W in [-1, 1], sides multiples of 32
 * @returns {Promise<Detections>}
 */

import { EngineError, planes, rint, toImage } from "./arrays.js";
import { celebahqFrame, cropFace, radians } from "./framing.js";
import { resizePicture } from "./resampling.js";

/** Pixels on the longer side of what is searched; the larger finds small faces. */
const SIDES = [512, 1024];
const SCORE = 0.6;
/** Least score of a face found only in a picture that was turned, where false alarms are more common. */
const SCORE_TURNED = 0.75;
/** Overlap of two boxes from which they show one face. */
const OVERLAP = 0.3;
/** Pixels of the smallest frame. */
const SMALLEST = 16;
/** Pixels of a frame in which a face is looked at again. */
const LOOK_SIDE = 256;
const ROUNDS = 2;
const ANGLES = [0, 45, 90, 135, 180, 225, 270, 315];
/** Steps of frames, a pixel and a degree: what runtimes compute differently by less gives the same frame. */
const STEPS = 8;
/** Degrees by which a face may be turned in the frame in which it is looked at. */
const MOST_ROLL = 40;
const SIZE_MULTIPLE = 32;

/**
 * All faces of a photograph, the largest first.
 *
 * @param {Picture} picture
 * @param {DetectorNetwork} network
 * @returns {Promise<DetectedFace[]>}
 */
export async function detectFaces(picture, network) {
  const { width, height } = picture;
  const longer = Math.max(height, width);
  /** @type {Candidate[]} */
  const found = [];
  for (const side of SIDES) {
    const scale = Math.min(1, side / longer);
    if (scale === 1 && side !== SIDES[0] && longer <= SIDES[0]) break; // nothing more to see
    const size = { width: Math.max(rint(width * scale), 1), height: Math.max(rint(height * scale), 1) };
    const small = resizePicture(picture, size);
    for (const turn of /** @type {const} */ ([0, 1, 2, 3])) {
      for (const { score, points } of await candidates(quarterTurns(small, turn), network)) {
        const back = points.map((point) => turnBack(point, turn, size));
        found.push({ score, points: back.map(([x, y]) => [(x * width) / size.width, (y * height) / size.height]) });
      }
    }
  }
  /** @type {Candidate[]} */
  const seen = [];
  for (const candidate of withoutOverlaps(found)) {
    const again = await lookAgain(picture, candidate, network);
    if (again) seen.push(again);
  }
  const faces = withoutOverlaps(seen).map(faceOf);
  return faces.filter(({ frame }) => frame.side >= SMALLEST).sort((a, b) => b.frame.side - a.frame.side);
}

/**
 * Find a face once more in a frame of its own, upright; null if it is not there.
 *
 * Landmarks of a turned face lie too upright, so its angle is the one at which the detector is surest; and what only looks
 * like a face falls apart in a frame of its own.
 *
 * @param {Picture} picture
 * @param {Candidate} candidate
 * @param {DetectorNetwork} network
 * @returns {Promise<Candidate | null>}
 */
async function lookAgain(picture, candidate, network) {
  const [[x0, y0], [x1, y1]] = candidate.points;
  const { side } = faceOf(candidate).frame;
  let frames = ANGLES.map((angle) => onSteps({ x: (x0 + x1) / 2, y: (y0 + y1) / 2, side, angle }));
  let best = candidate;
  for (let round = 0; round < ROUNDS; round++) {
    /** @type {Candidate[]} */
    const found = [];
    try {
      for (const frame of frames) found.push(...(await lookAt(picture, frame, network)));
    } catch (error) {
      if (error instanceof EngineError) return null; // the frame is far too small, or outside
      throw error;
    }
    if (!found.length) return null;
    best = surest(found);
    frames = [faceOf(best).frame];
  }
  return best;
}

/**
 * The surest face in the middle of a frame, in pixels of the picture; none if there is none.
 *
 * @param {Picture} picture
 * @param {Frame} frame
 * @param {DetectorNetwork} network
 * @returns {Promise<Candidate[]>}
 */
async function lookAt(picture, frame, network) {
  const centre = LOOK_SIDE / 2;
  const near = (await candidates(cropFace(picture, frame, LOOK_SIDE), network)).filter(
    ({ points }) => liesAt(points, centre) && Math.abs(roll(points)) < MOST_ROLL,
  );
  if (!near.length) return [];
  const { score, points } = surest(near);
  const unit = frame.side / LOOK_SIDE;
  const [cos, sin] = [Math.cos(radians(frame.angle)), Math.sin(radians(frame.angle))];
  /** @param {Point} point @returns {Point} */
  const placed = ([x, y]) => {
    const [right, down] = [(x - centre) * unit, (y - centre) * unit];
    return [right * cos - down * sin + frame.x, right * sin + down * cos + frame.y];
  };
  return [{ score, points: points.map(placed) }];
}

/**
 * Faces that are more or less upright.
 *
 * @param {Picture} picture
 * @param {DetectorNetwork} network
 * @returns {Promise<Candidate[]>}
 */
async function candidates(picture, network) {
  const { scores, boxes, landmarks } = await network(padded(toImage(picture)));
  /** @type {Candidate[]} */
  const results = [];
  for (const [i, score] of scores.entries()) {
    if (!(score > SCORE)) continue;
    const [x, y, w, h] = boxes.subarray(4 * i, 4 * i + 4);
    const marks = Array.from({ length: 5 }, (_, k) => /** @type {const} */ ([landmarks[10 * i + 2 * k], landmarks[10 * i + 2 * k + 1]]));
    const isUpright = marks[1][0] > marks[0][0] && (marks[3][1] + marks[4][1]) / 2 > (marks[0][1] + marks[1][1]) / 2;
    if (isUpright) results.push({ score, points: [[x, y], [x + w, y + h], ...marks] });
  }
  return results;
}

/**
 * The best of each group of boxes that overlap; upright ones go before turned ones.
 *
 * @param {Candidate[]} found
 */
function withoutOverlaps(found) {
  /** @param {Candidate} candidate */
  const isTurned = ({ points }) => Math.abs(roll(points)) > 45;
  /** @param {Candidate} candidate */
  const rank = (candidate) => -candidate.score + (isTurned(candidate) ? 0.05 : 0);
  /** @type {Candidate[]} */
  const kept = [];
  for (const candidate of found.toSorted((a, b) => rank(a) - rank(b))) {
    if (isTurned(candidate) && candidate.score < SCORE_TURNED) continue;
    if (kept.every((other) => overlap(candidate.points, other.points) < OVERLAP)) kept.push(candidate);
  }
  return kept;
}

/** @param {Candidate[]} found */
function surest(found) {
  return found.reduce((best, other) => (other.score > best.score ? other : best));
}

/**
 * @param {Candidate} candidate
 * @returns {DetectedFace}
 */
function faceOf({ score, points }) {
  const box = boxOf(points);
  /** @type {Point} */
  const mouth = [(points[5][0] + points[6][0]) / 2, (points[5][1] + points[6][1]) / 2];
  return {
    score,
    box: [box.left, box.top, box.right - box.left, box.bottom - box.top],
    frame: onSteps(celebahqFrame(points[2], points[3], mouth)),
  };
}

/** @param {Frame} frame @returns {Frame} */
function onSteps({ x, y, side, angle }) {
  const [column, row, length, turn] = [x, y, side, angle].map((value) => rint(STEPS * value) / STEPS);
  return { x: column, y: row, side: length, angle: turn };
}

/** @param {Point[]} points */
function boxOf([[x0, y0], [x1, y1]]) {
  return { left: Math.min(x0, x1), top: Math.min(y0, y1), right: Math.max(x0, x1), bottom: Math.max(y0, y1) };
}

/**
 * @param {Point[]} points
 * @param {number} centre column and row
 */
function liesAt(points, centre) {
  const { left, top, right, bottom } = boxOf(points);
  return left < centre && top < centre && right > centre && bottom > centre;
}

/**
 * Degrees by which the line of the eyes is turned.
 *
 * @param {Point[]} points
 */
function roll(points) {
  return (Math.atan2(points[3][1] - points[2][1], points[3][0] - points[2][0]) * 180) / Math.PI;
}

/**
 * Intersection over the smaller of two boxes.
 *
 * @param {Point[]} first
 * @param {Point[]} second
 */
function overlap(first, second) {
  const [a, b] = [boxOf(first), boxOf(second)];
  const width = Math.max(Math.min(a.right, b.right) - Math.max(a.left, b.left), 0);
  const height = Math.max(Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top), 0);
  const smaller = Math.min((a.right - a.left) * (a.bottom - a.top), (b.right - b.left) * (b.bottom - b.top));
  return (width * height) / Math.max(smaller, 1e-9);
}

/**
 * An image with black below and on the right, its sides multiples of 32.
 *
 * @param {Planes} image
 */
function padded({ channels, height, width, data }) {
  const [rows, columns] = [height, width].map((side) => Math.ceil(side / SIZE_MULTIPLE) * SIZE_MULTIPLE);
  const image = planes(channels, rows, columns, new Float32Array(channels * rows * columns).fill(-1));
  for (let row = 0; row < channels * height; row++) {
    const to = (Math.floor(row / height) * rows + (row % height)) * columns;
    image.data.set(data.subarray(row * width, (row + 1) * width), to);
  }
  return image;
}

/**
 * A picture turned counterclockwise by quarters.
 *
 * @param {Picture} picture
 * @param {0 | 1 | 2 | 3} turns
 * @returns {Picture}
 */
function quarterTurns(picture, turns) {
  if (turns === 0) return picture;
  const { width, height, data } = picture;
  const [columns, rows] = turns === 2 ? [width, height] : [height, width];
  const turned = new Uint8ClampedArray(data.length);
  for (let y = 0, to = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++, to += 3) {
      const [row, column] = [[y, x], [x, width - 1 - y], [height - 1 - y, width - 1 - x], [height - 1 - x, y]][turns];
      const from = 3 * (row * width + column);
      turned[to] = data[from];
      turned[to + 1] = data[from + 1];
      turned[to + 2] = data[from + 2];
    }
  }
  return { width: columns, height: rows, data: turned };
}

/**
 * A point of a picture turned by quarters as a point of the picture, which has the given size.
 *
 * @param {Point} point
 * @param {0 | 1 | 2 | 3} turns
 * @param {import("./arrays.js").Size} size
 * @returns {Point}
 */
function turnBack([x, y], turns, { width, height }) {
  /** @type {Point[]} */
  const turned = [[x, y], [width - y, x], [width - x, height - y], [y, height - x]];
  return turned[turns];
}

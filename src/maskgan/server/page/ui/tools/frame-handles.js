/**
 * A frame with handles to move, resize and rotate it. Pure geometry and drawing.
 *
 * @typedef {import("../../mask/stamps.js").Frame} Frame
 * @typedef {import("../../mask/label-map.js").Point} Point
 *
 * @typedef {{kind: "move"} | {kind: "turn"} | {kind: "size", x: -1 | 0 | 1, y: -1 | 0 | 1}} Grip
 */

import { strokeTwice } from "./tool.js";

const REACH = 14; // hit radius of a handle, screen pixels
const KNOB = 26; // distance of the rotation handle from the frame, screen pixels
const SMALLEST = 2; // half side, mask pixels

/** @type {readonly [-1 | 0 | 1, -1 | 0 | 1][]} */
const HANDLES = [[-1, -1], [0, -1], [1, -1], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0]];

/**
 * Hit test.
 *
 * @param {Frame} frame
 * @param {Point} point mask pixels
 * @param {number} scale screen pixels a mask pixel
 * @returns {Grip | null} null outside
 */
export function gripAt(frame, point, scale) {
  const local = toLocal(frame, point);
  const near = (/** @type {number} */ x, /** @type {number} */ y) =>
    Math.hypot(local.x - x, local.y - y) * scale < REACH;
  if (near(0, -frame.halfHeight - KNOB / scale)) return { kind: "turn" };
  for (const [x, y] of HANDLES) {
    // Small frames have no side handles.
    const crowded = (x === 0 || y === 0) && Math.min(frame.halfWidth, frame.halfHeight) * scale < 2 * REACH;
    if (!crowded && near(x * frame.halfWidth, y * frame.halfHeight)) return { kind: "size", x, y };
  }
  const inside = Math.abs(local.x) <= frame.halfWidth && Math.abs(local.y) <= frame.halfHeight;
  return inside ? { kind: "move" } : null;
}

/**
 * Apply a drag to a frame.
 *
 * @param {Frame} frame before it
 * @param {Grip} grip
 * @param {Point} from mask pixels
 * @param {Point} to
 * @param {{proportional?: boolean}} [how] corners keep the aspect ratio
 * @returns {Frame}
 */
export function dragged(frame, grip, from, to, { proportional = false } = {}) {
  if (grip.kind === "move") return { ...frame, x: frame.x + to.x - from.x, y: frame.y + to.y - from.y };
  if (grip.kind === "turn") {
    const turn = Math.atan2(to.x - frame.x, frame.y - to.y) - Math.atan2(from.x - frame.x, frame.y - from.y);
    return { ...frame, angle: frame.angle + turn };
  }
  // The opposite side or corner stays fixed.
  const [start, end] = [toLocal(frame, from), toLocal(frame, to)];
  let width = Math.max(frame.halfWidth + (grip.x * (end.x - start.x)) / 2, SMALLEST);
  let height = Math.max(frame.halfHeight + (grip.y * (end.y - start.y)) / 2, SMALLEST);
  if (proportional && grip.x && grip.y) {
    const factor = Math.max(width / frame.halfWidth, height / frame.halfHeight);
    width = frame.halfWidth * factor;
    height = frame.halfHeight * factor;
  }
  const centre = toWorld(frame, { x: grip.x * (width - frame.halfWidth), y: grip.y * (height - frame.halfHeight) });
  return { ...frame, x: centre.x, y: centre.y, halfWidth: width, halfHeight: height };
}

/**
 * @param {Grip | null} grip
 * @returns {string} a CSS cursor
 */
export function cursorFor(grip) {
  if (!grip) return "default";
  if (grip.kind === "move") return "move";
  if (grip.kind === "turn") return "grab";
  if (grip.x === 0) return "ns-resize";
  if (grip.y === 0) return "ew-resize";
  return grip.x === grip.y ? "nwse-resize" : "nesw-resize";
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Frame} frame
 * @param {(point: Point) => Point} onScreen
 * @param {{sides?: boolean}} [how] whether to draw side handles
 */
export function drawFrame(context, frame, onScreen, { sides = true } = {}) {
  const corner = (/** @type {number} */ x, /** @type {number} */ y) =>
    onScreen(toWorld(frame, { x: x * frame.halfWidth, y: y * frame.halfHeight }));
  context.beginPath();
  for (const [x, y] of HANDLES) context.lineTo(corner(x, y).x, corner(x, y).y);
  context.closePath();
  const [top, middle] = [corner(0, -1), corner(0, 0)];
  const length = Math.hypot(top.x - middle.x, top.y - middle.y) || 1;
  const knob = {
    x: top.x + ((top.x - middle.x) / length) * KNOB,
    y: top.y + ((top.y - middle.y) / length) * KNOB,
  };
  context.moveTo(top.x, top.y);
  context.lineTo(knob.x, knob.y);
  strokeTwice(context);
  const handles = HANDLES.filter(([x, y]) => sides || (x && y));
  for (const point of [...handles.map(([x, y]) => corner(x, y)), knob]) {
    context.beginPath();
    context.arc(point.x, point.y, 4.5, 0, 2 * Math.PI);
    context.fillStyle = "white";
    context.fill();
    context.lineWidth = 1.5;
    context.strokeStyle = "rgb(0 0 0 / 60%)";
    context.stroke();
  }
}

/**
 * @param {Frame} frame
 * @param {Point} point
 * @returns {Point} in the frame's coordinates
 */
function toLocal(frame, point) {
  const [cos, sin] = [Math.cos(frame.angle), Math.sin(frame.angle)];
  const [x, y] = [point.x - frame.x, point.y - frame.y];
  return { x: cos * x + sin * y, y: cos * y - sin * x };
}

/**
 * @param {Frame} frame
 * @param {Point} local
 * @returns {Point}
 */
function toWorld(frame, local) {
  const [cos, sin] = [Math.cos(frame.angle), Math.sin(frame.angle)];
  return { x: frame.x + cos * local.x - sin * local.y, y: frame.y + sin * local.x + cos * local.y };
}

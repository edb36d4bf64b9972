/**
 * View transform: screen = mask * scale + offset.
 *
 * @typedef {{scale: number, x: number, y: number}} View
 * @typedef {{width: number, height: number}} Size
 * @typedef {import("../mask/label-map.js").Point} Point
 */

export const MAX_SCALE = 32;

/** Margin around a fitted picture, as a fraction of the pane. */
const MARGIN = 0.015;

/** Size of a face beside another one, relative to its size alone, from which both are shown. */
const BOTH_FRACTION = 0.75;

/** Width below which there is no room for both panes, screen pixels. */
const MIN_BOTH = 480;

/** Part of the picture that stays visible when panning, screen pixels. */
const MIN_VISIBLE = 64;

/**
 * Fit the picture into the pane, centred.
 *
 * @param {Size} picture
 * @param {Size} pane
 * @returns {View}
 */
export function fitView(picture, pane) {
  const free = 1 - 2 * MARGIN;
  const scale = Math.max(Math.min((pane.width * free) / picture.width, (pane.height * free) / picture.height), 0.01);
  return { scale, x: (pane.width - picture.width * scale) / 2, y: (pane.height - picture.height * scale) / 2 };
}

/**
 * Which panes to show in an area: both, unless the face would be much larger in one alone.
 *
 * @param {"auto" | "mask" | "result" | "both"} preference
 * @param {Size} area
 * @param {"mask" | "result"} [single] the one to show alone
 * @returns {"mask" | "result" | "both"}
 */
export function panesFor(preference, { width, height }, single = "mask") {
  if (preference === "both" && width < MIN_BOTH) return single;
  if (preference !== "auto") return preference;
  return Math.min(width / 2, height) >= BOTH_FRACTION * Math.min(width, height) ? "both" : single;
}

/**
 * @param {View} view
 * @param {Point} screen
 * @returns {Point}
 */
export function toMask(view, screen) {
  return { x: (screen.x - view.x) / view.scale, y: (screen.y - view.y) / view.scale };
}

/**
 * @param {View} view
 * @param {Point} point
 * @returns {Point}
 */
export function toScreen(view, point) {
  return { x: point.x * view.scale + view.x, y: point.y * view.scale + view.y };
}

/**
 * Zoom about `anchor`.
 *
 * @param {View} view
 * @param {Point} anchor on the screen
 * @param {number} factor
 * @param {Size} picture
 * @param {Size} pane
 * @returns {View}
 */
export function zoomView(view, anchor, factor, picture, pane) {
  const smallest = fitView(picture, pane).scale / 2;
  const scale = Math.min(Math.max(view.scale * factor, smallest), MAX_SCALE);
  const share = scale / view.scale;
  const x = anchor.x - (anchor.x - view.x) * share;
  const y = anchor.y - (anchor.y - view.y) * share;
  return clampView({ scale, x, y }, picture, pane);
}

/**
 * @param {View} view
 * @param {Point} shift in screen pixels
 * @param {Size} picture
 * @param {Size} pane
 * @returns {View}
 */
export function panView(view, shift, picture, pane) {
  return clampView({ ...view, x: view.x + shift.x, y: view.y + shift.y }, picture, pane);
}

/**
 * Zoom and pan with two fingers: the points under them stay under them.
 *
 * @param {View} view
 * @param {readonly [Point, Point]} before on the screen
 * @param {readonly [Point, Point]} after
 * @param {Size} picture
 * @param {Size} pane
 * @returns {View}
 */
export function pinchView(view, before, after, picture, pane) {
  const from = midpoint(before);
  const to = midpoint(after);
  const spread = Math.hypot(before[1].x - before[0].x, before[1].y - before[0].y);
  const factor = spread > 0 ? Math.hypot(after[1].x - after[0].x, after[1].y - after[0].y) / spread : 1;
  return panView(zoomView(view, from, factor, picture, pane), { x: to.x - from.x, y: to.y - from.y }, picture, pane);
}

/** @param {readonly [Point, Point]} points */
function midpoint([first, second]) {
  return { x: (first.x + second.x) / 2, y: (first.y + second.y) / 2 };
}

/**
 * Keep the picture from leaving the pane.
 *
 * @param {View} view
 * @param {Size} picture
 * @param {Size} pane
 * @returns {View}
 */
function clampView(view, picture, pane) {
  /**
   * @param {number} offset
   * @param {number} length
   * @param {number} room
   */
  const clamp = (offset, length, room) => Math.min(Math.max(offset, MIN_VISIBLE - length), room - MIN_VISIBLE);
  return {
    scale: view.scale,
    x: clamp(view.x, picture.width * view.scale, pane.width),
    y: clamp(view.y, picture.height * view.scale, pane.height),
  };
}

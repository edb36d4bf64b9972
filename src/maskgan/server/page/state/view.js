/**
 * Where on the screen the mask lies: screen = mask * scale + offset.
 *
 * @typedef {{scale: number, x: number, y: number}} View
 * @typedef {{width: number, height: number}} Size
 * @typedef {import("../mask/label-map.js").Point} Point
 */

export const MAX_SCALE = 32;

/** How much of the pane's shorter side a fitted picture leaves free on each side. */
const MARGIN = 0.03;

/** How much of the picture always stays in the pane, in screen pixels. */
const KEPT = 64;

/**
 * The whole picture in the middle of the pane.
 *
 * @param {Size} picture
 * @param {Size} pane
 * @returns {View}
 */
export function fitted(picture, pane) {
  const free = 1 - 2 * MARGIN;
  const scale = Math.max(Math.min((pane.width * free) / picture.width, (pane.height * free) / picture.height), 0.01);
  return { scale, x: (pane.width - picture.width * scale) / 2, y: (pane.height - picture.height * scale) / 2 };
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
 * Zoom so that what lies under `anchor` stays there.
 *
 * @param {View} view
 * @param {Point} anchor on the screen
 * @param {number} factor
 * @param {Size} picture
 * @param {Size} pane
 * @returns {View}
 */
export function zoomed(view, anchor, factor, picture, pane) {
  const smallest = fitted(picture, pane).scale / 2;
  const scale = Math.min(Math.max(view.scale * factor, smallest), MAX_SCALE);
  const share = scale / view.scale;
  const x = anchor.x - (anchor.x - view.x) * share;
  const y = anchor.y - (anchor.y - view.y) * share;
  return kept({ scale, x, y }, picture, pane);
}

/**
 * @param {View} view
 * @param {Point} shift in screen pixels
 * @param {Size} picture
 * @param {Size} pane
 * @returns {View}
 */
export function panned(view, shift, picture, pane) {
  return kept({ ...view, x: view.x + shift.x, y: view.y + shift.y }, picture, pane);
}

/**
 * Two fingers went from one place to another: what lay under them lies under them still.
 *
 * @param {View} view
 * @param {readonly [Point, Point]} before on the screen
 * @param {readonly [Point, Point]} after
 * @param {Size} picture
 * @param {Size} pane
 * @returns {View}
 */
export function pinched(view, before, after, picture, pane) {
  const from = middle(before);
  const to = middle(after);
  const spread = Math.hypot(before[1].x - before[0].x, before[1].y - before[0].y);
  const factor = spread > 0 ? Math.hypot(after[1].x - after[0].x, after[1].y - after[0].y) / spread : 1;
  return panned(zoomed(view, from, factor, picture, pane), { x: to.x - from.x, y: to.y - from.y }, picture, pane);
}

/** @param {readonly [Point, Point]} points */
function middle([first, second]) {
  return { x: (first.x + second.x) / 2, y: (first.y + second.y) / 2 };
}

/**
 * A picture cannot be lost out of the pane.
 *
 * @param {View} view
 * @param {Size} picture
 * @param {Size} pane
 * @returns {View}
 */
function kept(view, picture, pane) {
  /**
   * @param {number} offset
   * @param {number} length
   * @param {number} room
   */
  const within = (offset, length, room) => Math.min(Math.max(offset, KEPT - length), room - KEPT);
  return {
    scale: view.scale,
    x: within(view.x, picture.width * view.scale, pane.width),
    y: within(view.y, picture.height * view.scale, pane.height),
  };
}

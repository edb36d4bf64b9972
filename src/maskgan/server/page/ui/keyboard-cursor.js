/**
 * Painting by keys: the arrow keys move a cursor over the face, Space presses and lifts the tool there. What the cursor
 * is on is announced to screen readers.
 *
 * @typedef {import("../mask/label-map.js").Point} Point
 * @typedef {import("./tools/tool.js").Tool} Tool
 *
 * @typedef {object} CursorHost
 * @property {() => Tool} tool
 * @property {() => {width: number, height: number}} area the mask's size
 * @property {() => number} scale of the view
 * @property {(point: Point) => string} describe what is at a point
 * @property {() => void} moved
 */

import { t } from "../i18n/translate.js";
import { byId } from "./elements.js";

const STEP = 8; // screen pixels
const LONG_STEP = 40; // with Shift
const QUIET = 250; // milliseconds after the last key until the cursor's place is announced

const ARROWS = /** @type {Record<string, [number, number]>} */ ({
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
});

export class KeyboardCursor {
  /** Where it is; null while it is not used. @type {Point | null} */
  point = null;
  #host;
  #isDown = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {CursorHost} host */
  constructor(host) {
    this.#host = host;
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether the cursor handled the key
   */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.#host.tool().keyboard) return false;
    const arrow = ARROWS[event.key];
    if (arrow) {
      this.#move(arrow, event.shiftKey ? LONG_STEP : STEP);
      return true;
    }
    if (event.key !== " " || !this.point) return false;
    if (!event.repeat) this.#press(this.point, event);
    return true;
  }

  /** The tool's action ended otherwise. */
  release() {
    this.#isDown = false;
  }

  /** The pointer is used instead. */
  hide() {
    this.release();
    this.point = null;
  }

  /**
   * @param {[number, number]} direction
   * @param {number} length screen pixels
   */
  #move([x, y], length) {
    const { width, height } = this.#host.area();
    const step = Math.max(Math.round(length / this.#host.scale()), 1);
    const clamp = (/** @type {number} */ value, /** @type {number} */ most) => Math.min(Math.max(value, 0.5), most - 0.5);
    this.point = this.point
      ? { x: clamp(this.point.x + step * x, width), y: clamp(this.point.y + step * y, height) }
      : { x: width / 2, y: height / 2 };
    const tool = this.#host.tool();
    if (this.#isDown) tool.drag([this.point]);
    else tool.hover(this.point);
    this.#host.moved();
    this.#announce(this.#place(this.point), QUIET);
  }

  /**
   * @param {Point} point
   * @param {KeyboardEvent} event
   */
  #press(point, event) {
    const tool = this.#host.tool();
    if (this.#isDown) {
      this.#isDown = false;
      tool.end();
      this.#announce(t("keyboard.lifted"));
      return;
    }
    tool.begin(point, event);
    if (tool.keyboard === "click") tool.end();
    else this.#isDown = tool.isActive;
    this.#announce(this.#isDown ? t("keyboard.pressed") : this.#place(point));
    this.#host.moved();
  }

  /** @param {Point} point */
  #place(point) {
    return t("keyboard.place", { part: this.#host.describe(point), x: Math.round(point.x), y: Math.round(point.y) });
  }

  /**
   * @param {string} text
   * @param {number} [delay] milliseconds
   */
  #announce(text, delay = 0) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (byId("announcer", HTMLElement).textContent = text), delay);
  }
}

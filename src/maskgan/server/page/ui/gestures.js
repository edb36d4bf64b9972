/**
 * Pointer gestures: one pen, mouse button or finger uses the tool, two fingers or the middle button move the view. While
 * a pen is down, touches are ignored (palm rejection).
 *
 * @typedef {import("../mask/label-map.js").Point} Point
 *
 * @typedef {Point & {pressure?: number}} PenPoint pressure of a pen, 0..1
 *
 * @typedef {object} GestureTarget all points in screen pixels of the canvas
 * @property {(point: PenPoint, event: PointerEvent) => void} begin
 * @property {(points: PenPoint[], event: PointerEvent) => void} drag all coalesced points since the last call
 * @property {(event: PointerEvent) => void} end
 * @property {() => void} cancel
 * @property {(point: Point | null) => void} hover null if the pointer left
 * @property {() => boolean} pans whether a drag by one finger, pen or mouse button moves the view
 * @property {(shift: Point) => void} pan
 * @property {(before: [Point, Point], after: [Point, Point]) => void} pinch
 * @property {(anchor: Point, factor: number) => void} zoom
 * @property {(point: Point) => void} doubleTap
 */

const WHEEL_ZOOM = 0.0018;
const PINCH_ZOOM = 0.01;
const DOUBLE_TAP = 280; // milliseconds between the taps
const TAP_SLOP = 6; // a longer touch is a drag, screen pixels
const DOUBLE_TAP_SLOP = 32; // distance between the taps, screen pixels

export class Gestures {
  #canvas;
  #target;
  /** @type {Map<number, Point>} fingers, pens and mice that are down */
  #down = new Map();
  /** @type {"idle" | "tap" | "tool" | "view" | "ended"} tap: a touch that may become a drag; ended: ignored until lifted */
  #mode = "idle";
  /** @type {{point: PenPoint, event: PointerEvent} | null} the touch in mode "tap" */
  #touch = null;
  /** @type {{point: Point, event: PointerEvent} | null} a finished tap, delayed in case it is the first of two */
  #firstTap = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #tapTimer;
  #penIsDown = false;
  /** While the space bar is held, a drag pans the view. */
  panHeld = false;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {GestureTarget} target
   */
  constructor(canvas, target) {
    this.#canvas = canvas;
    this.#target = target;
    canvas.addEventListener("pointerdown", (event) => this.#press(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#lift(event, false));
    canvas.addEventListener("pointercancel", (event) => this.#lift(event, true));
    canvas.addEventListener("pointerleave", () => target.hover(null));
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /** Ignore the press in progress until it is lifted: its action was committed or cancelled by other means. */
  endTool() {
    if (this.#mode === "tool" || this.#mode === "tap") this.#mode = "ended";
    this.#touch = null;
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.pointerType === "touch" && this.#penIsDown) return;
    if (event.pointerType === "mouse" && event.button > 1) return;
    clearTimeout(this.#tapTimer);
    this.#canvas.setPointerCapture(event.pointerId);
    this.#canvas.focus({ preventScroll: true });
    this.#penIsDown ||= event.pointerType === "pen";
    const point = this.#pointOf(event);
    this.#down.set(event.pointerId, point);
    if (this.#down.size === 2) {
      if (this.#mode === "tool") this.#target.cancel();
      this.#touch = null;
      this.#runFirstTap();
      this.#mode = "view";
    } else if (this.#down.size === 1) {
      if (this.#firstTap && distance(this.#firstTap.point, point) > DOUBLE_TAP_SLOP) this.#runFirstTap();
      if (this.panHeld || event.button === 1) {
        this.#mode = "view";
      } else if (event.pointerType === "touch") {
        this.#mode = "tap";
        this.#touch = { point, event };
        this.#tapTimer = setTimeout(() => this.#startTouch(), DOUBLE_TAP);
      } else {
        this.#runFirstTap();
        this.#begin(point, event);
      }
    }
    event.preventDefault();
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const point = this.#pointOf(event);
    const before = this.#down.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch") this.#target.hover(point);
      return;
    }
    if (this.#mode === "ended") return;
    if (this.#mode === "tap") {
      if (!this.#touch || distance(this.#touch.point, point) < TAP_SLOP) return;
      this.#startTouch();
    }
    if (this.#mode === "tool") {
      const events = event.getCoalescedEvents?.() ?? [];
      this.#target.drag(events.length ? events.map((each) => this.#pointOf(each)) : [point], event);
    } else if (this.#down.size === 1) {
      this.#target.pan({ x: point.x - before.x, y: point.y - before.y });
    } else if (this.#down.size === 2) {
      const [[first, from], [, other]] = [...this.#down].sort(([id]) => (id === event.pointerId ? -1 : 1));
      this.#target.pinch([from, other], [first === event.pointerId ? point : from, other]);
    }
    this.#down.set(event.pointerId, point);
  }

  /**
   * @param {PointerEvent} event
   * @param {boolean} cancelled
   */
  #lift(event, cancelled) {
    if (!this.#down.delete(event.pointerId)) return;
    if (event.pointerType === "pen") this.#penIsDown = false;
    if (this.#mode === "tool") {
      if (cancelled) this.#target.cancel();
      else this.#target.end(event);
    } else if (this.#mode === "tap" && !cancelled) {
      this.#tap();
    }
    // The finger left after a pinch does not start a stroke.
    if (this.#down.size === 0 || this.#mode === "tool") this.#mode = "idle";
    if (this.#mode === "idle") this.#touch = null;
    if (event.pointerType === "touch") this.#target.hover(null);
  }

  /** The touch is no tap: hand it to the tool. */
  #startTouch() {
    clearTimeout(this.#tapTimer);
    this.#runFirstTap();
    if (!this.#touch) return;
    const { point, event } = this.#touch;
    this.#touch = null;
    this.#begin(point, event);
  }

  /**
   * @param {PenPoint} point
   * @param {PointerEvent} event
   */
  #begin(point, event) {
    this.#mode = this.#target.pans() ? "view" : "tool";
    if (this.#mode === "tool") this.#target.begin(point, event);
  }

  #tap() {
    clearTimeout(this.#tapTimer);
    if (this.#firstTap) {
      const { point } = this.#firstTap;
      this.#firstTap = null;
      this.#target.doubleTap(point);
      return;
    }
    this.#firstTap = this.#touch;
    this.#tapTimer = setTimeout(() => this.#runFirstTap(), DOUBLE_TAP);
  }

  /** No second tap followed: the first one uses the tool. */
  #runFirstTap() {
    if (!this.#firstTap) return;
    const { point, event } = this.#firstTap;
    this.#firstTap = null;
    this.#target.begin(point, event);
    this.#target.end(event);
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 30 : 1;
    const point = this.#pointOf(event);
    if (event.ctrlKey) {
      this.#target.zoom(point, Math.exp(-event.deltaY * lines * PINCH_ZOOM));
    } else if (event.shiftKey || event.deltaX !== 0) {
      // Two-finger scrolling on touchpads pans; wheels zoom.
      const [x, y] = event.shiftKey ? [event.deltaY, event.deltaX] : [event.deltaX, event.deltaY];
      this.#target.pan({ x: -x * lines, y: -y * lines });
    } else {
      this.#target.zoom(point, Math.exp(-event.deltaY * lines * WHEEL_ZOOM));
    }
  }

  /**
   * @param {MouseEvent} event
   * @returns {PenPoint}
   */
  #pointOf(event) {
    const box = this.#canvas.getBoundingClientRect();
    const point = { x: event.clientX - box.left, y: event.clientY - box.top };
    const isPen = event instanceof PointerEvent && event.pointerType === "pen";
    return isPen ? { ...point, pressure: event.pressure } : point;
  }
}

/**
 * @param {Point} first
 * @param {Point} second
 */
function distance(first, second) {
  return Math.hypot(first.x - second.x, first.y - second.y);
}

import { displaced, rigid, takePart, withoutPart } from "../../mask/parts.js";
import { cursorFor, dragged, drawFrame, gripAt } from "./frame-handles.js";
import { NOTHING_TO_TAKE, Tool } from "./tool.js";

const REACH = 8; // screen pixels around a feature that still mean it
const ARROWS = /** @type {Record<string, [number, number]>} */ ({
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
});

/**
 * Takes a part and moves, scales and turns it.
 *
 * @typedef {import("./tool.js").Point} Point
 * @typedef {import("../../mask/label-map.js").LabelMap} LabelMap
 * @typedef {import("../../mask/parts.js").Part} Part
 * @typedef {import("./frame-handles.js").Grip} Grip
 * @typedef {import("../../mask/stamps.js").Frame} Frame
 *
 * @typedef {object} Taken
 * @property {Part} part
 * @property {LabelMap} base the mask that it was taken from
 * @property {Uint8Array} vacated that mask without the part
 * @property {Frame} rest the frame around it there
 * @property {Uint8Array} shown the labels that this tool showed last; others mean that something else changed the mask
 */
export class MoveTool extends Tool {
  /** @type {Taken | null} */
  #taken = null;
  /** @type {Frame | null} */
  #frame = null;
  /** @type {{grip: Grip, from: Point, frame: Frame, proportional: boolean} | null} */
  #drag = null;

  get isUnderWay() {
    return this.#drag !== null;
  }

  get hint() {
    return this.#frame
      ? "Drag to move; handles scale, the knob turns, arrow keys nudge."
      : "Click a part of the face to take it, or press Enter for the chosen class.";
  }

  /**
   * @param {Point} point
   * @param {PointerEvent} event
   */
  begin(point, event) {
    this.#forgetIfStale();
    const { scale } = this.bench.view();
    let grip = this.#frame && gripAt(this.#frame, point, scale);
    if (!grip || event.detail > 1) {
      this.#take(point);
      grip = { kind: "move" };
    }
    if (this.#frame) this.#drag = { grip, from: point, frame: this.#frame, proportional: !event.shiftKey };
    this.bench.redraw();
  }

  /** @param {Point[]} points */
  drag(points) {
    if (!this.#drag) return;
    const { grip, from, frame, proportional } = this.#drag;
    this.#lay(dragged(frame, grip, from, points[points.length - 1], { proportional }));
  }

  end() {
    this.#drag = null;
    this.#commit();
  }

  cancel() {
    if (this.#drag) {
      this.bench.document().cancel();
      this.#frame = this.#drag.frame;
      if (this.#taken) this.#taken.shown = this.bench.document().mask.data.slice();
    } else {
      this.#taken = null;
      this.#frame = null;
    }
    this.#drag = null;
    this.bench.redraw();
  }

  abort() {
    if (this.#drag) this.cancel();
  }

  /** Let the part go; or, where none is taken, take the chosen class, for those who use no pointer. */
  confirm() {
    if (this.#taken) {
      this.cancel();
      return;
    }
    const { mask } = this.bench.document();
    const first = mask.data.indexOf(this.bench.preferences.values.label);
    const point = { x: (first % mask.width) + 0.5, y: Math.floor(first / mask.width) + 0.5 };
    if (first >= 0) this.#take(point, { everywhere: true });
    this.bench.redraw();
  }

  /** @param {Point | null} point */
  hover(point) {
    this.#forgetIfStale();
    const grip = point && this.#frame ? gripAt(this.#frame, point, this.bench.view().scale) : null;
    this.cursor = this.#frame && grip ? cursorFor(grip) : "pointer";
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const arrow = ARROWS[event.key];
    this.#forgetIfStale();
    if (!arrow || !this.#frame) return false;
    const step = event.shiftKey ? 10 : 1;
    this.#lay({ ...this.#frame, x: this.#frame.x + step * arrow[0], y: this.#frame.y + step * arrow[1] });
    this.#commit();
    return true;
  }

  /** @param {CanvasRenderingContext2D} context */
  draw(context) {
    this.#forgetIfStale();
    if (this.#frame) drawFrame(context, this.#frame, (point) => this.onScreen(point));
  }

  /**
   * @param {Point} point
   * @param {{everywhere?: boolean}} [how] all pieces of the class; by default as the person prefers
   */
  #take(point, { everywhere = this.bench.preferences.values.everywhere } = {}) {
    const document = this.bench.document();
    const { together } = this.bench.preferences.values;
    const reach = REACH / this.bench.view().scale;
    const base = { ...document.mask, data: document.mask.data.slice() };
    const part = takePart(base, point, document.locks, { together, everywhere, reach });
    this.#taken = null;
    this.#frame = null;
    if (!part) {
      this.bench.say(NOTHING_TO_TAKE);
      return;
    }
    const { left, top, right, bottom } = part.box;
    this.#frame = {
      x: (left + right) / 2,
      y: (top + bottom) / 2,
      halfWidth: (right - left) / 2,
      halfHeight: (bottom - top) / 2,
      angle: 0,
    };
    const vacated = withoutPart(base, part, document.locks);
    this.#taken = { part, base, vacated, rest: this.#frame, shown: base.data };
    this.bench.say(`Taken: ${this.titleOfPart(part)}`);
  }

  /** @param {Frame} frame */
  #lay(frame) {
    if (!this.#taken) return;
    const { part, base, vacated, rest } = this.#taken;
    const document = this.bench.document();
    const motion = rigid(part, {
      dx: frame.x - rest.x,
      dy: frame.y - rest.y,
      scaleX: frame.halfWidth / rest.halfWidth,
      scaleY: frame.halfHeight / rest.halfHeight,
      angle: frame.angle,
    });
    this.#frame = frame;
    this.#taken.shown = displaced(base, part, motion, document.locks, vacated);
    document.show(this.#taken.shown);
  }

  #commit() {
    if (this.#taken) this.bench.document().commit(`Move ${this.titleOfPart(this.#taken.part)}`);
  }

  /** After undo, or another tool's work, the part is no longer where the frame says. */
  #forgetIfStale() {
    if (!this.#taken || this.#drag) return;
    const { data } = this.bench.document().mask;
    const { shown } = this.#taken;
    if (data.length === shown.length && data.every((label, i) => label === shown[i])) return;
    this.#taken = null;
    this.#frame = null;
  }
}

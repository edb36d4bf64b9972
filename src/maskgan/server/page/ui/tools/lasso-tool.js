import { fillOutline } from "../../mask/fill.js";
import { Tool, strokeTwice } from "./tool.js";

const CLOSE_ENOUGH = 12; // screen pixels from the first corner within which a click closes the outline
const DRAGGED = 4; // screen pixels after which a press is a freehand line and no corner

/**
 * Fills an outline: drawn freehand in one drag, or set corner by corner.
 *
 * @typedef {import("./tool.js").Point} Point
 */
export class LassoTool extends Tool {
  /** @type {Point[]} */
  #corners = [];
  /** @type {Point[]} */
  #freehand = [];
  /** @type {Point | null} */
  #hover = null;

  get isUnderWay() {
    return this.#corners.length + this.#freehand.length > 0;
  }

  get hint() {
    if (this.#corners.length) return "The first corner or Enter closes the outline, Esc drops it.";
    return "Drag around an area, or click its corners, to fill it.";
  }

  /** @param {Point} point */
  begin(point) {
    this.#freehand = [point];
    this.bench.redraw();
  }

  /** @param {Point[]} points */
  drag(points) {
    this.#freehand.push(...points);
    this.#hover = null;
    this.bench.redraw();
  }

  end() {
    const [first] = this.#freehand;
    const far = this.#freehand.some((point) => this.#apart(point, first) > DRAGGED);
    if (far) {
      this.#corners.push(...this.#freehand);
      this.confirm();
    } else if (this.#corners.length > 2 && this.#apart(first, this.#corners[0]) < CLOSE_ENOUGH) {
      this.confirm();
    } else {
      this.#corners.push(first);
      this.#freehand = [];
    }
    this.bench.redraw();
  }

  confirm() {
    const document = this.bench.document();
    const { label } = this.bench.preferences.values;
    if (fillOutline(document.mask, this.#corners, label, document.locks)) {
      document.touch();
      document.commit(`Outline ${this.titleOf(label)}`);
    }
    this.cancel();
  }

  abort() {
    this.#freehand = [];
    this.bench.redraw();
  }

  cancel() {
    this.#corners = [];
    this.#freehand = [];
    this.bench.redraw();
  }

  /** @param {Point | null} point */
  hover(point) {
    this.#hover = point;
    this.bench.redraw();
  }

  /** @param {CanvasRenderingContext2D} context */
  draw(context) {
    const points = [...this.#corners, ...this.#freehand, ...(this.#hover && this.#corners.length ? [this.#hover] : [])];
    if (!points.length) return;
    context.beginPath();
    for (const point of points) {
      const { x, y } = this.onScreen(point);
      context.lineTo(x, y);
    }
    strokeTwice(context, [5, 4]);
    const { x, y } = this.onScreen(points[0]);
    context.beginPath();
    context.arc(x, y, 4.5, 0, 2 * Math.PI);
    context.fillStyle = "white";
    context.fill();
    strokeTwice(context);
  }

  /**
   * @param {Point} first
   * @param {Point} second
   */
  #apart(first, second) {
    return Math.hypot(first.x - second.x, first.y - second.y) * this.bench.view().scale;
  }
}

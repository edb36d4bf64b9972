import { paintLine } from "../../mask/brush.js";
import { Tool, strokeTwice } from "./tool.js";

const SMALLEST_RING = 1.5; // screen pixels

/**
 * Paints the chosen class, or, as eraser, the original's labels.
 *
 * @typedef {import("./tool.js").Bench} Bench
 * @typedef {import("./tool.js").Point} Point
 */
export class BrushTool extends Tool {
  cursor = "none";
  /** @type {Point | null} */
  #last = null;
  /** @type {Point | null} */
  #hover = null;

  /**
   * @param {Bench} bench
   * @param {boolean} erases
   */
  constructor(bench, erases) {
    super(bench);
    this.erases = erases;
  }

  get isUnderWay() {
    return this.#last !== null;
  }

  get hint() {
    if (this.erases) return "Paint to bring the original mask back.";
    return this.bench.isUntouched()
      ? "Paint the chosen class. For a smile, take Bend (W) and drag the corners of the mouth up."
      : "Paint the chosen class. [ and ] change the size.";
  }

  /** @param {Point} point */
  begin(point) {
    this.#last = point;
    this.drag([point]);
  }

  /** @param {Point[]} points */
  drag(points) {
    const { document: current, preferences } = this.bench;
    const document = current();
    const { label, brushSize } = preferences.values;
    const ink = this.erases ? document.own : label;
    for (const point of points) {
      paintLine(document.mask, this.#last ?? point, point, brushSize, ink, document.locks);
      this.#last = point;
    }
    this.#hover = this.#last;
    document.touch();
  }

  end() {
    this.#last = null;
    this.bench.document().commit(this.erases ? "Erase" : `Paint ${this.titleOf(this.bench.preferences.values.label)}`);
  }

  cancel() {
    if (!this.#last) return;
    this.#last = null;
    this.bench.document().cancel();
  }

  /** @param {Point | null} point */
  hover(point) {
    this.#hover = point;
    this.bench.redraw();
  }

  /** @param {CanvasRenderingContext2D} context */
  draw(context) {
    if (!this.#hover) return;
    const { x, y } = this.onScreen(this.#hover);
    context.beginPath();
    const radius = (this.bench.preferences.values.brushSize / 2) * this.bench.view().scale;
    context.arc(x, y, Math.max(radius, SMALLEST_RING), 0, 2 * Math.PI);
    strokeTwice(context, this.erases ? [4, 3] : []);
  }
}

import { bend, displaced, takePart, withoutPart } from "../../mask/parts.js";
import { NOTHING_TO_TAKE, Tool, strokeTwice } from "./tool.js";

const REACH = 10; // screen pixels around a feature that still mean it

/**
 * Bends a part: what is dragged follows the pointer, what is around it follows less.
 *
 * @typedef {import("./tool.js").Point} Point
 * @typedef {import("../../mask/parts.js").Part} Part
 * @typedef {import("../../mask/label-map.js").LabelMap} LabelMap
 */
export class BendTool extends Tool {
  cursor = "grab";
  /** @type {{part: Part, base: LabelMap, vacated: Uint8Array, from: Point} | null} */
  #drag = null;
  /** @type {Point | null} */
  #hover = null;

  get isUnderWay() {
    return this.#drag !== null;
  }

  get hint() {
    return "For a smile, drag the corners of the mouth up. Any edge bends.";
  }

  /** @param {Point} point */
  begin(point) {
    const document = this.bench.document();
    const { together } = this.bench.preferences.values;
    const base = { ...document.mask, data: document.mask.data.slice() };
    const part = takePart(base, point, document.locks, { together, reach: REACH / this.bench.view().scale });
    if (!part) {
      this.bench.say(NOTHING_TO_TAKE);
      return;
    }
    this.#drag = { part, base, vacated: withoutPart(base, part, document.locks), from: point };
    this.#hover = point;
  }

  /** @param {Point[]} points */
  drag(points) {
    const point = points[points.length - 1];
    this.#hover = point;
    if (!this.#drag) return;
    const { part, base, vacated, from } = this.#drag;
    const pull = { x: point.x - from.x, y: point.y - from.y };
    const bending = bend(part, from, pull, this.bench.preferences.values.bendRadius);
    const document = this.bench.document();
    document.show(displaced(base, part, bending, document.locks, vacated));
  }

  end() {
    if (this.#drag) this.bench.document().commit(`Bend ${this.titleOfPart(this.#drag.part)}`);
    this.#drag = null;
    this.bench.redraw();
  }

  cancel() {
    if (this.#drag) this.bench.document().cancel();
    this.#drag = null;
    this.bench.redraw();
  }

  /** @param {Point | null} point */
  hover(point) {
    this.#hover = point;
    this.bench.redraw();
  }

  /** @param {CanvasRenderingContext2D} context */
  draw(context) {
    if (!this.#hover) return;
    const centre = this.onScreen(this.#drag?.from ?? this.#hover);
    context.beginPath();
    context.arc(centre.x, centre.y, this.bench.preferences.values.bendRadius * this.bench.view().scale, 0, 2 * Math.PI);
    strokeTwice(context, [3, 5]);
    if (!this.#drag) return;
    const end = this.onScreen(this.#hover);
    context.beginPath();
    context.moveTo(centre.x, centre.y);
    context.lineTo(end.x, end.y);
    strokeTwice(context);
  }
}

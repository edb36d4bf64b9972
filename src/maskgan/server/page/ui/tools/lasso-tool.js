import { t } from "../../i18n/translate.js";
import { fillOutline } from "../../mask/fill.js";
import { Tool, hintFor, strokeTwice } from "./tool.js";

const CLOSE_ENOUGH = 12; // a click this close to the first corner closes the outline, screen pixels
const DRAGGED = 4; // a longer press is a freehand line rather than a corner, screen pixels

/**
 * Fills an outline drawn freehand or clicked corner by corner.
 *
 * @typedef {import("./tool.js").Point} Point
 */
export class LassoTool extends Tool {
  /** @type {"click"} */
  keyboard = "click";
  picksWithAlt = true;
  /** @type {Point[]} */
  #corners = [];
  /** @type {Point[]} */
  #freehand = [];
  /** @type {Point | null} */
  #hover = null;

  get isActive() {
    return this.#corners.length + this.#freehand.length > 0;
  }

  get hint() {
    if (this.#corners.length) return hintFor("hint.lasso.open");
    return hintFor("hint.lasso");
  }

  /** @param {Point} point */
  begin(point) {
    this.#freehand = [point];
    this.editor.redraw();
  }

  /** @param {Point[]} points */
  drag(points) {
    this.#freehand.push(...points);
    this.#hover = null;
    this.editor.redraw();
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
    this.editor.redraw();
  }

  confirm() {
    const document = this.editor.document();
    const { label } = this.editor.preferences.values;
    const outlines = this.#corners.map((corner) => this.withReflection(corner));
    const filled = this.withCounterpart(label).map((painted, side) =>
      fillOutline(document.mask, outlines.map((sides) => sides[side]), painted, document.locks),
    );
    if (filled.some(Boolean)) {
      document.notifyChange();
      document.commit(t("step.outline", { part: this.titleOf(label) }));
    }
    this.cancel();
  }

  abort() {
    this.#freehand = [];
    this.editor.redraw();
  }

  cancel() {
    this.#corners = [];
    this.#freehand = [];
    this.editor.redraw();
  }

  /** @param {Point | null} point */
  hover(point) {
    this.#hover = point;
    this.editor.redraw();
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
    return Math.hypot(first.x - second.x, first.y - second.y) * this.editor.view().scale;
  }
}

import { t } from "../../i18n/translate.js";
import { paintLine } from "../../mask/brush.js";
import { Tool, strokeTwice } from "./tool.js";

const SMALLEST_RING = 1.5; // screen pixels

/**
 * Paints the current class; as eraser, restores the original labels.
 *
 * @typedef {import("./tool.js").ToolContext} ToolContext
 * @typedef {import("./tool.js").Point} Point
 */
export class BrushTool extends Tool {
  cursor = "none";
  /** @type {Point | null} */
  #last = null;
  /** @type {Point | null} */
  #hover = null;

  /**
   * @param {ToolContext} editor
   * @param {boolean} erases
   */
  constructor(editor, erases) {
    super(editor);
    this.erases = erases;
  }

  get isActive() {
    return this.#last !== null;
  }

  get hint() {
    if (this.erases) return t("hint.eraser");
    return t(this.editor.isUnedited() ? "hint.brush.first" : "hint.brush");
  }

  /** @param {Point} point */
  begin(point) {
    this.#last = point;
    this.drag([point]);
  }

  /** @param {Point[]} points */
  drag(points) {
    const { document: current, preferences } = this.editor;
    const document = current();
    const { label, brushSize } = preferences.values;
    const labels = this.withCounterpart(label);
    for (const point of points) {
      const [from, to] = [this.withReflection(this.#last ?? point), this.withReflection(point)];
      for (const [side, painted] of labels.entries()) {
        const ink = this.erases ? document.original : painted;
        paintLine(document.mask, from[side], to[side], brushSize, ink, document.locks);
      }
      this.#last = point;
    }
    this.#hover = this.#last;
    document.notifyChange();
  }

  end() {
    this.#last = null;
    const part = this.titleOf(this.editor.preferences.values.label);
    this.editor.document().commit(this.erases ? t("step.erase") : t("step.paint", { part }));
  }

  commitPending() {
    if (this.#last) this.end();
  }

  cancel() {
    if (!this.#last) return;
    this.#last = null;
    this.editor.document().cancel();
  }

  /** @param {Point | null} point */
  hover(point) {
    this.#hover = point;
    this.editor.redraw();
  }

  /** @param {CanvasRenderingContext2D} context */
  draw(context) {
    if (!this.#hover) return;
    const radius = (this.editor.preferences.values.brushSize / 2) * this.editor.view().scale;
    for (const point of this.withReflection(this.#hover)) {
      const { x, y } = this.onScreen(point);
      context.beginPath();
      context.arc(x, y, Math.max(radius, SMALLEST_RING), 0, 2 * Math.PI);
      strokeTwice(context, this.erases ? [4, 3] : []);
    }
  }
}

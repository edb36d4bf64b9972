import { t } from "../../i18n/translate.js";
import { paintLine } from "../../mask/brush.js";
import { paintToEdges } from "../../mask/edges.js";
import { Stabiliser, pressedDiameter } from "../../state/stabiliser.js";
import { Tool, hintFor, strokeTwice } from "./tool.js";

const SMALLEST_RING = 1.5; // screen pixels

/**
 * Paints the current class; as eraser, restores the original labels. With Shift, paints a straight line from the end of
 * the last stroke.
 *
 * @typedef {import("./tool.js").ToolContext} ToolContext
 * @typedef {import("./tool.js").Point} Point
 * @typedef {import("./tool.js").Press} Press
 * @typedef {import("./tool.js").PenPoint} PenPoint
 */
export class BrushTool extends Tool {
  cursor = "none";
  picksWithAlt = true;
  /** @type {"stroke"} */
  keyboard = "stroke";
  /** @type {{brush: Point, pointer: PenPoint, stabiliser: Stabiliser} | null} */
  #stroke = null;
  /** @type {Point | null} */
  #hover = null;
  /** Where the last stroke ended. @type {{point: Point, document: unknown} | null} */
  #anchor = null;

  /**
   * @param {ToolContext} editor
   * @param {boolean} erases
   */
  constructor(editor, erases) {
    super(editor);
    this.erases = erases;
  }

  get isActive() {
    return this.#stroke !== null;
  }

  get hint() {
    if (this.erases) return t("hint.eraser");
    return hintFor(this.editor.isUnedited() ? "hint.brush.first" : "hint.brush");
  }

  /**
   * @param {PenPoint} point
   * @param {Press} event
   */
  begin(point, event) {
    const anchor = event.shiftKey && this.#anchor?.document === this.editor.document() ? this.#anchor.point : point;
    // Keys move in steps, which need no steadying.
    const string = "pointerType" in event ? this.editor.preferences.values.stabiliser / this.editor.view().scale : 0;
    this.#stroke = { brush: anchor, pointer: point, stabiliser: new Stabiliser(point, string) };
    this.#hover = point;
    this.#paintTo(point);
    this.editor.document().notifyChange();
  }

  /** @param {PenPoint[]} points */
  drag(points) {
    const stroke = this.#stroke;
    if (!stroke) return;
    for (const point of points) {
      this.#paintTo(stroke.stabiliser.follow(point));
      stroke.pointer = point;
    }
    this.#hover = stroke.brush;
    this.editor.document().notifyChange();
  }

  end() {
    const stroke = this.#stroke;
    if (!stroke) return;
    const document = this.editor.document();
    const isBehind = stroke.brush.x !== stroke.pointer.x || stroke.brush.y !== stroke.pointer.y;
    if (isBehind) {
      this.#paintTo(stroke.pointer);
      document.notifyChange();
    }
    this.#stroke = null;
    this.#anchor = { point: stroke.pointer, document };
    const part = this.titleOf(this.editor.preferences.values.label);
    document.commit(this.erases ? t("step.erase") : t("step.paint", { part }));
  }

  commitPending() {
    this.end();
  }

  cancel() {
    if (!this.#stroke) return;
    this.#stroke = null;
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
    if (!this.#stroke) return;
    // The string to the pointer.
    const [from, to] = [this.onScreen(this.#hover), this.onScreen(this.#stroke.pointer)];
    if (Math.hypot(to.x - from.x, to.y - from.y) < 2) return;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    strokeTwice(context);
  }

  /** @param {PenPoint} point */
  #paintTo(point) {
    if (!this.#stroke) return;
    const document = this.editor.document();
    const { label, brushSize, penPressure, followEdges } = this.editor.preferences.values;
    const colours = followEdges ? this.editor.colours() : null;
    const diameter = penPressure ? pressedDiameter(brushSize, point.pressure) : brushSize;
    const [from, to] = [this.withReflection(this.#stroke.brush), this.withReflection(point)];
    for (const [side, painted] of this.withCounterpart(label).entries()) {
      const ink = this.erases ? document.original : painted;
      if (colours) paintToEdges(document.mask, colours, from[side], to[side], diameter, ink, document.locks);
      else paintLine(document.mask, from[side], to[side], diameter, ink, document.locks);
    }
    this.#stroke.brush = point;
  }
}

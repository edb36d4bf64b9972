import { t } from "../../i18n/translate.js";
import { bendDisplacement } from "../../mask/bend.js";
import { displacePart, removePart, selectPart, unionOfParts } from "../../mask/parts.js";
import { Tool, hintFor, strokeTwice } from "./tool.js";

const REACH = 10; // hit radius, screen pixels

/**
 * Bends a part: the dragged point follows the pointer, its surroundings less so.
 *
 * @typedef {import("./tool.js").Point} Point
 * @typedef {import("../../mask/parts.js").Part} Part
 * @typedef {import("../../mask/label-map.js").LabelMap} LabelMap
 */
export class BendTool extends Tool {
  /** @type {"stroke"} */
  keyboard = "stroke";
  cursor = "grab";
  /** @type {{part: Part, base: LabelMap, background: Uint8Array, from: Point} | null} */
  #drag = null;
  /** @type {Point | null} */
  #hover = null;

  get isActive() {
    return this.#drag !== null;
  }

  get hint() {
    return hintFor("hint.bend");
  }

  /** @param {Point} point */
  begin(point) {
    const document = this.editor.document();
    const { groupParts } = this.editor.preferences.values;
    const base = { ...document.mask, data: document.mask.data.slice() };
    const reach = REACH / this.editor.view().scale;
    const [here, there] = this.withReflection(point).map((grip) =>
      selectPart(base, grip, document.locks, { groupParts, reach }),
    );
    const part = here && there ? unionOfParts(here, there) : here;
    if (!part) {
      this.editor.notify(t("notice.no-part"));
      return;
    }
    this.#drag = { part, base, background: removePart(base, part, document.locks), from: point };
    this.#hover = point;
  }

  /** @param {Point[]} points */
  drag(points) {
    const point = points[points.length - 1];
    this.#hover = point;
    if (!this.#drag) return;
    const { part, base, background, from } = this.#drag;
    const ends = this.withReflection(point);
    const drags = this.withReflection(from).map((grip, side) => ({
      grip,
      pull: { x: ends[side].x - grip.x, y: ends[side].y - grip.y },
    }));
    const bending = bendDisplacement(part, drags, this.editor.preferences.values.bendRadius, this.editor.axis().tilt);
    const document = this.editor.document();
    document.setMask(displacePart(base, part, bending, document.locks, background));
  }

  end() {
    if (this.#drag) this.editor.document().commit(t("step.bend", { part: this.titleOfPart(this.#drag.part) }));
    this.#drag = null;
    this.editor.redraw();
  }

  commitPending() {
    this.end();
  }

  cancel() {
    if (this.#drag) this.editor.document().cancel();
    this.#drag = null;
    this.editor.redraw();
  }

  /** @param {Point | null} point */
  hover(point) {
    this.#hover = point;
    this.editor.redraw();
  }

  /** @param {CanvasRenderingContext2D} context */
  draw(context) {
    if (!this.#hover) return;
    const centre = this.onScreen(this.#drag?.from ?? this.#hover);
    context.beginPath();
    context.arc(centre.x, centre.y, this.editor.preferences.values.bendRadius * this.editor.view().scale, 0, 2 * Math.PI);
    strokeTwice(context, [3, 5]);
    if (!this.#drag) return;
    const end = this.onScreen(this.#hover);
    context.beginPath();
    context.moveTo(centre.x, centre.y);
    context.lineTo(end.x, end.y);
    strokeTwice(context);
  }
}

import { t } from "../../i18n/translate.js";
import { displacePart, affineDisplacement, selectPart, removePart } from "../../mask/parts.js";
import { cursorFor, dragged, drawFrame, gripAt } from "./frame-handles.js";
import { Tool } from "./tool.js";

const REACH = 8; // hit radius, screen pixels
const ARROWS = /** @type {Record<string, [number, number]>} */ ({
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
});

/**
 * Selects a part to move, scale and rotate.
 *
 * @typedef {import("./tool.js").Point} Point
 * @typedef {import("../../mask/label-map.js").LabelMap} LabelMap
 * @typedef {import("../../mask/parts.js").Part} Part
 * @typedef {import("./frame-handles.js").Grip} Grip
 * @typedef {import("../../mask/stamps.js").Frame} Frame
 *
 * @typedef {object} Selection
 * @property {Part} part
 * @property {LabelMap} base the mask at selection
 * @property {Uint8Array} background the base mask with the part removed
 * @property {Frame} rest the part's original frame
 * @property {Uint8Array} shown the labels this tool set last, to detect other changes
 */
export class MoveTool extends Tool {
  /** @type {Selection | null} */
  #selection = null;
  /** @type {Frame | null} */
  #frame = null;
  /** @type {{grip: Grip, from: Point, frame: Frame, proportional: boolean} | null} */
  #drag = null;

  get isActive() {
    return this.#drag !== null;
  }

  get hint() {
    return t(this.#frame ? "hint.move.selected" : "hint.move");
  }

  /**
   * @param {Point} point
   * @param {PointerEvent} event
   */
  begin(point, event) {
    this.#resetIfStale();
    const { scale } = this.editor.view();
    let grip = this.#frame && gripAt(this.#frame, point, scale);
    if (!grip || event.detail > 1) {
      this.#select(point);
      grip = { kind: "move" };
    }
    if (this.#frame) this.#drag = { grip, from: point, frame: this.#frame, proportional: !event.shiftKey };
    this.editor.redraw();
  }

  /** @param {Point[]} points */
  drag(points) {
    if (!this.#drag) return;
    const { grip, from, frame, proportional } = this.#drag;
    this.#setFrame(dragged(frame, grip, from, points[points.length - 1], { proportional }));
  }

  end() {
    this.#drag = null;
    this.#commit();
  }

  cancel() {
    if (this.#drag) {
      this.editor.document().cancel();
      this.#frame = this.#drag.frame;
      if (this.#selection) this.#selection.shown = this.editor.document().mask.data.slice();
    } else {
      this.#selection = null;
      this.#frame = null;
    }
    this.#drag = null;
    this.editor.redraw();
  }

  commitPending() {
    if (this.#drag) this.end();
    this.cancel();
  }

  abort() {
    if (this.#drag) this.cancel();
  }

  /** Deselect the part; if none is selected, select the current class (keyboard access). */
  confirm() {
    if (this.#selection) {
      this.cancel();
      return;
    }
    const { mask } = this.editor.document();
    const first = mask.data.indexOf(this.editor.preferences.values.label);
    const point = { x: (first % mask.width) + 0.5, y: Math.floor(first / mask.width) + 0.5 };
    if (first >= 0) this.#select(point, { allRegions: true });
    this.editor.redraw();
  }

  /** @param {Point | null} point */
  hover(point) {
    this.#resetIfStale();
    const grip = point && this.#frame ? gripAt(this.#frame, point, this.editor.view().scale) : null;
    this.cursor = this.#frame && grip ? cursorFor(grip) : "pointer";
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const arrow = ARROWS[event.key];
    this.#resetIfStale();
    if (!arrow || !this.#frame) return false;
    const step = event.shiftKey ? 10 : 1;
    this.#setFrame({ ...this.#frame, x: this.#frame.x + step * arrow[0], y: this.#frame.y + step * arrow[1] });
    this.#commit();
    return true;
  }

  /** @param {CanvasRenderingContext2D} context */
  draw(context) {
    this.#resetIfStale();
    if (this.#frame) drawFrame(context, this.#frame, (point) => this.onScreen(point));
  }

  /**
   * @param {Point} point
   * @param {{allRegions?: boolean}} [how] all regions of the class; defaults to the preference
   */
  #select(point, { allRegions = this.editor.preferences.values.allRegions } = {}) {
    const document = this.editor.document();
    const { groupParts } = this.editor.preferences.values;
    const reach = REACH / this.editor.view().scale;
    const base = { ...document.mask, data: document.mask.data.slice() };
    const part = selectPart(base, point, document.locks, { groupParts, allRegions, reach });
    this.#selection = null;
    this.#frame = null;
    if (!part) {
      this.editor.notify(t("notice.no-part"));
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
    const background = removePart(base, part, document.locks);
    this.#selection = { part, base, background, rest: this.#frame, shown: base.data };
    this.editor.notify(t("notice.selected", { part: this.titleOfPart(part) }));
  }

  /** @param {Frame} frame */
  #setFrame(frame) {
    if (!this.#selection) return;
    const { part, base, background, rest } = this.#selection;
    const document = this.editor.document();
    const motion = affineDisplacement(part, {
      dx: frame.x - rest.x,
      dy: frame.y - rest.y,
      scaleX: frame.halfWidth / rest.halfWidth,
      scaleY: frame.halfHeight / rest.halfHeight,
      angle: frame.angle,
    });
    this.#frame = frame;
    this.#selection.shown = displacePart(base, part, motion, document.locks, background);
    document.setMask(this.#selection.shown);
  }

  #commit() {
    if (this.#selection) this.editor.document().commit(t("step.move", { part: this.titleOfPart(this.#selection.part) }));
  }

  /** Undo or another tool may have changed the mask under the frame. */
  #resetIfStale() {
    if (!this.#selection || this.#drag) return;
    const { data } = this.editor.document().mask;
    const { shown } = this.#selection;
    if (data.length === shown.length && data.every((label, i) => label === shown[i])) return;
    this.#selection = null;
    this.#frame = null;
  }
}

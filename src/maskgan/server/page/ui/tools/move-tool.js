import { t } from "../../i18n/translate.js";
import { boundingBox } from "../../mask/label-map.js";
import { displacePart, affineDisplacement, selectPart, removePart } from "../../mask/parts.js";
import { growPart, shrinkPart, smoothPart } from "../../mask/outline.js";
import { cursorFor, dragged, drawFrame, gripAt } from "./frame-handles.js";
import { Tool, hintFor } from "./tool.js";

const REACH = 8; // hit radius, screen pixels
const RESHAPE = /** @type {const} */ ({
  grow: [growPart, "step.grow"],
  shrink: [shrinkPart, "step.shrink"],
  smooth: [smoothPart, "step.smooth"],
});
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
  /** @type {"click"} */
  keyboard = "click";
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
    return hintFor(this.#frame ? "hint.move.selected" : "hint.move");
  }

  /**
   * @param {Point} point
   * @param {import("./tool.js").Press} event
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

  /** Whether a part is selected. */
  get hasSelection() {
    this.#resetIfStale();
    return this.#selection !== null;
  }

  /**
   * Change the outline of the selected part by a few pixels; one step of history.
   *
   * @param {"grow" | "shrink" | "smooth"} how
   */
  reshape(how) {
    this.#resetIfStale();
    if (!this.#selection || !this.#frame) return;
    const document = this.editor.document();
    const mask = { ...document.mask, data: document.mask.data.slice() };
    const [change, step] = RESHAPE[how];
    const { data, part } = change(mask, this.#movedPart(), reshapeAmount(mask), document.locks);
    document.setMask(data);
    this.#hold(part, { ...mask, data });
    document.commit(t(step, { part: this.titleOfPart(part) }));
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
    this.#hold(part, base);
    this.editor.notify(t("notice.selected", { part: this.titleOfPart(part) }));
  }

  /**
   * @param {Part} part
   * @param {LabelMap} base the mask with it
   */
  #hold(part, base) {
    const { left, top, right, bottom } = part.box;
    this.#frame = {
      x: (left + right) / 2,
      y: (top + bottom) / 2,
      halfWidth: (right - left) / 2,
      halfHeight: (bottom - top) / 2,
      angle: 0,
    };
    const background = removePart(base, part, this.editor.document().locks);
    this.#selection = { part, base, background, rest: this.#frame, shown: base.data };
  }

  /** The selected part where it is now. @returns {Part} */
  #movedPart() {
    const { part, base, rest } = /** @type {Selection} */ (this.#selection);
    const flags = { ...base, data: part.pixels };
    const moved = displacePart(flags, part, this.#motion(rest), new Uint8Array(2), new Uint8Array(part.pixels.length));
    const box = boundingBox({ ...base, data: moved }, [1]);
    return box ? { ...part, pixels: moved, box } : part;
  }

  /** @param {Frame} frame */
  #setFrame(frame) {
    if (!this.#selection) return;
    const { part, base, background, rest } = this.#selection;
    const document = this.editor.document();
    this.#frame = frame;
    this.#selection.shown = displacePart(base, part, this.#motion(rest), document.locks, background);
    document.setMask(this.#selection.shown);
  }

  /** @param {Frame} rest */
  #motion(rest) {
    const { part } = /** @type {Selection} */ (this.#selection);
    const frame = this.#frame ?? rest;
    return affineDisplacement(part, {
      dx: frame.x - rest.x,
      dy: frame.y - rest.y,
      scaleX: frame.halfWidth / rest.halfWidth,
      scaleY: frame.halfHeight / rest.halfHeight,
      angle: frame.angle,
    });
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

/**
 * One step of growing, shrinking or smoothing: a 256th of the mask.
 *
 * @param {LabelMap} mask
 */
function reshapeAmount({ width, height }) {
  return Math.max(Math.round(Math.max(width, height) / 256), 1);
}

import { t } from "../../i18n/translate.js";
import { STAMPS, applyStamp, findLandmarks } from "../../mask/stamps.js";
import { cursorFor, dragged, drawFrame, gripAt } from "./frame-handles.js";
import { Tool, hintFor } from "./tool.js";

/**
 * Adds an accessory, which can be moved, resized and rotated until it is applied.
 *
 * @typedef {import("./tool.js").Point} Point
 * @typedef {import("./frame-handles.js").Grip} Grip
 * @typedef {import("../../mask/stamps.js").Frame} Frame
 * @typedef {import("../../mask/stamps.js").Stamp} Stamp
 */
export class StampTool extends Tool {
  /** @type {{stamp: Stamp, base: Uint8Array, frame: Frame} | null} */
  #pending = null;
  /** @type {{grip: Grip, from: Point, frame: Frame, proportional: boolean} | null} */
  #drag = null;

  /** Called when an accessory is added, applied or cancelled. */
  onChange = () => {};

  get isActive() {
    return this.#pending !== null;
  }

  get hint() {
    return hintFor(this.#pending ? "hint.stamp.pending" : "hint.stamp");
  }

  /** Name of the stamp not applied yet. */
  get pending() {
    return this.#pending?.stamp.name ?? null;
  }

  /** @param {string} name */
  add(name) {
    if (this.pending === name) return;
    this.confirm();
    const stamp = STAMPS.find((candidate) => candidate.name === name);
    if (!stamp) return;
    const document = this.editor.document();
    this.#pending = { stamp, base: document.mask.data.slice(), frame: stamp.defaultFrame(findLandmarks(document.mask)) };
    this.#apply();
    this.onChange();
  }

  /**
   * @param {Point} point
   * @param {import("./tool.js").Press} event
   */
  begin(point, event) {
    if (!this.#pending) return;
    const grip = gripAt(this.#pending.frame, point, this.editor.view().scale);
    if (grip) this.#drag = { grip, from: point, frame: this.#pending.frame, proportional: !event.shiftKey };
  }

  /** @param {Point[]} points */
  drag(points) {
    if (!this.#pending || !this.#drag) return;
    const { grip, from, frame, proportional } = this.#drag;
    this.#pending.frame = dragged(frame, grip, from, points[points.length - 1], { proportional });
    this.#apply();
  }

  end() {
    this.#drag = null;
  }

  confirm() {
    if (!this.#pending) return;
    const { name } = this.#pending.stamp;
    this.#pending = null;
    this.#drag = null;
    this.editor.document().commit(t("step.add", { part: t(`stamp.${name}`).toLowerCase() }));
    this.onChange();
  }

  abort() {
    if (this.#pending && this.#drag) this.#pending.frame = this.#drag.frame;
    this.#drag = null;
    this.#apply();
  }

  commitPending() {
    this.confirm();
  }

  cancel() {
    if (!this.#pending) return;
    this.reset();
    this.editor.document().cancel();
  }

  /** Forget the stamp: the mask was reverted otherwise, such as by undo. */
  reset() {
    this.#pending = null;
    this.#drag = null;
    this.onChange();
  }

  /** @param {Point | null} point */
  hover(point) {
    this.cursor = cursorFor(point && this.#pending ? gripAt(this.#pending.frame, point, this.editor.view().scale) : null);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = event.shiftKey ? 10 : 1;
    const moves = /** @type {Record<string, [number, number]>} */ ({
      ArrowLeft: [-step, 0],
      ArrowRight: [step, 0],
      ArrowUp: [0, -step],
      ArrowDown: [0, step],
    });
    const move = moves[event.key];
    if (!move || !this.#pending) return false;
    this.#pending.frame = { ...this.#pending.frame, x: this.#pending.frame.x + move[0], y: this.#pending.frame.y + move[1] };
    this.#apply();
    return true;
  }

  /** @param {CanvasRenderingContext2D} context */
  draw(context) {
    if (this.#pending) drawFrame(context, this.#pending.frame, (point) => this.onScreen(point));
  }

  #apply() {
    if (!this.#pending) return;
    const document = this.editor.document();
    document.mask.data.set(this.#pending.base);
    applyStamp(document.mask, this.#pending.stamp, this.#pending.frame, document.locks);
    document.notifyChange();
  }
}

import { STAMPS, applyStamp, findFace } from "../../mask/stamps.js";
import { cursorFor, dragged, drawFrame, gripAt } from "./frame-handles.js";
import { Tool } from "./tool.js";

/**
 * Lays an accessory on the face; it can be moved, sized and turned until it is placed.
 *
 * @typedef {import("./tool.js").Point} Point
 * @typedef {import("./frame-handles.js").Grip} Grip
 * @typedef {import("../../mask/stamps.js").Frame} Frame
 * @typedef {import("../../mask/stamps.js").Stamp} Stamp
 */
export class StampTool extends Tool {
  /** @type {{stamp: Stamp, base: Uint8Array, frame: Frame} | null} */
  #laid = null;
  /** @type {{grip: Grip, from: Point, frame: Frame, proportional: boolean} | null} */
  #drag = null;

  /** Called when an accessory is laid, placed or taken away. */
  onChange = () => {};

  get isUnderWay() {
    return this.#laid !== null;
  }

  get hint() {
    return this.#laid
      ? "Move, size and turn it. Enter places it, Esc takes it away."
      : "Choose an accessory.";
  }

  /** The name of the stamp that is not placed yet. */
  get laid() {
    return this.#laid?.stamp.name ?? null;
  }

  /** @param {string} name */
  lay(name) {
    this.confirm();
    const stamp = STAMPS.find((candidate) => candidate.name === name);
    if (!stamp) return;
    const document = this.bench.document();
    this.#laid = { stamp, base: document.mask.data.slice(), frame: stamp.place(findFace(document.mask)) };
    this.#paint();
    this.onChange();
  }

  /**
   * @param {Point} point
   * @param {PointerEvent} event
   */
  begin(point, event) {
    if (!this.#laid) return;
    const grip = gripAt(this.#laid.frame, point, this.bench.view().scale);
    if (grip) this.#drag = { grip, from: point, frame: this.#laid.frame, proportional: !event.shiftKey };
  }

  /** @param {Point[]} points */
  drag(points) {
    if (!this.#laid || !this.#drag) return;
    const { grip, from, frame, proportional } = this.#drag;
    this.#laid.frame = dragged(frame, grip, from, points[points.length - 1], { proportional });
    this.#paint();
  }

  end() {
    this.#drag = null;
  }

  confirm() {
    if (!this.#laid) return;
    const { title } = this.#laid.stamp;
    this.#laid = null;
    this.#drag = null;
    this.bench.document().commit(`Add ${title.toLowerCase()}`);
    this.onChange();
  }

  abort() {
    if (this.#laid && this.#drag) this.#laid.frame = this.#drag.frame;
    this.#drag = null;
    this.#paint();
  }

  settle() {
    this.confirm();
  }

  cancel() {
    if (!this.#laid) return;
    this.forget();
    this.bench.document().cancel();
  }

  /** The mask was taken back by other means, such as undo. */
  forget() {
    this.#laid = null;
    this.#drag = null;
    this.onChange();
  }

  /** @param {Point | null} point */
  hover(point) {
    this.cursor = cursorFor(point && this.#laid ? gripAt(this.#laid.frame, point, this.bench.view().scale) : null);
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
    if (!move || !this.#laid) return false;
    this.#laid.frame = { ...this.#laid.frame, x: this.#laid.frame.x + move[0], y: this.#laid.frame.y + move[1] };
    this.#paint();
    return true;
  }

  /** @param {CanvasRenderingContext2D} context */
  draw(context) {
    if (this.#laid) drawFrame(context, this.#laid.frame, (point) => this.onScreen(point));
  }

  #paint() {
    if (!this.#laid) return;
    const document = this.bench.document();
    document.mask.data.set(this.#laid.base);
    applyStamp(document.mask, this.#laid.stamp, this.#laid.frame, document.locks);
    document.touch();
  }
}

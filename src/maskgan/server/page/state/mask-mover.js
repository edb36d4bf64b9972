/**
 * Sliders that move the mask along MaskVAE's manifold. All values of a slider start from the mask at value 0, so 0
 * restores it exactly. One drag is one step of history.
 *
 * @typedef {import("./document.js").FaceDocument} FaceDocument
 *
 * @typedef {{towards: {portrait: number} | "style", amount: number} | {random: number, amount: number}
 *   | {direction: string, amount: number}} Move
 *
 * @callback RequestMove
 * @param {Uint8Array} labels start
 * @param {Move} move
 * @returns {Promise<Uint8Array>} the moved labels
 */

import { restoreLocked } from "../mask/label-map.js";

export class MaskMover {
  #document;
  #requestMove;
  /** @type {{slider: string, base: Uint8Array} | null} */
  #active = null;
  /** @type {Move | null} */
  #pendingMove = null;
  /** @type {string | null} */
  #title = null;
  #requesting = false;
  #committing = false;
  #closed = false;
  #listeners;

  /**
   * @param {FaceDocument} document
   * @param {RequestMove} requestMove
   * @param {object} listeners
   * @param {() => void} listeners.reset something else changed the mask: all sliders return to 0
   * @param {(error: Error) => void} listeners.failed
   * @param {(busy: boolean) => void} listeners.busy
   */
  constructor(document, requestMove, listeners) {
    this.#document = document;
    this.#requestMove = requestMove;
    this.#listeners = listeners;
    document.onChange((cause) => {
      if (cause !== "gesture" && !this.#committing && !this.#closed) this.#reset();
    });
  }

  /** Drop pending requests; another mover takes over. */
  close() {
    this.#closed = true;
    this.#active = null;
    this.#pendingMove = null;
    this.#title = null;
  }

  /**
   * A slider is being dragged.
   *
   * @param {string} slider
   * @param {Move} move
   */
  drag(slider, move) {
    if (this.#active?.slider !== slider) this.#active = { slider, base: this.#document.committed.data.slice() };
    this.#pendingMove = move;
    this.#title = null;
    void this.#process();
  }

  /**
   * The slider was released: commit once its last value is shown.
   *
   * @param {string} title
   */
  release(title) {
    if (!this.#active) return;
    this.#title = title;
    void this.#process();
  }

  async #process() {
    if (this.#requesting) return;
    this.#requesting = true;
    while (this.#active && this.#pendingMove) {
      const { active, move } = { active: this.#active, move: this.#pendingMove };
      this.#pendingMove = null;
      this.#listeners.busy(true);
      try {
        const labels = move.amount === 0 ? active.base.slice() : await this.#requestMove(active.base, move);
        if (this.#active === active) {
          restoreLocked(active.base, labels, this.#document.locks);
          this.#document.setMask(labels);
        }
      } catch (error) {
        if (this.#active === active) {
          this.#document.cancel();
          this.#listeners.failed(/** @type {Error} */ (error));
        }
      }
    }
    this.#requesting = false;
    this.#listeners.busy(false);
    if (this.#active && this.#title) {
      this.#committing = true;
      this.#document.commit(this.#title);
      this.#committing = false;
      this.#title = null;
    }
  }

  #reset() {
    this.#pendingMove = null;
    this.#title = null;
    this.#active = null;
    this.#listeners.reset();
  }
}

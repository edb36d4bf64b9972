/**
 * Sliders that move the mask along a learned manifold. A slider's places all start from the mask at its rest position,
 * so going back to rest gives back that mask exactly. One drag is one step of history.
 *
 * @typedef {import("./document.js").FaceDocument} FaceDocument
 *
 * @typedef {{towards: {portrait: number} | "style", amount: number} | {random: number, amount: number}
 *   | {direction: string, amount: number}} Move
 *
 * @callback AskForMove
 * @param {Uint8Array} labels from where
 * @param {Move} move
 * @returns {Promise<Uint8Array>} the labels there
 */

import { keepLocked } from "../mask/label-map.js";

export class MaskMover {
  #document;
  #ask;
  /** @type {{slider: string, base: Uint8Array} | null} */
  #active = null;
  /** @type {Move | null} */
  #wanted = null;
  /** @type {string | null} */
  #title = null;
  #asking = false;
  #committing = false;
  #closed = false;
  #listeners;

  /**
   * @param {FaceDocument} document
   * @param {AskForMove} ask
   * @param {object} listeners
   * @param {() => void} listeners.rest something else changed the mask: all sliders are at rest again
   * @param {(error: Error) => void} listeners.fail
   * @param {(busy: boolean) => void} listeners.busy
   */
  constructor(document, ask, listeners) {
    this.#document = document;
    this.#ask = ask;
    this.#listeners = listeners;
    document.onChange((cause) => {
      if (cause !== "gesture" && !this.#committing && !this.#closed) this.#forget();
    });
  }

  /** Another mover takes over; what is under way is dropped. */
  close() {
    this.#closed = true;
    this.#active = null;
    this.#wanted = null;
    this.#title = null;
  }

  /**
   * A slider was moved, and may be moved further.
   *
   * @param {string} slider
   * @param {Move} move
   */
  drag(slider, move) {
    if (this.#active?.slider !== slider) this.#active = { slider, base: this.#document.committed.data.slice() };
    this.#wanted = move;
    this.#title = null;
    void this.#advance();
  }

  /**
   * The slider was let go: once its last place is shown, that is a step of history.
   *
   * @param {string} title
   */
  release(title) {
    if (!this.#active) return;
    this.#title = title;
    void this.#advance();
  }

  async #advance() {
    if (this.#asking) return;
    this.#asking = true;
    while (this.#active && this.#wanted) {
      const { active, wanted } = { active: this.#active, wanted: this.#wanted };
      this.#wanted = null;
      this.#listeners.busy(true);
      try {
        const labels = wanted.amount === 0 ? active.base.slice() : await this.#ask(active.base, wanted);
        if (this.#active === active) {
          keepLocked(active.base, labels, this.#document.locks);
          this.#document.show(labels);
        }
      } catch (error) {
        if (this.#active === active) {
          this.#document.cancel();
          this.#listeners.fail(/** @type {Error} */ (error));
        }
      }
    }
    this.#asking = false;
    this.#listeners.busy(false);
    if (this.#active && this.#title) {
      this.#committing = true;
      this.#document.commit(this.#title);
      this.#committing = false;
      this.#title = null;
    }
  }

  #forget() {
    this.#wanted = null;
    this.#title = null;
    this.#active = null;
    this.#listeners.rest();
  }
}

/**
 * The named edits of the open face, for all panels that show or change them. Emits `edits` when they change.
 *
 * @typedef {import("./app.js").App} App
 * @typedef {import("../state/named-edits.js").AppliedEdit} AppliedEdit
 */

import { EditMover } from "../state/edit-mover.js";
import { withEdit } from "../state/named-edits.js";
import { showError } from "./messages.js";

export class EditControl extends EventTarget {
  #app;
  /** @type {EditMover | null} */
  #mover = null;

  /**
   * @param {App} app
   * @param {(busy: boolean) => void} busyChanged
   */
  constructor(app, busyChanged) {
    super();
    this.#app = app;
    app.addEventListener("open", () => {
      const { document, remote } = app.openProject;
      this.#mover?.close();
      this.#mover = new EditMover(document, (labels, edits) => remote.edits(labels, edits), {
        failed: (error) => {
          showError(error.message);
          this.#changed();
        },
        busy: busyChanged,
      });
      this.#changed();
    });
    app.editsCommitted = async () => this.#mover?.committed();
    app.addEventListener("change", (event) => {
      if (/** @type {CustomEvent} */ (event).detail !== "gesture") this.#changed();
    });
  }

  /** As the person set them, also those that the server still works on. @returns {readonly AppliedEdit[]} */
  get edits() {
    return this.#mover?.edits ?? [];
  }

  /**
   * @param {string} name
   * @returns {number | string | null} null: not in force
   */
  amount(name) {
    return this.edits.find((edit) => edit.name === name)?.amount ?? null;
  }

  /**
   * Change an amount within a gesture; `release` ends it.
   *
   * @param {string} name
   * @param {number | string | null} amount null or 0: without it
   * @param {object} [gesture]
   * @param {boolean} [gesture.byTool] whether a tool changes it, whose press goes on
   * @param {boolean} [gesture.bySlider] whether quick changes by the same slider are one step of history
   */
  drag(name, amount, { byTool = false, bySlider = false } = {}) {
    if (!this.#mover) return;
    if (!byTool) this.#app.commitPending();
    this.#mover.drag((edits) => withEdit(edits, name, amount), bySlider ? name : null);
    this.#changed();
  }

  /** @param {string} title of the step of history */
  release(title) {
    this.#mover?.release(title);
  }

  /**
   * @param {string} name
   * @param {number | string | null} amount
   * @param {string} title
   */
  apply(name, amount, title) {
    this.drag(name, amount);
    this.release(title);
  }

  /**
   * Put all edits in place of those in force.
   *
   * @param {AppliedEdit[]} edits
   * @param {string} title
   */
  replaceAll(edits, title) {
    if (!this.#mover) return;
    this.#app.commitPending();
    this.#mover.drag(() => edits);
    this.#mover.release(title);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("edits"));
  }
}

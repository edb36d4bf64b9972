/**
 * Changes the amounts of named edits. Amounts passed while the server works are skipped; one drag is one step of history.
 *
 * @typedef {import("./document.js").FaceDocument} FaceDocument
 * @typedef {import("./named-edits.js").AppliedEdit} AppliedEdit
 * @typedef {import("./named-edits.js").RequestEdits} RequestEdits
 */

import { Replay, isColour, maskBefore, program } from "./named-edits.js";

export class EditMover {
  #document;
  #replay;
  #listeners;
  /** @type {AppliedEdit[] | null} of the gesture in progress */
  #wanted = null;
  #pending = false;
  /** Of the gestures that ended since the last commit. @type {Set<string>} */
  #titles = new Set();
  /** Whether the last gesture ended. */
  #released = false;
  #requesting = false;
  #committing = false;
  #closed = false;

  /**
   * @param {FaceDocument} document
   * @param {RequestEdits} requestEdits
   * @param {object} listeners
   * @param {(error: Error) => void} listeners.failed the gesture was cancelled
   * @param {(busy: boolean) => void} listeners.busy
   */
  constructor(document, requestEdits, listeners) {
    this.#document = document;
    this.#replay = new Replay(requestEdits);
    this.#listeners = listeners;
    document.onChange((cause) => {
      if (cause !== "gesture" && !this.#committing) this.#reset();
    });
  }

  /** The edits as the person set them, also those that the server still works on. */
  get edits() {
    return this.#wanted ?? this.#document.settings.edits;
  }

  /** Drop pending requests; another mover takes over. */
  close() {
    this.#closed = true;
    this.#reset();
  }

  /**
   * Show other edits within the current gesture.
   *
   * @param {AppliedEdit[]} edits
   */
  drag(edits) {
    this.#wanted = edits;
    this.#pending = true;
    this.#released = false;
    void this.#process();
  }

  /**
   * The gesture ended: commit once its last edits are shown. One that begins before becomes part of the same step.
   *
   * @param {string} title
   */
  release(title) {
    if (!this.#wanted) return;
    this.#titles.add(title);
    this.#released = true;
    void this.#process();
  }

  async #process() {
    if (this.#requesting) return;
    this.#requesting = true;
    this.#listeners.busy(true);
    while (this.#wanted && this.#pending) {
      const wanted = this.#wanted;
      this.#pending = false;
      try {
        const labels = await this.#mask(wanted);
        // A gesture that was cancelled meanwhile shows nothing; an amount passed shows until the next one comes.
        if (!this.#wanted || this.#closed) continue;
        this.#document.setMask(labels, { edits: wanted });
      } catch (error) {
        if (!this.#wanted || this.#pending) continue;
        this.#reset();
        this.#document.cancel();
        this.#listeners.failed(/** @type {Error} */ (error));
      }
    }
    this.#requesting = false;
    this.#listeners.busy(false);
    if (this.#wanted && this.#released) this.#commit([...this.#titles].join(", "));
  }

  /** @param {string} title */
  #commit(title) {
    this.#committing = true;
    this.#reset();
    this.#document.commit(title);
    this.#committing = false;
  }

  /** @param {AppliedEdit[]} wanted */
  async #mask(wanted) {
    const { committed, committedSettings, history } = this.#document;
    const maskEdits = (/** @type {readonly AppliedEdit[]} */ edits) => JSON.stringify(edits.filter((edit) => !isColour(edit)));
    if (maskEdits(wanted) === maskEdits(committedSettings.edits)) return committed.data.slice();
    const entries = history.entries.slice(0, history.position);
    return this.#replay.run(maskBefore(committed.data, entries), program(entries, wanted, committedSettings.locks));
  }

  #reset() {
    this.#wanted = null;
    this.#pending = false;
    this.#released = false;
    this.#titles.clear();
  }
}

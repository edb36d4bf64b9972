/**
 * Changes the amounts of named edits. Each click, and each drag of a slider, is one step of history, in the order in which
 * they came; amounts passed while the server works are skipped.
 *
 * @typedef {import("./document.js").FaceDocument} FaceDocument
 * @typedef {import("./named-edits.js").AppliedEdit} AppliedEdit
 * @typedef {import("./named-edits.js").RequestEdits} RequestEdits
 *
 * @callback Change
 * @param {readonly AppliedEdit[]} edits in force before
 * @returns {readonly AppliedEdit[]}
 *
 * @typedef {object} Gesture
 * @property {Change} change
 * @property {string | null} slider a further drag of the same slider, before the server is done, belongs to the gesture
 * @property {boolean} isShown whether the document shows the change as it is now
 * @property {string | null} title of the step of history; null: the gesture goes on
 */

import { Replay, isColour, maskBefore, program } from "./named-edits.js";

export class EditMover {
  #document;
  #replay;
  #listeners;
  /** Those that are no step of history yet; only the last one can go on. @type {Gesture[]} */
  #gestures = [];
  /** What the first gesture left in the document. @type {Uint8Array | null} */
  #shown = null;
  #requesting = false;
  /** Resolve what waits for the gestures. @type {(() => void)[]} */
  #waiting = [];
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
      if (cause === "gesture" || this.#committing || !this.#gestures.length) return;
      // After a stroke, the edit comes on top of it; undo and Esc end what is under way.
      if (cause === "commit" || (cause === "cancel" && !this.#shown)) this.#again();
      else this.#reset();
    });
  }

  /** The edits as the person set them, also those that the server still works on. @returns {readonly AppliedEdit[]} */
  get edits() {
    if (!this.#gestures.length) return this.#document.settings.edits;
    /** @type {readonly AppliedEdit[]} */
    const first = this.#document.committedSettings.edits;
    return this.#gestures.reduce((edits, { change }) => change(edits), first);
  }

  /** Drop pending requests; another mover takes over. */
  close() {
    this.#closed = true;
    this.#reset();
  }

  /**
   * Change edits within the current gesture, or begin one.
   *
   * @param {Change} change
   * @param {string | null} [slider] that is dragged
   */
  drag(change, slider = null) {
    const last = this.#gestures.at(-1);
    if (last && (last.title === null || (slider && last.slider === slider))) {
      Object.assign(last, { change, isShown: false, title: null });
    } else {
      this.#gestures.push({ change, slider, isShown: false, title: null });
    }
    void this.#process();
  }

  /**
   * The gesture ended: commit once its last edits are shown.
   *
   * @param {string} title
   */
  release(title) {
    const last = this.#gestures.at(-1);
    if (!last) return;
    last.title = title;
    void this.#process();
  }

  /** Until all gestures that ended are steps of history, or were dropped. */
  async committed() {
    if (this.#requesting) await new Promise((resolve) => this.#waiting.push(() => resolve(undefined)));
  }

  async #process() {
    if (this.#requesting) return;
    this.#requesting = true;
    this.#listeners.busy(true);
    for (let gesture = this.#next(); gesture; gesture = this.#next()) {
      if (gesture.isShown) {
        this.#commit();
        continue;
      }
      const edits = gesture.change(this.#document.committedSettings.edits);
      gesture.isShown = true;
      try {
        const labels = await this.#mask(edits);
        // One that was cancelled meanwhile shows nothing; an amount passed shows until the next one comes.
        if (this.#gestures[0] !== gesture || this.#closed) continue;
        if (this.#isStroke()) gesture.isShown = false;
        else this.#show(labels, [...edits]);
      } catch (error) {
        if (this.#gestures[0] !== gesture || !gesture.isShown) continue;
        this.#drop();
        this.#listeners.failed(/** @type {Error} */ (error));
      }
    }
    this.#requesting = false;
    this.#listeners.busy(false);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** The gesture that has something to be done; none while a stroke goes on. @returns {Gesture | null} */
  #next() {
    const first = this.#gestures[0];
    if (!first || this.#isStroke() || (first.isShown && first.title === null)) return null;
    return first;
  }

  /** Whether something else changes the mask now: then the edit waits. */
  #isStroke() {
    const { mask, committed } = this.#document;
    const expected = this.#shown ?? committed.data;
    return mask.data.some((label, i) => label !== expected[i]);
  }

  /**
   * @param {Uint8Array} labels
   * @param {AppliedEdit[]} edits
   */
  #show(labels, edits) {
    this.#shown = labels;
    this.#document.setMask(labels, { edits });
  }

  /** The first gesture becomes a step of history. */
  #commit() {
    const [{ title }] = this.#gestures;
    this.#committing = true;
    this.#gestures.shift();
    this.#shown = null;
    this.#document.commit(title ?? "");
    this.#committing = false;
  }

  /** The first gesture never was. */
  #drop() {
    this.#committing = true;
    this.#gestures.shift();
    this.#shown = null;
    this.#document.cancel();
    this.#committing = false;
  }

  /** Something else was committed: gestures start from there, and answers under way are void. */
  #again() {
    this.#gestures = this.#gestures.map((gesture) => ({ ...gesture, isShown: false }));
    this.#shown = null;
    void this.#process();
  }

  /** @param {readonly AppliedEdit[]} wanted */
  async #mask(wanted) {
    const { committed, committedSettings, history } = this.#document;
    const maskEdits = (/** @type {readonly AppliedEdit[]} */ edits) => JSON.stringify(edits.filter((edit) => !isColour(edit)));
    if (maskEdits(wanted) === maskEdits(committedSettings.edits)) return committed.data.slice();
    const entries = history.entries.slice(0, history.position);
    return this.#replay.run(maskBefore(committed.data, entries), program(entries, wanted, committedSettings.locks));
  }

  #reset() {
    this.#gestures = [];
    this.#shown = null;
  }
}

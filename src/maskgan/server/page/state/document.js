/**
 * The face being edited: its own mask, the edited mask, settings, and the history of both.
 *
 * A gesture changes `mask.data` and calls `touch` as it goes; `commit` makes one step of history of it, `cancel` takes
 * it back. Nothing here knows of screens or of the server.
 *
 * @typedef {import("../mask/label-map.js").LabelMap} LabelMap
 * @typedef {import("../mask/label-map.js").Locks} Locks
 * @typedef {import("./settings.js").Settings} Settings
 * @typedef {"gesture" | "commit" | "undo" | "redo" | "cancel"} Cause
 */

import { copyOf, noLocks } from "../mask/label-map.js";
import { applyPatch, difference } from "../mask/patch.js";
import { History } from "./history.js";
import { alterResult, defaultSettings, settingsDifference } from "./settings.js";

export class FaceDocument {
  /** @type {LabelMap} */
  #committedMask;
  /** @type {Settings} */
  #committedSettings;
  /** @type {((cause: Cause, alters: boolean) => void)[]} */
  #listeners = [];

  /**
   * @param {LabelMap} own the source's own mask
   * @param {object} [saved]
   * @param {Uint8Array} [saved.edited] labels; the own mask's where absent
   * @param {Settings} [saved.settings]
   * @param {History} [saved.history]
   */
  constructor(own, { edited = own.data, settings = defaultSettings(), history = new History() } = {}) {
    if (edited.length !== own.data.length) throw new RangeError("the edited mask has another size than the own mask");
    this.own = own;
    this.mask = copyOf({ ...own, data: edited });
    this.settings = settings;
    this.history = history;
    this.#committedMask = copyOf(this.mask);
    this.#committedSettings = settings;
  }

  /** The mask as it was before the gesture that goes on, or as it is. Not to be changed. */
  get committed() {
    return this.#committedMask;
  }

  /** The settings as they were before the gesture that goes on, or as they are. */
  get committedSettings() {
    return this.#committedSettings;
  }

  /** @returns {Locks} */
  get locks() {
    const locks = noLocks();
    for (const label of this.settings.locks) locks[label] = 1;
    return locks;
  }

  get isEdited() {
    return this.history.entries.length > 0;
  }

  /** @param {(cause: Cause, alters: boolean) => void} listener called after each change; `alters`: so does the result */
  onChange(listener) {
    this.#listeners.push(listener);
  }

  /** Tell that a gesture changed `mask.data`. */
  touch() {
    this.#tell("gesture");
  }

  /**
   * Replace the mask for the gesture that goes on.
   *
   * @param {Uint8Array} data labels
   */
  show(data) {
    this.mask.data.set(data);
    this.#tell("gesture");
  }

  /**
   * Change settings for the gesture that goes on.
   *
   * @param {Partial<Settings>} change
   */
  adjust(change) {
    this.settings = { ...this.settings, ...change };
    this.#tell("gesture", alterResult(change));
  }

  /**
   * End a gesture.
   *
   * @param {string} title of the step
   * @returns {boolean} whether anything had changed
   */
  commit(title) {
    const patch = difference(this.#committedMask.data, this.mask.data);
    const settings = settingsDifference(this.#committedSettings, this.settings);
    if (!patch && !settings) return false;
    this.history.push({ title, patch, settings });
    this.#committedMask.data.set(this.mask.data);
    this.#committedSettings = this.settings;
    this.#tell("commit", false); // what the gesture before it has shown already
    return true;
  }

  /** Take back the gesture that goes on. */
  cancel() {
    this.mask.data.set(this.#committedMask.data);
    this.settings = this.#committedSettings;
    this.#tell("cancel");
  }

  /** @returns {string | null} the title of the step taken back */
  undo() {
    return this.#travel("undo");
  }

  /** @returns {string | null} the title of the step done again */
  redo() {
    return this.#travel("redo");
  }

  /** @param {"undo" | "redo"} way */
  #travel(way) {
    const entry = this.history[way]();
    if (!entry) return null;
    const side = way === "undo" ? "before" : "after";
    if (entry.patch) applyPatch(this.#committedMask.data, entry.patch, side);
    this.mask.data.set(this.#committedMask.data);
    this.#committedSettings = { ...this.#committedSettings, ...entry.settings?.[side] };
    this.settings = this.#committedSettings;
    this.#tell(way, entry.patch !== null || alterResult(entry.settings?.[side] ?? {}));
    return entry.title;
  }

  /**
   * @param {Cause} cause
   * @param {boolean} [alters]
   */
  #tell(cause, alters = true) {
    for (const listener of this.#listeners) listener(cause, alters);
  }
}

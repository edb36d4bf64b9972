/**
 * The state of one edited face: original mask, edited mask, settings, and the history of both.
 *
 * A gesture changes `mask.data` and calls `notifyChange` while it runs; `commit` adds it to the history as one step,
 * `cancel` reverts it. Independent of the DOM and the server.
 *
 * @typedef {import("../mask/label-map.js").LabelMap} LabelMap
 * @typedef {import("../mask/label-map.js").Locks} Locks
 * @typedef {import("./settings.js").Settings} Settings
 * @typedef {import("./settings.js").RenderSettings} RenderSettings
 * @typedef {"gesture" | "commit" | "undo" | "redo" | "cancel"} Cause
 */

import { copyMask, noLocks } from "../mask/label-map.js";
import { applyPatch, createPatch } from "../mask/patch.js";
import { History } from "./history.js";
import { changesEdits, isColour, maskBefore } from "./named-edits.js";
import { affectsResult, defaultSettings, diffSettings } from "./settings.js";

export class FaceDocument {
  /** @type {LabelMap} */
  #committedMask;
  /** @type {Settings} */
  #committedSettings;
  /** @type {((cause: Cause, affectsResult: boolean) => void)[]} */
  #listeners = [];

  /**
   * @param {LabelMap} original the mask of the unedited face
   * @param {object} [saved]
   * @param {Uint8Array} [saved.edited] labels; defaults to the original mask
   * @param {Settings} [saved.settings]
   * @param {History} [saved.history]
   */
  constructor(original, { edited = original.data, settings = defaultSettings(), history = new History() } = {}) {
    if (edited.length !== original.data.length) throw new RangeError("the edited mask has another size than the original mask");
    this.original = original;
    this.mask = copyMask({ ...original, data: edited });
    this.settings = settings;
    this.history = history;
    this.#committedMask = copyMask(this.mask);
    this.#committedSettings = settings;
  }

  /** The mask as of the last commit, without the gesture in progress. Read-only. */
  get committed() {
    return this.#committedMask;
  }

  /** The settings as of the last commit, without the gesture in progress. */
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

  /** The settings as the server renders them. @returns {RenderSettings} */
  get renderSettings() {
    return { ...this.settings, lock: this.settings.blend === "region" && this.hasNamedEditsOnly };
  }

  /** Whether named edits alone lead from the original mask to the current one. */
  get hasNamedEditsOnly() {
    const { entries, position } = this.history;
    const applied = entries.slice(0, position);
    if (!this.settings.edits.some((edit) => !isColour(edit))) return false;
    if (applied.some((entry) => entry.patch && !changesEdits(entry))) return false;
    // A stroke in progress is not in the history yet.
    const isStroke = this.settings.edits === this.#committedSettings.edits && !isEqual(this.mask.data, this.#committedMask.data);
    return !isStroke && isEqual(maskBefore(this.#committedMask.data, applied), this.original.data);
  }

  /** @param {(cause: Cause, affectsResult: boolean) => void} listener called after each change */
  onChange(listener) {
    this.#listeners.push(listener);
  }

  /** Notify listeners that a gesture changed `mask.data`. */
  notifyChange() {
    this.#notify("gesture");
  }

  /**
   * Replace the mask, and change settings with it, within the current gesture.
   *
   * @param {Uint8Array} data labels
   * @param {Partial<Settings>} [change]
   */
  setMask(data, change = {}) {
    this.mask.data.set(data);
    this.settings = { ...this.settings, ...change };
    this.#notify("gesture");
  }

  /**
   * Change settings within the current gesture.
   *
   * @param {Partial<Settings>} change
   */
  updateSettings(change) {
    this.settings = { ...this.settings, ...change };
    this.#notify("gesture", affectsResult(change));
  }

  /**
   * Commit the current gesture as one step of history.
   *
   * @param {string} title of the step
   * @returns {boolean} false if nothing changed
   */
  commit(title) {
    const patch = createPatch(this.#committedMask.data, this.mask.data);
    const settings = diffSettings(this.#committedSettings, this.settings);
    if (!patch && !settings) return false;
    this.history.push({ title, patch, settings });
    this.#committedMask.data.set(this.mask.data);
    this.#committedSettings = this.settings;
    this.#notify("commit", false); // listeners saw the change during the gesture
    return true;
  }

  /** Revert the current gesture. */
  cancel() {
    this.mask.data.set(this.#committedMask.data);
    this.settings = this.#committedSettings;
    this.#notify("cancel");
  }

  /** @returns {string | null} title of the step undone; null if there is none */
  undo() {
    return this.#applyStep("undo");
  }

  /** @returns {string | null} title of the step redone; null if there is none */
  redo() {
    return this.#applyStep("redo");
  }

  /**
   * Undo or redo until so many steps are applied.
   *
   * @param {number} position 0: none
   */
  jumpTo(position) {
    while (this.history.position > position && this.undo() !== null);
    while (this.history.position < position && this.redo() !== null);
  }

  /** @param {"undo" | "redo"} way */
  #applyStep(way) {
    const entry = this.history[way]();
    if (!entry) return null;
    const side = way === "undo" ? "before" : "after";
    if (entry.patch) applyPatch(this.#committedMask.data, entry.patch, side);
    this.mask.data.set(this.#committedMask.data);
    this.#committedSettings = { ...this.#committedSettings, ...entry.settings?.[side] };
    this.settings = this.#committedSettings;
    this.#notify(way, entry.patch !== null || affectsResult(entry.settings?.[side] ?? {}));
    return entry.title;
  }

  /**
   * @param {Cause} cause
   * @param {boolean} [affects]
   */
  #notify(cause, affects = true) {
    for (const listener of this.#listeners) listener(cause, affects);
  }
}

/**
 * @param {Uint8Array} one
 * @param {Uint8Array} other of the same length
 */
function isEqual(one, other) {
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}

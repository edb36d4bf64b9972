/**
 * Undo and redo without limit, over everything that changes the result, in the order in which it happened.
 *
 * @typedef {import("../mask/patch.js").Patch} Patch
 * @typedef {import("./settings.js").Settings} Settings
 *
 * @typedef {object} Entry one step that a person made
 * @property {string} title as shown to people
 * @property {Patch | null} patch what changed in the mask
 * @property {{before: Partial<Settings>, after: Partial<Settings>} | null} settings what changed beside it
 *
 * @typedef {object} HistoryJSON
 * @property {number} position
 * @property {{title: string, patch?: string, settings?: Entry["settings"]}[]} entries patches as base 64
 */

import { applyPatch } from "../mask/patch.js";
import { fromBase64, toBase64 } from "./base64.js";
import { readSomeSettings } from "./settings.js";

export class History {
  /**
   * @param {Entry[]} [entries]
   * @param {number} [position] how many of the entries are done and not undone
   */
  constructor(entries = [], position = entries.length) {
    this.entries = entries;
    this.position = position;
    /** Entries from here on have changed since `markSaved`. */
    this.firstUnsaved = 0;
  }

  /**
   * Add a step. What was undone before it is forgotten.
   *
   * @param {Entry} entry
   */
  push(entry) {
    this.entries.length = this.position;
    this.firstUnsaved = Math.min(this.firstUnsaved, this.position);
    this.entries.push(entry);
    this.position++;
  }

  /** @returns {Entry | null} the step to take back */
  undo() {
    return this.position > 0 ? this.entries[--this.position] : null;
  }

  /** @returns {Entry | null} the step to do again */
  redo() {
    return this.position < this.entries.length ? this.entries[this.position++] : null;
  }

  /** The title of the step that `undo` would take back. */
  get undoTitle() {
    return this.position > 0 ? this.entries[this.position - 1].title : null;
  }

  /** The title of the step that `redo` would do again. */
  get redoTitle() {
    return this.position < this.entries.length ? this.entries[this.position].title : null;
  }

  /** @param {number} [count] how many entries were written */
  markSaved(count = this.entries.length) {
    this.firstUnsaved = count;
  }

  /**
   * @param {number} [maxCharacters] where all steps would be longer than this, those farthest from the present state
   *   are left out: first what was undone, then the oldest
   * @returns {HistoryJSON}
   */
  toJSON(maxCharacters = Infinity) {
    let room = maxCharacters;
    const done = written(this.entries.slice(0, this.position).reverse()).reverse();
    const undone = written(this.entries.slice(this.position));
    return { position: done.length, entries: [...done, ...undone] };

    /** @param {Entry[]} entries */
    function written(entries) {
      /** @type {HistoryJSON["entries"]} */
      const kept = [];
      for (const { title, patch, settings } of entries) {
        const step = { title, ...(patch && { patch: toBase64(patch) }), ...(settings && { settings }) };
        room -= JSON.stringify(step).length + 1;
        if (room < 0) break;
        kept.push(step);
      }
      return kept;
    }
  }

  /**
   * A history from a file, checked.
   *
   * @param {HistoryJSON} json
   * @param {Uint8Array} edited the labels that the history has led to
   * @returns {History}
   * @throws {Error} it is none that `toJSON` wrote, or it belongs to another mask
   */
  static fromJSON(json, edited) {
    const entries = json.entries.map(({ title, patch, settings }) => {
      if (typeof title !== "string") throw new TypeError("a step without a title");
      return {
        title,
        patch: patch ? fromBase64(patch) : null,
        settings: settings
          ? { before: readSomeSettings(settings.before), after: readSomeSettings(settings.after) }
          : null,
      };
    });
    const { position } = json;
    if (!Number.isInteger(position) || position < 0 || position > entries.length) {
      throw new RangeError("a history position that is out of range");
    }
    const trial = edited.slice();
    for (const { patch } of entries.slice(0, position).reverse()) if (patch) applyPatch(trial, patch, "before");
    for (const { patch } of entries) if (patch) applyPatch(trial, patch, "after");
    return new History(entries, position);
  }
}

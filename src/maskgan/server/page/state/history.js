/**
 * Unlimited undo and redo of mask and settings changes, in one sequence.
 *
 * @typedef {import("../mask/patch.js").Patch} Patch
 * @typedef {import("./settings.js").Settings} Settings
 *
 * @typedef {object} Entry one step
 * @property {string} title as shown to people
 * @property {Patch | null} patch changed mask pixels
 * @property {{before: Partial<Settings>, after: Partial<Settings>} | null} settings changed settings
 *
 * @typedef {object} HistoryJSON
 * @property {number} position
 * @property {{title: string, patch?: string, settings?: Entry["settings"]}[]} entries patches as base64
 */

import { applyPatch } from "../mask/patch.js";
import { fromBase64, toBase64 } from "./base64.js";
import { additions, isColour } from "./named-edits.js";
import { parsePartialSettings } from "./settings.js";

export class History {
  /**
   * @param {Entry[]} [entries]
   * @param {number} [position] number of entries applied
   */
  constructor(entries = [], position = entries.length) {
    this.entries = entries;
    this.position = position;
    /** Index of the first entry changed since `markSaved`. */
    this.firstUnsaved = 0;
  }

  /**
   * Append a step; discards the redo entries.
   *
   * @param {Entry} entry
   */
  push(entry) {
    this.entries.length = this.position;
    this.firstUnsaved = Math.min(this.firstUnsaved, this.position);
    this.entries.push(entry);
    this.position++;
  }

  /** @returns {Entry | null} the step to undo */
  undo() {
    return this.position > 0 ? this.entries[--this.position] : null;
  }

  /** @returns {Entry | null} the step to redo */
  redo() {
    return this.position < this.entries.length ? this.entries[this.position++] : null;
  }

  /**
   * Forget edits that no step added: older steps were dropped when the project was saved, so what they did is part of
   * the first mask.
   *
   * @param {Settings} settings as of `position`
   * @returns {Settings}
   */
  dropBakedEdits(settings) {
    const added = new Set(this.entries.flatMap((entry) => additions(entry)));
    const known = (/** @type {Partial<Settings>} */ { edits }) => edits?.filter((edit) => isColour(edit) || added.has(edit.name));
    for (const { settings } of this.entries) {
      for (const side of settings ? [settings.before, settings.after] : []) if (side.edits) side.edits = known(side);
    }
    return { ...settings, edits: known(settings) ?? [] };
  }

  /** Title of the step that `undo` would revert. */
  get undoTitle() {
    return this.position > 0 ? this.entries[this.position - 1].title : null;
  }

  /** Title of the step that `redo` would apply. */
  get redoTitle() {
    return this.position < this.entries.length ? this.entries[this.position].title : null;
  }

  /** @param {number} [count] number of entries written */
  markSaved(count = this.entries.length) {
    this.firstUnsaved = count;
  }

  /**
   * @param {number} [maxCharacters] length budget; drops the steps farthest from the current state: redo
   *   steps first, then the oldest
   * @returns {HistoryJSON}
   */
  toJSON(maxCharacters = Infinity) {
    let room = maxCharacters;
    const done = serialize(this.entries.slice(0, this.position).reverse()).reverse();
    const undone = serialize(this.entries.slice(this.position));
    return { position: done.length, entries: [...done, ...undone] };

    /** @param {Entry[]} entries */
    function serialize(entries) {
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
   * Parse and validate a history.
   *
   * @param {HistoryJSON} json
   * @param {Uint8Array} edited the edited mask that the history led to
   * @returns {History}
   * @throws {Error} malformed, or recorded for another mask
   */
  static fromJSON(json, edited) {
    const entries = json.entries.map(({ title, patch, settings }) => {
      if (typeof title !== "string") throw new TypeError("history step without a title");
      return {
        title,
        patch: patch ? fromBase64(patch) : null,
        settings: settings
          ? { before: parsePartialSettings(settings.before), after: parsePartialSettings(settings.after) }
          : null,
      };
    });
    const { position } = json;
    if (!Number.isInteger(position) || position < 0 || position > entries.length) {
      throw new RangeError("history position out of range");
    }
    const labels = edited.slice();
    for (const { patch } of entries.slice(0, position).reverse()) if (patch) applyPatch(labels, patch, "before");
    for (const { patch } of entries) if (patch) applyPatch(labels, patch, "after");
    return new History(entries, position);
  }
}

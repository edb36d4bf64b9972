/**
 * Autosave: writes the open project to IndexedDB on each change.
 *
 * @typedef {import("../state/document.js").FaceDocument} FaceDocument
 * @typedef {import("../state/project-file.js").Appearance} Appearance
 * @typedef {import("../state/project-file.js").StylePicture} StylePicture
 * @typedef {import("./database.js").Database} Database
 * @typedef {import("./database.js").Assets} Assets
 *
 * @typedef {object} AutosaveSource what to save
 * @property {string} id
 * @property {string} title
 * @property {FaceDocument} document
 * @property {() => Appearance} appearance
 * @property {() => Blob | null} thumbnail
 */

export class Autosave {
  #database;
  #source;
  /** Writes run one after another. */
  #queue = Promise.resolve();
  /** Whether a write is queued; it saves the state at the time it runs. */
  #writeQueued = false;
  #closed = false;

  /**
   * @param {Database} database
   * @param {AutosaveSource} source
   * @param {(error: Error) => void} onError
   */
  constructor(database, source, onError) {
    this.#database = database;
    this.#source = source;
    this.onError = onError;
  }

  /** @param {Assets} assets written once */
  saveAssets({ source, original, styles }) {
    const { id } = this.#source;
    this.#enqueue(async () => {
      await this.#database.saveAsset(id, "source", source);
      await this.#database.saveAsset(id, "own", original);
      for (const [key, style] of styles) await this.#database.saveAsset(id, `style:${key}`, style);
    });
  }

  /**
   * @param {string} key
   * @param {StylePicture} style
   */
  saveStyle(key, style) {
    this.#enqueue(() => this.#database.saveAsset(this.#source.id, `style:${key}`, style));
  }

  /** Queue a write unless one is queued already. */
  write() {
    if (this.#closed || this.#writeQueued) return;
    this.#writeQueued = true;
    this.#enqueue(() => this.#write());
  }

  /** Write a last time and stop. */
  async close() {
    this.#closed = true;
    this.#enqueue(() => this.#write(true));
    await this.#queue;
  }

  async #write(closed = false) {
    this.#writeQueued = false;
    const { id, title, document, appearance, thumbnail } = this.#source;
    const { history, committed, committedSettings: settings } = document;
    const { firstUnsaved, position } = history;
    const steps = history.entries.slice();
    history.markSaved(steps.length);
    const record = {
      id,
      title,
      updated: Date.now(),
      width: committed.width,
      height: committed.height,
      edited: committed.data.slice(),
      settings,
      position,
      appearance: appearance(),
      thumbnail: thumbnail(),
      closed,
    };
    try {
      await this.#database.save(record, steps, firstUnsaved);
    } catch (error) {
      history.markSaved(Math.min(history.firstUnsaved, firstUnsaved));
      throw error;
    }
  }

  /** @param {() => Promise<void>} task */
  #enqueue(task) {
    this.#queue = this.#queue.then(task).catch((error) => this.onError(error));
  }
}

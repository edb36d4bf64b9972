/**
 * Keeping a project in the browser as it changes, so that nothing drawn is lost to a crash, a reload or a restart.
 *
 * @typedef {import("../state/document.js").FaceDocument} FaceDocument
 * @typedef {import("../state/project.js").Appearance} Appearance
 * @typedef {import("../state/project.js").StylePicture} StylePicture
 * @typedef {import("./database.js").Database} Database
 * @typedef {import("./database.js").Assets} Assets
 *
 * @typedef {object} Saved what is to be kept
 * @property {string} id
 * @property {string} title
 * @property {FaceDocument} document
 * @property {() => Appearance} appearance
 * @property {() => Blob | null} thumbnail
 */

export class Autosave {
  #database;
  #saved;
  /** Writes follow one another. */
  #last = Promise.resolve();
  /** Whether a write waits for its turn: it will take along whatever changes until then. */
  #waiting = false;
  #closed = false;

  /**
   * @param {Database} database
   * @param {Saved} saved
   * @param {(error: Error) => void} fail
   */
  constructor(database, saved, fail) {
    this.#database = database;
    this.#saved = saved;
    this.fail = fail;
  }

  /** @param {Assets} assets written once, at the beginning */
  begin({ source, own, styles }) {
    const { id } = this.#saved;
    this.#enqueue(async () => {
      await this.#database.saveAsset(id, "source", source);
      await this.#database.saveAsset(id, "own", own);
      for (const [key, style] of styles) await this.#database.saveAsset(id, `style:${key}`, style);
    });
  }

  /**
   * @param {string} key
   * @param {StylePicture} style
   */
  keepStyle(key, style) {
    this.#enqueue(() => this.#database.saveAsset(this.#saved.id, `style:${key}`, style));
  }

  /** Something changed: write it as soon as the write before is done. */
  write() {
    if (this.#closed || this.#waiting) return;
    this.#waiting = true;
    this.#enqueue(() => this.#write());
  }

  /** Write once more, and then never again. */
  async close() {
    this.#closed = true;
    this.#enqueue(() => this.#write(true));
    await this.#last;
  }

  async #write(left = false) {
    this.#waiting = false;
    const { id, title, document, appearance, thumbnail } = this.#saved;
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
      left,
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
    this.#last = this.#last.then(task).catch((error) => this.fail(error));
  }
}

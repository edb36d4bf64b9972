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
 * @property {() => Promise<Blob | null>} thumbnail
 */

/** Milliseconds between a change and its being written; strokes that follow at once are written together. */
const DELAY = 250;

export class Autosave {
  #database;
  #saved;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Writes follow one another. */
  #last = Promise.resolve();
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

  /** Something changed. */
  schedule() {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(() => this.flush(), DELAY);
  }

  /** Write now. */
  flush() {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#enqueue(() => this.#write());
    return this.#last;
  }

  /** Write once more, and then never again. */
  async close() {
    clearTimeout(this.#timer);
    this.#closed = true;
    this.#enqueue(() => this.#write(true));
    await this.#last;
  }

  async #write(left = false) {
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
      thumbnail: await thumbnail(),
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

/**
 * The projects that this browser keeps: those of other days, those of other tabs, and the one that is open here.
 *
 * @typedef {import("./autosave.js").Saved} Saved
 * @typedef {import("./database.js").Assets} Assets
 * @typedef {import("./database.js").ProjectRecord} ProjectRecord
 * @typedef {import("../state/project.js").StylePicture} StylePicture
 *
 * @typedef {{id: string, release: () => void}} Place where a project is kept, claimed for this tab
 * @typedef {NonNullable<Awaited<ReturnType<Database["load"]>>>} Kept
 */

import { Autosave } from "./autosave.js";
import { Database } from "./database.js";
import { claim, newId, rememberId, rememberedId } from "./ownership.js";

const MOST = 24;

export class KeptProjects {
  #database = new Database();
  #complain;
  /** @type {Autosave | null} */
  #autosave = null;
  /** @type {Place | null} */
  #here = null;

  /** @param {(error: Error) => void} complain where the browser cannot keep anything; work goes on */
  constructor(complain) {
    this.#complain = complain;
  }

  /** @returns {Promise<ProjectRecord[]>} the newest first, but for the open one */
  async list() {
    const records = await this.#attempt(() => this.#database.projects());
    return (records ?? []).filter(({ id }) => id !== this.#here?.id);
  }

  /** @returns {Promise<string[]>} where to go on: this tab's own project, then those that no one left on purpose */
  async unfinished() {
    const own = rememberedId();
    const open = (await this.list()).filter((record) => !record.left).map(({ id }) => id);
    return own ? [own, ...open.filter((id) => id !== own)] : open;
  }

  /** @param {string} id */
  isOwn(id) {
    return id === rememberedId();
  }

  /**
   * @param {string} id
   * @returns {Promise<Place | null>} null where another tab has it
   */
  async claim(id) {
    const release = await claim(id, false);
    return release && { id, release };
  }

  /**
   * @param {string} id
   * @returns {Promise<Kept | null>} null where it is kept no longer
   */
  async load(id) {
    return (await this.#attempt(() => this.#database.load(id))) ?? null;
  }

  /** @param {string} id */
  async forget(id) {
    const place = await this.claim(id);
    if (place) await this.#attempt(() => this.#database.remove(id));
    place?.release();
  }

  /**
   * Keep a project from now on.
   *
   * @param {Omit<Saved, "id">} saved
   * @param {Assets} assets
   * @param {Place | null} place where it is kept already; null for a new one
   */
  async begin(saved, assets, place) {
    this.#here = place ?? (await this.#newPlace());
    const { id } = this.#here;
    rememberId(id);
    this.#autosave = new Autosave(this.#database, { id, ...saved }, this.#complain);
    if (!place) this.#autosave.begin(assets);
    this.#autosave.write();
    void this.#tidy();
  }

  /** The open project changed. */
  write() {
    this.#autosave?.write();
  }

  /**
   * @param {string} key
   * @param {StylePicture} style
   */
  keepStyle(key, style) {
    this.#autosave?.keepStyle(key, style);
  }

  /**
   * The open project is left for another one.
   *
   * @param {boolean} worthKeeping
   */
  async leave(worthKeeping) {
    await this.#autosave?.close();
    const here = this.#here;
    if (here && !worthKeeping) await this.#attempt(() => this.#database.remove(here.id));
    here?.release();
    this.#here = null;
  }

  /** @returns {Promise<Place>} */
  async #newPlace() {
    const id = newId();
    return { id, release: (await claim(id, true)) ?? (() => {}) };
  }

  /** The browser's room is bounded: the oldest projects go first. */
  async #tidy() {
    for (const { id } of (await this.list()).slice(MOST)) await this.forget(id);
  }

  /**
   * @template T
   * @param {() => Promise<T>} task
   * @returns {Promise<T | undefined>}
   */
  async #attempt(task) {
    try {
      return await task();
    } catch (error) {
      this.#complain(/** @type {Error} */ (error));
      return undefined;
    }
  }
}

/**
 * The projects stored in this browser, and the autosave of the open one.
 *
 * @typedef {import("./autosave.js").AutosaveSource} AutosaveSource
 * @typedef {import("./database.js").Assets} Assets
 * @typedef {import("./database.js").ProjectRecord} ProjectRecord
 * @typedef {import("../state/project-file.js").StylePicture} StylePicture
 *
 * @typedef {{id: string, release: () => void}} ProjectLock held by this tab
 * @typedef {NonNullable<Awaited<ReturnType<Database["load"]>>>} StoredProject
 */

import { Autosave } from "./autosave.js";
import { Database } from "./database.js";
import { acquireLock, newId, setTabProjectId, tabProjectId } from "./project-lock.js";

const MAX_PROJECTS = 24;

export class ProjectStore {
  #database = new Database();
  #onError;
  /** @type {Autosave | null} */
  #autosave = null;
  /** @type {ProjectLock | null} */
  #current = null;

  /** @param {(error: Error) => void} onError called if storage fails */
  constructor(onError) {
    this.#onError = onError;
  }

  /** @returns {Promise<ProjectRecord[]>} the newest first, without the open one */
  async list() {
    const records = await this.#attempt(() => this.#database.projects());
    return (records ?? []).filter(({ id }) => id !== this.#current?.id);
  }

  /** @returns {Promise<string[]>} projects to resume: this tab's own first, then those never closed */
  async openIds() {
    const own = tabProjectId();
    const open = (await this.list()).filter((record) => !record.closed).map(({ id }) => id);
    return own ? [own, ...open.filter((id) => id !== own)] : open;
  }

  /** @param {string} id */
  isOwnTab(id) {
    return id === tabProjectId();
  }

  /**
   * @param {string} id
   * @returns {Promise<ProjectLock | null>} null if another tab holds it
   */
  async lock(id) {
    const release = await acquireLock(id, false);
    return release && { id, release };
  }

  /**
   * @param {string} id
   * @returns {Promise<StoredProject | null>} null if it is not stored any more
   */
  async load(id) {
    return (await this.#attempt(() => this.#database.load(id))) ?? null;
  }

  /** @param {string} id */
  async remove(id) {
    const lock = await this.lock(id);
    if (lock) await this.#attempt(() => this.#database.remove(id));
    lock?.release();
  }

  /**
   * Start saving a project.
   *
   * @param {Omit<AutosaveSource, "id">} saved
   * @param {Assets} assets
   * @param {ProjectLock | null} lock of the stored project; null for a new one
   */
  async open(saved, assets, lock) {
    this.#current = lock ?? (await this.#newLock());
    const { id } = this.#current;
    setTabProjectId(id);
    this.#autosave = new Autosave(this.#database, { id, ...saved }, this.#onError);
    if (!lock) this.#autosave.saveAssets(assets);
    this.#autosave.write();
    void this.#prune();
  }

  /** The open project changed. */
  write() {
    this.#autosave?.write();
  }

  /**
   * @param {string} key
   * @param {StylePicture} style
   */
  addStyle(key, style) {
    this.#autosave?.saveStyle(key, style);
  }

  /**
   * Stop saving the open project.
   *
   * @param {boolean} keep
   */
  async close(keep) {
    await this.#autosave?.close();
    const current = this.#current;
    if (current && !keep) await this.#attempt(() => this.#database.remove(current.id));
    current?.release();
    this.#current = null;
  }

  /** @returns {Promise<ProjectLock>} */
  async #newLock() {
    const id = newId();
    return { id, release: (await acquireLock(id, true)) ?? (() => {}) };
  }

  /** Delete the oldest projects beyond the limit. */
  async #prune() {
    for (const { id } of (await this.list()).slice(MAX_PROJECTS)) await this.remove(id);
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
      this.#onError(/** @type {Error} */ (error));
      return undefined;
    }
  }
}

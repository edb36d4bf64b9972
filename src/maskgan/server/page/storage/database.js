/**
 * IndexedDB storage: per project a small record that changes often, the steps of its history, and assets (source,
 * original mask, style references) that are written once.
 *
 * @typedef {import("../state/history.js").Entry} Entry
 * @typedef {import("../state/settings.js").Settings} Settings
 * @typedef {import("../state/project-file.js").Appearance} Appearance
 * @typedef {import("../state/project-file.js").StylePicture} StylePicture
 * @typedef {import("../remote/sources.js").Source} Source
 *
 * @typedef {object} ProjectRecord
 * @property {string} id
 * @property {string} title
 * @property {number} updated milliseconds
 * @property {number} width of the mask
 * @property {number} height
 * @property {Uint8Array} edited labels
 * @property {Settings} settings
 * @property {number} position in the history
 * @property {Appearance} appearance
 * @property {Blob | null} thumbnail
 * @property {boolean} closed whether another face was opened since, rather than the page closed
 *
 * @typedef {{source: Source, original: Uint8Array, styles: Map<string, StylePicture>}} Assets
 */

const NAME = "maskgan-editor";
const VERSION = 1;
const STYLE = "style:"; // prefix of style assets

export class Database {
  /** @type {Promise<IDBDatabase>} */
  #database;

  constructor() {
    this.#database = new Promise((resolve, reject) => {
      const request = indexedDB.open(NAME, VERSION);
      request.onupgradeneeded = () => {
        request.result.createObjectStore("projects", { keyPath: "id" });
        request.result.createObjectStore("steps");
        request.result.createObjectStore("assets");
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    // Callers see the failure when they await it; avoid an unhandled rejection before.
    this.#database.catch(() => {});
  }

  /** @returns {Promise<ProjectRecord[]>} newest first */
  async projects() {
    const database = await this.#database;
    const records = await result(database.transaction("projects").objectStore("projects").getAll());
    return records.sort((a, b) => b.updated - a.updated);
  }

  /**
   * @param {string} id
   * @returns {Promise<{record: ProjectRecord, steps: Entry[], assets: Assets} | null>}
   */
  async load(id) {
    const database = await this.#database;
    const transaction = database.transaction(["projects", "steps", "assets"]);
    const [record, steps, names, values] = await Promise.all([
      result(transaction.objectStore("projects").get(id)),
      result(transaction.objectStore("steps").getAll(projectKeys(id))),
      result(transaction.objectStore("assets").getAllKeys(projectKeys(id))),
      result(transaction.objectStore("assets").getAll(projectKeys(id))),
    ]);
    const stored = new Map(names.map((key, i) => [/** @type {string[]} */ (key)[1], values[i]]));
    if (!record || !stored.has("source") || !stored.has("own")) return null;
    const styleEntries = [...stored].filter(([name]) => name.startsWith(STYLE));
    const styles = new Map(styleEntries.map(([name, value]) => [name.slice(STYLE.length), value]));
    return { record, steps, assets: { source: stored.get("source"), original: stored.get("own"), styles } };
  }

  /**
   * @param {ProjectRecord} record
   * @param {Entry[]} steps the whole history
   * @param {number} firstUnsaved index of the first step to write; earlier ones are stored already
   */
  async save(record, steps, firstUnsaved) {
    const database = await this.#database;
    const transaction = database.transaction(["projects", "steps"], "readwrite", { durability: "strict" });
    transaction.objectStore("projects").put(record);
    const store = transaction.objectStore("steps");
    store.delete(IDBKeyRange.bound([record.id, firstUnsaved], [record.id, Infinity]));
    for (let i = firstUnsaved; i < steps.length; i++) store.put(steps[i], [record.id, i]);
    // Commit explicitly, so that the write survives the page closing now.
    transaction.commit();
    await completed(transaction);
  }

  /**
   * @param {string} id
   * @param {"source" | "own" | `style:${string}`} name
   * @param {unknown} value
   */
  async saveAsset(id, name, value) {
    const transaction = (await this.#database).transaction("assets", "readwrite");
    transaction.objectStore("assets").put(value, [id, name]);
    await completed(transaction);
  }

  /** @param {string} id */
  async remove(id) {
    const transaction = (await this.#database).transaction(["projects", "steps", "assets"], "readwrite");
    transaction.objectStore("projects").delete(id);
    transaction.objectStore("steps").delete(projectKeys(id));
    transaction.objectStore("assets").delete(projectKeys(id));
    await completed(transaction);
  }
}

/** @param {string} id */
function projectKeys(id) {
  return IDBKeyRange.bound([id], [id, []]);
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * @param {IDBTransaction} transaction
 * @returns {Promise<void>}
 */
function completed(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

/**
 * What the browser keeps: per project a small record that changes often, the steps of its history, and assets (source,
 * own mask, style pictures) that are written once.
 *
 * @typedef {import("../state/history.js").Entry} Entry
 * @typedef {import("../state/settings.js").Settings} Settings
 * @typedef {import("../state/project.js").Appearance} Appearance
 * @typedef {import("../state/project.js").StylePicture} StylePicture
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
 * @property {boolean} left whether the person went on to another face, and did not just close the page
 *
 * @typedef {{source: Source, own: Uint8Array, styles: Map<string, StylePicture>}} Assets
 */

const NAME = "maskgan-editor";
const VERSION = 1;
const STYLE = "style:"; // how the names of style pictures begin

export class Database {
  /** @type {Promise<IDBDatabase>} */
  #database;

  constructor() {
    this.#database = new Promise((resolve, reject) => {
      const opening = indexedDB.open(NAME, VERSION);
      opening.onupgradeneeded = () => {
        opening.result.createObjectStore("projects", { keyPath: "id" });
        opening.result.createObjectStore("steps");
        opening.result.createObjectStore("assets");
      };
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => reject(opening.error);
    });
    // Whoever asks for something learns of the failure; nobody has asked yet.
    this.#database.catch(() => {});
  }

  /** @returns {Promise<ProjectRecord[]>} the newest first */
  async projects() {
    const database = await this.#database;
    const records = await answer(database.transaction("projects").objectStore("projects").getAll());
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
      answer(transaction.objectStore("projects").get(id)),
      answer(transaction.objectStore("steps").getAll(allOf(id))),
      answer(transaction.objectStore("assets").getAllKeys(allOf(id))),
      answer(transaction.objectStore("assets").getAll(allOf(id))),
    ]);
    const stored = new Map(names.map((key, i) => [/** @type {string[]} */ (key)[1], values[i]]));
    if (!record || !stored.has("source") || !stored.has("own")) return null;
    const ofStyles = [...stored].filter(([name]) => name.startsWith(STYLE));
    const styles = new Map(ofStyles.map(([name, value]) => [name.slice(STYLE.length), value]));
    return { record, steps, assets: { source: stored.get("source"), own: stored.get("own"), styles } };
  }

  /**
   * @param {ProjectRecord} record
   * @param {Entry[]} steps all of the history
   * @param {number} firstUnsaved steps from here on are written, those before stand
   */
  async save(record, steps, firstUnsaved) {
    const database = await this.#database;
    const transaction = database.transaction(["projects", "steps"], "readwrite", { durability: "strict" });
    transaction.objectStore("projects").put(record);
    const store = transaction.objectStore("steps");
    store.delete(IDBKeyRange.bound([record.id, firstUnsaved], [record.id, Infinity]));
    for (let i = firstUnsaved; i < steps.length; i++) store.put(steps[i], [record.id, i]);
    // Said outright, so that it also holds where the page goes away right now.
    transaction.commit();
    await finished(transaction);
  }

  /**
   * @param {string} id
   * @param {"source" | "own" | `style:${string}`} name
   * @param {unknown} value
   */
  async saveAsset(id, name, value) {
    const transaction = (await this.#database).transaction("assets", "readwrite");
    transaction.objectStore("assets").put(value, [id, name]);
    await finished(transaction);
  }

  /** @param {string} id */
  async remove(id) {
    const transaction = (await this.#database).transaction(["projects", "steps", "assets"], "readwrite");
    transaction.objectStore("projects").delete(id);
    transaction.objectStore("steps").delete(allOf(id));
    transaction.objectStore("assets").delete(allOf(id));
    await finished(transaction);
  }
}

/** @param {string} id */
function allOf(id) {
  return IDBKeyRange.bound([id], [id, []]);
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * @param {IDBTransaction} transaction
 * @returns {Promise<void>}
 */
function finished(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

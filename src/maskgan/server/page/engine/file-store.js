/**
 * The large files of an exported page: networks and the runtime. They are kept in the browser under their hash, so a
 * later visit loads none, and a new version only what changed.
 *
 * @typedef {{bytes: number, sha256: string}} FileInfo bytes and hash of a file as it is stored
 */

import { EngineError } from "./arrays.js";

const CACHE = "maskgan-files";
const AT_ONCE = 3;
const GZIP = [0x1f, 0x8b];

export class FileStore {
  #root;
  #files;
  #cache;
  #onProgress;
  /** What the browser would not keep, for this visit. @type {Map<string, Uint8Array<ArrayBuffer>>} */
  #held = new Map();
  #loaded = 0;
  #total = 0;

  /**
   * @param {URL} root the exported folder
   * @param {Record<string, FileInfo>} files all of its files, by their path
   * @param {Cache | null} cache
   * @param {(loaded: number, total: number) => void} onProgress in bytes
   */
  constructor(root, files, cache, onProgress) {
    this.#root = root;
    this.#files = files;
    this.#cache = cache;
    this.#onProgress = onProgress;
  }

  /**
   * @param {URL} root
   * @param {Record<string, FileInfo>} files
   * @param {(loaded: number, total: number) => void} onProgress
   */
  static async open(root, files, onProgress) {
    // Absent in insecure contexts, forbidden in some private windows.
    const cache = await globalThis.caches?.open(CACHE).catch(() => null);
    return new FileStore(root, files, cache ?? null, onProgress);
  }

  /**
   * Load files that are not here yet.
   *
   * @param {string[]} paths
   */
  async prefetch(paths) {
    const missing = [];
    for (const path of paths) if (!(await this.#stored(path))) missing.push(path);
    this.#total = missing.reduce((sum, path) => sum + this.#info(path).bytes, 0);
    const turns = missing.values();
    const work = async () => {
      for (const path of turns) await this.#keep(path, await this.#download(path));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  /**
   * The contents of a file, unpacked if it is packed with gzip.
   *
   * @param {string} path
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async read(path) {
    const { sha256 } = this.#info(path);
    const stored = this.#held.get(sha256) ?? (await this.#stored(path).then((response) => response && bytesOf(response)));
    const bytes = stored ?? (await this.#download(path));
    if (!stored) await this.#keep(path, bytes);
    return unpacked(bytes);
  }

  /**
   * A text that was remembered on an earlier visit.
   *
   * @param {string} name
   * @returns {Promise<string | null>}
   */
  async recall(name) {
    const response = await this.#cache?.match(this.#noteKey(name)).catch(() => undefined);
    return (await response?.text().catch(() => null)) ?? null;
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  async remember(name, text) {
    await this.#cache?.put(this.#noteKey(name), new Response(text)).catch(() => {});
  }

  /** Drop the files of this folder's other versions, if the browser lets it. Other folders of the origin share the cache. */
  async prune() {
    const wanted = new Set(Object.values(this.#files).map(({ sha256 }) => this.#key(sha256)));
    for (const request of (await this.#cache?.keys().catch(() => [])) ?? []) {
      const isOwn = request.url.startsWith(this.#key(""));
      if (isOwn && !wanted.has(request.url)) await this.#cache?.delete(request).catch(() => false);
    }
  }

  /** @param {string} path */
  #info(path) {
    const info = this.#files[path];
    if (!info) throw new EngineError(`This editor was exported without ${path}; export it again.`);
    return info;
  }

  /** @param {string} name */
  #noteKey(name) {
    return new URL(`notes/${name}`, this.#root).href;
  }

  /** @param {string} sha256 */
  #key(sha256) {
    return new URL(`files/${sha256}`, this.#root).href;
  }

  /** @param {string} path */
  async #stored(path) {
    return this.#cache?.match(this.#key(this.#info(path).sha256)).catch(() => undefined);
  }

  /**
   * @param {string} path
   * @param {Uint8Array<ArrayBuffer>} bytes
   */
  async #keep(path, bytes) {
    const { sha256 } = this.#info(path);
    const kept = await this.#cache?.put(this.#key(sha256), new Response(bytes)).then(() => true, () => false);
    if (!kept) this.#held.set(sha256, bytes);
  }

  /** @param {string} path */
  async #download(path) {
    const { bytes: size, sha256 } = this.#info(path);
    const response = await fetch(new URL(path, this.#root), { cache: "no-cache" }).catch(() => null);
    if (!response?.ok) throw new EngineError(`${path} could not be loaded; check the connection and reload the page.`);
    const bytes = await bytesOf(response, (count) => this.#onProgress((this.#loaded += count), this.#total));
    // Without a secure context there is no digest; the length must do.
    const digest = globalThis.crypto?.subtle ? await hexDigest(bytes) : sha256;
    if (bytes.length !== size || digest !== sha256) {
      throw new EngineError(`${path} is damaged or of another version; reload the page.`);
    }
    return bytes;
  }
}

/**
 * @param {Response} response
 * @param {(count: number) => void} [onBytes] told how many more there are
 */
async function bytesOf(response, onBytes = () => {}) {
  if (!response.body) return new Uint8Array(await response.arrayBuffer());
  const chunks = [];
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    chunks.push(part.value);
    onBytes(part.value.length);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
async function unpacked(bytes) {
  if (bytes[0] !== GZIP[0] || bytes[1] !== GZIP[1]) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
async function hexDigest(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

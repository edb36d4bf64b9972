/**
 * Requests to the worker of an exported page.
 *
 * @typedef {object} WorkerRequest
 * @property {number} id
 * @property {string} url
 * @property {string} method
 * @property {[string, string][]} headers
 * @property {ArrayBuffer | null} body
 *
 * @typedef {{abort: number}} WorkerAbort the id of a request whose answer nobody waits for any more
 *
 * @typedef {object} WorkerResponse
 * @property {number} id
 * @property {number} status
 * @property {[string, string][]} headers
 * @property {ArrayBuffer | null} body
 *
 * @typedef {WorkerResponse | {progress: [number, number]} | {ready: true} | {failed: string} | {id: number, failed: string}
 *   } WorkerMessage
 *
 * @typedef {object} Waiting
 * @property {(response: Response) => void} resolve
 * @property {(error: Error) => void} reject
 */

export class WorkerTransport {
  #worker;
  #t;
  #next = 1;
  /** @type {Map<number, Waiting>} */
  #waiting = new Map();

  /**
   * @param {Worker} worker that is ready
   * @param {typeof import("../i18n/translate.js").t} t
   */
  constructor(worker, t) {
    this.#worker = worker;
    this.#t = t;
    worker.onmessage = ({ data }) => this.#receive(data);
    worker.onerror = (event) => this.#fail(event.message);
  }

  /**
   * A worker that has loaded all it needs.
   *
   * @param {(loaded: number, total: number) => void} onProgress in bytes
   * @param {typeof import("../i18n/translate.js").t} t given, for a module that is loaded later imports nothing (see the bundle)
   * @returns {Promise<WorkerTransport>}
   */
  static async start(onProgress, t) {
    const worker = new Worker(new URL("../engine/worker.js", import.meta.url), { type: "module" });
    await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => {
        if ("progress" in data) onProgress(data.progress[0], data.progress[1]);
        else if ("ready" in data) resolve(undefined);
        else if ("failed" in data) reject(new Error(data.failed));
      };
      worker.onerror = (event) => reject(new Error(event.message || t("message.engine-not-loaded")));
    });
    return new WorkerTransport(worker, t);
  }

  /**
   * As `fetch`.
   *
   * @param {string} path
   * @param {RequestInit} init
   * @returns {Promise<Response>}
   */
  async send(path, { method, headers, body, signal } = {}) {
    signal?.throwIfAborted();
    const isPlain = body instanceof Uint8Array; // nothing to encode, so nothing to wait for
    const request = new Request(new URL(path, location.href), { method, headers, body: isPlain ? null : body });
    const bytes = isPlain ? body.slice().buffer : body ? await request.arrayBuffer() : null;
    signal?.throwIfAborted();
    const id = this.#next++;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    signal?.addEventListener("abort", () => {
      if (!this.#waiting.has(id)) return;
      this.#worker.postMessage({ abort: id });
      this.#take(id)?.reject(new DOMException("", "AbortError"));
    });
    /** @type {WorkerRequest} */
    const message = { id, url: request.url, method: request.method, headers: [...request.headers], body: bytes };
    this.#worker.postMessage(message, bytes ? [bytes] : []);
    return /** @type {Promise<Response>} */ (answer);
  }

  /** @param {WorkerMessage} message */
  #receive(message) {
    if (!("id" in message)) return;
    const waiting = this.#take(message.id);
    if ("failed" in message) waiting?.reject(new Error(message.failed));
    else waiting?.resolve(new Response(message.body, { status: message.status, headers: message.headers }));
  }

  /** @param {string} text */
  #fail(text) {
    const error = new Error(text || this.#t("message.engine-ended"));
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  /** @param {number} id */
  #take(id) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}

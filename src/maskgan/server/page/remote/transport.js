/**
 * Who answers the page's requests: the server that it came from, or, in an exported page, a worker of its own. The page
 * is the same; index.html says which.
 *
 * @typedef {import("./worker-transport.js").WorkerTransport} WorkerTransport
 */

import { t } from "../i18n/translate.js";

/** Whether no server answers: `maskgan export-web` wrote this page. */
export const isStandalone = readEngine() === "browser";

/** @type {Promise<WorkerTransport> | null} */
let worker = null;

/**
 * Start the worker of an exported page.
 *
 * @param {(loaded: number, total: number) => void} onProgress bytes of what is loaded for the first time
 */
export function startWorker(onProgress) {
  worker ??= import("./worker-transport.js").then(({ WorkerTransport }) => WorkerTransport.start(onProgress, t));
  return worker;
}

/**
 * As `fetch`.
 *
 * @param {string} path
 * @param {RequestInit} init
 * @returns {Promise<Response>}
 */
export async function send(path, init) {
  if (!isStandalone) return fetch(path, { credentials: "same-origin", ...init });
  return (await startWorker(() => {})).send(path, init);
}

/**
 * Address of a sample portrait.
 *
 * @param {number} number
 * @param {number} size longer side in pixels, at least; an exported page has one size
 */
export function portraitAddress(number, size) {
  return isStandalone ? `portraits/portrait-${number}.jpg` : `/api/portraits/${number}.jpg?size=${size}`;
}

function readEngine() {
  const meta = globalThis.document?.querySelector?.('meta[name="maskgan-engine"]');
  return meta?.getAttribute("content") ?? "server";
}

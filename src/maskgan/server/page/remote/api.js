/**
 * HTTP client of the server's API; an exported page answers itself (see `transport`).
 *
 * @typedef {object} FaceClass
 * @property {number} index
 * @property {string} name
 * @property {string} title
 * @property {[number, number, number]} colour
 * @property {number} mirror its counterpart in a mirrored image
 *
 * @typedef {object} ServerInfo response of `/api/info`
 * @property {string} version
 * @property {string} device
 * @property {{sha256: string, resolution: number, licence: string}} weights
 * @property {FaceClass[]} classes
 * @property {{number: number}[]} portraits
 * @property {{name: string, title: string}[]} directions
 * @property {boolean} style_parts whether the weights support style transfer of single parts
 * @property {boolean} refinement whether the network can be fine-tuned on a photograph
 * @property {{upload_bytes: number, project_bytes: number, pixels: number, side: number}} limits
 *
 * @typedef {object} NamedEdit
 * @property {string} name
 * @property {number} low least amount; 0 changes nothing
 * @property {number} high greatest amount
 * @property {string[]} choices words in place of amounts
 * @property {boolean} switch whether all amounts over 0 do the same
 * @property {number | string} one_click the amount that a click applies
 * @property {number[]} part classes that it moves, adds or takes away
 * @property {number[]} classes classes that it may change
 *
 * @typedef {{name: string, classes: number[]}} Look what can be coloured
 *
 * @typedef {{edits: NamedEdit[], looks: Look[]}} EditInfo response of `/api/edits`
 */

import { t } from "../i18n/translate.js";
import { isStandalone, send } from "./transport.js";

/** Retry delay if the server is unreachable. */
const RETRY_SECONDS = 2;

/** Emits "restored" when the server responds again after requests failed to reach it. */
export const connection = new EventTarget();
let isOffline = false;

export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status 0 if the server is unreachable
   * @param {number | null} [retryAfter] seconds until a retry may succeed
   */
  constructor(message, status, retryAfter = null) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<Response>} with an OK status
 * @throws {ApiError | DOMException} the server's error message; or an AbortError
 */
export async function request(path, init = {}) {
  let response;
  try {
    response = await send(path, init);
  } catch (error) {
    if (/** @type {Error} */ (error).name === "AbortError") throw error;
    if (isStandalone) throw new ApiError(/** @type {Error} */ (error).message, 500);
    if (!isOffline) void waitForServer();
    throw new ApiError(t("message.unreachable"), 0, RETRY_SECONDS);
  }
  if (response.ok) return response;
  const retryable = [429, 502, 503, 504].includes(response.status);
  const retryAfter = retryable ? Math.min(Math.max(Number(response.headers.get("Retry-After")) || 1, 0.2), 30) : null;
  throw new ApiError(await errorMessage(response), response.status, retryAfter);
}

/** Poll until the server responds. */
async function waitForServer() {
  isOffline = true;
  while (isOffline) {
    await new Promise((resolve) => setTimeout(resolve, 1000 * RETRY_SECONDS));
    isOffline = await fetch("/healthz").then(() => false, () => true);
  }
  connection.dispatchEvent(new Event("restored"));
}

/** @returns {Promise<ServerInfo & EditInfo>} */
export async function fetchInfo() {
  const [info, edits] = await Promise.all([request("/api/info"), request("/api/edits")]);
  return { ...(await info.json()), ...(await edits.json()) };
}

/** Whether a server of this machine, or a worker of the page, answers: packing takes longer than sending, then. */
const isNear = isStandalone || ["localhost", "127.0.0.1", "[::1]"].includes(globalThis.location?.hostname);
const packsBodies = !isNear && "CompressionStream" in globalThis;

/**
 * A label map as a request body, gzip-compressed for a server elsewhere.
 *
 * @param {Uint8Array} labels
 * @returns {Promise<RequestInit>}
 */
export async function labelBody(labels) {
  /** @type {Record<string, string>} */
  const headers = { "Content-Type": "application/octet-stream" };
  if (!packsBodies) return { method: "POST", headers, body: labels.slice() };
  headers["Content-Encoding"] = "gzip";
  return { method: "POST", headers, body: await gzipped(new Blob([labels])) };
}

/** @param {Blob} blob */
function gzipped(blob) {
  return new Response(blob.stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
}

/**
 * A multipart form as a request body, gzip-compressed for a server elsewhere: for forms with label maps.
 *
 * @param {Record<string, Blob | string>} parts
 * @returns {Promise<RequestInit>}
 */
export async function packedFormBody(parts) {
  const plain = formBody(parts);
  if (!packsBodies) return plain;
  const encoded = new Response(/** @type {FormData} */ (plain.body));
  const headers = { "Content-Type": encoded.headers.get("Content-Type") ?? "", "Content-Encoding": "gzip" };
  return { method: "POST", headers, body: await gzipped(await encoded.blob()) };
}

/**
 * A multipart form as a request body; null parts are omitted.
 *
 * @param {Record<string, Blob | string | null>} parts
 * @returns {RequestInit}
 */
export function formBody(parts) {
  const form = new FormData();
  for (const [name, part] of Object.entries(parts)) if (part !== null) form.append(name, part);
  return { method: "POST", body: form };
}

/**
 * @param {unknown} value
 * @returns {RequestInit}
 */
export function jsonBody(value) {
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) };
}

/** @param {Response} response */
async function errorMessage(response) {
  try {
    const { error } = await response.json();
    if (typeof error === "string" && error) return error;
  } catch {
    // Not JSON from our server: report the status instead.
  }
  return t("message.status", { status: `${response.status} ${response.statusText}`.trim() });
}

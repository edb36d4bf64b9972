/**
 * Speaking HTTP with the server: errors become `ApiError`, label maps go compressed.
 *
 * @typedef {object} FaceClass
 * @property {number} index
 * @property {string} name
 * @property {string} title
 * @property {[number, number, number]} colour
 * @property {number} mirror the class that it becomes in a mirrored picture
 *
 * @typedef {object} About what `/api/info` answers
 * @property {string} version
 * @property {string} device
 * @property {{sha256: string, resolution: number, licence: string}} weights
 * @property {FaceClass[]} classes
 * @property {{number: number}[]} portraits
 * @property {{name: string, title: string}[]} directions
 * @property {boolean} style_parts whether the look of single parts can be borrowed
 * @property {{upload_bytes: number, project_bytes: number, pixels: number, side: number}} limits
 */

/** Seconds until a request that met no server is tried again. */
const RECONNECT_AFTER = 2;

const NO_SERVER = "The server does not answer. Your work is kept here; start it again with “maskgan serve”.";

export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status 0 where no server answered
   * @param {number | null} [retryAfter] seconds after which trying again may help
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
 * @returns {Promise<Response>} of a request that went well
 * @throws {ApiError | DOMException} the server's own words; or an AbortError
 */
export async function request(path, init = {}) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...init });
  } catch (error) {
    if (/** @type {Error} */ (error).name === "AbortError") throw error;
    throw new ApiError(NO_SERVER, 0, RECONNECT_AFTER);
  }
  if (response.ok) return response;
  const passing = [429, 502, 503, 504].includes(response.status);
  const retryAfter = passing ? Math.min(Math.max(Number(response.headers.get("Retry-After")) || 1, 0.2), 30) : null;
  throw new ApiError(await reason(response), response.status, retryAfter);
}

/** @returns {Promise<About>} */
export async function about() {
  return (await request("/api/info")).json();
}

/**
 * A label map as a request's body.
 *
 * @param {Uint8Array} labels
 * @returns {Promise<RequestInit>}
 */
export async function labelBody(labels) {
  /** @type {Record<string, string>} */
  const headers = { "Content-Type": "application/octet-stream" };
  if (!("CompressionStream" in globalThis)) return { method: "POST", headers, body: labels.slice() };
  headers["Content-Encoding"] = "gzip";
  const stream = new Blob([labels]).stream().pipeThrough(new CompressionStream("gzip"));
  return { method: "POST", headers, body: await new Response(stream).arrayBuffer() };
}

/**
 * A form as a request's body; parts that are null are left out.
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
async function reason(response) {
  try {
    const { error } = await response.json();
    if (typeof error === "string" && error) return error;
  } catch {
    // The answer did not come from our server, or was cut off; its status says the rest.
  }
  return `The server answered ${response.status} ${response.statusText}.`;
}

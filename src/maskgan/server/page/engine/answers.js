/**
 * Bodies of requests, and answers.
 *
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("./arrays.js").Picture} Picture
 */

import { bitmapFile } from "./codecs.js";
import { qualityTables, writeJpeg } from "./files/jpeg.js";
import { jpegSegments, noMetadata } from "./files/metadata.js";
import { requiredFile } from "./uploads.js";

const THUMBNAIL_QUALITY = 85;

/** @param {Request} request */
export function isJson(request) {
  return (request.headers.get("Content-Type") ?? "").startsWith("application/json");
}

/**
 * @param {Request} request
 * @returns {Promise<Uint8Array>} unpacked
 */
export async function bodyBytes(request) {
  const isPacked = request.headers.get("Content-Encoding") === "gzip";
  const body = isPacked ? new Response(request.body?.pipeThrough(new DecompressionStream("gzip"))) : request;
  return new Uint8Array(await body.arrayBuffer());
}

/**
 * @param {Request} request
 * @returns {Promise<FormData>} unpacked
 */
export async function formOf(request) {
  if (request.headers.get("Content-Encoding") !== "gzip") return request.formData();
  const headers = { "Content-Type": request.headers.get("Content-Type") ?? "" };
  return new Response(await bodyBytes(request), { headers }).formData();
}

/**
 * @param {FormData} form
 * @param {string} name
 */
export async function partBytes(form, name) {
  return new Uint8Array(await requiredFile(form, name).arrayBuffer());
}

/**
 * @param {Blob} file
 * @param {Record<string, string>} [headers]
 */
export function fileAnswer(file, headers = {}) {
  return new Response(file, { headers: { "Content-Type": file.type, ...headers } });
}

/**
 * A picture to show.
 *
 * @param {Picture} picture
 * @param {Record<string, string>} [headers]
 */
export function bitmapAnswer(picture, headers = {}) {
  // No blob: browsers read those in another process.
  return new Response(bitmapFile(picture), { headers: { "Content-Type": "image/bmp", ...headers } });
}

/** @param {LabelMap} mask */
export function maskAnswer({ data }) {
  return new Response(new Uint8Array(data), { headers: { "Content-Type": "application/octet-stream" } });
}

/** @param {Picture} picture @returns {Blob} a small JPEG for the screen */
export function jpegFile(picture) {
  const coding = { tables: qualityTables(THUMBNAIL_QUALITY), subsampling: 0 };
  return new Blob([writeJpeg(picture, coding, jpegSegments(noMetadata(), ""))], { type: "image/jpeg" });
}

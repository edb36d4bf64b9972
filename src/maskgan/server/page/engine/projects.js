/**
 * Project files: all of an editing session in a zip of pictures and one JSON file; servers read and write the same.
 *
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("./arrays.js").Picture} Picture
 * @typedef {import("./files/edited-file.js").SourceImage} SourceImage
 * @typedef {import("./files/jpeg-segments.js").JpegCoding} JpegCoding
 * @typedef {import("./pipeline.js").StyleReference} StyleReference
 * @typedef {import("./uploads.js").Uploads} Uploads
 *
 * @typedef {object} Project
 * @property {SourceImage} source
 * @property {LabelMap} mask
 * @property {LabelMap} edited
 * @property {{picture: Picture, mask: LabelMap} | null} style
 * @property {unknown} editor what the page put there and wants back
 */

import { EngineError } from "./arrays.js";
import { textOf, utf8 } from "./files/bytes.js";
import { naturalTable, zigzagTable } from "./files/jpeg.js";
import { pngChunks } from "./files/metadata.js";
import { writeMask, writePicture } from "./files/png.js";
import { readZip, writeZip } from "./files/zip.js";

const FORMAT_VERSION = 1;
const SOURCE = "source.png";
const MASK = "mask.png";
const EDITED = "edited.png";
const STYLE = "style.png";
const STYLE_MASK = "style-mask.png";
const MANIFEST = "project.json";

/**
 * @param {SourceImage} source
 * @param {LabelMap} mask
 * @param {LabelMap} edited
 * @param {StyleReference | null} style
 * @param {string} editor JSON
 * @param {{version: string, palette: readonly (readonly number[])[]}} program
 * @returns {Promise<Blob>}
 */
export async function writeProject(source, mask, edited, style, editor, { version, palette }) {
  const { picture, metadata } = source;
  const jpeg = metadata.jpeg && { ...metadata.jpeg, tables: metadata.jpeg.tables.map(naturalTable) };
  // As the page wrote it: another spelling of its numbers could be longer than what is read again.
  const start = `{"format": ${FORMAT_VERSION}, "program": "maskgan ${version}", "jpeg": ${JSON.stringify(jpeg)}, "editor": `;
  const parts = [
    { name: MANIFEST, bytes: utf8(`${start}${editor}}`), deflate: true },
    { name: SOURCE, bytes: await writePicture(picture, await pngChunks(metadata, metadata.xmp)) },
    { name: MASK, bytes: await writeMask(mask, palette) },
    { name: EDITED, bytes: await writeMask(edited, palette) },
  ];
  if (style) {
    parts.push({ name: STYLE, bytes: await writePicture(style.picture) });
    parts.push({ name: STYLE_MASK, bytes: await writeMask(style.mask, palette) });
  }
  return writeZip(parts);
}

/**
 * @param {Uint8Array} bytes
 * @param {Uploads} uploads
 * @param {number} maxBytes of all parts, unpacked
 * @returns {Promise<Project>}
 * @throws {EngineError} the file is damaged, made by a newer version, or its parts do not fit together
 */
export async function readProject(bytes, uploads, maxBytes) {
  const parts = await readZip(bytes, maxBytes);
  const missing = [MANIFEST, SOURCE, MASK, EDITED].find((name) => !parts.has(name));
  if (missing) throw new EngineError(`The project lacks ${missing}; it is damaged, or no project of this editor.`);
  /** @param {string} name */
  const file = (name) => new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (parts.get(name))], { type: "image/png" });
  const manifest = parseManifest(textOf(/** @type {Uint8Array} */ (parts.get(MANIFEST))));
  const source = await uploads.source(file(SOURCE));
  const [mask, edited] = [await uploads.mask(file(MASK)), await uploads.mask(file(EDITED))];
  if (mask.width !== edited.width || mask.height !== edited.height) throw new EngineError("The project's masks have two sizes; it is damaged.");
  const hasStyle = parts.has(STYLE) && parts.has(STYLE_MASK);
  const style = hasStyle ? { picture: (await uploads.source(file(STYLE))).picture, mask: await uploads.mask(file(STYLE_MASK)) } : null;
  const metadata = { ...source.metadata, jpeg: parseCoding(manifest.jpeg) };
  return { source: { ...source, metadata }, mask, edited, style, editor: manifest.editor };
}

/** @param {string} text */
function parseManifest(text) {
  try {
    const manifest = JSON.parse(text);
    const { format, editor } = manifest;
    if (Number.isInteger(format) && format >= 1 && format <= FORMAT_VERSION && editor && typeof editor === "object") return manifest;
  } catch {
    // No JSON: as for another format.
  }
  throw new EngineError("The project has a format that this version does not read; update the editor.");
}

/**
 * @param {any} value
 * @returns {JpegCoding | null}
 */
function parseCoding(value) {
  const tables = value?.tables;
  const isTable = (/** @type {any} */ table) =>
    Array.isArray(table) && table.length === 64 && table.every((entry) => Number.isInteger(entry) && entry >= 1 && entry <= 0xffff);
  if (!Array.isArray(tables) || tables.length < 1 || tables.length > 4 || !tables.every(isTable)) return null;
  const subsampling = [0, 1, 2].includes(value.subsampling) ? value.subsampling : -1;
  return { tables: tables.map(zigzagTable), subsampling, progressive: Boolean(value.progressive) };
}

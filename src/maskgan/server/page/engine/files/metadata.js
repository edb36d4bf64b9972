/**
 * What a picture's file carries besides pixels, read from JPEG, PNG and WebP files and written into PNG and JPEG files.
 *
 * The engine works in sRGB, to which the browser converts: colour profiles are not carried.
 *
 * @typedef {import("./bytes.js").Bytes} Bytes
 * @typedef {import("./jpeg-segments.js").JpegCoding} JpegCoding
 * @typedef {import("./png.js").Chunk} Chunk
 *
 * @typedef {object} Metadata fields are empty where a file has nothing of the kind
 * @property {Uint8Array} exif TIFF structure without prefix, orientation 1
 * @property {Uint8Array} iptc IPTC-IIM records
 * @property {string} xmp XMP packet
 * @property {[number, number] | null} dpi
 * @property {Uint8Array} comment of a JPEG
 * @property {[string, string][]} text keywords and texts of a PNG
 * @property {JpegCoding | null} jpeg how a JPEG was compressed
 */

import { decompress, join, latin1Of, startsWith, textOf, uint16, uint32, utf8, viewOf, compress } from "./bytes.js";
import { EXIF_PREFIX, uprightExif } from "./exif.js";
import { APP0, APP1, APP13, COMMENT, MAX_SEGMENT, isJpeg, readCoding, readSegments, segment } from "./jpeg-segments.js";
import { isPng, readChunks } from "./png.js";

const XMP_PREFIX = "http://ns.adobe.com/xap/1.0/\0";
const PHOTOSHOP_PREFIX = "Photoshop 3.0\0";
const PNG_XMP = "XML:com.adobe.xmp";
const PNG_IPTC = "Raw profile type iptc";
const IPTC_BLOCK = 0x0404;
const METRES_PER_INCH = 0.0254;

/** @returns {Metadata} */
export function noMetadata() {
  const [exif, iptc, comment] = [new Uint8Array(), new Uint8Array(), new Uint8Array()];
  return { exif, iptc, xmp: "", dpi: null, comment, text: [], jpeg: null };
}

/**
 * @param {Uint8Array} bytes of a file
 * @returns {Promise<Metadata>} damaged pieces are left out
 */
export async function readMetadata(bytes) {
  if (isJpeg(bytes)) return jpegMetadata(bytes);
  if (isPng(bytes)) return pngMetadata(bytes);
  if (startsWith(bytes, "RIFF") && startsWith(bytes, "WEBP", 8)) return webpMetadata(bytes);
  return noMetadata();
}

/**
 * @param {Metadata} metadata
 * @param {string} xmp packet to carry
 * @returns {Promise<Chunk[]>}
 */
export async function pngChunks(metadata, xmp) {
  /** @type {Chunk[]} */
  const chunks = [];
  if (metadata.dpi) {
    const [x, y] = metadata.dpi.map((dots) => Math.round(dots / METRES_PER_INCH));
    chunks.push({ type: "pHYs", body: join(uint32(x), uint32(y), [1]) });
  }
  if (metadata.exif.length) chunks.push({ type: "eXIf", body: metadata.exif });
  if (xmp) chunks.push({ type: "iTXt", body: join(PNG_XMP, [0, 0, 0, 0, 0], xmp) });
  for (const [keyword, text] of metadata.text) chunks.push({ type: "iTXt", body: join(latin1(keyword), [0, 0, 0, 0, 0], text) });
  if (metadata.iptc.length) {
    const packed = await compress(utf8(rawProfile(photoshopBlock(metadata.iptc))));
    chunks.push({ type: "zTXt", body: join(PNG_IPTC, [0, 0], packed) });
  }
  return chunks;
}

/**
 * @param {Metadata} metadata what does not fit into a segment is left out
 * @param {string} xmp packet to carry
 * @returns {Bytes[]}
 */
export function jpegSegments(metadata, xmp) {
  const [unit, x, y] = metadata.dpi ? [1, ...metadata.dpi.map((dots) => Math.min(Math.round(dots), 0xffff))] : [0, 1, 1];
  const segments = [segment(APP0, "JFIF\0", [1, 1, unit], uint16(x), uint16(y), [0, 0])];
  const fits = (/** @type {Uint8Array} */ body) => body.length && body.length + PHOTOSHOP_PREFIX.length + 16 <= MAX_SEGMENT;
  if (fits(metadata.exif)) segments.push(segment(APP1, EXIF_PREFIX, metadata.exif));
  if (xmp) segments.push(segment(APP1, XMP_PREFIX, xmp));
  if (fits(metadata.iptc)) segments.push(segment(APP13, PHOTOSHOP_PREFIX, photoshopBlock(metadata.iptc)));
  if (fits(metadata.comment)) segments.push(segment(COMMENT, metadata.comment));
  return segments;
}

/**
 * A JPEG file with another XMP packet; everything else keeps its bytes.
 *
 * @param {Uint8Array} bytes
 * @param {string} xmp
 * @returns {Bytes}
 */
export function withXmp(bytes, xmp) {
  const packet = segment(APP1, XMP_PREFIX, xmp);
  /** @type {Uint8Array[]} */
  const parts = [bytes.subarray(0, 2)];
  let isPlaced = false;
  let end = 2;
  for (const { marker, body, start, end: next } of readSegments(bytes)) {
    const isHeader = marker === APP0 || startsWith(body, EXIF_PREFIX);
    if (!isPlaced && !isHeader) {
      parts.push(packet);
      isPlaced = true;
    }
    if (!(marker >= 0xe0 && marker <= 0xef) && marker !== COMMENT) break;
    if (!startsWith(body, XMP_PREFIX)) parts.push(bytes.subarray(start, next));
    end = next;
  }
  return join(...parts, ...(isPlaced ? [] : [packet]), bytes.subarray(end));
}

/** @param {Uint8Array} bytes */
function jpegMetadata(bytes) {
  const metadata = noMetadata();
  const segments = readSegments(bytes);
  metadata.jpeg = readCoding(segments);
  for (const { marker, body } of segments) {
    if (marker === APP0 && startsWith(body, "JFIF\0") && body.length >= 12) metadata.dpi = jfifDensity(body);
    else if (marker === APP1 && startsWith(body, EXIF_PREFIX)) metadata.exif = uprightExif(body);
    else if (marker === APP1 && startsWith(body, XMP_PREFIX)) metadata.xmp = textOf(body.subarray(XMP_PREFIX.length));
    else if (marker === APP13 && startsWith(body, PHOTOSHOP_PREFIX)) metadata.iptc = iptcOf(body.subarray(PHOTOSHOP_PREFIX.length));
    else if (marker === COMMENT) metadata.comment = Uint8Array.from(body);
  }
  return metadata;
}

/** @param {Uint8Array} bytes */
async function pngMetadata(bytes) {
  const metadata = noMetadata();
  for (const { type, body } of readChunks(bytes)) {
    if (type === "eXIf") metadata.exif = uprightExif(body);
    else if (type === "pHYs" && body.length >= 9 && body[8] === 1) metadata.dpi = metricDensity(body);
    else if (["tEXt", "zTXt", "iTXt"].includes(type)) await addText(metadata, type, body).catch(() => {});
  }
  return metadata;
}

/**
 * @param {Metadata} metadata changed in place
 * @param {string} type of the chunk
 * @param {Uint8Array} body
 */
async function addText(metadata, type, body) {
  const end = body.indexOf(0);
  if (end < 1) return;
  const keyword = latin1Of(body.subarray(0, end));
  let text = "";
  if (type === "tEXt") text = latin1Of(body.subarray(end + 1));
  else if (type === "zTXt") text = latin1Of(await decompress(body.subarray(end + 2)));
  else {
    const language = body.indexOf(0, end + 3);
    const packed = body.subarray(body.indexOf(0, language + 1) + 1);
    text = textOf(body[end + 1] ? await decompress(packed) : packed);
  }
  if (keyword === PNG_XMP) metadata.xmp = text;
  else if (keyword === PNG_IPTC) metadata.iptc = iptcOf(fromHex(text));
  else if (!keyword.toLowerCase().startsWith("raw profile type")) metadata.text.push([keyword, text]);
}

/** @param {Uint8Array} bytes */
function webpMetadata(bytes) {
  const metadata = noMetadata();
  const view = viewOf(bytes);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true);
    const body = bytes.subarray(at + 8, at + 8 + size);
    if (startsWith(bytes, "EXIF", at)) metadata.exif = uprightExif(body);
    else if (startsWith(bytes, "XMP ", at)) metadata.xmp = textOf(body);
    at += 8 + size + (size & 1);
  }
  return metadata;
}

/** @param {Uint8Array} body */
function jfifDensity(body) {
  const view = viewOf(body);
  const unit = { 1: 1, 2: 100 * METRES_PER_INCH }[body[7]];
  return unit ? density(view.getUint16(8) * unit, view.getUint16(10) * unit) : null;
}

/** @param {Uint8Array} body */
function metricDensity(body) {
  const view = viewOf(body);
  return density(view.getUint32(0) * METRES_PER_INCH, view.getUint32(4) * METRES_PER_INCH);
}

/**
 * @param {number} x
 * @param {number} y
 * @returns {[number, number] | null}
 */
function density(x, y) {
  return x > 0 && y > 0 && x < 1e6 && y < 1e6 ? [x, y] : null;
}

/**
 * IPTC records within Photoshop's image resources, or those alone.
 *
 * @param {Uint8Array} block
 */
function iptcOf(block) {
  const view = viewOf(block);
  for (let at = 0; at + 12 <= block.length; at++) {
    if (!startsWith(block, "8BIM", at) || view.getUint16(at + 4) !== IPTC_BLOCK) continue;
    // A padded Pascal string, then the size.
    const name = (block[at + 6] + 2) & ~1;
    const start = at + 6 + name + 4;
    return start <= block.length ? Uint8Array.from(block.subarray(start, start + view.getUint32(start - 4))) : new Uint8Array();
  }
  return startsWith(block, "8BIM") ? new Uint8Array() : Uint8Array.from(block);
}

/** @param {Uint8Array} iptc */
function photoshopBlock(iptc) {
  return join("8BIM", uint16(IPTC_BLOCK), [0, 0], uint32(iptc.length), iptc, iptc.length % 2 ? [0] : []);
}

/**
 * Records as the text that ImageMagick and ExifTool read.
 *
 * @param {Uint8Array} block
 */
function rawProfile(block) {
  const digits = Array.from(block, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `\niptc\n${String(block.length).padStart(8)}\n${(digits.match(/.{1,72}/g) ?? []).join("\n")}\n`;
}

/** @param {string} text a raw profile */
function fromHex(text) {
  const digits = /^\s*iptc\s+\d+\s+([0-9a-fA-F\s]*)$/.exec(text)?.[1].replace(/\s/g, "") ?? "";
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** @param {string} text */
function latin1(text) {
  return Array.from(text, (letter) => letter.charCodeAt(0) & 255);
}

/**
 * Files of edited photographs, marked as such, with the photograph's metadata and, as JPEG, its quality.
 *
 * @typedef {import("../arrays.js").Picture} Picture
 * @typedef {import("./metadata.js").Metadata} Metadata
 *
 * @typedef {object} SourceImage a photograph with what its file carries
 * @property {Picture} picture
 * @property {Metadata} metadata
 * @property {Uint8Array | null} jpeg the whole file, if it is a JPEG that shows just this picture
 */

import { equalArrays } from "../arrays.js";
import { qualityTables, writeJpeg } from "./jpeg.js";
import { jpegSegments, pngChunks, withXmp } from "./metadata.js";
import { writePicture } from "./png.js";
import { markedPacket } from "./provenance.js";

const QUALITY = 95;

/**
 * The file of an edited picture, marked.
 *
 * @param {Picture} picture
 * @param {"png" | "jpeg"} format a JPEG has the photograph's quality, or 95 without subsampling; it is the photograph's own
 *   file, but for the mark, where nothing was edited
 * @param {SourceImage} source what was edited
 * @param {string} version of the program
 * @returns {Promise<Blob>}
 */
export async function encodeEdited(picture, format, source, version) {
  const { metadata, jpeg } = source;
  const xmp = markedPacket(metadata.xmp, version);
  if (format === "png") return new Blob([await writePicture(picture, await pngChunks(metadata, xmp))], { type: "image/png" });
  const isUnedited = jpeg !== null && equalArrays(picture.data, source.picture.data);
  return new Blob([isUnedited ? withXmp(jpeg, xmp) : encodeJpeg(picture, metadata, xmp)], { type: "image/jpeg" });
}

/**
 * @param {Picture} picture
 * @param {Metadata} metadata
 * @param {string} xmp
 */
function encodeJpeg(picture, metadata, xmp) {
  const { jpeg } = metadata;
  const isKnown = jpeg !== null && jpeg.subsampling >= 0;
  const coding = isKnown ? jpeg : { tables: jpeg?.tables ?? qualityTables(QUALITY), subsampling: 0 };
  return writeJpeg(picture, coding, jpegSegments(metadata, xmp));
}

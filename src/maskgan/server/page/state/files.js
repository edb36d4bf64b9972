/**
 * Classification of opened, dropped or pasted files.
 *
 * @typedef {{picture: File, mask: File | null} | {project: File} | {recipe: File}} OpenedFiles
 */

import { t } from "../i18n/translate.js";

const PICTURE_SUFFIX = /\.(png|jpe?g|webp|bmp|gif|tiff?|avif|hei[cf])$/i;
const MASK_NAME = /mask|label|seg|parsing/i;

/**
 * @param {readonly File[]} files
 * @returns {Promise<OpenedFiles>}
 * @throws {Error} the files are no supported combination
 */
export async function classifyFiles(files) {
  const project = files.find((file) => /\.maskgan$/i.test(file.name));
  if (project && files.length === 1) return { project };
  if (files.length === 1 && /\.json$/i.test(files[0].name)) return { recipe: files[0] };
  if (files.length === 1 && isPicture(files[0])) return { picture: files[0], mask: null };
  if (files.length === 2 && files.every(isPicture)) {
    const second = await isMask(files[1], files[0]);
    return { picture: files[second ? 0 : 1], mask: files[second ? 1 : 0] };
  }
  throw new Error(t("open.unsupported"));
}

/** @param {File} file */
function isPicture(file) {
  return file.type.startsWith("image/") || PICTURE_SUFFIX.test(file.name);
}

/**
 * Whether the first of two images is the mask: masks are indexed PNGs, or named as masks.
 *
 * @param {File} file
 * @param {File} other
 */
async function isMask(file, other) {
  const [indexed, otherIndexed] = await Promise.all([isIndexedPng(file), isIndexedPng(other)]);
  if (indexed !== otherIndexed) return indexed;
  const [named, otherNamed] = [MASK_NAME.test(file.name), MASK_NAME.test(other.name)];
  if (named !== otherNamed) return named;
  const [png, otherPng] = [/\.png$/i.test(file.name), /\.png$/i.test(other.name)];
  return png === otherPng ? file.size < other.size : png;
}

/**
 * Whether a file is a palette or greyscale PNG.
 *
 * @param {Blob} file
 */
async function isIndexedPng(file) {
  const head = new Uint8Array(await file.slice(0, 26).arrayBuffer());
  const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  if (head.length < 26 || !signature.every((byte, i) => head[i] === byte)) return false;
  const colourType = head[25];
  return colourType === 0 || colourType === 3;
}

/**
 * A file name without its extension, as a base for the names of saved files.
 *
 * @param {string} name
 */
export function stem(name) {
  return name.replace(/\.[^.]*$/, "").replace(/[^\p{L}\p{N} _-]+/gu, "-") || t("open.untitled");
}

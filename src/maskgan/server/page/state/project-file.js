/**
 * The editor's part of a project file: history, settings, style references, view.
 *
 * @typedef {import("./document.js").FaceDocument} FaceDocument
 * @typedef {import("./settings.js").Settings} Settings
 * @typedef {import("./settings.js").Style} Style
 * @typedef {import("./history.js").HistoryJSON} HistoryJSON
 *
 * @typedef {{picture: Blob, mask: Blob | null, order?: string}} StylePicture order of the mask's labels, where it is not
 *   CelebAMask-HQ's
 *
 * @typedef {object} Appearance view settings; not part of the history
 * @property {number[]} hidden hidden classes
 * @property {number} opacity of the mask, 0..1
 *
 * @typedef {object} EditorJSON
 * @property {1} version
 * @property {string} title
 * @property {Settings} settings
 * @property {HistoryJSON} history
 * @property {Record<string, {picture: string, mask: string | null, type: string, order?: string}>} styles bytes as base64
 * @property {Appearance} appearance
 */

import { NUM_CLASSES } from "../mask/label-map.js";
import { fromBase64, toBase64 } from "./base64.js";
import { History } from "./history.js";
import { parseSettings } from "./settings.js";

/** The server accepts 8 MB, shared by style references and history. */
const MAX_STYLES = 3_000_000;
const MAX_HISTORY = 4_500_000;

/**
 * @param {FaceDocument} document
 * @param {string} title
 * @param {Map<string, StylePicture>} styles
 * @param {Appearance} appearance
 * @returns {Promise<EditorJSON>}
 */
export async function serializeEditor(document, title, styles, appearance) {
  const history = document.history.toJSON(MAX_HISTORY);
  const serialized = await serializeStyles(referencedStyles(document.settings, history), styles);
  return { version: 1, title, settings: document.settings, history, styles: serialized, appearance };
}

/**
 * @param {unknown} value the editor's JSON in a project file
 * @param {Uint8Array} edited the project's edited mask
 * @returns {{title: string, settings: Settings, history: History, styles: Map<string, StylePicture>,
 *   appearance: Appearance}}
 * @throws {Error} unknown version or malformed
 */
export function parseEditor(value, edited) {
  const json = /** @type {EditorJSON} */ (value);
  if (json?.version !== 1) throw new TypeError("the project has another format version");
  /** @type {Map<string, StylePicture>} */
  const styles = new Map();
  for (const [key, { picture, mask, type, order }] of Object.entries(json.styles)) {
    styles.set(key, {
      picture: new Blob([fromBase64(picture)], { type }),
      mask: mask === null ? null : new Blob([fromBase64(mask)], { type: "image/png" }),
      ...(typeof order === "string" && { order }),
    });
  }
  const { hidden, opacity } = json.appearance;
  const history = History.fromJSON(json.history, edited);
  return {
    title: String(json.title).slice(0, 120),
    settings: history.dropBakedEdits(parseSettings(json.settings)),
    history,
    styles,
    appearance: {
      hidden: hidden.filter((label) => Number.isInteger(label) && label >= 0 && label < NUM_CLASSES),
      opacity: Math.min(Math.max(Number(opacity) || 0, 0), 1),
    },
  };
}

/**
 * @param {Settings} settings
 * @param {HistoryJSON} history
 * @returns {string[]} keys of the style references in use, the current one first
 */
function referencedStyles(settings, history) {
  const steps = history.entries.toReversed().flatMap(({ settings: step }) => [step?.after.style, step?.before.style]);
  const keys = [settings.style, ...steps].flatMap((style) => (style?.kind === "picture" ? [style.key] : []));
  return [...new Set(keys)];
}

/**
 * @param {string[]} keys
 * @param {Map<string, StylePicture>} styles
 */
async function serializeStyles(keys, styles) {
  /** @type {EditorJSON["styles"]} */
  const serialized = {};
  let characters = 0;
  for (const key of keys) {
    const style = styles.get(key);
    if (!style) continue;
    const picture = await blobToBase64(style.picture);
    const mask = style.mask && (await blobToBase64(style.mask));
    characters += picture.length + (mask?.length ?? 0);
    if (characters > MAX_STYLES) break;
    serialized[key] = { picture, mask, type: style.picture.type, ...(style.order && { order: style.order }) };
  }
  return serialized;
}

/** @param {Blob} blob */
async function blobToBase64(blob) {
  return toBase64(new Uint8Array(await blob.arrayBuffer()));
}

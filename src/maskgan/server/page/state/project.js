/**
 * What the page keeps in a project file beside pictures and masks: history, settings, style pictures, view.
 *
 * @typedef {import("./document.js").FaceDocument} FaceDocument
 * @typedef {import("./settings.js").Settings} Settings
 * @typedef {import("./settings.js").Style} Style
 * @typedef {import("./history.js").HistoryJSON} HistoryJSON
 *
 * @typedef {{picture: Blob, mask: Blob | null}} StylePicture
 *
 * @typedef {object} Appearance how the person looked at the face; not part of history
 * @property {number[]} hidden classes that are not shown
 * @property {number} opacity of the mask, 0..1
 *
 * @typedef {object} EditorJSON
 * @property {1} version
 * @property {string} title
 * @property {Settings} settings
 * @property {HistoryJSON} history
 * @property {Record<string, {picture: string, mask: string | null, type: string}>} styles bytes as base 64
 * @property {Appearance} appearance
 */

import { NUM_CLASSES } from "../mask/label-map.js";
import { fromBase64, toBase64 } from "./base64.js";
import { History } from "./history.js";
import { readSettings } from "./settings.js";

/** The server takes 8 MB; style pictures and history share them. */
const MAX_STYLES = 3_000_000;
const MAX_HISTORY = 4_500_000;

/**
 * @param {FaceDocument} document
 * @param {string} title
 * @param {Map<string, StylePicture>} styles
 * @param {Appearance} appearance
 * @returns {Promise<EditorJSON>}
 */
export async function writeEditor(document, title, styles, appearance) {
  const history = document.history.toJSON(MAX_HISTORY);
  const written = await writeStyles(neededStyles(document.settings, history), styles);
  return { version: 1, title, settings: document.settings, history, styles: written, appearance };
}

/**
 * @param {unknown} value what a project file holds
 * @param {Uint8Array} edited its edited labels
 * @returns {{title: string, settings: Settings, history: History, styles: Map<string, StylePicture>,
 *   appearance: Appearance}}
 * @throws {Error} it is of another version or damaged
 */
export function readEditor(value, edited) {
  const json = /** @type {EditorJSON} */ (value);
  if (json?.version !== 1) throw new TypeError("the project's history is of another version");
  /** @type {Map<string, StylePicture>} */
  const styles = new Map();
  for (const [key, { picture, mask, type }] of Object.entries(json.styles)) {
    styles.set(key, {
      picture: new Blob([fromBase64(picture)], { type }),
      mask: mask === null ? null : new Blob([fromBase64(mask)], { type: "image/png" }),
    });
  }
  const { hidden, opacity } = json.appearance;
  return {
    title: String(json.title).slice(0, 120),
    settings: readSettings(json.settings),
    history: History.fromJSON(json.history, edited),
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
 * @returns {string[]} keys of the style pictures that can be seen again, the present one first
 */
function neededStyles(settings, history) {
  const steps = history.entries.toReversed().flatMap(({ settings: step }) => [step?.after.style, step?.before.style]);
  const keys = [settings.style, ...steps].flatMap((style) => (style?.kind === "picture" ? [style.key] : []));
  return [...new Set(keys)];
}

/**
 * @param {string[]} keys
 * @param {Map<string, StylePicture>} styles
 */
async function writeStyles(keys, styles) {
  /** @type {EditorJSON["styles"]} */
  const written = {};
  let characters = 0;
  for (const key of keys) {
    const style = styles.get(key);
    if (!style) continue;
    const picture = await blobToBase64(style.picture);
    const mask = style.mask && (await blobToBase64(style.mask));
    characters += picture.length + (mask?.length ?? 0);
    if (characters > MAX_STYLES) break;
    written[key] = { picture, mask, type: style.picture.type };
  }
  return written;
}

/** @param {Blob} blob */
async function blobToBase64(blob) {
  return toBase64(new Uint8Array(await blob.arrayBuffer()));
}

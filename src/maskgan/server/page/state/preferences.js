/**
 * User preferences, stored in the browser; not part of a project.
 *
 * @typedef {object} PreferenceValues
 * @property {string} tool
 * @property {number} label class to paint
 * @property {number} brushSize diameter in mask pixels
 * @property {number} bendRadius radius of a bend in mask pixels
 * @property {boolean} groupParts select lips with the mouth, facial features with the skin
 * @property {boolean} allRegions select all connected regions of a class
 * @property {boolean} symmetric whether painting is mirrored
 * @property {boolean} followEdges whether the brush stops at edges of the photograph
 * @property {number} stabiliser length of the string between pointer and brush, screen pixels
 * @property {boolean} penPressure whether a pen's pressure sets the width of its strokes
 * @property {number} opacity of the mask over the picture, 0..1
 * @property {number[]} hidden hidden classes
 * @property {boolean} maskShown
 * @property {"auto" | "photo" | "result"} underlay image under the mask; auto: the photo beside the result, else the result
 * @property {"auto" | "mask" | "result" | "both"} panes
 * @property {string} tab the panel shown
 * @property {boolean} compare whether the result pane shows before and after
 * @property {number} split position of the divider, 0..1 of the pane's width
 * @property {"system" | "light" | "dark"} theme
 * @property {string} language of the page, such as "de"; auto: the browser's
 */

import { NUM_CLASSES } from "../mask/label-map.js";

/** @type {PreferenceValues} */
export const DEFAULTS = {
  tool: "brush",
  label: 13,
  brushSize: 20,
  bendRadius: 60,
  groupParts: true,
  allRegions: false,
  symmetric: false,
  followEdges: false,
  stabiliser: 0,
  penPressure: true,
  opacity: 0.45,
  hidden: [],
  maskShown: true,
  underlay: "auto",
  panes: "auto",
  tab: "edits",
  compare: false,
  split: 0.5,
  theme: "system",
  language: "auto",
};

/** Not persisted. */
const TRANSIENT = ["symmetric", "compare", "split", "hidden", "maskShown"];

export const MIN_BRUSH = 1;
export const MAX_BRUSH = 160;
export const MIN_REACH = 10;
export const MAX_REACH = 200;
export const MAX_STABILISER = 60;

/** @type {Partial<Record<keyof PreferenceValues, [number, number]>>} */
const BOUNDS = {
  label: [0, NUM_CLASSES - 1],
  brushSize: [MIN_BRUSH, MAX_BRUSH],
  bendRadius: [MIN_REACH, MAX_REACH],
  opacity: [0, 1],
  stabiliser: [0, MAX_STABILISER],
};

export class Preferences {
  /** @type {PreferenceValues} */
  #values;
  /** @type {((changed: Partial<PreferenceValues>) => void)[]} */
  #listeners = [];
  #storage;

  /** @param {{getItem(key: string): string | null, setItem(key: string, value: string): void}} storage */
  constructor(storage) {
    this.#storage = storage;
    this.#values = { ...DEFAULTS, ...load(storage) };
  }

  /** @returns {Readonly<PreferenceValues>} */
  get values() {
    return this.#values;
  }

  /** @param {Partial<PreferenceValues>} changed */
  set(changed) {
    this.#values = { ...this.#values, ...changed };
    const entries = Object.entries(this.#values).filter(([key]) => !TRANSIENT.includes(key));
    try {
      this.#storage.setItem(KEY, JSON.stringify(Object.fromEntries(entries)));
    } catch {
      // Storage is unavailable: preferences last for this session.
    }
    for (const listener of this.#listeners) listener(changed);
  }

  /** @param {(changed: Partial<PreferenceValues>) => void} listener */
  onChange(listener) {
    this.#listeners.push(listener);
  }
}

const KEY = "maskgan-preferences";

/**
 * @param {{getItem(key: string): string | null}} storage
 * @returns {Partial<PreferenceValues>} the valid ones
 */
function load(storage) {
  try {
    const stored = Object(JSON.parse(storage.getItem(KEY) ?? "{}"));
    const keys = /** @type {(keyof PreferenceValues)[]} */ (Object.keys(DEFAULTS));
    return Object.fromEntries(keys.filter((key) => isValid(key, stored[key])).map((key) => [key, stored[key]]));
  } catch {
    return {};
  }
}

/**
 * @param {keyof PreferenceValues} key
 * @param {unknown} value
 */
function isValid(key, value) {
  if (TRANSIENT.includes(key) || typeof value !== typeof DEFAULTS[key]) return false;
  const [least, most] = BOUNDS[key] ?? [-Infinity, Infinity];
  if (typeof value !== "number") return true;
  return value >= least && value <= most && (key === "opacity" || Number.isInteger(value));
}

/**
 * Whether a panel is for choosing, and not for tools: beside it, a press on the face paints nothing.
 *
 * @param {string} tab
 */
export function hidesTools(tab) {
  return tab === "edits" || tab === "colours";
}

/**
 * The next larger or smaller brush size, in steps of about 20 %.
 *
 * @param {number} size
 * @param {1 | -1} direction
 */
export function nextBrushSize(size, direction) {
  const step = Math.max(Math.round(size * 0.2), 1);
  return Math.min(Math.max(size + direction * step, MIN_BRUSH), MAX_BRUSH);
}

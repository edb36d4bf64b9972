/**
 * How a person likes to work: kept in the browser, never part of a project's history.
 *
 * @typedef {object} PreferenceValues
 * @property {string} tool
 * @property {number} label the class that brushes paint
 * @property {number} brushSize diameter in mask pixels
 * @property {number} bendRadius reach of a pull in mask pixels
 * @property {boolean} together lips with the mouth, features with the skin
 * @property {boolean} everywhere all pieces of a class at once
 * @property {number} opacity of the mask over the picture, 0..1
 * @property {number[]} hidden classes that are not shown
 * @property {boolean} maskShown
 * @property {"photo" | "result"} under what lies under the mask
 * @property {boolean} compare whether the result is split into before and after
 * @property {number} split where, 0..1 of the pane
 * @property {"system" | "light" | "dark"} theme
 */

import { NUM_CLASSES } from "../mask/label-map.js";

/** @type {PreferenceValues} */
export const DEFAULTS = {
  tool: "brush",
  label: 13,
  brushSize: 20,
  bendRadius: 60,
  together: true,
  everywhere: false,
  opacity: 0.45,
  hidden: [],
  maskShown: true,
  under: "photo",
  compare: false,
  split: 0.5,
  theme: "system",
};

/** Preferences of the moment rather than of the person. */
const FORGOTTEN = ["compare", "split", "hidden", "maskShown"];

export const MIN_BRUSH = 1;
export const MAX_BRUSH = 160;
export const MIN_REACH = 10;
export const MAX_REACH = 200;

/** @type {Partial<Record<keyof PreferenceValues, [number, number]>>} */
const BOUNDS = {
  label: [0, NUM_CLASSES - 1],
  brushSize: [MIN_BRUSH, MAX_BRUSH],
  bendRadius: [MIN_REACH, MAX_REACH],
  opacity: [0, 1],
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
    this.#values = { ...DEFAULTS, ...read(storage) };
  }

  /** @returns {Readonly<PreferenceValues>} */
  get values() {
    return this.#values;
  }

  /** @param {Partial<PreferenceValues>} changed */
  set(changed) {
    this.#values = { ...this.#values, ...changed };
    const kept = Object.entries(this.#values).filter(([key]) => !FORGOTTEN.includes(key));
    try {
      this.#storage.setItem(KEY, JSON.stringify(Object.fromEntries(kept)));
    } catch {
      // A browser without storage forgets preferences; that is no reason to trouble anyone.
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
 * @returns {Partial<PreferenceValues>} those that are sound
 */
function read(storage) {
  try {
    const stored = Object(JSON.parse(storage.getItem(KEY) ?? "{}"));
    const keys = /** @type {(keyof PreferenceValues)[]} */ (Object.keys(DEFAULTS));
    return Object.fromEntries(keys.filter((key) => isSound(key, stored[key])).map((key) => [key, stored[key]]));
  } catch {
    return {};
  }
}

/**
 * @param {keyof PreferenceValues} key
 * @param {unknown} value
 */
function isSound(key, value) {
  if (FORGOTTEN.includes(key) || typeof value !== typeof DEFAULTS[key]) return false;
  const [least, most] = BOUNDS[key] ?? [-Infinity, Infinity];
  if (typeof value !== "number") return true;
  return value >= least && value <= most && (key === "opacity" || Number.isInteger(value));
}

/**
 * The next brush size, up or down, by about a fifth.
 *
 * @param {number} size
 * @param {1 | -1} direction
 */
export function nextBrushSize(size, direction) {
  const step = Math.max(Math.round(size * 0.2), 1);
  return Math.min(Math.max(size + direction * step, MIN_BRUSH), MAX_BRUSH);
}

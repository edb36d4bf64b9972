/**
 * What belongs to an edit beside its mask. All of it can be undone.
 *
 * @typedef {{kind: "portrait", number: number} | {kind: "picture", key: string} | {kind: "project"}} Style
 *   a shipped portrait; a picture that was opened, whose bytes are kept under the key; the reference of an opened
 *   project
 *
 * @typedef {object} Settings
 * @property {Style | null} style null is the face's own
 * @property {number} strength how much of the style is mixed in, 0..1
 * @property {number[] | null} styleParts classes whose look alone is borrowed, ascending; null: the look of everything
 * @property {number[]} locks the locked classes, ascending
 * @property {"region" | "full"} blend into the original, or the network's picture alone
 * @property {boolean} refined whether the network is to be fitted to the photograph, which the server takes its time for
 */

import { NUM_CLASSES } from "../mask/label-map.js";

/** @returns {Settings} */
export function defaultSettings() {
  return { style: null, strength: 1, styleParts: null, locks: [], blend: "region", refined: false };
}

/**
 * @param {Settings} before
 * @param {Settings} after
 * @returns {{before: Partial<Settings>, after: Partial<Settings>} | null} what differs; null where nothing does
 */
export function settingsDifference(before, after) {
  const changed = /** @type {(keyof Settings)[]} */ (Object.keys(after)).filter(
    (key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]),
  );
  if (!changed.length) return null;
  /** @param {Settings} settings */
  const only = (settings) => Object.fromEntries(changed.map((key) => [key, settings[key]]));
  return { before: only(before), after: only(after) };
}

/**
 * Whether changed settings may change the result: locks only say what may be painted.
 *
 * @param {Partial<Settings>} changed
 */
export function alterResult(changed) {
  return Object.keys(changed).some((key) => key !== "locks");
}

/**
 * Settings from a file, checked; what is missing or wrong has its default.
 *
 * @param {unknown} value
 * @returns {Settings}
 */
export function readSettings(value) {
  return { ...defaultSettings(), ...readSomeSettings(value) };
}

/**
 * Those settings of an unknown value that are sound.
 *
 * @param {unknown} value
 * @returns {Partial<Settings>}
 */
export function readSomeSettings(value) {
  const given = /** @type {Record<string, unknown>} */ (typeof value === "object" && value ? value : {});
  /** @type {Partial<Settings>} */
  const sound = {};
  if (given.style === null) sound.style = null;
  const style = readStyle(given.style);
  if (style) sound.style = style;
  if (typeof given.strength === "number" && given.strength >= 0 && given.strength <= 1) sound.strength = given.strength;
  if (given.styleParts === null) sound.styleParts = null;
  const parts = readClasses(given.styleParts);
  if (parts?.length) sound.styleParts = parts;
  if (given.blend === "region" || given.blend === "full") sound.blend = given.blend;
  if (typeof given.refined === "boolean") sound.refined = given.refined;
  const locks = readClasses(given.locks);
  if (locks) sound.locks = locks;
  return sound;
}

/**
 * @param {unknown} value
 * @returns {number[] | null} the classes in it, each once and ascending; null where it is no list
 */
function readClasses(value) {
  if (!Array.isArray(value)) return null;
  return [...new Set(value)].filter(isClass).sort((a, b) => a - b);
}

/** @param {unknown} value */
function isClass(value) {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) < NUM_CLASSES;
}

/**
 * @param {unknown} value
 * @returns {Style | null}
 */
function readStyle(value) {
  const given = /** @type {Record<string, unknown>} */ (typeof value === "object" && value ? value : {});
  if (given.kind === "portrait" && Number.isInteger(given.number)) {
    return { kind: "portrait", number: Number(given.number) };
  }
  if (given.kind === "picture" && typeof given.key === "string") return { kind: "picture", key: given.key };
  return given.kind === "project" ? { kind: "project" } : null;
}

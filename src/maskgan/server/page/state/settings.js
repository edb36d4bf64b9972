/**
 * Edit settings besides the mask; all are part of the undo history.
 *
 * @typedef {{kind: "portrait", number: number} | {kind: "picture", key: string} | {kind: "project"}} Style
 *   a sample portrait; an opened picture, stored under the key; the style reference of an opened project
 *
 * @typedef {import("./named-edits.js").AppliedEdit} AppliedEdit
 *
 * @typedef {object} Settings
 * @property {Style | null} style null: the face's own style
 * @property {number} strength weight of the style, 0..1
 * @property {number[] | null} styleParts classes that take the style, ascending; null: all
 * @property {number[]} locks locked classes, ascending
 * @property {"region" | "full"} blend blend into the photograph, or show the generated picture unchanged
 * @property {boolean} refined whether to use a network fine-tuned on the photograph
 * @property {AppliedEdit[]} edits named edits in force, in their order
 *
 * @typedef {Settings & {lock?: boolean}} RenderSettings `lock`: pixels of classes that no named edit changes stay the
 *   photograph's
 */

import { NUM_CLASSES } from "../mask/label-map.js";
import { parseEdits } from "./named-edits.js";

/** @returns {Settings} */
export function defaultSettings() {
  return { style: null, strength: 1, styleParts: null, locks: [], blend: "region", refined: false, edits: [] };
}

/**
 * @param {Settings} before
 * @param {Settings} after
 * @returns {{before: Partial<Settings>, after: Partial<Settings>} | null} changed settings; null if equal
 */
export function diffSettings(before, after) {
  const changed = /** @type {(keyof Settings)[]} */ (Object.keys(after)).filter(
    (key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]),
  );
  if (!changed.length) return null;
  /** @param {Settings} settings */
  const only = (settings) => Object.fromEntries(changed.map((key) => [key, settings[key]]));
  return { before: only(before), after: only(after) };
}

/**
 * Whether a change affects the rendered result; locks only restrict painting.
 *
 * @param {Partial<Settings>} changed
 */
export function affectsResult(changed) {
  return Object.keys(changed).some((key) => key !== "locks");
}

/**
 * Validate settings from a file; missing or invalid values get their defaults.
 *
 * @param {unknown} value
 * @returns {Settings}
 */
export function parseSettings(value) {
  return { ...defaultSettings(), ...parsePartialSettings(value) };
}

/**
 * The valid settings in an untrusted value.
 *
 * @param {unknown} value
 * @returns {Partial<Settings>}
 */
export function parsePartialSettings(value) {
  const input = /** @type {Record<string, unknown>} */ (typeof value === "object" && value ? value : {});
  /** @type {Partial<Settings>} */
  const valid = {};
  if (input.style === null) valid.style = null;
  const style = parseStyle(input.style);
  if (style) valid.style = style;
  if (typeof input.strength === "number" && input.strength >= 0 && input.strength <= 1) valid.strength = input.strength;
  if (input.styleParts === null) valid.styleParts = null;
  const parts = parseClasses(input.styleParts);
  if (parts?.length) valid.styleParts = parts;
  if (input.blend === "region" || input.blend === "full") valid.blend = input.blend;
  if (typeof input.refined === "boolean") valid.refined = input.refined;
  const locks = parseClasses(input.locks);
  if (locks) valid.locks = locks;
  const edits = parseEdits(input.edits);
  if (edits) valid.edits = edits;
  return valid;
}

/**
 * @param {unknown} value
 * @returns {number[] | null} unique classes, ascending; null if not an array
 */
function parseClasses(value) {
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
function parseStyle(value) {
  const input = /** @type {Record<string, unknown>} */ (typeof value === "object" && value ? value : {});
  if (input.kind === "portrait" && Number.isInteger(input.number)) {
    return { kind: "portrait", number: Number(input.number) };
  }
  if (input.kind === "picture" && typeof input.key === "string") return { kind: "picture", key: input.key };
  return input.kind === "project" ? { kind: "project" } : null;
}

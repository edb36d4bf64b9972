/**
 * The page's texts in the language of the user. Each language is one module of messages by key; `{name}` in a message
 * is replaced by a value. English is always loaded, the other languages when they are chosen.
 *
 * @typedef {keyof typeof EN} Key
 * @typedef {Record<Key, string>} Messages
 *
 * @typedef {object} Language
 * @property {string} name in the language itself
 * @property {"ltr" | "rtl"} direction
 * @property {() => Promise<Messages>} load
 */

import { EN } from "./en.js";

/** @type {Readonly<Record<string, Language>>} by BCP 47 primary language */
export const LANGUAGES = {
  en: { name: "English", direction: "ltr", load: async () => EN },
  de: { name: "Deutsch", direction: "ltr", load: async () => (await import("./de.js")).DE },
  es: { name: "Español", direction: "ltr", load: async () => (await import("./es.js")).ES },
  zh: { name: "简体中文", direction: "ltr", load: async () => (await import("./zh.js")).ZH },
  ar: { name: "العربية", direction: "rtl", load: async () => (await import("./ar.js")).AR },
};

const DEFAULT = "en";

let current = DEFAULT;
/** @type {Messages} */
let messages = EN;

/**
 * The first preferred language that the page has.
 *
 * @param {string} choice a language, or "auto"
 * @param {readonly string[]} preferred BCP 47 tags, such as `navigator.languages`
 * @returns {string} a key of `LANGUAGES`
 */
export function matchLanguage(choice, preferred) {
  if (choice in LANGUAGES) return choice;
  const known = preferred.map((tag) => tag.toLowerCase().split("-")[0]).find((tag) => tag in LANGUAGES);
  return known ?? DEFAULT;
}

/**
 * Load a language; later texts are in it.
 *
 * @param {string} name a key of `LANGUAGES`
 */
export async function setLanguage(name) {
  messages = await LANGUAGES[name].load();
  current = name;
}

/** @returns {string} the current language, a key of `LANGUAGES` */
export function language() {
  return current;
}

/** @returns {boolean} whether the current language is written from right to left */
export function isRightToLeft() {
  return LANGUAGES[current].direction === "rtl";
}

/**
 * A text in the current language.
 *
 * @param {Key} key
 * @param {Record<string, string | number>} [values] of the message's placeholders
 * @returns {string}
 */
export function t(key, values = {}) {
  return messages[key].replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/**
 * A text whose key is only known at run time, such as the name of something that the server reports.
 *
 * @param {string} key
 * @param {string} fallback if there is no such key
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function tIfKnown(key, fallback, values) {
  return key in messages ? t(/** @type {Key} */ (key), values) : fallback;
}

/**
 * The name of a class or a direction that the server reports.
 *
 * @param {"class" | "direction"} kind
 * @param {{name: string, title: string}} thing
 */
export function nameOf(kind, { name, title }) {
  return tIfKnown(`${kind}.${name}`, title);
}

/** @param {number} share 0..1 */
export function percent(share) {
  return new Intl.NumberFormat(`${current}-u-nu-latn`, { style: "percent" }).format(share);
}

/** @param {number} time milliseconds since 1970 */
export function dateAndTime(time) {
  return new Date(time).toLocaleString(`${current}-u-nu-latn`, { dateStyle: "medium", timeStyle: "short" });
}

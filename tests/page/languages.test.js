import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { EN } from "../../src/maskgan/server/page/i18n/en.js";
import {
  LANGUAGES,
  isRightToLeft,
  language,
  matchLanguage,
  nameOf,
  percent,
  setLanguage,
  t,
  tIfKnown,
} from "../../src/maskgan/server/page/i18n/translate.js";

const PAGE = new URL("../../src/maskgan/server/page/", import.meta.url);

const MODULES = readdirSync(PAGE, { recursive: true })
  .map(String)
  // The engine answers in the server's place, with the server's own words.
  .filter((name) => name.endsWith(".js") && !/^(i18n|engine)\b/.test(name))
  .map((name) => ({ name, code: readFileSync(new URL(name, PAGE), "utf-8") }));

const HTML = readFileSync(new URL("index.html", PAGE), "utf-8");

/** Keys of which a part is only known at run time. */
const DYNAMIC = /^(class|edit|colour|direction|stamp|style-part|warning|key)\.|^hint\..*\.touch$/;

/**
 * @param {string} text
 * @returns {string[]} its placeholders, sorted
 */
function placeholders(text) {
  return [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
}

for (const [name, { load }] of Object.entries(LANGUAGES)) {
  test(`${name} has all messages, with the same placeholders as English`, async () => {
    const messages = await load();
    assert.deepEqual(Object.keys(messages), Object.keys(EN), "the same keys in the same order");
    for (const [key, text] of Object.entries(EN)) {
      const translated = messages[/** @type {keyof typeof EN} */ (key)];
      assert.ok(translated.trim(), `${key} is empty`);
      assert.deepEqual(placeholders(translated), placeholders(text), key);
    }
  });
}

test("all messages are used, and all used messages exist", () => {
  const everything = HTML + MODULES.map(({ code }) => code).join("\n");
  const unused = Object.keys(EN).filter((key) => !DYNAMIC.test(key) && !everything.includes(`"${key}"`));
  // Built from a part known at run time, as `command.${direction}`.
  assert.deepEqual(unused, []);
  for (const key of Object.keys(EN)) if (key.endsWith(".touch")) assert.ok(key.slice(0, -6) in EN, `${key} has no key without it`);
  for (const [, key] of HTML.matchAll(/data-t(?:-\w+)?="([^"]*)"/g)) assert.ok(key in EN, `${key} of index.html`);
});

test("texts are nowhere but in the languages", () => {
  for (const { name, code } of MODULES) {
    const plain = code
      .replace(/\/\*[\s\S]*?\*\//g, "")
      .replace(/^(.*?[;{(,\s])\/\/ .*$/gm, "$1")
      .replace(/class: [`"][^`"]*[`"]/g, "")
      // Told to programmers.
      .replace(/new (RangeError|TypeError)\([^)]*\)|throw new Error\(`[^`]*`\)/g, "");
    const strings = [...plain.matchAll(/"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g)].map((found) => found[1] ?? found[2]);
    const words = strings.filter((text) => isText(text.replace(/\$\{[^}]*\}/g, "0")));
    assert.deepEqual(words, [], name);
  }
  const body = HTML.slice(HTML.indexOf("<body>")).replace(/<noscript>.*<\/noscript>|<span class="name">.*?<\/span>/g, "");
  assert.doesNotMatch(body.replace(/<[^>]*>/g, ""), /\w/, "text of index.html");
  assert.doesNotMatch(body, /\s(aria-label|title|alt|placeholder|aria-roledescription)="/, "attributes of index.html");
});

/** Names of keys and headers, CSS values, and the like. */
const NAMES = new Set(
  (
    "Escape Enter Shift Home End Control Ctrl Mod Tab Delete Files Infinity Accept Retry-After Picture-Width Picture-Height " +
    "Cross-Origin-Opener-Policy Cross-Origin-Embedder-Policy"
  ).split(" "),
);

/** @param {string} text */
function isText(text) {
  if (NAMES.has(text) || /^(Arrow|Mod\+|Content-|application\/|rgb|image\/)|^\[|^[#.]\w/.test(text)) return false;
  return /^\p{Lu}\p{Ll}+(?!\p{L})/u.test(text) || /\p{L}{2,} \p{L}{2,}/u.test(text);
}

test("isText finds what people read", () => {
  for (const text of ["Undo", "Paint the class", "could not be opened", "Größe", " of pixels"]) assert.ok(isText(text), text);
  for (const text of ["ArrowLeft", "class-name", "gesture", "Mod", "px", "[data-pane]"]) assert.ok(!isText(text), text);
});

test("the language is the chosen one, or the first preferred one that exists", () => {
  assert.equal(matchLanguage("auto", ["fr-FR", "de-AT", "en-US"]), "de");
  assert.equal(matchLanguage("auto", ["zh-Hans-CN"]), "zh");
  assert.equal(matchLanguage("auto", ["fr"]), "en");
  assert.equal(matchLanguage("auto", []), "en");
  assert.equal(matchLanguage("ar", ["de"]), "ar");
  assert.equal(matchLanguage("xx", ["es-MX"]), "es");
});

test("messages fill in values and follow the language", async () => {
  assert.equal(t("step.paint", { part: "hair" }), "Paint hair");
  assert.equal(t("step.paint", { part: "{part} $& {x}" }), "Paint {part} $& {x}");
  assert.equal(tIfKnown("class.unheard-of", "unheard-of"), "unheard-of");
  assert.equal(percent(0.45), "45%");
  await setLanguage("de");
  assert.equal(language(), "de");
  assert.equal(t("step.paint", { part: nameOf("class", { name: "hair", title: "hair" }) }), "Haar malen");
  assert.equal(nameOf("class", { name: "beard", title: "beard" }), "beard");
  assert.equal(percent(0.45), "45\u00a0%");
  assert.equal(isRightToLeft(), false);
  await setLanguage("ar");
  assert.equal(isRightToLeft(), true);
  assert.match(percent(0.45), /45/);
  await setLanguage("en");
  assert.equal(t("command.undo"), "Undo");
});

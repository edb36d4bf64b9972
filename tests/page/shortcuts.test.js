import assert from "node:assert/strict";
import { test } from "node:test";

import { SHORTCUTS, commandFor, keyName } from "../../src/maskgan/server/page/state/shortcuts.js";

/**
 * @param {string} key
 * @param {Partial<Record<"ctrlKey" | "metaKey" | "shiftKey" | "altKey", boolean>>} [held]
 */
const press = (key, held = {}) => ({ key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...held });

test("each key does one thing", () => {
  const keys = SHORTCUTS.flatMap((shortcut) => shortcut.keys);
  assert.equal(new Set(keys).size, keys.length);
});

test("undo and redo by the usual keys, on every keyboard", () => {
  assert.equal(commandFor(press("z", { ctrlKey: true })), "undo");
  assert.equal(commandFor(press("z", { metaKey: true })), "undo");
  assert.equal(commandFor(press("Z", { ctrlKey: true, shiftKey: true })), "redo");
  assert.equal(commandFor(press("y", { ctrlKey: true })), "redo");
});

test("letters work with caps lock, signs with shift, and the browser keeps its own keys", () => {
  assert.equal(commandFor(press("B")), "tool:brush");
  assert.equal(commandFor(press("?", { shiftKey: true })), "help");
  assert.equal(commandFor(press("b", { ctrlKey: true })), null);
  assert.equal(commandFor(press("b", { altKey: true })), null);
});

test("names of keys", () => {
  assert.equal(keyName("Mod+Shift+z"), "Ctrl+Shift+Z");
  assert.equal(keyName("Mod+Shift+z", true), "⌘⇧Z");
  assert.equal(keyName("+"), "+");
});

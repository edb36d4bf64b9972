/** Save menu, help dialog, tabs, theme button. */

import { t, tIfKnown } from "../i18n/translate.js";
import { SHORTCUTS, keyName } from "../state/shortcuts.js";
import { stem } from "../state/files.js";
import { openModal } from "./dialogs.js";
import { byId, create } from "./elements.js";
import { saveFile } from "./file-picker.js";
import { showNotice, withProgress } from "./messages.js";
import { arrowStep } from "./roving.js";

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** @param {string} key */
const shownKey = (key) => keyName(key, isMac, (part) => tIfKnown(`key.${part}`, part));

/** @typedef {"png" | "jpeg" | "photograph" | "photograph-png" | "mask" | "project" | "recipe"} Savable */

/** @type {Record<Savable, string>} */
const SUFFIXES = {
  png: "-edited.png",
  jpeg: "-edited.jpg",
  photograph: "-photograph.jpg",
  mask: "-mask.png",
  project: ".maskgan",
  recipe: "-recipe.json",
  "photograph-png": "-photograph.png",
};

/**
 * @param {import("./app.js").App} app
 * @param {Savable} what
 */
export async function save(app, what) {
  if (!app.project) return;
  const name = stem(app.project.title) + SUFFIXES[what];
  const blob = await withProgress(t("save.saving"), () => app.exportFile(what));
  if (!blob) return;
  saveFile(blob, name);
  showNotice(t("save.saved", { name }));
}

/**
 * @param {(what: Savable | "copy") => void} choose
 * @param {(what: Savable | "copy") => boolean} isOffered evaluated when the menu opens
 */
export function initSaveMenu(choose, isOffered) {
  const button = byId("save", HTMLButtonElement);
  const menu = byId("save-menu", HTMLElement);
  const all = /** @type {HTMLButtonElement[]} */ ([...menu.querySelectorAll("button")]);
  let items = all;
  const show = (/** @type {boolean} */ shown) => {
    for (const item of all) item.hidden = !isOffered(/** @type {Savable | "copy"} */ (item.dataset.save));
    items = all.filter((item) => !item.hidden);
    menu.hidden = !shown;
    button.setAttribute("aria-expanded", String(shown));
    if (shown) items[0].focus();
  };
  button.addEventListener("click", () => show(menu.hidden));
  for (const item of all) {
    item.addEventListener("click", () => {
      show(false);
      button.focus();
      choose(/** @type {Savable | "copy"} */ (item.dataset.save));
    });
  }
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const at = items.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    if (step) items[(at + step + items.length) % items.length].focus();
    else if (event.key === "Escape") {
      show(false);
      button.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.addEventListener("pointerdown", (event) => {
    const target = /** @type {Node} */ (event.target);
    if (!menu.hidden && !menu.contains(target) && !button.contains(target)) show(false);
  });
}

/** @returns {() => void} shows the dialog */
export function initHelpDialog() {
  const groups = [...new Set(SHORTCUTS.map(({ group }) => group))];
  const sections = groups.map((group) => {
    const rows = SHORTCUTS.filter((shortcut) => shortcut.group === group).map(({ title, keys }) => {
      const caps = keys.map((key) => create("kbd", {}, shownKey(key)));
      return create("div", {}, create("dt", {}, t(title)), create("dd", {}, ...caps));
    });
    return create("section", {}, create("h3", {}, t(group)), create("dl", {}, ...rows));
  });
  byId("help-keys", HTMLElement).append(...sections);
  return () => openModal(byId("help-dialog", HTMLDialogElement));
}

/** Add names and shortcuts to the buttons' tooltips. */
export function initTooltips() {
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-command]"))) {
    const shortcut = SHORTCUTS.find(({ command }) => command === button.dataset.command);
    if (!shortcut) continue;
    const name = button.getAttribute("aria-label") ?? button.textContent ?? "";
    button.title = t("tooltip.shortcut", { name: name.trim(), key: shownKey(shortcut.keys[0]) });
    button.setAttribute("aria-keyshortcuts", shortcut.keys.map((key) => key.replace("Mod", "Control")).join(" "));
  }
}

/**
 * Panel tabs, with arrow-key navigation.
 *
 * @param {import("../state/preferences.js").Preferences} preferences
 */
export function initTabs(preferences) {
  const buttons = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll("[role=tab]")]);
  const choose = (/** @type {HTMLButtonElement} */ chosen) => {
    for (const button of buttons) {
      const on = button === chosen;
      button.setAttribute("aria-selected", String(on));
      button.tabIndex = on ? 0 : -1;
      byId(button.getAttribute("aria-controls") ?? "", HTMLElement).hidden = !on;
    }
    chosen.closest(".inspector")?.scrollTo({ top: 0 }); // where all panels scroll in one
    const tab = chosen.id.replace("tab-", "");
    document.body.dataset.tab = tab;
    if (preferences.values.tab !== tab) preferences.set({ tab });
  };
  choose(buttons.find(({ id }) => id === `tab-${preferences.values.tab}`) ?? buttons[0]);
  for (const [at, button] of buttons.entries()) {
    button.addEventListener("click", () => choose(button));
    button.addEventListener("keydown", (event) => {
      const step = arrowStep(event.key)?.across;
      if (!step) return;
      const next = buttons[(at + step + buttons.length) % buttons.length];
      choose(next);
      next.focus();
      event.stopPropagation();
    });
  }
}

/** @param {import("../state/preferences.js").Preferences} preferences */
export function initThemeButton(preferences) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => {
    const { theme } = preferences.values;
    return theme === "system" ? system.matches : theme === "dark";
  };
  const show = () => {
    document.documentElement.dataset.theme = preferences.values.theme;
  };
  byId("theme", HTMLButtonElement).addEventListener("click", () => {
    const dark = !isDark();
    // Follow the system again if it has the wanted theme.
    preferences.set({ theme: dark === system.matches ? "system" : dark ? "dark" : "light" });
  });
  preferences.onChange((changed) => {
    if ("theme" in changed) show();
  });
  show();
}

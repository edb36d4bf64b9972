/**
 * The class list: current class, visibility, locks.
 *
 * @typedef {import("./app.js").App} App
 * @typedef {import("../remote/api.js").FaceClass} FaceClass
 */

import { nameOf, t } from "../i18n/translate.js";
import { shownClasses } from "../mask/label-map.js";
import { byId, capitalize, create, icon } from "./elements.js";
import { cssColour } from "./palette.js";
import { arrowStep } from "./roving.js";

/** Display order. */
const ORDER = [13, 1, 6, 7, 4, 5, 2, 10, 11, 12, 8, 9, 17, 18, 3, 14, 15, 16, 0];

/** @param {App} app */
export function initClassPanel(app) {
  const list = byId("classes", HTMLElement);
  const rows = ORDER.map((index) => classRow(app, app.info.classes[index]));
  list.append(...rows.map((row) => row.element));
  const update = () => {
    const { label, hidden } = app.preferences.values;
    const locks = app.project?.document.settings.locks ?? [];
    const present = shownClasses(app.project?.document.mask.data ?? new Uint8Array());
    for (const row of rows) row.update({ label, hidden, locks, present });
  };
  list.addEventListener("keydown", (event) => moveFocus(event, list));
  app.addEventListener("open", update);
  app.addEventListener("change", (event) => {
    if (/** @type {CustomEvent} */ (event).detail !== "gesture") update();
  });
  app.preferences.onChange((changed) => {
    if ("label" in changed || "hidden" in changed) update();
  });
  update();
}

/**
 * @param {App} app
 * @param {number} index
 */
export function toggleLock(app, index) {
  if (!app.project) return;
  const { locks } = app.project.document.settings;
  const part = nameOf("class", app.info.classes[index]);
  const locked = locks.includes(index);
  const changed = locked ? locks.filter((other) => other !== index) : [...locks, index].sort((a, b) => a - b);
  app.changeSettings({ locks: changed }, t(locked ? "step.unlock" : "step.lock", { part }));
}

/**
 * @param {App} app
 * @param {FaceClass} face
 */
function classRow(app, face) {
  const { index, name } = face;
  const part = nameOf("class", face);
  const swatch = create("span", { class: "swatch" });
  swatch.style.background = cssColour(face);
  const choose = create(
    "button",
    { class: "class-name", role: "radio", "data-testid": `class-${name}` },
    swatch,
    create("span", {}, capitalize(part)),
  );
  choose.addEventListener("click", () => app.preferences.set({ label: index }));
  const show = create("button", { class: "plain", tabindex: -1, "data-testid": `show-${name}` });
  show.addEventListener("click", () => {
    const { hidden } = app.preferences.values;
    app.preferences.set({
      hidden: hidden.includes(index) ? hidden.filter((other) => other !== index) : [...hidden, index],
    });
  });
  const lock = create("button", { class: "plain", tabindex: -1, "data-testid": `lock-${name}` });
  lock.addEventListener("click", () => toggleLock(app, index));
  const element = create("li", { class: "class-row", role: "none" }, choose, show, lock);
  return {
    element,
    /** @param {{label: number, hidden: number[], locks: number[], present: Set<number>}} state */
    update({ label, hidden, locks, present }) {
      choose.setAttribute("aria-checked", String(label === index));
      choose.tabIndex = label === index ? 0 : -1;
      element.classList.toggle("absent", !present.has(index));
      toggle(show, !hidden.includes(index), "eye", "eye-off", t("parts.show", { part }));
      toggle(lock, locks.includes(index), "lock", "unlock", t("parts.lock", { part }));
    },
  };
}

/**
 * @param {HTMLButtonElement} button
 * @param {boolean} on
 * @param {string} onIcon
 * @param {string} offIcon
 * @param {string} label
 */
function toggle(button, on, onIcon, offIcon, label) {
  button.setAttribute("aria-pressed", String(on));
  button.setAttribute("aria-label", label);
  button.title = label;
  button.replaceChildren(icon(on ? onIcon : offIcon));
}

/**
 * The list is one tab stop. Up and down choose another class, or go to the same button of another row; left and right
 * move within a row, to the buttons that show and lock.
 *
 * @param {KeyboardEvent} event
 * @param {HTMLElement} list
 */
function moveFocus(event, list) {
  const step = arrowStep(event.key);
  const rows = [...list.children].map((row) => /** @type {HTMLElement[]} */ ([...row.querySelectorAll("button")]));
  const row = rows.findIndex((buttons) => buttons.some((button) => button === event.target));
  if (!step || row < 0) return;
  const column = rows[row].findIndex((button) => button === event.target);
  const count = rows[row].length;
  const next = rows[(row + step.down + rows.length) % rows.length][(column + step.across + count) % count];
  if (step.down && column === 0) next.click();
  next.focus();
  event.preventDefault();
  event.stopPropagation();
}

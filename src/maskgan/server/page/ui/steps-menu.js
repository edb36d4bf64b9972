/**
 * The list of steps: jump to any of them, or change the edit that one made.
 *
 * @typedef {import("./app.js").App} App
 */

import { t } from "../i18n/translate.js";
import { showCard } from "./edit-panel.js";
import { byId, create, icon } from "./elements.js";

/** @param {App} app */
export function initStepsMenu(app) {
  const button = byId("steps", HTMLButtonElement);
  const menu = byId("steps-menu", HTMLElement);
  const list = byId("steps-list", HTMLElement);

  /** @param {number} position */
  const jump = (position) => {
    app.commitPending();
    app.openProject.document.jumpTo(position);
    /** @type {HTMLElement | null} */ (list.querySelector("[aria-current]"))?.focus();
  };
  const update = () => {
    const { history, settings } = app.openProject.document;
    const inForce = new Set(settings.edits.map(({ name }) => name));
    const rows = [null, ...history.entries].map((entry, position) => {
      const step = create("button", { class: "step", "data-testid": `step-${position}` }, entry?.title ?? t("steps.original"));
      if (position === history.position) step.setAttribute("aria-current", "step");
      step.addEventListener("click", () => jump(position));
      const row = create("li", { class: position > history.position ? "undone" : "" }, step);
      const edit = position <= history.position && entry ? changedEdit(entry) : undefined;
      if (edit && inForce.has(edit)) row.append(adjustButton(edit, entry?.title ?? "", () => show(false)));
      return row;
    });
    list.replaceChildren(...rows);
    list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  };
  const show = (/** @type {boolean} */ shown) => {
    if (shown && !app.project) return;
    menu.hidden = !shown;
    button.setAttribute("aria-expanded", String(shown));
    if (!shown) return;
    update();
    /** @type {HTMLElement | null} */ (list.querySelector("[aria-current]"))?.focus();
  };
  button.addEventListener("click", () => show(menu.hidden));
  menu.addEventListener("keydown", (event) => {
    const steps = /** @type {HTMLElement[]} */ ([...list.querySelectorAll(".step")]);
    const at = steps.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && at >= 0) steps[Math.min(Math.max(at + step, 0), steps.length - 1)].focus();
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
  app.addEventListener("open", () => {
    button.disabled = false;
    show(false);
  });
  app.addEventListener("change", (event) => {
    if (!menu.hidden && /** @type {CustomEvent} */ (event).detail !== "gesture") update();
  });
}

/**
 * The one edit that a step changed.
 *
 * @param {import("../state/history.js").Entry} entry
 * @returns {string | undefined}
 */
function changedEdit({ settings }) {
  const [before, after] = [settings?.before.edits ?? [], settings?.after.edits ?? []];
  const changed = after.filter(({ name, amount }) => !before.some((edit) => edit.name === name && edit.amount === amount));
  return changed.length === 1 ? changed[0].name : undefined;
}

/**
 * @param {string} name
 * @param {string} title
 * @param {() => void} close
 */
function adjustButton(name, title, close) {
  const button = create("button", { class: "plain adjust", "data-testid": `adjust-${name}` }, icon("adjust"));
  button.setAttribute("aria-label", t("steps.adjust", { title }));
  button.title = t("steps.adjust", { title });
  button.addEventListener("click", () => {
    close();
    showCard(name);
  });
  return button;
}

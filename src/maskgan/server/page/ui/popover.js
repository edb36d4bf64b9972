/** A button with a popover below it, in the top layer, where no scrolling bar clips it. */

import { create, icon } from "./elements.js";

const GAP = 6; // screen pixels

/**
 * @param {string} label of the button
 * @param {string} iconName
 * @param {string} testId
 * @param {...Node} content
 * @returns {HTMLButtonElement}
 */
export function popoverButton(label, iconName, testId, ...content) {
  const named = { "aria-label": label, title: label, "aria-haspopup": "dialog", "aria-expanded": "false" };
  const button = create("button", { class: "plain", "data-testid": testId, ...named }, icon(iconName));
  const panel = create("div", { class: "popover", popover: "auto", role: "dialog", "aria-label": label }, ...content);
  document.body.append(panel);
  button.popoverTargetElement = panel;
  panel.addEventListener("toggle", (event) => {
    const isOpen = /** @type {ToggleEvent} */ (event).newState === "open";
    button.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) return;
    const { left, bottom } = button.getBoundingClientRect();
    const room = document.documentElement.clientWidth - panel.offsetWidth - GAP;
    panel.style.left = `${Math.max(Math.min(left, room), GAP)}px`;
    panel.style.top = `${bottom + GAP}px`;
    panel.querySelector("input")?.focus();
  });
  return button;
}

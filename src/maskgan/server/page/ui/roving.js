/** Groups of buttons with one tab stop each, in which the arrow keys, Home and End move the focus. */

import { isRightToLeft } from "../i18n/translate.js";

/**
 * How far an arrow key moves along the reading direction, and down.
 *
 * @param {string} key
 * @returns {{across: number, down: number} | null} null for other keys
 */
export function arrowStep(key) {
  const forward = isRightToLeft() ? -1 : 1;
  if (key === "ArrowRight") return { across: forward, down: 0 };
  if (key === "ArrowLeft") return { across: -forward, down: 0 };
  if (key === "ArrowDown") return { across: 0, down: 1 };
  return key === "ArrowUp" ? { across: 0, down: -1 } : null;
}

/** Give each toolbar, row of segments and zoom group one tab stop. */
export function initRovingGroups() {
  for (const group of document.querySelectorAll(".toolbar, .segments, .zoom")) {
    initRoving(/** @type {HTMLElement} */ (group));
  }
}

/** @param {HTMLElement} group */
function initRoving(group) {
  const buttons = /** @type {HTMLButtonElement[]} */ ([...group.querySelectorAll("button")]);
  const setStop = (/** @type {HTMLButtonElement} */ stop) => {
    for (const button of buttons) button.tabIndex = button === stop ? 0 : -1;
  };
  setStop(buttons.find((button) => button.getAttribute("aria-pressed") === "true") ?? buttons[0]);
  group.addEventListener("focusin", (event) => {
    const focused = buttons.find((button) => button === event.target);
    if (focused) setStop(focused);
  });
  group.addEventListener("keydown", (event) => {
    const reachable = buttons.filter((button) => !button.disabled && button.checkVisibility());
    const at = reachable.findIndex((button) => button === event.target);
    const step = arrowStep(event.key);
    let next;
    if (event.key === "Home") next = reachable[0];
    else if (event.key === "End") next = reachable[reachable.length - 1];
    else if (step) next = reachable[(at + step.across + step.down + reachable.length) % reachable.length];
    if (!next || at < 0) return;
    event.preventDefault();
    event.stopPropagation();
    next.focus();
  });
}

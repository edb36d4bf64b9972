/** Messages: errors stay until dismissed, notices disappear, progress shows for long tasks. */

import { byId, capitalize, create, icon } from "./elements.js";

const NOTICE_TIME = 4000;
const PROGRESS_AFTER = 400;

/**
 * @param {string} message
 * @param {{label: string, run: () => void}} [action]
 * @returns {() => void} dismisses it
 */
export function showError(message, action) {
  const errors = byId("errors", HTMLElement);
  const text = capitalize(message);
  // Show the same message only once.
  for (const old of errors.children) if (/** @type {HTMLElement} */ (old).dataset.text === text) old.remove();
  const close = create("button", { class: "plain", "aria-label": "Dismiss" }, icon("close"));
  const box = create("div", { class: "message error", role: "alert", "data-testid": "error", "data-text": text });
  box.append(icon("warning"), create("p", {}, text));
  const dismiss = () => box.remove();
  if (action) {
    const button = create("button", {}, action.label);
    button.addEventListener("click", () => {
      dismiss();
      action.run();
    });
    box.append(button);
  }
  close.addEventListener("click", dismiss);
  box.append(close);
  errors.append(box);
  return dismiss;
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let noticeTimer;

/** @param {string} text */
export function showNotice(text) {
  const notice = byId("notice", HTMLElement);
  notice.textContent = text;
  notice.classList.add("shown");
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => notice.classList.remove("shown"), NOTICE_TIME);
}

/**
 * Show progress for tasks that take long; on error, show it and return undefined.
 *
 * @template T
 * @param {string} text
 * @param {() => Promise<T>} task
 * @returns {Promise<T | undefined>}
 */
export async function withProgress(text, task) {
  const progress = create("div", { class: "progress", role: "status" }, create("span", { class: "spinner" }), text);
  const timer = setTimeout(() => byId("progress", HTMLElement).append(progress), PROGRESS_AFTER);
  try {
    return await task();
  } catch (error) {
    showError(/** @type {Error} */ (error).message);
    return undefined;
  } finally {
    clearTimeout(timer);
    progress.remove();
  }
}

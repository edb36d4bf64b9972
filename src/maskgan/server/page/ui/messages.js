/** Messages: errors and questions stay until dismissed or something else is opened, notices disappear, progress shows for long tasks. */

import { t } from "../i18n/translate.js";
import { ApiError, connection } from "../remote/api.js";
import { byId, capitalize, create, icon } from "./elements.js";

const NOTICE_TIME = 4000;
const PROGRESS_AFTER = 400;
const MOST_NAMES = 3; // of files, in one message

/** @typedef {{label: string, run: () => void}} Action */

// An unreachable server is no news any more once it responds.
connection.addEventListener("restored", () => dismissErrors(t("message.unreachable")));

/**
 * @param {string} message
 * @param {...Action} actions
 * @returns {() => void} dismisses it
 */
export function showError(message, ...actions) {
  return showMessage(message, "error", actions);
}

/**
 * Show an error, with the names of the files that it is about.
 *
 * @param {unknown} error
 * @param {readonly unknown[]} sources files, and what has no name
 */
export function showFileError(error, sources) {
  const { message } = /** @type {Error} */ (error);
  const names = sources.flatMap((source) => (source instanceof File ? `“${source.name}”` : []));
  // That the server is unreachable is no fault of the file.
  if (!names.length || (error instanceof ApiError && error.status === 0)) showError(message);
  else showError(`${names.slice(0, MOST_NAMES).join(", ")}${names.length > MOST_NAMES ? ", …" : ""}: ${message.replace(/^the picture: /, "")}`);
}

/**
 * Ask what to do; dismissing the question does nothing.
 *
 * @param {string} question
 * @param {...Action} actions
 * @returns {() => void} dismisses it
 */
export function showQuestion(question, ...actions) {
  return showMessage(question, "question", actions);
}

/**
 * @param {string} message
 * @param {"error" | "question"} kind
 * @param {Action[]} actions
 */
function showMessage(message, kind, actions) {
  const text = capitalize(message);
  dismissErrors(text); // show the same message only once
  const close = create("button", { class: "plain", "aria-label": t("message.dismiss") }, icon("close"));
  const box = create("div", { class: `message ${kind}`, role: "alert", "data-testid": kind, "data-text": text });
  box.append(icon(kind === "error" ? "warning" : "help"), create("p", {}, text));
  const dismiss = () => box.remove();
  for (const action of actions) {
    const button = create("button", {}, action.label);
    button.addEventListener("click", () => {
      dismiss();
      action.run();
    });
    box.append(button);
  }
  close.addEventListener("click", dismiss);
  box.append(close);
  byId("errors", HTMLElement).append(box);
  return dismiss;
}

/** Remove errors, questions and notices about what was open before. Offers to undo stay until their time is over. */
export function dismissMessages() {
  byId("errors", HTMLElement).replaceChildren();
  const notice = byId("notice", HTMLElement);
  if (!notice.classList.contains("has-action")) notice.classList.remove("shown");
}

/** @param {string} text */
function dismissErrors(text) {
  for (const box of [...byId("errors", HTMLElement).children]) {
    if (/** @type {HTMLElement} */ (box).dataset.text === text) box.remove();
  }
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let noticeTimer;

/**
 * @param {string} text
 * @param {Action} [action] offered as long as the notice shows
 * @param {number} [time] milliseconds
 * @returns {() => void} hides it, if it still shows
 */
export function showNotice(text, action, time = NOTICE_TIME) {
  const notice = byId("notice", HTMLElement);
  notice.replaceChildren(text);
  const hide = () => notice.classList.remove("shown", "has-action");
  if (action) {
    const button = create("button", {}, action.label);
    button.addEventListener("click", () => {
      hide();
      action.run();
    });
    notice.append(button);
  }
  notice.classList.add("shown");
  notice.classList.toggle("has-action", Boolean(action));
  clearTimeout(noticeTimer);
  const timer = (noticeTimer = setTimeout(hide, time));
  return () => {
    if (noticeTimer === timer) hide();
  };
}

/**
 * Show progress for tasks that take long; on error, show it and return undefined.
 *
 * @template T
 * @param {string} text
 * @param {() => Promise<T>} task
 * @param {readonly unknown[]} [sources] that it reads; an error names those that are files
 * @returns {Promise<T | undefined>}
 */
export async function withProgress(text, task, sources = []) {
  const progress = create("div", { class: "progress", role: "status" }, create("span", { class: "spinner" }), text);
  const timer = setTimeout(() => byId("progress", HTMLElement).append(progress), PROGRESS_AFTER);
  try {
    return await task();
  } catch (error) {
    showFileError(error, sources);
    return undefined;
  } finally {
    clearTimeout(timer);
    progress.remove();
  }
}

/**
 * Messages about masks that seem wrong.
 *
 * @typedef {import("./app.js").App} App
 * @typedef {import("../remote/remote-face.js").MaskWarning} MaskWarning
 */

import { t, tIfKnown } from "../i18n/translate.js";
import { showError } from "./messages.js";

/**
 * @param {MaskWarning[]} warnings
 * @param {((order: string) => void) | null} reopen opens the mask in another label order; null where that is impossible
 * @param {(warning: string) => string} [told] the message
 */
export function showMaskWarnings(warnings, reopen, told = (warning) => warning) {
  for (const { kind, text: plain, order } of warnings) {
    const text = told(tIfKnown(`warning.${kind}`, plain, { order: order ?? "" }));
    if (order === null || !reopen) showError(text);
    else showError(text, { label: t("open.in-order"), run: () => reopen(order) });
  }
}

/**
 * @param {App} app
 * @param {string} key of the style reference
 * @param {MaskWarning[]} warnings about its mask
 */
export function showStyleWarnings(app, key, warnings) {
  const style = app.openProject.styles.get(key);
  const reopen = (/** @type {string} */ order) => {
    if (!style || app.project?.styles.get(key) !== style) return;
    const again = app.addStyle({ ...style, order });
    app.changeSettings({ style: { kind: "picture", key: again } }, t("step.style-opened"));
  };
  showMaskWarnings(warnings, reopen, (warning) => t("style.mask-warning", { warning }));
}

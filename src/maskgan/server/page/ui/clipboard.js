/** Copying the result to the clipboard. */

import { t } from "../i18n/translate.js";
import { showError, showNotice, withProgress } from "./messages.js";

/** @param {import("./app.js").App} app */
export async function copyPicture(app) {
  if (!app.project) return;
  if (!("ClipboardItem" in globalThis) || !navigator.clipboard?.write) {
    showError(t("copy.unsupported"));
    return;
  }
  const isCopied = await withProgress(t("copy.copying"), async () => {
    // As a promise: browsers ask that writing begins within the click.
    await navigator.clipboard.write([new ClipboardItem({ "image/png": app.exportFile("png") })]);
    return true;
  });
  if (isCopied) showNotice(t("copy.copied"));
}

/**
 * Modal dialogs. Whatever lies outside a modal dialog is inert and dimmed, so messages move into the dialog while it is
 * open.
 */

import { byId } from "./elements.js";

const OVERLAYS = ["errors", "progress", "notice", "drop-overlay"];

/** @param {HTMLDialogElement} dialog */
export function openModal(dialog) {
  dialog.showModal();
  moveOverlays();
}

/** Close all dialogs; pending questions count as cancelled. */
export function closeDialogs() {
  for (const dialog of openDialogs()) dialog.close("");
  moveOverlays();
}

/** Close dialogs by their close button or a click on the backdrop. The crop dialog holds work: no click beside it ends it. */
export function initDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.addEventListener("pointerdown", (event) => {
      if (event.target === dialog && !("keep" in dialog.dataset)) dialog.close();
    });
    dialog.querySelector("[data-close]")?.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", moveOverlays);
  }
}

function moveOverlays() {
  const host = openDialogs().at(-1) ?? document.body;
  for (const id of OVERLAYS) {
    const overlay = byId(id, HTMLElement);
    if (overlay.parentElement !== host) host.append(overlay);
  }
}

/** @returns {HTMLDialogElement[]} */
function openDialogs() {
  return [...document.querySelectorAll("dialog")].filter((dialog) => dialog.open);
}

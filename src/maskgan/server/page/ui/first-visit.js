/** The start of an exported page: the service worker, and what is loaded on the first visit. */

import { t } from "../i18n/translate.js";
import { startWorker } from "../remote/transport.js";
import { byId, create } from "./elements.js";

const MB = 1e6;

/** Load networks and runtime, showing how much if it takes time. */
export async function prepareStandalone() {
  await registerServiceWorker();
  const bar = create("progress", { "aria-label": t("message.loading-label") });
  const text = create("span", { "data-testid": "loading-text", "aria-hidden": "true" });
  const box = create("div", { class: "progress loading", role: "status", "data-testid": "loading" }, text, bar);
  try {
    await startWorker((loaded, total) => {
      if (!box.isConnected) byId("progress", HTMLElement).append(box);
      bar.max = total;
      bar.value = loaded;
      // Between loading and the first face, networks are opened, and perhaps a graphics processor is tried.
      text.textContent =
        loaded < total ? t("message.loading", { loaded: megabytes(loaded), total: megabytes(total) }) : t("message.starting");
    });
  } finally {
    box.remove();
  }
}

/** @param {number} bytes */
function megabytes(bytes) {
  return (bytes / MB).toFixed(1);
}

/** Let a new version take over before the page begins; without a service worker the page works online alone. */
async function registerServiceWorker() {
  const workers = navigator.serviceWorker;
  if (!workers) return;
  try {
    const registration = await workers.register("service-worker.js");
    if (!registration.waiting || !workers.controller) return;
    await new Promise((resolve) => {
      workers.addEventListener("controllerchange", resolve, { once: true });
      registration.waiting?.postMessage("activate");
    });
    location.reload();
  } catch {
    // Private windows of some browsers forbid it.
  }
}

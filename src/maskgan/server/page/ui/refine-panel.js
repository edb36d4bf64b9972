/**
 * Fine-tuning on the open photograph: one button to start, cancel and revert.
 *
 * @typedef {import("./app.js").App} App
 * @typedef {import("../state/refiner.js").State} State
 * @typedef {import("../i18n/translate.js").Key} Key
 */

import { t } from "../i18n/translate.js";
import { Refiner } from "../state/refiner.js";
import { byId, icon } from "./elements.js";
import { showError } from "./messages.js";

/** @type {Record<State, {label: Key, icon: string, status: Key}>} */
const TEXTS = {
  off: {
    label: "refine.start",
    icon: "mark",
    status: "refine.off",
  },
  running: { label: "refine.cancel", icon: "close", status: "refine.running" },
  waiting: { label: "refine.cancel", icon: "close", status: "refine.waiting" },
  done: { label: "refine.revert", icon: "undo", status: "refine.done" },
  failed: { label: "refine.start", icon: "mark", status: "refine.failed" },
};

/** @param {App} app */
export function initRefinePanel(app) {
  if (!app.info.refinement) {
    byId("refine-section", HTMLElement).hidden = true;
    return;
  }
  const button = byId("refine", HTMLButtonElement);
  const status = byId("refine-status", HTMLElement);
  const progress = byId("refine-progress", HTMLElement);
  const bar = byId("refine-bar", HTMLProgressElement);
  const count = byId("refine-count", HTMLElement);
  /** @type {Refiner | null} */
  let refiner = null;

  function show() {
    const { state, step, steps } = refiner ?? { state: /** @type {State} */ ("off"), step: 0, steps: 0 };
    const text = TEXTS[state];
    // Update only on change: screen readers announce each update.
    if (status.textContent !== t(text.status)) {
      status.textContent = t(text.status);
      button.replaceChildren(icon(text.icon), t(text.label));
    }
    button.disabled = !refiner;
    progress.hidden = state !== "running";
    bar.max = Math.max(steps, 1);
    bar.value = step;
    count.textContent = steps ? t("refine.count", { step, steps }) : "";
    bar.setAttribute("aria-valuetext", count.textContent);
  }

  button.addEventListener("click", () => {
    if (refiner?.state === "failed") refiner.retry();
    else if (app.project) {
      const refined = !app.project.document.settings.refined;
      app.changeSettings({ refined }, t(refined ? "refine.start" : "refine.revert"));
    }
  });

  app.addEventListener("open", () => {
    const project = app.openProject;
    const current = new Refiner(
      project.remote,
      () => app.project === project && project.document.settings.refined,
      {
        changed: () => {
          if (refiner === current) show();
        },
        done: () => app.invalidateResult(),
        failed: (error) => showError(error.message),
      },
    );
    refiner = current;
    current.update();
  });
  app.addEventListener("change", (event) => {
    if (/** @type {CustomEvent} */ (event).detail !== "gesture") refiner?.update();
  });
  // The session may have been recreated without the fine-tuned network.
  app.addEventListener("result", () => refiner?.update());
  show();
}

/**
 * Fine-tuning on the open photograph: one button to start, cancel and revert.
 *
 * @typedef {import("./app.js").App} App
 * @typedef {import("../state/refiner.js").State} State
 */

import { Refiner } from "../state/refiner.js";
import { byId, icon } from "./elements.js";
import { showError } from "./messages.js";

/** @type {Record<State, {label: string, icon: string, status: string}>} */
const TEXTS = {
  off: {
    label: "Fine-tune on this photo",
    icon: "mark",
    status: "Adapts the network to this photo, so that edits preserve identity better. Takes about 10 seconds.",
  },
  running: { label: "Cancel fine-tuning", icon: "close", status: "Fine-tuning on this photo. You can keep painting." },
  waiting: { label: "Cancel fine-tuning", icon: "close", status: "Waiting for the server." },
  done: { label: "Use the base network", icon: "undo", status: "Fine-tuned on this photo. A style reference is mixed in as usual." },
  failed: { label: "Fine-tune on this photo", icon: "mark", status: "Fine-tuning failed; edits use the base network." },
};

/** @param {App} app */
export function initRefinePanel(app) {
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
    if (status.textContent !== text.status) {
      status.textContent = text.status;
      button.replaceChildren(icon(text.icon), text.label);
    }
    button.disabled = !refiner;
    progress.hidden = state !== "running";
    bar.max = Math.max(steps, 1);
    bar.value = step;
    count.textContent = steps ? `${step} of ${steps}` : "";
    bar.setAttribute("aria-valuetext", count.textContent);
  }

  button.addEventListener("click", () => {
    if (refiner?.state === "failed") refiner.retry();
    else if (app.project) {
      const refined = !app.project.document.settings.refined;
      app.changeSettings({ refined }, refined ? "Fine-tune on this photo" : "Use the base network");
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

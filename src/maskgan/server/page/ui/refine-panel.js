/**
 * The network fitted to the photograph that is open: one button that begins it, cancels it, and goes back.
 *
 * @typedef {import("./workbench.js").Workbench} Workbench
 * @typedef {import("../state/refiner.js").State} State
 */

import { Refiner } from "../state/refiner.js";
import { byId, icon } from "./elements.js";
import { showError } from "./messages.js";

/** @type {Record<State, {label: string, icon: string, status: string}>} */
const WORDS = {
  off: {
    label: "Fit to this person",
    icon: "mark",
    status: "The network learns this one photograph, so edits keep more of who it is. Takes about 10 seconds.",
  },
  running: { label: "Cancel the fit", icon: "close", status: "Learning this photograph. You can paint on meanwhile." },
  waiting: { label: "Cancel the fit", icon: "close", status: "Waiting for the server to have time for this photograph." },
  done: { label: "Without the fit", icon: "undo", status: "Fitted to this person. A borrowed style takes its share of it." },
  failed: { label: "Fit to this person", icon: "mark", status: "The fit failed; edits are as they were without it." },
};

/** @param {Workbench} bench */
export function refinePanel(bench) {
  const button = byId("refine", HTMLButtonElement);
  const status = byId("refine-status", HTMLElement);
  const progress = byId("refine-progress", HTMLElement);
  const bar = byId("refine-bar", HTMLProgressElement);
  const count = byId("refine-count", HTMLElement);
  /** @type {Refiner | null} */
  let refiner = null;

  function show() {
    const { state, step, steps } = refiner ?? { state: /** @type {State} */ ("off"), step: 0, steps: 0 };
    const words = WORDS[state];
    // Written only when it changes: screen readers say it aloud each time.
    if (status.textContent !== words.status) {
      status.textContent = words.status;
      button.replaceChildren(icon(words.icon), words.label);
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
    else if (bench.project) {
      const refined = !bench.project.document.settings.refined;
      bench.changeSettings({ refined }, refined ? "Fit to this person" : "Without the fit");
    }
  });

  bench.addEventListener("open", () => {
    const project = bench.open;
    const begun = new Refiner(
      project.remote,
      () => bench.project === project && project.document.settings.refined,
      {
        changed: () => {
          if (refiner === begun) show();
        },
        done: () => bench.renderAgain(),
        fail: (error) => showError(error.message),
      },
    );
    refiner = begun;
    begun.update();
  });
  bench.addEventListener("change", (event) => {
    if (/** @type {CustomEvent} */ (event).detail !== "gesture") refiner?.update();
  });
  // The server may have forgotten the face and what it had learnt of it; the next picture shows.
  bench.addEventListener("result", () => refiner?.update());
  show();
}

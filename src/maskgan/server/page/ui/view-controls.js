/**
 * What changes how the face is seen and nothing else: opacity, zoom, before and after, and, on narrow screens, which
 * pane is shown.
 *
 * @typedef {import("./workbench.js").Workbench} Workbench
 * @typedef {import("./stage.js").Stage} Stage
 */

import { defaultSettings } from "../state/settings.js";
import { byId, slider } from "./elements.js";

const STEP = 0.02; // of the split, by an arrow key

/**
 * @param {Workbench} bench
 * @param {Stage} stage
 */
export function viewControls(bench, stage) {
  const { preferences } = bench;
  const opacity = slider({
    label: "Mask",
    min: 0,
    max: 1,
    step: 0.01,
    value: preferences.values.opacity,
    format: (value) => `${Math.round(100 * value)} %`,
    input: (value) => preferences.set({ opacity: value, maskShown: true }),
    testId: "mask-opacity",
  });
  byId("mask-opacity", HTMLElement).append(opacity.element);
  stage.onView = (scale) => (byId("zoom-level", HTMLElement).textContent = `${Math.round(100 * scale)} %`);
  stage.onHover = (label) => {
    byId("under-pointer", HTMLElement).textContent = label === null ? "" : bench.about.classes[label].title;
  };

  const handle = byId("split", HTMLElement);
  const pane = byId("result-pane", HTMLElement);
  const setSplit = (/** @type {number} */ split) => preferences.set({ split: Math.min(Math.max(split, 0), 1) });
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
    handle.focus();
  });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const box = byId("result-canvas", HTMLElement).getBoundingClientRect();
    setSplit((event.clientX - box.left) / box.width);
  });
  handle.addEventListener("keydown", (event) => {
    const { split } = preferences.values;
    const steps = { ArrowLeft: -STEP, ArrowDown: -STEP, ArrowRight: STEP, ArrowUp: STEP, Home: -1, End: 1 };
    const step = /** @type {Record<string, number>} */ (steps)[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    setSplit(split + step);
  });

  const shown = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll("[data-pane]")]);
  for (const button of shown) {
    button.addEventListener("click", () => {
      byId("panes", HTMLElement).dataset.shown = button.dataset.pane;
      for (const other of shown) other.setAttribute("aria-pressed", String(other === button));
      stage.fit();
    });
  }

  const blends = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll("[data-blend]")]);
  for (const button of blends) {
    button.addEventListener("click", () => {
      if (!bench.project) return;
      const blend = button.dataset.blend === "full" ? "full" : "region";
      bench.changeSettings({ blend }, blend === "full" ? "Network’s picture alone" : "Blend into the photo");
    });
  }

  const update = () => {
    const { compare, split, under, maskShown, opacity: share } = preferences.values;
    pane.classList.toggle("comparing", compare);
    handle.hidden = !compare;
    handle.style.left = `${100 * split}%`;
    handle.setAttribute("aria-valuenow", String(Math.round(100 * split)));
    byId("compare", HTMLElement).setAttribute("aria-pressed", String(compare));
    byId("under", HTMLElement).setAttribute("aria-pressed", String(under === "result"));
    byId("mask-shown", HTMLElement).setAttribute("aria-pressed", String(maskShown));
    byId("mask-caption", HTMLElement).textContent = under === "photo" ? "Mask over photo" : "Mask over result";
    opacity.set(share);
    const { blend, style, strength, styleParts } = bench.project?.document.settings ?? defaultSettings();
    const styled = style !== null && strength > 0 && !styleParts;
    for (const button of blends) {
      button.setAttribute("aria-pressed", String(button.dataset.blend === (styled ? "full" : blend)));
      button.disabled = styled;
    }
    byId("blend", HTMLElement).title = styled ? "A borrowed style changes all of the face, so nothing is blended." : "";
  };
  preferences.onChange(update);
  bench.addEventListener("open", update);
  bench.addEventListener("change", update);
  update();
}

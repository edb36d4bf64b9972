/**
 * View controls: opacity, zoom, before and after, blend mode, and the visible pane on narrow screens.
 *
 * @typedef {import("./app.js").App} App
 * @typedef {import("./canvas-view.js").CanvasView} CanvasView
 */

import { nameOf, percent, t } from "../i18n/translate.js";
import { defaultSettings } from "../state/settings.js";
import { byId, slider } from "./elements.js";

const STEP = 0.02; // of the split, by an arrow key

/**
 * @param {App} app
 * @param {CanvasView} canvasView
 */
export function initViewControls(app, canvasView) {
  const { preferences } = app;
  const opacity = slider({
    label: t("view.mask"),
    min: 0,
    max: 1,
    step: 0.01,
    value: preferences.values.opacity,
    format: percent,
    input: (value) => preferences.set({ opacity: value, maskShown: true }),
    testId: "mask-opacity",
  });
  byId("mask-opacity", HTMLElement).append(opacity.element);
  canvasView.onView = (scale) => (byId("zoom-level", HTMLElement).textContent = percent(scale));
  canvasView.onHover = (label) => {
    const name = label === null ? "" : nameOf("class", app.info.classes[label]);
    const shown = byId("hovered-class", HTMLElement);
    if (shown.textContent !== name) shown.textContent = name; // each change takes a layout
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

  initHoldToCompare(canvasView);

  const panes = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll("[data-pane]")]);
  canvasView.onPanes = (shown) => {
    for (const button of panes) button.setAttribute("aria-pressed", String(button.dataset.pane === shown));
    update();
  };
  for (const button of panes) {
    const pane = /** @type {"mask" | "result" | "both"} */ (button.dataset.pane);
    button.addEventListener("click", () => preferences.set({ panes: pane }));
  }

  const blends = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll("[data-blend]")]);
  for (const button of blends) {
    button.addEventListener("click", () => {
      if (!app.project) return;
      const blend = button.dataset.blend === "full" ? "full" : "region";
      app.changeSettings({ blend }, t(blend === "full" ? "step.generated" : "step.blended"));
    });
  }

  const update = () => {
    const { compare, split, maskShown, opacity: share } = preferences.values;
    const { underlay } = canvasView;
    pane.classList.toggle("comparing", compare);
    handle.hidden = !compare;
    handle.style.left = `${100 * split}%`;
    handle.setAttribute("aria-valuenow", String(Math.round(100 * split)));
    byId("symmetry", HTMLElement).setAttribute("aria-pressed", String(preferences.values.symmetric));
    byId("compare", HTMLElement).setAttribute("aria-pressed", String(compare));
    byId("underlay", HTMLElement).setAttribute("aria-pressed", String(underlay === "result"));
    byId("mask-shown", HTMLElement).setAttribute("aria-pressed", String(maskShown));
    byId("mask-caption", HTMLElement).textContent = t(
      underlay === "photo" ? "pane.mask-over-photo" : "pane.mask-over-result",
    );
    opacity.set(share);
    const { blend, style, strength, styleParts } = app.project?.document.settings ?? defaultSettings();
    const styled = style !== null && strength > 0 && !styleParts;
    for (const button of blends) {
      button.setAttribute("aria-pressed", String(button.dataset.blend === (styled ? "full" : blend)));
      button.disabled = styled;
    }
    byId("blend", HTMLElement).title = styled ? t("view.no-blending") : "";
  };
  preferences.onChange(update);
  app.addEventListener("open", update);
  let settings = app.project?.document.settings;
  app.addEventListener("change", () => {
    // Strokes change the mask alone.
    if (settings === app.openProject.document.settings) return;
    settings = app.openProject.document.settings;
    update();
  });
  update();
}

/**
 * The original, as long as the button is pressed.
 *
 * @param {CanvasView} canvasView
 */
function initHoldToCompare(canvasView) {
  const button = byId("original", HTMLButtonElement);
  const show = (/** @type {boolean} */ shown) => {
    button.setAttribute("aria-pressed", String(shown));
    canvasView.showOriginal(shown);
  };
  button.addEventListener("pointerdown", (event) => {
    button.setPointerCapture(event.pointerId);
    show(true);
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) button.addEventListener(end, () => show(false));
  button.addEventListener("contextmenu", (event) => event.preventDefault()); // of a long press
  button.addEventListener("keydown", (event) => {
    if (event.key === " " || event.key === "Enter") show(true);
  });
  button.addEventListener("keyup", () => show(false));
}

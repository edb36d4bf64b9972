/**
 * Tool selection and the options of the current tool.
 *
 * @typedef {import("./app.js").App} App
 * @typedef {import("./canvas-view.js").CanvasView} CanvasView
 * @typedef {import("./tools/tool.js").Tool} Tool
 * @typedef {import("./tools/stamp-tool.js").StampTool} StampTool
 * @typedef {import("./tools/move-tool.js").MoveTool} MoveTool
 */

import { nameOf, t } from "../i18n/translate.js";
import { STAMPS } from "../mask/stamps.js";
import { MAX_BRUSH, MAX_REACH, MAX_STABILISER, MIN_BRUSH, MIN_REACH, hidesTools } from "../state/preferences.js";
import { byId, create, icon, slider } from "./elements.js";
import { cssColour } from "./palette.js";
import { popoverButton } from "./popover.js";

/**
 * @param {App} app
 * @param {Record<string, Tool> & {stamp: StampTool, move: MoveTool}} tools
 * @param {CanvasView} canvasView
 */
export function initToolOptions(app, tools, canvasView) {
  const { preferences } = app;
  const bar = byId("tool-options", HTMLElement);
  const hint = byId("hint", HTMLElement);

  const swatch = create("span", { class: "swatch" });
  const className = create("span", { "data-testid": "chosen-class" });
  const chosen = create("span", { class: "current-class" }, swatch, className);

  const brush = slider({
    label: t("option.size"),
    // The slider works on the square root, for finer control of small sizes.
    min: Math.sqrt(MIN_BRUSH),
    max: Math.sqrt(MAX_BRUSH),
    step: 0.01,
    value: Math.sqrt(preferences.values.brushSize),
    format: (root) => t("option.pixels", { value: Math.round(root * root) }),
    input: (root) => preferences.set({ brushSize: Math.round(root * root) }),
    testId: "brush-size",
  });
  const reach = slider({
    label: t("option.reach"),
    min: MIN_REACH,
    max: MAX_REACH,
    step: 1,
    value: preferences.values.bendRadius,
    format: (value) => t("option.pixels", { value }),
    input: (value) => preferences.set({ bendRadius: value }),
    testId: "bend-radius",
  });
  const groupParts = checkbox(app, "groupParts", t("option.group-parts"));
  const allRegions = checkbox(app, "allRegions", t("option.all-regions"));

  const followEdges = checkbox(app, "followEdges", t("option.follow-edges"));
  const stabiliser = slider({
    label: t("option.stabiliser"),
    min: 0,
    max: MAX_STABILISER,
    step: 1,
    value: preferences.values.stabiliser,
    format: (value) => t("option.pixels", { value }),
    input: (value) => preferences.set({ stabiliser: value }),
    testId: "stabiliser",
  });
  const pressure = checkbox(app, "penPressure", t("option.pressure"));
  const more = popoverButton(t("option.more"), "sliders", "brush-more", stabiliser.element, pressure);
  const reshaping = /** @type {const} */ ([
    ["grow", "option.grow"],
    ["shrink", "option.shrink"],
    ["smooth", "option.smooth"],
  ]).map(([how, title]) => {
    const button = create("button", { class: "chip", "data-testid": `part-${how}` }, t(title));
    button.addEventListener("click", () => tools.move.reshape(how));
    return button;
  });

  const stamps = STAMPS.map(({ name }) => {
    const button = create("button", { class: "chip", "data-testid": `stamp-${name}` }, t(`stamp.${name}`));
    button.addEventListener("click", () => {
      tools.stamp.add(name);
      canvasView.focus(); // Enter and the arrow keys are for the accessory, not for the button
    });
    return { name, button };
  });
  const apply = create("button", { class: "primary first", "data-testid": "stamp-apply" }, icon("check"), t("option.apply"));
  apply.addEventListener("click", () => tools.stamp.confirm());
  const discard = create("button", { class: "first", "data-testid": "stamp-discard" }, t("option.cancel"));
  discard.addEventListener("click", () => tools.stamp.cancel());

  /** @type {Record<string, HTMLElement[]>} */
  const controls = {
    brush: [chosen, brush.element, followEdges, more],
    eraser: [brush.element, followEdges, more],
    fill: [chosen],
    lasso: [chosen],
    picker: [chosen],
    move: [...reshaping, groupParts, allRegions],
    bend: [reach.element, groupParts],
    stamp: [...stamps.map(({ button }) => button), apply, discard],
  };
  const buttons = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-tool]")]);

  const update = () => {
    const { tool, tab, label, brushSize, bendRadius } = preferences.values;
    const face = app.info.classes[label];
    swatch.style.background = cssColour(face);
    className.textContent = nameOf("class", face);
    brush.set(Math.sqrt(brushSize));
    reach.set(bendRadius);
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.tool === tool && !hidesTools(tab)));
    const { pending } = tools.stamp;
    for (const { name, button } of stamps) button.setAttribute("aria-pressed", String(name === pending));
    apply.hidden = discard.hidden = pending === null;
    bar.dataset.tool = tool;
    hint.textContent = tools[tool].hint;
  };
  const showControls = () => {
    bar.replaceChildren(...controls[preferences.values.tool]);
    update();
  };
  tools.stamp.onChange = update;
  preferences.onChange((changed) => ("tool" in changed ? showControls() : update()));
  canvasView.onDraw = () => {
    const text = tools[preferences.values.tool].hint;
    if (hint.textContent !== text) hint.textContent = text;
    for (const button of reshaping) button.disabled = !tools.move.hasSelection;
  };
  showControls();
}

/**
 * @param {App} app
 * @param {"groupParts" | "allRegions" | "followEdges" | "penPressure"} key
 * @param {string} label
 */
function checkbox({ preferences }, key, label) {
  const box = create("input", { type: "checkbox", "data-testid": key });
  box.checked = preferences.values[key];
  box.addEventListener("change", () => preferences.set({ [key]: box.checked }));
  return create("label", { class: "check" }, box, label);
}

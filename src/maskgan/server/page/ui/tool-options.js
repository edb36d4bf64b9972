/**
 * Tools, and what can be set of the one in hand.
 *
 * @typedef {import("./workbench.js").Workbench} Workbench
 * @typedef {import("./stage.js").Stage} Stage
 * @typedef {import("./tools/tool.js").Tool} Tool
 * @typedef {import("./tools/stamp-tool.js").StampTool} StampTool
 */

import { STAMPS } from "../mask/stamps.js";
import { MAX_BRUSH, MAX_REACH, MIN_BRUSH, MIN_REACH } from "../state/preferences.js";
import { byId, create, icon, slider } from "./elements.js";
import { cssColour } from "./palette.js";

/**
 * @param {Workbench} bench
 * @param {Record<string, Tool> & {stamp: StampTool}} tools
 */
export function toolOptions(bench, tools) {
  const { preferences } = bench;
  const bar = byId("tool-options", HTMLElement);
  const hint = byId("hint", HTMLElement);

  const swatch = create("span", { class: "swatch" });
  const className = create("span", { "data-testid": "chosen-class" });
  const chosen = create("span", { class: "chosen" }, swatch, className);

  const brush = slider({
    label: "Size",
    // The slider is even in how sizes feel, and not in pixels.
    min: Math.sqrt(MIN_BRUSH),
    max: Math.sqrt(MAX_BRUSH),
    step: 0.01,
    value: Math.sqrt(preferences.values.brushSize),
    format: (root) => `${Math.round(root * root)} px`,
    input: (root) => preferences.set({ brushSize: Math.round(root * root) }),
    testId: "brush-size",
  });
  const reach = slider({
    label: "Reach",
    min: MIN_REACH,
    max: MAX_REACH,
    step: 1,
    value: preferences.values.bendRadius,
    format: (value) => `${value} px`,
    input: (value) => preferences.set({ bendRadius: value }),
    testId: "bend-radius",
  });
  const together = checkbox(bench, "together", "Mouth and face as a whole");
  const everywhere = checkbox(bench, "everywhere", "All pieces of the class");

  const stamps = STAMPS.map(({ name, title }) => {
    const button = create("button", { class: "chip", "data-testid": `stamp-${name}` }, title);
    button.addEventListener("click", () => tools.stamp.lay(name));
    return { name, button };
  });
  const place = create("button", { class: "primary first", "data-testid": "stamp-place" }, icon("check"), "Place");
  place.addEventListener("click", () => tools.stamp.confirm());
  const discard = create("button", { class: "first", "data-testid": "stamp-discard" }, "Discard");
  discard.addEventListener("click", () => tools.stamp.cancel());

  /** @type {Record<string, HTMLElement[]>} */
  const controls = {
    brush: [chosen, brush.element],
    eraser: [brush.element],
    fill: [chosen],
    lasso: [chosen],
    picker: [chosen],
    move: [together, everywhere],
    bend: [reach.element, together],
    stamp: [...stamps.map(({ button }) => button), place, discard],
  };
  const buttons = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-tool]")]);

  const update = () => {
    const { tool, label, brushSize, bendRadius } = preferences.values;
    const face = bench.about.classes[label];
    swatch.style.background = cssColour(face);
    className.textContent = face.title;
    brush.set(Math.sqrt(brushSize));
    reach.set(bendRadius);
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    const { laid } = tools.stamp;
    for (const { name, button } of stamps) button.setAttribute("aria-pressed", String(name === laid));
    place.hidden = discard.hidden = laid === null;
    bar.dataset.tool = tool;
    hint.textContent = tools[tool].hint;
  };
  const show = () => {
    bar.replaceChildren(...controls[preferences.values.tool]);
    update();
  };
  tools.stamp.onChange = update;
  preferences.onChange((changed) => ("tool" in changed ? show() : update()));
  const showHint = () => (hint.textContent = tools[preferences.values.tool].hint);
  bench.addEventListener("open", showHint);
  bench.addEventListener("change", showHint);
  show();
}

/**
 * @param {Workbench} bench
 * @param {"together" | "everywhere"} key
 * @param {string} label
 */
function checkbox({ preferences }, key, label) {
  const box = create("input", { type: "checkbox", "data-testid": key });
  box.checked = preferences.values[key];
  box.addEventListener("change", () => preferences.set({ [key]: box.checked }));
  return create("label", { class: "check" }, box, label);
}

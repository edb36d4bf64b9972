/**
 * Colour panel: swatches by name, a free colour, and an eyedropper for each part that can be coloured.
 *
 * @typedef {import("./app.js").App} App
 * @typedef {import("./edit-control.js").EditControl} EditControl
 * @typedef {import("./tools/eyedropper-tool.js").Pick} Pick
 */

import { t, tIfKnown } from "../i18n/translate.js";
import { PALETTES } from "../state/colours.js";
import { editTitle, stepTitle } from "./edit-panel.js";
import { byId, capitalize, create, icon } from "./elements.js";

/**
 * @param {App} app
 * @param {EditControl} control
 * @param {(pick: Pick) => void} pickColour
 */
export function initColourPanel(app, control, pickColour) {
  const groups = app.info.looks.map((look) => createGroup(app, control, look, pickColour));
  byId("colour-groups", HTMLElement).append(...groups.map(({ element }) => element));
  const update = () => {
    for (const group of groups) group.update();
  };
  control.addEventListener("edits", update);
  update();
}

/**
 * @param {App} app
 * @param {EditControl} control
 * @param {import("../remote/api.js").Look} look
 * @param {(pick: Pick) => void} pickColour
 */
function createGroup(app, control, { name, classes }, pickColour) {
  const title = editTitle(name, null);
  const colourName = (/** @type {string} */ value) => {
    const known = PALETTES[name]?.find((colour) => colour.value === value)?.name;
    return known ? tIfKnown(`colour.${known}`, capitalize(known.replaceAll("-", " "))) : value.toUpperCase();
  };
  const titleOf = (/** @type {string | null} */ colour) =>
    colour ? t("edits.colour-step", { name: title, colour: colourName(colour) }) : stepTitle(name, null);
  const apply = (/** @type {string | null} */ colour) => control.apply(name, colour, titleOf(colour));
  const own = create("button", { class: "colour own", "data-testid": `${name}-own` }, icon("none"));
  nameButton(own, t("colour.own"));
  own.addEventListener("click", () => apply(null));
  const swatches = (PALETTES[name] ?? []).map(({ name: colour, value }) => {
    const button = create("button", { class: "colour", "data-testid": `${name}-${colour}` });
    nameButton(button, colourName(value));
    button.style.setProperty("--colour", value);
    button.addEventListener("click", () => apply(value));
    return { value, button };
  });
  const free = create("input", { type: "color", "data-testid": `${name}-free`, "aria-label": t("colour.free", { name: title }) });
  free.addEventListener("input", () => control.drag(name, free.value, { bySlider: true }));
  free.addEventListener("change", () => control.release(titleOf(free.value)));
  const freeLabel = create("label", { class: "colour free", title: t("colour.free", { name: title }) }, free);
  const dropper = create("button", { class: "colour dropper", "data-testid": `${name}-dropper` }, icon("picker"));
  nameButton(dropper, t("colour.eyedropper", { name: title }));
  dropper.addEventListener("click", () => {
    const before = control.amount(name);
    dropper.setAttribute("aria-pressed", "true");
    pickColour({
      shown: (colour) => control.drag(name, colour, { byTool: true }),
      ended: (colour) => {
        dropper.setAttribute("aria-pressed", "false");
        if (colour) apply(colour);
        else if (control.amount(name) !== before) app.openProject.document.cancel();
      },
    });
  });
  const current = create("span", { class: "colour-name" });
  const heading = create("h2", { id: `colour-${name}` }, title, " ", current);
  const missing = create("p", { class: "note", hidden: true }, t("colour.missing"));
  const row = create("div", { class: "colours", role: "group", "aria-labelledby": heading.id });
  row.append(own, ...swatches.map(({ button }) => button), freeLabel, dropper);
  const element = create("section", { class: "colour-group" }, heading, missing, row);

  const update = () => {
    const colour = control.amount(name);
    own.setAttribute("aria-pressed", String(colour === null));
    const chosen = swatches.find(({ value }) => value === colour);
    for (const swatch of swatches) swatch.button.setAttribute("aria-pressed", String(swatch === chosen));
    const isFree = typeof colour === "string" && !chosen;
    freeLabel.classList.toggle("chosen", isFree);
    freeLabel.style.setProperty("--colour", isFree ? colour : "transparent");
    if (typeof colour === "string") free.value = colour;
    current.textContent = typeof colour === "string" ? colourName(colour) : "";
    const { data } = app.project?.document.mask ?? {};
    const present = !data || classes.some((label) => data.includes(label));
    missing.hidden = present;
    row.classList.toggle("missing", !present);
  };
  return { element, update };
}

/**
 * @param {HTMLElement} button
 * @param {string} name
 */
function nameButton(button, name) {
  button.setAttribute("aria-label", name);
  button.title = name;
}

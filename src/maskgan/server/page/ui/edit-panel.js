/**
 * Edit panel: a card for each named edit, with a thumbnail of this face. A click applies the edit or takes it away, the
 * slider sets how much of it.
 *
 * @typedef {import("./app.js").App} App
 * @typedef {import("./edit-control.js").EditControl} EditControl
 * @typedef {import("../remote/api.js").NamedEdit} NamedEdit
 *
 * @typedef {object} Card
 * @property {NamedEdit} edit
 * @property {string | null} choice one of the edit's choices, where it has some
 * @property {HTMLElement} element
 * @property {HTMLButtonElement} button
 * @property {HTMLImageElement} image
 * @property {() => void} update
 */

import { nameOf, t, tIfKnown } from "../i18n/translate.js";
import { FACE } from "../mask/face-parts.js";
import { byId, capitalize, create, icon, slider } from "./elements.js";
import { Thumbnails } from "./thumbnails.js";

/** Groups of edits in the order of display; an edit that none names comes into the last one. */
const GROUPS = /** @type {const} */ ([
  { title: "edits.mouth", names: ["smile", "open-mouth", "lips-fuller"] },
  { title: "edits.eyes", names: ["eyes-wider", "eyes-closed", "brows-raised", "brows-thicker"] },
  { title: "edits.face", names: ["face-narrower", "nose-wider"] },
  { title: "edits.hair", names: ["hair-longer", "hair-fuller", "fringe", "bald"] },
  { title: "edits.accessories", names: ["glasses", "hat", "earrings", "necklace"] },
]);

/**
 * @param {App} app
 * @param {EditControl} control
 */
export function initEditPanel(app, control) {
  const host = byId("edit-groups", HTMLElement);
  const named = new Set(GROUPS.flatMap(({ names }) => /** @type {readonly string[]} */ (names)));
  /** @type {Card[]} */
  const cards = [];
  for (const group of GROUPS) {
    const listed = group.names.flatMap((name) => app.info.edits.find((edit) => edit.name === name) ?? []);
    const others = group === GROUPS.at(-1) ? app.info.edits.filter(({ name }) => !named.has(name)) : [];
    const made = [...listed, ...others].flatMap((edit) => createCards(app, control, edit));
    const title = create("h2", { id: `group-${group.names[0]}` }, t(group.title));
    const list = create("ul", { class: "cards", "aria-labelledby": title.id }, ...made.map(({ element }) => element));
    host.append(create("section", { class: "edit-group" }, title, list));
    cards.push(...made);
  }
  const reset = byId("edits-reset", HTMLButtonElement);
  reset.addEventListener("click", () => control.replaceAll([], t("edits.reset")));

  const update = () => {
    for (const card of cards) card.update();
    reset.disabled = !control.edits.length;
  };
  control.addEventListener("edits", update);
  let faceless = false;
  // Before the thumbnails, which ask the server for each edit.
  app.addEventListener("open", () => (faceless = !showsFace(app)));
  /** Why the server refuses the edit of a card. @type {Map<HTMLButtonElement, string | null>} */
  const refusals = new Map();
  const allow = (/** @type {HTMLButtonElement} */ button, /** @type {NamedEdit} */ edit) => {
    const reason = faceless ? t("edits.no-face") : (refusals.get(button) ?? null);
    const range = button.parentElement?.querySelector("input");
    for (const part of [button, range]) if (part) part.disabled = reason !== null;
    button.title = reason ?? explain(app, edit);
  };
  const thumbnails = new Thumbnails(app, byId("panel-edits", HTMLElement));
  for (const { edit, choice, button, image } of cards) {
    thumbnails.add({
      name: edit.name,
      choice,
      image,
      refused: (reason) => {
        refusals.set(button, reason);
        allow(button, edit);
      },
    });
  }
  app.addEventListener("change", (event) => {
    // Hands may paint a face where there was none, and wipe it away.
    if (!faceless || /** @type {CustomEvent} */ (event).detail === "gesture") return;
    faceless = !showsFace(app);
    for (const { edit, button } of cards) allow(button, edit);
  });
  update();
}

/** Whether the mask shows any class of the face itself. @param {App} app */
function showsFace({ project }) {
  return !project || FACE.some((label) => project.document.mask.data.includes(label));
}

/**
 * Show the card of an edit, and give it the focus.
 *
 * @param {string} name
 */
export function showCard(name) {
  byId("tab-edits", HTMLButtonElement).click();
  const card = document.querySelector(`[data-edit="${name}"]`);
  card?.scrollIntoView({ block: "center", inline: "center" });
  const control = card?.querySelector("input:enabled") ?? card?.querySelector("button");
  if (control instanceof HTMLElement) control.focus({ preventScroll: true });
}

/**
 * @param {string} name
 * @param {number | string | null} amount
 * @returns {string} as in the list of steps
 */
export function stepTitle(name, amount) {
  if (amount === null || amount === 0) return t("edits.without", { name: editTitle(name, null) });
  if (typeof amount === "string") return editTitle(name, amount);
  return t("edits.step", { name: editTitle(name, null), amount: signed(amount) });
}

/**
 * @param {string} name
 * @param {string | null} choice
 */
export function editTitle(name, choice) {
  const plain = capitalize(name.replaceAll("-", " "));
  const title = tIfKnown(`edit.${name}`, plain);
  return choice === null || choice.startsWith("#") ? title : tIfKnown(`edit.${name}.${choice}`, `${title}: ${choice}`);
}

/** @param {number} amount */
function signed(amount) {
  const value = Math.round(100 * amount);
  return value === 0 ? "0" : `${value > 0 ? "+" : "−"}${Math.abs(value)}`;
}

/**
 * One card, or one for each choice.
 *
 * @param {App} app
 * @param {EditControl} control
 * @param {NamedEdit} edit
 */
function createCards(app, control, edit) {
  const choices = edit.choices.length ? edit.choices : [null];
  return choices.map((choice) => createCard(app, control, edit, choice));
}

/**
 * @param {App} app
 * @param {EditControl} control
 * @param {NamedEdit} edit
 * @param {string | null} choice
 * @returns {Card}
 */
function createCard(app, control, edit, choice) {
  const { name } = edit;
  const title = editTitle(name, choice);
  const image = create("img", { alt: "" });
  const check = create("span", { class: "card-check", "aria-hidden": "true" }, icon("check"));
  const thumbnail = create("span", { class: "card-picture" }, icon("mark"), image, check);
  const testId = `edit-${choice ? `${name}-${choice}` : name}`;
  const button = create("button", { class: "card-button", "data-testid": testId, title: explain(app, edit) }, thumbnail, create("span", { class: "card-name" }, title));
  const element = create("li", { class: "card", "data-edit": name }, button);
  const isOn = () => (choice ? control.amount(name) === choice : control.amount(name) !== null);
  button.addEventListener("click", () => {
    const amount = isOn() ? null : (choice ?? edit.one_click);
    control.apply(name, amount, stepTitle(name, amount));
  });
  const amount = choice || edit.switch ? null : amountSlider(control, edit, title);
  if (amount) element.append(amount.element);
  const update = () => {
    button.setAttribute("aria-pressed", String(isOn()));
    const value = control.amount(name);
    amount?.set(typeof value === "number" ? value : 0);
    // What takes something away is offered where there is something.
    if (name.startsWith("remove-")) element.hidden = !isOn() && !shows(app, edit.part);
  };
  return { edit, choice, element, button, image, update };
}

/**
 * @param {EditControl} control
 * @param {NamedEdit} edit
 * @param {string} title
 */
function amountSlider(control, { name, low, high }, title) {
  const made = slider({
    label: title,
    min: low,
    max: high,
    step: 0.05,
    value: 0,
    format: signed,
    input: (value) => control.drag(name, value, { bySlider: true }),
    change: (value) => control.release(stepTitle(name, value)),
    testId: `amount-${name}`,
  });
  made.element.classList.toggle("centred", low < 0);
  made.range.addEventListener("dblclick", () => control.apply(name, null, stepTitle(name, null)));
  return made;
}

/**
 * Whether the unedited face shows some of these classes.
 *
 * @param {App} app
 * @param {readonly number[]} classes
 */
function shows({ project }, classes) {
  if (!project) return false;
  const { original } = project.document;
  const shown = shownClasses.get(original) ?? new Set(original.data);
  shownClasses.set(original, shown);
  return classes.some((label) => shown.has(label));
}

/** Classes of unedited masks. @type {WeakMap<object, Set<number>>} */
const shownClasses = new WeakMap();

/**
 * What an edit may change; all else is locked.
 *
 * @param {App} app
 * @param {NamedEdit} edit
 */
function explain(app, { classes }) {
  const parts = classes.map((index) => nameOf("class", app.info.classes[index]));
  return t("edits.changes", { parts: parts.join(", ") });
}

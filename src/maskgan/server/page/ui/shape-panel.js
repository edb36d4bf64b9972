/**
 * Shape panel: sliders that move the mask in MaskVAE's latent space.
 *
 * @typedef {import("./app.js").App} App
 * @typedef {import("../state/mask-mover.js").Move} Move
 */

import { nameOf, t } from "../i18n/translate.js";
import { portraitAddress } from "../remote/transport.js";
import { MaskMover } from "../state/mask-mover.js";
import { byId, capitalize, create, icon, slider } from "./elements.js";
import { showError } from "./messages.js";

/** Named edits that do what a direction does, and keep their amounts; by direction, its spaces as hyphens. */
const CARDS = new Map([
  ["smile", "smile"],
  ["open-mouth", "open-mouth"],
  ["narrower-face", "face-narrower"],
  ["more-hair", "hair-fuller"],
]);

/** @param {App} app */
export function initShapePanel(app) {
  /** @type {MaskMover | null} */
  let mover = null;
  /** @type {((value: number) => void)[]} */
  const resets = [];
  let seed = randomSeed();
  let towards = app.info.portraits[0]?.number ?? 1;

  /**
   * A slider of moves; 0 is the unchanged mask.
   *
   * @param {string} id
   * @param {string} label
   * @param {number} min
   * @param {(amount: number) => Move} move
   */
  const moveSlider = (id, label, min, move) => {
    const { element, range, set } = slider({
      label,
      min,
      max: 1,
      step: 0.02,
      value: 0,
      format: (value) => (value === 0 ? "0" : `${value > 0 ? "+" : "−"}${Math.abs(Math.round(100 * value))}`),
      input: (value) => {
        app.commitPending();
        for (const reset of resets) if (reset !== set) reset(0);
        mover?.drag(id, move(value));
      },
      change: () => mover?.release(label),
      testId: `shape-${id.replaceAll(" ", "-")}`,
    });
    element.classList.add("centred");
    resets.push(set);
    range.addEventListener("dblclick", () => {
      set(0);
      mover?.drag(id, move(0));
      mover?.release(label);
    });
    return { element, range };
  };
  const resetSliders = () => {
    for (const reset of resets) reset(0);
  };

  const directions = app.info.directions
    .filter(({ name }) => !app.info.edits.some((edit) => edit.name === CARDS.get(name.replaceAll(" ", "-"))))
    .map((direction) => {
      const { name } = direction;
      return moveSlider(name, capitalize(nameOf("direction", direction)), -1, (amount) => ({ direction: name, amount })).element;
    });
  byId("shape-directions", HTMLElement).append(...directions);
  byId("shape-directions-title", HTMLElement).hidden = !directions.length;

  const faces = byId("shape-faces", HTMLElement);
  const buttons = app.info.portraits.map(({ number }) => {
    const picture = create("img", { src: portraitAddress(number, 128), alt: "", loading: "lazy" });
    const label = t("shape.towards-portrait", { number });
    const button = create("button", { class: "tile small", "aria-label": label, title: label }, picture);
    button.setAttribute("data-testid", `shape-face-${number}`);
    button.addEventListener("click", () => {
      towards = number;
      rebase();
      press();
    });
    return { number, button };
  });
  const press = () => {
    for (const { number, button } of buttons) button.setAttribute("aria-pressed", String(number === towards));
  };
  press();
  faces.append(...buttons.map(({ button }) => button));
  const towardsFace = moveSlider("towards", t("shape.towards-face"), -1, (amount) => ({
    towards: { portrait: towards },
    amount,
  }));
  const towardsStyle = moveSlider("style", t("shape.towards-style"), -1, (amount) => ({ towards: "style", amount }));
  faces.after(towardsFace.element, towardsStyle.element);

  const random = moveSlider("random", t("shape.towards-random"), 0, (amount) => ({ random: seed, amount }));
  const roll = create("button", { "data-testid": "shape-roll" }, icon("dice"), t("shape.randomize"));
  roll.addEventListener("click", () => {
    // Keep the slider's value and change the face; from 0, go half way.
    const amount = random.range.valueAsNumber || 0.5;
    seed = randomSeed();
    random.range.valueAsNumber = amount;
    random.range.dispatchEvent(new Event("input"));
    random.range.dispatchEvent(new Event("change"));
  });
  byId("shape-random", HTMLElement).append(random.element, roll);

  /** A new target restarts the sliders from the current mask. */
  function rebase() {
    resetSliders();
    attachMover();
  }

  function attachMover() {
    const { project } = app;
    if (!project) return;
    const busy = byId("shape-busy", HTMLElement);
    mover?.close();
    mover = new MaskMover(
      project.document,
      (base, move) => project.remote.move(base, move, project.document.settings.style),
      {
        reset: resetSliders,
        failed: (error) => {
          resetSliders();
          showError(error.message);
        },
        busy: (isBusy) => busy.classList.toggle("shown", isBusy),
      },
    );
  }
  const update = () => {
    towardsStyle.range.disabled = !app.project?.document.settings.style;
  };
  app.addEventListener("open", () => {
    resetSliders();
    attachMover();
    update();
  });
  app.addEventListener("change", update);
  update();
}

function randomSeed() {
  return crypto.getRandomValues(new Uint32Array(1))[0] % 1_000_000;
}

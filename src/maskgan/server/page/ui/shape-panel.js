/**
 * Sliders that move the mask through the learned space of masks.
 *
 * @typedef {import("./workbench.js").Workbench} Workbench
 * @typedef {import("../state/mask-mover.js").Move} Move
 */

import { MaskMover } from "../state/mask-mover.js";
import { byId, capitalised, create, icon, slider } from "./elements.js";
import { showError } from "./messages.js";

/** @param {Workbench} bench */
export function shapePanel(bench) {
  /** @type {MaskMover | null} */
  let mover = null;
  /** @type {((value: number) => void)[]} */
  const resets = [];
  let seed = randomSeed();
  let towards = bench.about.portraits[0]?.number ?? 1;

  /**
   * A slider whose places are moves from its rest position, 0.
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
        bench.settle();
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
  const rest = () => {
    for (const reset of resets) reset(0);
  };

  const directions = bench.about.directions.map(
    ({ name, title }) => moveSlider(name, capitalised(title), -1, (amount) => ({ direction: name, amount })).element,
  );
  byId("shape-directions", HTMLElement).append(...directions);
  byId("shape-directions-title", HTMLElement).hidden = !directions.length;

  const faces = byId("shape-faces", HTMLElement);
  const buttons = bench.about.portraits.map(({ number }) => {
    const picture = create("img", { src: `/api/portraits/${number}.jpg?size=128`, alt: "", loading: "lazy" });
    const label = `Towards portrait ${number}`;
    const button = create("button", { class: "tile small", "aria-label": label, title: label }, picture);
    button.setAttribute("data-testid", `shape-face-${number}`);
    button.addEventListener("click", () => {
      towards = number;
      settleOn();
      press();
    });
    return { number, button };
  });
  const press = () => {
    for (const { number, button } of buttons) button.setAttribute("aria-pressed", String(number === towards));
  };
  press();
  faces.append(...buttons.map(({ button }) => button));
  const towardsFace = moveSlider("towards", "Towards this face", -1, (amount) => ({
    towards: { portrait: towards },
    amount,
  }));
  const towardsStyle = moveSlider("style", "Towards the style's face", -1, (amount) => ({ towards: "style", amount }));
  faces.after(towardsFace.element, towardsStyle.element);

  const neighbour = moveSlider("neighbour", "Towards a random face", 0, (amount) => ({ random: seed, amount }));
  const roll = create("button", { "data-testid": "shape-roll" }, icon("dice"), "Roll again");
  roll.addEventListener("click", () => {
    // The slider stays where it is and shows another face; from rest, a roll goes half of the way.
    const amount = neighbour.range.valueAsNumber || 0.5;
    seed = randomSeed();
    neighbour.range.valueAsNumber = amount;
    neighbour.range.dispatchEvent(new Event("input"));
    neighbour.range.dispatchEvent(new Event("change"));
  });
  byId("shape-random", HTMLElement).append(neighbour.element, roll);

  /** Another goal makes the sliders start from the mask as it is now. */
  function settleOn() {
    rest();
    begin();
  }

  function begin() {
    const { project } = bench;
    if (!project) return;
    const busy = byId("shape-busy", HTMLElement);
    mover?.close();
    mover = new MaskMover(
      project.document,
      (base, move) => project.remote.move(base, move, project.document.settings.style),
      {
        rest,
        fail: (error) => {
          rest();
          showError(error.message);
        },
        busy: (asking) => busy.classList.toggle("shown", asking),
      },
    );
  }
  const update = () => {
    towardsStyle.range.disabled = !bench.project?.document.settings.style;
  };
  bench.addEventListener("open", () => {
    rest();
    begin();
    update();
  });
  bench.addEventListener("change", update);
  update();
}

function randomSeed() {
  return crypto.getRandomValues(new Uint32Array(1))[0] % 1_000_000;
}

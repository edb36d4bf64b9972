import { floodFill } from "../../mask/fill.js";
import { labelAt } from "../../mask/label-map.js";
import { Tool } from "./tool.js";

/**
 * Gives a connected region the chosen class, once the press proves to be no pinch.
 *
 * @typedef {import("./tool.js").Point} Point
 */
export class FillTool extends Tool {
  /** @type {Point | null} */
  #pressed = null;

  get hint() {
    return "Click a region to give it the chosen class.";
  }

  /** @param {Point} point */
  begin(point) {
    this.#pressed = point;
  }

  end() {
    const document = this.bench.document();
    const { label } = this.bench.preferences.values;
    const old = this.#pressed && labelAt(document.mask, this.#pressed);
    if (this.#pressed === null || old === null) return;
    if (document.locks[old]) this.bench.say(`The ${this.titleOf(old)} is locked.`);
    if (!floodFill(document.mask, this.#pressed, label, document.locks)) return;
    document.touch();
    document.commit(`Fill with ${this.titleOf(label)}`);
  }

  cancel() {
    this.#pressed = null;
  }
}

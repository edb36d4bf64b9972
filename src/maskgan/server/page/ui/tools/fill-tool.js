import { floodFill } from "../../mask/fill.js";
import { labelAt } from "../../mask/label-map.js";
import { Tool } from "./tool.js";

/** Gives a connected region the chosen class. */
export class FillTool extends Tool {
  get hint() {
    return "Click a region to give it the chosen class.";
  }

  /** @param {import("./tool.js").Point} point */
  begin(point) {
    const document = this.bench.document();
    const { label } = this.bench.preferences.values;
    const old = labelAt(document.mask, point);
    if (old !== null && document.locks[old]) this.bench.say(`The ${this.titleOf(old)} is locked.`);
    if (!floodFill(document.mask, point, label, document.locks)) return;
    document.touch();
    document.commit(`Fill with ${this.titleOf(label)}`);
  }
}

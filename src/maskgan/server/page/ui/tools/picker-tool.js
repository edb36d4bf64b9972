import { labelAt } from "../../mask/label-map.js";
import { Tool } from "./tool.js";

/** Chooses the class that is pointed at. */
export class PickerTool extends Tool {
  get hint() {
    return "Click the face to choose the class that is there.";
  }

  /** @param {import("./tool.js").Point} point */
  begin(point) {
    const label = labelAt(this.bench.document().mask, point);
    if (label === null) return;
    this.bench.preferences.set({ label });
    this.bench.say(`Chosen: ${this.titleOf(label)}`);
  }
}

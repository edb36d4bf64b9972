import { t } from "../../i18n/translate.js";
import { labelAt } from "../../mask/label-map.js";
import { Tool } from "./tool.js";

/** Picks the class under the pointer. */
export class PickerTool extends Tool {
  /** @type {"click"} */
  keyboard = "click";
  get hint() {
    return t("hint.picker");
  }

  /** @param {import("./tool.js").Point} point */
  begin(point) {
    const label = labelAt(this.editor.document().mask, point);
    if (label !== null) this.pick(label);
  }

  /** @param {number} label */
  pick(label) {
    this.editor.preferences.set({ label });
    this.editor.notify(t("notice.class", { part: this.titleOf(label) }));
  }
}

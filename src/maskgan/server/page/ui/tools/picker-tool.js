import { t } from "../../i18n/translate.js";
import { labelAt } from "../../mask/label-map.js";
import { Tool } from "./tool.js";

/** Picks the class under the pointer. */
export class PickerTool extends Tool {
  get hint() {
    return t("hint.picker");
  }

  /** @param {import("./tool.js").Point} point */
  begin(point) {
    const label = labelAt(this.editor.document().mask, point);
    if (label === null) return;
    this.editor.preferences.set({ label });
    this.editor.notify(t("notice.class", { part: this.titleOf(label) }));
  }
}

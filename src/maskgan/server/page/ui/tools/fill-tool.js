import { t } from "../../i18n/translate.js";
import { floodFill } from "../../mask/fill.js";
import { labelAt } from "../../mask/label-map.js";
import { Tool } from "./tool.js";

/**
 * Fills a connected region on release, so that a pinch does not fill.
 *
 * @typedef {import("./tool.js").Point} Point
 */
export class FillTool extends Tool {
  /** @type {"click"} */
  keyboard = "click";
  picksWithAlt = true;
  /** @type {Point | null} */
  #pressed = null;

  get hint() {
    return t("hint.fill");
  }

  /** @param {Point} point */
  begin(point) {
    this.#pressed = point;
  }

  end() {
    const document = this.editor.document();
    const { label } = this.editor.preferences.values;
    const old = this.#pressed && labelAt(document.mask, this.#pressed);
    if (this.#pressed === null || old === null) return;
    if (document.locks[old]) this.editor.notify(t("notice.locked", { part: this.titleOf(old) }));
    const labels = this.withCounterpart(label);
    const filled = this.withReflection(this.#pressed).map((point, side) =>
      floodFill(document.mask, point, labels[side], document.locks),
    );
    if (!filled.some(Boolean)) return;
    document.notifyChange();
    document.commit(t("step.fill", { part: this.titleOf(label) }));
  }

  cancel() {
    this.#pressed = null;
  }
}

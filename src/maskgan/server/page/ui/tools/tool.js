/**
 * What a tool is. Points are in mask pixels; drawing is in screen pixels.
 *
 * @typedef {import("../../mask/label-map.js").Point} Point
 * @typedef {import("../../state/document.js").FaceDocument} FaceDocument
 * @typedef {import("../../state/preferences.js").Preferences} Preferences
 * @typedef {import("../../state/view.js").View} View
 * @typedef {import("../../remote/api.js").FaceClass} FaceClass
 *
 * @typedef {object} Bench what tools work with
 * @property {() => FaceDocument} document
 * @property {() => boolean} isUntouched whether nobody has edited the face yet
 * @property {Preferences} preferences
 * @property {readonly FaceClass[]} classes
 * @property {() => View} view
 * @property {() => void} redraw
 * @property {(text: string) => void} say
 */

import { SKIN } from "../../mask/label-map.js";
import { toScreen } from "../../state/view.js";

export const NOTHING_TO_TAKE = "There is no part here, or it is locked.";

/** A tool that does nothing; others do what they need. */
export class Tool {
  /** @param {Bench} bench */
  constructor(bench) {
    this.bench = bench;
  }

  /** The shape of the pointer over the canvas. */
  cursor = "crosshair";

  /**
   * @param {Point} _point
   * @param {PointerEvent} _event
   */
  begin(_point, _event) {}

  /** @param {Point[]} _points all places since the last call */
  drag(_points) {}

  end() {}

  /** Take back what is under way. */
  cancel() {}

  /** The press became something else, such as two fingers that zoom: take back what it did, and no more. */
  abort() {
    this.cancel();
  }

  /** Finish what is under way. */
  confirm() {}

  /** Another tool, or anything else that changes the face, takes over. */
  settle() {
    this.cancel();
  }

  /** @param {Point | null} _point null where the pointer left */
  hover(_point) {}

  /**
   * @param {KeyboardEvent} _event
   * @returns {boolean} whether the key meant something to the tool
   */
  key(_event) {
    return false;
  }

  /** @param {CanvasRenderingContext2D} _context */
  draw(_context) {}

  /** Whether something is begun that `cancel` would take back. */
  get isUnderWay() {
    return false;
  }

  /** @returns {string} one line that says what to do */
  get hint() {
    return "";
  }

  /** @param {number} label */
  titleOf(label) {
    return this.bench.classes[label].title;
  }

  /**
   * @param {import("../../mask/parts.js").Part} part
   * @returns {string} the group's name where a group was taken
   */
  titleOfPart({ label, isGroup }) {
    if (!isGroup) return this.titleOf(label);
    return label === SKIN ? "face" : "mouth";
  }

  /** @param {Point} point */
  onScreen(point) {
    return toScreen(this.bench.view(), point);
  }
}

/**
 * A line that is seen on any ground: light upon dark.
 *
 * @param {CanvasRenderingContext2D} context with a path
 * @param {number[]} [dash]
 */
export function strokeTwice(context, dash = []) {
  context.setLineDash([]);
  context.lineWidth = 2.5;
  context.strokeStyle = "rgb(0 0 0 / 55%)";
  context.stroke();
  context.setLineDash(dash);
  context.lineWidth = 1.25;
  context.strokeStyle = "white";
  context.stroke();
  context.setLineDash([]);
}

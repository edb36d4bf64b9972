/**
 * Base class of the tools. Points are in mask pixels; drawing is in screen pixels.
 *
 * @typedef {import("../../mask/label-map.js").Point} Point
 * @typedef {import("../../state/document.js").FaceDocument} FaceDocument
 * @typedef {import("../../state/preferences.js").Preferences} Preferences
 * @typedef {import("../../state/view.js").View} View
 * @typedef {import("../../mask/symmetry.js").Axis} Axis
 * @typedef {import("../../remote/api.js").FaceClass} FaceClass
 *
 * @typedef {Pick<PointerEvent, "shiftKey" | "altKey" | "detail">} Press a pointer's or a key's event
 * @typedef {Point & {pressure?: number}} PenPoint pressure of a pen, 0..1
 *
 * @typedef {object} ToolContext what tools have access to
 * @property {() => FaceDocument} document
 * @property {() => boolean} isUnedited whether the face has no edits yet
 * @property {Preferences} preferences
 * @property {readonly FaceClass[]} classes
 * @property {() => Axis | null} symmetry axis of symmetric painting; null: off
 * @property {() => Axis} axis between left and right of the open face
 * @property {() => import("../../mask/edges.js").ColourMap} colours of the photograph
 * @property {() => View} view
 * @property {() => void} redraw
 * @property {(text: string) => void} notify
 */

import { nameOf, t, tIfKnown } from "../../i18n/translate.js";
import { SKIN } from "../../mask/label-map.js";
import { reflect } from "../../mask/symmetry.js";
import { toScreen } from "../../state/view.js";

/** A tool without any action; subclasses override what they need. */
export class Tool {
  /** @param {ToolContext} editor */
  constructor(editor) {
    this.editor = editor;
  }

  /** CSS cursor. */
  cursor = "crosshair";

  /** Whether a drag moves the view instead. */
  pans = false;

  /** Whether a press with Alt picks the class instead. */
  picksWithAlt = false;

  /** How keys use the tool at a cursor: press and lift, a click, or not at all. @type {"stroke" | "click" | null} */
  keyboard = null;

  /**
   * @param {PenPoint} _point
   * @param {Press} _event
   */
  begin(_point, _event) {}

  /** @param {PenPoint[]} _points all points since the last call */
  drag(_points) {}

  end() {}

  /** Revert the unfinished action. */
  cancel() {}

  /** The press became another gesture, such as a pinch: revert what it did, and no more. */
  abort() {
    this.cancel();
  }

  /** Finish the current action. */
  confirm() {}

  /** Commit or drop the unfinished action before another change. */
  commitPending() {
    this.cancel();
  }

  /** @param {Point | null} _point null if the pointer left */
  hover(_point) {}

  /**
   * @param {KeyboardEvent} _event
   * @returns {boolean} whether the tool handled the key
   */
  key(_event) {
    return false;
  }

  /** @param {CanvasRenderingContext2D} _context */
  draw(_context) {}

  /** Whether there is an unfinished action that `cancel` would revert. */
  get isActive() {
    return false;
  }

  /** @returns {string} one-line usage hint */
  get hint() {
    return "";
  }

  /**
   * A point, and with symmetric painting its reflection.
   *
   * @param {Point} point
   * @returns {Point[]}
   */
  withReflection(point) {
    const axis = this.editor.symmetry();
    return axis ? [point, reflect(axis, point)] : [point];
  }

  /**
   * A class, and with symmetric painting its counterpart on the other side.
   *
   * @param {number} label
   * @returns {number[]}
   */
  withCounterpart(label) {
    return this.editor.symmetry() ? [label, this.editor.classes[label].mirror] : [label];
  }

  /** @param {number} label */
  titleOf(label) {
    return nameOf("class", this.editor.classes[label]);
  }

  /**
   * @param {import("../../mask/parts.js").Part} part
   * @returns {string} the group's name for a group
   */
  titleOfPart({ label, isGroup }) {
    if (!isGroup) return this.titleOf(label);
    return t(label === SKIN ? "group.face" : "group.mouth");
  }

  /** @param {Point} point */
  onScreen(point) {
    return toScreen(this.editor.view(), point);
  }
}

/**
 * A hint for the pointer at hand: fingers have no keys.
 *
 * @param {import("../../i18n/translate.js").Key} key
 */
export function hintFor(key) {
  const text = t(key);
  return matchMedia("(hover: none)").matches ? tIfKnown(`${key}.touch`, text) : text;
}

/**
 * A line visible on any background: light on dark.
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

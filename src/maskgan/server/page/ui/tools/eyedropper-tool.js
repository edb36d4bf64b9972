import { meanColour } from "../../state/colours.js";
import { Tool, hintFor, strokeTwice } from "./tool.js";

/**
 * @typedef {import("./tool.js").Point} Point
 *
 * @typedef {object} Pick what a pick of a colour is told
 * @property {(colour: string) => void} shown the colour under the pointer while it is pressed
 * @property {(colour: string | null) => void} ended the colour chosen; null: none
 */

const RADIUS = 2; // of the square whose mean is taken, in mask pixels
const LOUPE = 26; // radius of the ring that shows the colour, in screen pixels

/** Picks a colour from the unedited photograph. */
export class EyedropperTool extends Tool {
  /** @type {Pick | null} */
  #pick = null;
  /** @type {Point | null} */
  #point = null;
  /** @type {string | null} */
  #colour = null;
  #isPressed = false;
  #picture;

  /**
   * @param {import("./tool.js").ToolContext} editor
   * @param {() => ImageBitmap} picture the unedited photograph
   */
  constructor(editor, picture) {
    super(editor);
    this.#picture = picture;
  }

  get hint() {
    return hintFor("hint.eyedropper");
  }

  get isActive() {
    return this.#pick !== null;
  }

  /** @param {Pick} pick */
  start(pick) {
    this.cancel();
    this.#pick = pick;
  }

  /** @param {Point} point */
  begin(point) {
    this.#isPressed = true;
    this.#look(point);
  }

  /** @param {Point[]} points */
  drag(points) {
    this.#look(points[points.length - 1]);
  }

  /** @param {Point | null} point */
  hover(point) {
    if (this.#isPressed) return;
    this.#point = point;
    this.#colour = point && this.#sample(point);
    this.editor.redraw();
  }

  end() {
    if (this.#isPressed) this.#finish(this.#colour);
  }

  abort() {
    this.#isPressed = false;
  }

  cancel() {
    this.#finish(null);
  }

  /** @param {CanvasRenderingContext2D} context */
  draw(context) {
    if (!this.#point || !this.#colour) return;
    const { x, y } = this.onScreen(this.#point);
    context.beginPath();
    context.arc(x, y - 2 * LOUPE, LOUPE, 0, 2 * Math.PI);
    context.fillStyle = this.#colour;
    context.fill();
    strokeTwice(context);
    context.beginPath();
    context.arc(x, y, 4, 0, 2 * Math.PI);
    strokeTwice(context);
  }

  /** @param {Point} point */
  #look(point) {
    this.#point = point;
    this.#colour = this.#sample(point) ?? this.#colour;
    if (this.#colour) this.#pick?.shown(this.#colour);
    this.editor.redraw();
  }

  /** @param {Point} point */
  #sample(point) {
    const picture = this.#picture();
    const { width } = this.editor.document().mask;
    const scale = picture.width / width;
    const side = Math.max(Math.round((2 * RADIUS + 1) * scale), 1);
    const context = new OffscreenCanvas(side, side).getContext("2d", { willReadFrequently: true });
    if (!context) return null;
    context.drawImage(picture, Math.round(side / 2 - point.x * scale), Math.round(side / 2 - point.y * scale));
    return meanColour(context.getImageData(0, 0, side, side).data);
  }

  /** @param {string | null} colour */
  #finish(colour) {
    const pick = this.#pick;
    this.#pick = null;
    this.#point = null;
    this.#colour = null;
    this.#isPressed = false;
    pick?.ended(colour);
  }
}

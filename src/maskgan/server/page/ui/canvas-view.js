/**
 * The two canvas panes: the mask over the photograph, and the result.
 *
 * @typedef {import("../mask/label-map.js").Point} Point
 * @typedef {import("../state/view.js").View} View
 * @typedef {import("../mask/symmetry.js").Axis} Axis
 * @typedef {import("./tools/tool.js").Tool} Tool
 * @typedef {import("./app.js").App} App
 */

import { nameOf } from "../i18n/translate.js";
import { labelAt } from "../mask/label-map.js";
import { symmetryAxis } from "../mask/symmetry.js";
import { fitView, panView, panesFor, pinchView, toMask, toScreen, zoomView } from "../state/view.js";
import { drawAxis, drawCursor } from "./canvas-marks.js";
import { byId } from "./elements.js";
import { Gestures } from "./gestures.js";
import { KeyboardCursor } from "./keyboard-cursor.js";
import { MaskOverlay } from "./mask-overlay.js";
import { pixelTable } from "./palette.js";
import { coloursOf } from "./photograph-colours.js";
import { CanvasPane } from "./canvas-pane.js";

const DOUBLE_TAP_ZOOM = 2.5;

export class CanvasView {
  /** @type {View} */
  view = { scale: 1, x: 0, y: 0 };
  /** @type {Tool} the current tool */
  tool;
  #app;
  #maskPane = new CanvasPane(byId("mask-canvas", HTMLCanvasElement));
  #resultPane = new CanvasPane(byId("result-canvas", HTMLCanvasElement));
  /** @type {"mask" | "result" | "both"} */
  #shown = "mask";
  #overlay = new MaskOverlay();
  #overlayStale = true;
  #drawing = false;
  #showsOriginal = false;
  /** Whether the view follows the pane's size, until the user zooms or pans. */
  #isFitted = true;
  /** @type {Gestures[]} */
  #gestures;
  /** @type {Axis | null} of the open face */
  #axis = null;
  /** Cursor of the keyboard. */
  cursor = new KeyboardCursor({
    tool: () => this.tool,
    area: () => this.#area,
    scale: () => this.view.scale,
    describe: (point) => this.#describe(point),
    moved: () => {
      this.#pointer = this.cursor.point && toScreen(this.view, this.cursor.point);
      this.redraw();
    },
  });
  /** @type {Point | null} the pointer, in screen pixels of its pane */
  #pointer = null;

  /**
   * @param {App} app
   * @param {Tool} tool the initial tool
   */
  constructor(app, tool) {
    this.#app = app;
    this.tool = tool;
    const panes = [this.#maskPane, this.#resultPane];
    this.#gestures = panes.map((pane) => this.#createGestures(pane));
    const observer = new ResizeObserver(() => {
      this.#measure();
      if (this.#isFitted) this.fit();
      else this.redraw();
    });
    observer.observe(byId("panes", HTMLElement));
    for (const pane of panes) observer.observe(pane.canvas);
    app.addEventListener("open", () => {
      this.#measure();
      this.#axis = null;
      this.cursor.hide();
      this.#overlayStale = true;
      this.fit();
    });
    app.addEventListener("change", () => {
      this.#overlayStale = true;
      this.redraw();
    });
    for (const event of ["result", "picture"]) app.addEventListener(event, () => this.redraw());
    app.preferences.onChange((changed) => {
      if ("hidden" in changed) this.#overlayStale = true;
      if ("panes" in changed || "tab" in changed) this.#measure();
      this.redraw();
    });
  }

  /** @param {boolean} held whether a drag pans the view instead of using the tool */
  holdPan(held) {
    for (const gestures of this.#gestures) gestures.panHeld = held;
    this.#showCursor(held ? "grab" : this.tool.cursor);
  }

  /** @param {boolean} shown whether both panes show the unedited photograph alone */
  showOriginal(shown) {
    this.#showsOriginal = shown;
    byId("panes", HTMLElement).toggleAttribute("data-original", shown);
    this.redraw();
  }

  fit() {
    this.#isFitted = true;
    if (this.#app.project) this.#setView(fitView(this.#area, this.#pane.size));
  }

  /** @param {number} factor about the centre */
  zoomBy(factor) {
    const { width, height } = this.#pane.size;
    this.#zoom({ x: width / 2, y: height / 2 }, factor);
  }

  /** Schedule a redraw in the next frame. */
  redraw() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  /** Revert the tool's unfinished action, and ignore the rest of the current press. */
  cancelTool() {
    for (const gestures of this.#gestures) gestures.endTool();
    this.cursor.release();
    this.tool.cancel();
  }

  /** Commit or drop the tool's unfinished action, and ignore the rest of the current press. */
  commitPending() {
    for (const gestures of this.#gestures) gestures.endTool();
    this.cursor.release();
    this.tool.commitPending();
  }

  /** Give the canvas the keyboard focus, so that keys reach the tool. */
  focus() {
    this.#pane.canvas.focus({ preventScroll: true });
  }

  /**
   * Painting by keys; on a focused canvas only.
   *
   * @param {KeyboardEvent} event
   * @returns {boolean} whether the key was handled
   */
  key(event) {
    const isHere = [this.#maskPane, this.#resultPane].some(({ canvas }) => canvas === event.target);
    return isHere && this.#app.project !== null && this.cursor.key(event);
  }

  /** Called with the class that was pressed with Alt, or null outside. */
  onPick = (/** @type {number | null} */ _label) => {};

  /** Called when other panes are shown. */
  onPanes = (/** @type {"mask" | "result" | "both"} */ _shown) => {};

  /** Called after each redraw. */
  onDraw = () => {};

  /** Called with the new scale when the view changes. */
  onView = (/** @type {number} */ _scale) => {};

  /** Called with the class under the pointer, or null. */
  onHover = (/** @type {number | null} */ _label) => {};

  /** A visible pane: narrow screens show only one. */
  get #pane() {
    return this.#maskPane.isShown ? this.#maskPane : this.#resultPane;
  }

  get shownPanes() {
    return this.#shown;
  }

  /** @returns {Axis} between left and right of the open face */
  get axis() {
    this.#axis ??= symmetryAxis(this.#app.openProject.document.original);
    return this.#axis;
  }

  /** Colours of the photograph at the mask's size. */
  get colours() {
    const { picture, document } = this.#app.openProject;
    return coloursOf(picture, document.mask);
  }

  /** @returns {Axis | null} axis of symmetric painting; null: off */
  get symmetry() {
    const { project, preferences } = this.#app;
    return project && preferences.values.symmetric ? this.axis : null;
  }

  /** @returns {"photo" | "result"} image under the mask */
  get underlay() {
    const { underlay } = this.#app.preferences.values;
    if (underlay !== "auto") return underlay;
    return this.#shown === "both" ? "photo" : "result";
  }

  get #area() {
    const { width, height } = this.#app.openProject.document.mask;
    return { width, height };
  }

  #draw() {
    const { project, result, preferences } = this.#app;
    if (!project) return;
    const { opacity, compare, split, maskShown } = preferences.values;
    const rendered = (!this.#showsOriginal && result) || project.picture;
    const drawTool = (/** @type {CanvasRenderingContext2D} */ context) => {
      if (this.symmetry) drawAxis(context, this.view, this.symmetry, this.#area.width + this.#area.height);
      this.tool.draw(context);
      if (this.cursor.point) drawCursor(context, this.view, this.cursor.point);
    };
    const changed = this.#overlayStale ? this.#renderOverlay() : null;
    this.#updateHover();
    if (this.#maskPane.isShown) {
      const picture = this.underlay === "photo" ? project.picture : rendered;
      const mask = maskShown && !this.#showsOriginal ? this.#overlay.canvas : null;
      this.#maskPane.draw(this.view, this.#area, { picture, before: null, split, mask, opacity }, changed, drawTool);
    }
    if (this.#resultPane.isShown) {
      const before = compare ? project.picture : null;
      this.#resultPane.draw(this.view, this.#area, { picture: rendered, before, split, mask: null, opacity }, null, drawTool);
    }
    this.onDraw();
  }

  /** @param {Point} point */
  #describe(point) {
    const label = labelAt(this.#app.openProject.document.mask, point);
    return label === null ? "" : nameOf("class", this.#app.info.classes[label]);
  }

  #renderOverlay() {
    this.#overlayStale = false;
    const { info, openProject, preferences } = this.#app;
    return this.#overlay.update(openProject.document.mask, pixelTable(info.classes, preferences.values.hidden));
  }

  /** @param {View} view */
  #setView(view) {
    this.view = view;
    this.onView(view.scale);
    this.redraw();
  }

  /**
   * @param {Point} anchor
   * @param {number} factor
   */
  #zoom(anchor, factor) {
    this.#isFitted = false;
    this.#setView(zoomView(this.view, anchor, factor, this.#area, this.#pane.size));
  }

  /** @param {CanvasPane} pane */
  #createGestures(pane) {
    const point = (/** @type {import("./gestures.js").PenPoint} */ screen) => ({ ...screen, ...toMask(this.view, screen) });
    return new Gestures(pane.canvas, {
      begin: (screen, event) => {
        if (!this.#app.project) return;
        this.cursor.hide();
        if (event.altKey && this.tool.picksWithAlt) {
          for (const gestures of this.#gestures) gestures.endTool();
          this.onPick(labelAt(this.#app.project.document.mask, point(screen)));
          return;
        }
        this.tool.begin(point(screen), event);
        this.redraw();
      },
      drag: (screens) => {
        if (!this.#app.project) return;
        this.#pointer = screens[screens.length - 1];
        this.tool.drag(screens.map(point));
        this.redraw();
      },
      end: () => this.#app.project && this.tool.end(),
      cancel: () => this.#app.project && this.tool.abort(),
      hover: (screen) => {
        if (!this.#app.project) return;
        this.#pointer = screen;
        if (screen) this.cursor.hide();
        this.tool.hover(screen && point(screen));
        this.#updateHover();
        this.#showCursor(this.tool.cursor);
      },
      pans: () => this.tool.pans,
      doubleTap: (screen) => (this.#isFitted ? this.#zoom(screen, DOUBLE_TAP_ZOOM) : this.fit()),
      pan: (shift) => {
        this.#isFitted = false;
        this.#setView(panView(this.view, shift, this.#area, pane.size));
      },
      pinch: (before, after) => {
        this.#isFitted = false;
        this.#setView(pinchView(this.view, before, after, this.#area, pane.size));
      },
      zoom: (anchor, factor) => this.#zoom(anchor, factor),
    });
  }

  /** Show the panes that there is room for, and note their sizes. */
  #measure() {
    const panes = byId("panes", HTMLElement);
    const { panes: choice, tab } = this.#app.preferences.values;
    // Who edits by cards or styles wants to see the face, who paints the mask.
    const single = ["edits", "colours", "style"].includes(tab) ? "result" : "mask";
    this.#shown = panesFor(choice, { width: panes.clientWidth, height: panes.clientHeight }, single);
    const isNew = panes.dataset.shown !== this.#shown;
    panes.dataset.shown = this.#shown;
    for (const pane of [this.#maskPane, this.#resultPane]) pane.measure();
    if (!isNew) return;
    this.onPanes(this.#shown);
    if (this.#isFitted) this.fit();
  }

  #updateHover() {
    const { project } = this.#app;
    const pointer = this.#pointer;
    this.onHover(project && pointer && labelAt(project.document.mask, toMask(this.view, pointer)));
  }

  /** @param {string} cursor */
  #showCursor(cursor) {
    for (const pane of [this.#maskPane, this.#resultPane]) pane.canvas.style.cursor = cursor;
  }
}

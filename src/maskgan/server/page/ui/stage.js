/**
 * The two panes on which the face is seen and painted: the mask over the photograph, and the result.
 *
 * @typedef {import("../mask/label-map.js").Point} Point
 * @typedef {import("../state/view.js").View} View
 * @typedef {import("./tools/tool.js").Tool} Tool
 * @typedef {import("./workbench.js").Workbench} Workbench
 */

import { labelAt } from "../mask/label-map.js";
import { fitted, panned, pinched, toMask, zoomed } from "../state/view.js";
import { byId } from "./elements.js";
import { Gestures } from "./gestures.js";
import { pixelTable } from "./palette.js";
import { Pane } from "./pane.js";

export class Stage {
  /** @type {View} */
  view = { scale: 1, x: 0, y: 0 };
  /** @type {Tool} the one in hand */
  tool;
  #bench;
  #maskPane = new Pane(byId("mask-canvas", HTMLCanvasElement));
  #resultPane = new Pane(byId("result-canvas", HTMLCanvasElement));
  #overlay = document.createElement("canvas");
  #overlayStale = true;
  #drawing = false;
  /** Fitted until somebody zooms or moves the view. */
  #isFitted = true;
  /** @type {Gestures[]} */
  #gestures;

  /**
   * @param {Workbench} bench
   * @param {Tool} tool the first one in hand
   */
  constructor(bench, tool) {
    this.#bench = bench;
    this.tool = tool;
    const panes = [this.#maskPane, this.#resultPane];
    this.#gestures = panes.map((pane) => this.#listen(pane));
    const observer = new ResizeObserver(() => (this.#isFitted ? this.fit() : this.redraw()));
    for (const pane of panes) observer.observe(pane.canvas);
    bench.addEventListener("open", () => {
      this.#overlayStale = true;
      this.fit();
    });
    bench.addEventListener("change", () => {
      this.#overlayStale = true;
      this.redraw();
    });
    bench.addEventListener("result", () => this.redraw());
    bench.preferences.onChange((changed) => {
      if ("hidden" in changed) this.#overlayStale = true;
      this.redraw();
    });
  }

  /** @param {boolean} held whether a drag moves the view instead of working with the tool */
  holdView(held) {
    for (const gestures of this.#gestures) gestures.viewHeld = held;
    this.#showCursor(held ? "grab" : this.tool.cursor);
  }

  fit() {
    this.#isFitted = true;
    if (this.#bench.project) this.#setView(fitted(this.#area, this.#pane.size));
  }

  /** @param {number} factor about the middle */
  zoomBy(factor) {
    const { width, height } = this.#pane.size;
    this.#zoom({ x: width / 2, y: height / 2 }, factor);
  }

  /** Draw soon; many wishes in one frame are one drawing. */
  redraw() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  /** Called with the new scale when the view changes. */
  onView = (/** @type {number} */ _scale) => {};

  /** Called with the class under the pointer, or null. */
  onHover = (/** @type {number | null} */ _label) => {};

  /** The pane that is surely seen: on narrow screens there is only one. */
  get #pane() {
    return this.#maskPane.isShown ? this.#maskPane : this.#resultPane;
  }

  get #area() {
    const { width, height } = this.#bench.open.document.mask;
    return { width, height };
  }

  #draw() {
    const { project, result, preferences } = this.#bench;
    if (!project) return;
    const { opacity, under, compare, split, maskShown } = preferences.values;
    const made = result ?? project.picture;
    const drawTool = (/** @type {CanvasRenderingContext2D} */ context) => this.tool.draw(context);
    if (this.#overlayStale) this.#paintOverlay();
    if (this.#maskPane.isShown) {
      const picture = under === "photo" ? project.picture : made;
      const mask = maskShown ? this.#overlay : null;
      this.#maskPane.draw(this.view, this.#area, { picture, before: null, mask, opacity }, drawTool);
    }
    if (this.#resultPane.isShown) {
      const before = compare ? { picture: project.picture, share: split } : null;
      this.#resultPane.draw(this.view, this.#area, { picture: made, before, mask: null, opacity }, drawTool);
    }
  }

  #paintOverlay() {
    const { mask } = this.#bench.open.document;
    const table = pixelTable(this.#bench.about.classes, this.#bench.preferences.values.hidden);
    const image = new ImageData(mask.width, mask.height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let i = 0; i < pixels.length; i++) pixels[i] = table[mask.data[i]];
    this.#overlay.width = mask.width;
    this.#overlay.height = mask.height;
    this.#overlay.getContext("2d")?.putImageData(image, 0, 0);
    this.#overlayStale = false;
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
    this.#setView(zoomed(this.view, anchor, factor, this.#area, this.#pane.size));
  }

  /** @param {Pane} pane */
  #listen(pane) {
    const point = (/** @type {Point} */ screen) => toMask(this.view, screen);
    return new Gestures(pane.canvas, {
      begin: (screen, event) => {
        if (!this.#bench.project) return;
        this.tool.begin(point(screen), event);
        this.redraw();
      },
      drag: (screens) => {
        if (!this.#bench.project) return;
        this.tool.drag(screens.map(point));
        this.redraw();
      },
      end: () => this.#bench.project && this.tool.end(),
      cancel: () => this.#bench.project && this.tool.abort(),
      hover: (screen) => {
        if (!this.#bench.project) return;
        this.tool.hover(screen && point(screen));
        this.onHover(screen && labelAt(this.#bench.project.document.mask, point(screen)));
        this.#showCursor(this.tool.cursor);
      },
      pan: (shift) => {
        this.#isFitted = false;
        this.#setView(panned(this.view, shift, this.#area, pane.size));
      },
      pinch: (before, after) => {
        this.#isFitted = false;
        this.#setView(pinched(this.view, before, after, this.#area, pane.size));
      },
      zoom: (anchor, factor) => this.#zoom(anchor, factor),
    });
  }

  /** @param {string} cursor */
  #showCursor(cursor) {
    for (const pane of [this.#maskPane, this.#resultPane]) pane.canvas.style.cursor = cursor;
  }
}

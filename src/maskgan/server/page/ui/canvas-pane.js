/**
 * One canvas that shows a face. Both panes share one view.
 *
 * @typedef {import("../mask/label-map.js").Box} Box
 * @typedef {import("../state/view.js").View} View
 * @typedef {import("../state/view.js").Size} Size
 *
 * @typedef {object} Layers what to draw, from the bottom up
 * @property {CanvasImageSource | null} picture scaled to the mask's area
 * @property {CanvasImageSource | null} before second picture, shown left of `split`
 * @property {number} split fraction of the pane's width
 * @property {HTMLCanvasElement | null} mask at its own resolution, drawn with crisp edges
 * @property {number} opacity of the mask
 */

export class CanvasPane {
  /** In CSS pixels, as last measured: asking the browser takes a layout. @type {Size} */
  size = { width: 0, height: 0 };
  /** The layers without the tool, which moves much more often. */
  #scene = document.createElement("canvas");
  /** What the scene was drawn from. @type {unknown[]} */
  #drawn = [];

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = contextOf(canvas);
  }

  get isShown() {
    return this.size.width > 0;
  }

  /** To be called when the layout changes. */
  measure() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (width === this.size.width && height === this.size.height) return;
    this.size = { width, height };
    this.#drawn = []; // what changes while the pane is hidden is not drawn
  }

  /**
   * @param {View} view replaced when it changes
   * @param {Size} area the mask's size
   * @param {Layers} layers
   * @param {Box | null} changed what changed within the layers' mask since the last call
   * @param {(context: CanvasRenderingContext2D) => void} drawTool in screen coordinates
   */
  draw(view, area, layers, changed, drawTool) {
    const { canvas, context } = this;
    const density = window.devicePixelRatio;
    const drawn = [view, area.width, area.height, density, ...Object.values(layers)];
    const isKnown = this.#drawn.length > 0 && drawn.every((value, i) => value === this.#drawn[i]);
    if (!isKnown || changed) this.#drawScene(view, area, layers, isKnown ? changed : null);
    this.#drawn = drawn;
    fit(canvas, this.#scene);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(this.#scene, 0, 0);
    context.setTransform(density, 0, 0, density, 0, 0);
    drawTool(context);
  }

  /**
   * @param {View} view
   * @param {Size} area
   * @param {Layers} layers
   * @param {Box | null} part of the mask's area to draw; null: everything
   */
  #drawScene(view, area, { picture, before, split, mask, opacity }, part) {
    const density = window.devicePixelRatio;
    const { width, height } = this.size;
    fit(this.#scene, { width: Math.round(width * density), height: Math.round(height * density) });
    const context = contextOf(this.#scene);
    context.save();
    if (part) clip(context, part, view, density);
    context.scale(density, density);
    context.clearRect(0, 0, width, height);
    const target = /** @type {const} */ ([view.x, view.y, area.width * view.scale, area.height * view.scale]);
    context.imageSmoothingQuality = "high";
    if (picture) context.drawImage(picture, ...target);
    if (before) {
      context.save();
      context.beginPath();
      context.rect(0, 0, width * split, height);
      context.clip();
      context.drawImage(before, ...target);
      context.restore();
    }
    if (mask) {
      context.imageSmoothingEnabled = false;
      context.globalAlpha = opacity;
      context.drawImage(mask, ...target);
    }
    context.restore();
  }
}

/** @param {HTMLCanvasElement} canvas */
function contextOf(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Size} size in its own pixels
 */
function fit(canvas, { width, height }) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
}

/**
 * Draw in a box of the mask alone, rounded outwards to whole pixels: halves would show.
 *
 * @param {CanvasRenderingContext2D} context without a transform
 * @param {Box} box
 * @param {View} view
 * @param {number} density
 */
function clip(context, { left, top, right, bottom }, { scale, x, y }, density) {
  const start = [x + left * scale, y + top * scale].map((at) => Math.floor(at * density));
  const end = [x + right * scale, y + bottom * scale].map((at) => Math.ceil(at * density));
  context.beginPath();
  context.rect(start[0], start[1], end[0] - start[0], end[1] - start[1]);
  context.clip();
}

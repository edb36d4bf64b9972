/**
 * One canvas that shows a face. Both panes share one view.
 *
 * @typedef {import("../state/view.js").View} View
 * @typedef {import("../state/view.js").Size} Size
 *
 * @typedef {object} Layers what to draw, from the bottom up
 * @property {CanvasImageSource | null} picture scaled to the mask's area
 * @property {{picture: CanvasImageSource, share: number} | null} before second picture, shown left of a fraction of the pane's width
 * @property {HTMLCanvasElement | null} mask at its own resolution, drawn with crisp edges
 * @property {number} opacity of the mask
 */

export class CanvasPane {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  }

  /** @returns {Size} in CSS pixels */
  get size() {
    return { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
  }

  get isShown() {
    return this.canvas.clientWidth > 0;
  }

  /**
   * @param {View} view
   * @param {Size} area the mask's size
   * @param {Layers} layers
   * @param {(context: CanvasRenderingContext2D) => void} drawTool in screen coordinates
   */
  draw(view, area, layers, drawTool) {
    const { canvas, context } = this;
    const { width, height } = this.size;
    const density = window.devicePixelRatio;
    if (canvas.width !== Math.round(width * density) || canvas.height !== Math.round(height * density)) {
      canvas.width = Math.round(width * density);
      canvas.height = Math.round(height * density);
    }
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, width, height);
    const target = /** @type {const} */ ([view.x, view.y, area.width * view.scale, area.height * view.scale]);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    if (layers.picture) context.drawImage(layers.picture, ...target);
    if (layers.before) {
      context.save();
      context.beginPath();
      context.rect(0, 0, width * layers.before.share, height);
      context.clip();
      context.drawImage(layers.before.picture, ...target);
      context.restore();
    }
    if (layers.mask) {
      context.imageSmoothingEnabled = false;
      context.globalAlpha = layers.opacity;
      context.drawImage(layers.mask, ...target);
      context.globalAlpha = 1;
    }
    drawTool(context);
  }
}

/**
 * A mask in the colours of its classes, as a canvas. Only what changed is drawn anew.
 *
 * @typedef {import("../mask/label-map.js").Box} Box
 * @typedef {import("../mask/label-map.js").LabelMap} LabelMap
 */

export class MaskOverlay {
  canvas = document.createElement("canvas");
  #context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
  #image = new ImageData(1, 1);

  /**
   * @param {LabelMap} mask
   * @param {Uint32Array} table RGBA by class, see `pixelTable`
   * @returns {Box | null} what changed; null: nothing
   */
  update({ width, height, data }, table) {
    if (this.#image.width !== width || this.#image.height !== height) {
      this.#image = new ImageData(width, height);
      Object.assign(this.canvas, { width, height });
    }
    const pixels = new Uint32Array(this.#image.data.buffer);
    let [left, top, right, bottom] = [width, height, 0, 0];
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        const pixel = table[data[i]];
        if (pixels[i] === pixel) continue;
        pixels[i] = pixel;
        if (x < left) left = x;
        if (x >= right) right = x + 1;
        if (y < top) top = y;
        bottom = y + 1;
      }
    }
    if (!bottom) return null;
    this.#context.putImageData(this.#image, 0, 0, left, top, right - left, bottom - top);
    return { left, top, right, bottom };
  }
}

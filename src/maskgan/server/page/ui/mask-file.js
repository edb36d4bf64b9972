/**
 * Masks in image files, read in the browser.
 *
 * @typedef {import("../mask/label-map.js").LabelMap} LabelMap
 * @typedef {import("../remote/api.js").FaceClass} FaceClass
 */

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47];
const MAX_PIXELS = 16_000_000;

/**
 * Read a PNG of class indices (grey values 0..18) or of the classes' colours.
 *
 * @param {Blob} file
 * @param {readonly FaceClass[]} classes
 * @returns {Promise<LabelMap | null>} null if the file is no such mask
 */
export async function readMaskFile(file, classes) {
  const head = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  if (!PNG_SIGNATURE.every((byte, i) => head[i] === byte)) return null;
  const options = /** @type {const} */ ({ premultiplyAlpha: "none", colorSpaceConversion: "none" });
  const bitmap = await createImageBitmap(file, options).catch(() => null);
  if (!bitmap) return null;
  const { width, height } = bitmap;
  if (width * height > MAX_PIXELS) return null;
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const data = labelsOfPixels(context.getImageData(0, 0, width, height).data, classes);
  return data && { width, height, data };
}

/**
 * @param {Uint8ClampedArray} pixels RGBA
 * @param {readonly FaceClass[]} classes
 * @returns {Uint8Array | null} null if a pixel is no class, or all are the same
 */
export function labelsOfPixels(pixels, classes) {
  /** @type {Map<number, number>} */
  const labels = new Map();
  for (const { index, colour } of classes) {
    labels.set(index * 0x010101, index);
    labels.set((colour[0] << 16) | (colour[1] << 8) | colour[2], index);
  }
  const data = new Uint8Array(pixels.length / 4);
  let isUniform = true;
  for (let i = 0; i < data.length; i++) {
    const label = labels.get((pixels[4 * i] << 16) | (pixels[4 * i + 1] << 8) | pixels[4 * i + 2]);
    if (label === undefined) return null;
    data[i] = label;
    if (label !== data[0]) isUniform = false;
  }
  return isUniform ? null : data;
}

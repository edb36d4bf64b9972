/**
 * Pictures from and to files, by the browser's decoders.
 *
 * @typedef {import("./arrays.js").Picture} Picture
 *
 * @callback DecodePicture
 * @param {Blob} file
 * @param {number} maxPixels
 * @returns {Promise<Picture>} upright sRGB, transparent parts over white
 */

import { EngineError } from "./arrays.js";

/** Rows read at a time: canvases may not hold a large photograph. */
const STRIP = 512;

/** @type {DecodePicture} */
export async function decodePicture(file, maxPixels) {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) {
    throw new EngineError("This browser cannot read the picture's format, or the file is damaged. Save it as JPEG or PNG first.");
  }
  try {
    const { width, height } = bitmap;
    if (width * height > maxPixels) {
      const most = Math.round(maxPixels / 1e6);
      throw new EngineError(`The picture has ${width}x${height} pixels; at most ${most} megapixels are supported. Downscale it first.`);
    }
    const data = new Uint8ClampedArray(3 * width * height);
    const canvas = new OffscreenCanvas(width, Math.min(STRIP, height));
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new EngineError("This browser gives no memory for the picture; close other pages.");
    context.fillStyle = "white";
    for (let top = 0; top < height; top += STRIP) {
      const rows = Math.min(STRIP, height - top);
      context.fillRect(0, 0, width, rows);
      context.drawImage(bitmap, 0, -top);
      const pixels = context.getImageData(0, 0, width, rows).data;
      for (let from = 0, to = 3 * top * width; from < pixels.length; from += 4, to += 3) {
        data[to] = pixels[from];
        data[to + 1] = pixels[from + 1];
        data[to + 2] = pixels[from + 2];
      }
    }
    return { width, height, data };
  } finally {
    bitmap.close();
  }
}

/**
 * A picture as the bytes of a BMP file: lossless as PNG, and neither side spends time on compression.
 *
 * @param {Picture} picture
 */
export function bitmapFile({ width, height, data }) {
  const header = 54;
  const stride = (3 * width + 3) & ~3;
  const bytes = new Uint8Array(header + stride * height);
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]); // BM
  view.setUint32(2, bytes.length, true);
  view.setUint32(10, header, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, width, true);
  view.setInt32(22, height, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, 24, true);
  view.setUint32(34, stride * height, true);
  for (let y = 0; y < height; y++) {
    // From the lowest row up, blue first.
    let to = header + (height - 1 - y) * stride;
    for (let from = 3 * y * width; from < 3 * (y + 1) * width; from += 3, to += 3) {
      bytes[to] = data[from + 2];
      bytes[to + 1] = data[from + 1];
      bytes[to + 2] = data[from];
    }
  }
  return bytes;
}

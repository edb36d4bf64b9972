/**
 * @typedef {import("../remote/remote-face.js").Crop} Crop
 */

const MAX_SIDE = 768;

/**
 * Cut a square, turned as the frame is, out of a picture.
 *
 * @param {Blob} picture
 * @param {Crop} crop
 * @returns {Promise<Blob>} JPEG, at most 768 pixels a side
 */
export async function croppedPicture(picture, { x, y, side, angle }) {
  const bitmap = await createImageBitmap(picture);
  const size = Math.max(Math.round(Math.min(side, MAX_SIDE)), 64);
  const canvas = new OffscreenCanvas(size, size);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = "white";
  context.fillRect(0, 0, size, size);
  context.imageSmoothingQuality = "high";
  context.translate(size / 2, size / 2);
  context.scale(size / side, size / side);
  context.rotate((-angle * Math.PI) / 180);
  context.drawImage(bitmap, -x, -y);
  bitmap.close();
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.95 });
}

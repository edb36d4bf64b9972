/**
 * @typedef {import("../remote/sources.js").Crop} Crop
 */

const MAX_SIDE = 1024;
const MIN_SIDE = 64;
const THUMBNAIL = 160;

/**
 * Crop a rotated square.
 *
 * @param {Blob} picture
 * @param {Crop} crop
 * @returns {Promise<Blob>} JPEG, at most 1024 pixels a side
 */
export async function cropPicture(picture, { x, y, side, angle }) {
  const size = Math.max(Math.round(Math.min(side, MAX_SIDE)), MIN_SIDE);
  return renderJpeg(await createImageBitmap(picture), size, size, (context) => {
    context.translate(size / 2, size / 2);
    context.scale(size / side, size / side);
    context.rotate((-angle * Math.PI) / 180);
    context.translate(-x, -y);
  });
}

/**
 * Downscale a picture to the size that a style needs, to keep projects small.
 *
 * @param {Blob} picture
 * @returns {Promise<Blob>} the picture itself, or a JPEG with a longer side of 1024 pixels
 */
export async function downscalePicture(picture) {
  // The server supports formats that the browser may not.
  const bitmap = await createImageBitmap(picture).catch(() => null);
  if (!bitmap) return picture;
  const scale = MAX_SIDE / Math.max(bitmap.width, bitmap.height);
  if (scale >= 1) {
    bitmap.close();
    return picture;
  }
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(Math.round(side * scale), 1));
  return renderJpeg(bitmap, width, height, (context) => context.scale(scale, scale));
}

/**
 * @param {ImageBitmap} picture
 * @returns {Promise<Blob>} JPEG with a longer side of 160 pixels
 */
export async function createThumbnail(picture) {
  const scale = THUMBNAIL / Math.max(picture.width, picture.height);
  const canvas = new OffscreenCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale));
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.8 });
}

/**
 * @param {ImageBitmap} bitmap closed afterwards
 * @param {number} width
 * @param {number} height
 * @param {(context: OffscreenCanvasRenderingContext2D) => void} transform
 */
async function renderJpeg(bitmap, width, height, transform) {
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  transform(context);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.95 });
}

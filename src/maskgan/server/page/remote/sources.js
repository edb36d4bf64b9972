/**
 * Sources of a face.
 *
 * @typedef {{x: number, y: number, side: number, angle: number}} Crop centre and side in pixels of the upright picture,
 *   degrees clockwise
 *
 * @typedef {{kind: "picture", picture: Blob, mask: Blob | null, crop: Crop | null, order?: string}} PictureSource order
 *   of the mask's labels, where it is not CelebAMask-HQ's
 * @typedef {{kind: "portrait", number: number} | PictureSource | {kind: "project", file: Blob}} Source
 */

import { formBody, jsonBody, request } from "./api.js";

/**
 * @typedef {object} DetectedFace
 * @property {number} score 0..1
 * @property {[number, number, number, number]} box left, top, width and height in pixels of the upright picture
 * @property {Crop} frame the crop to edit it in
 *
 * @param {Blob} picture
 * @returns {Promise<{faces: DetectedFace[], crop: Crop}>} all faces, largest first; the largest one's crop, or a default
 */
export async function detectFaces(picture) {
  return (await request("/api/faces", formBody({ picture }))).json();
}

/**
 * A preview of a picture whose format the browser may not decode.
 *
 * @param {Blob} picture
 * @returns {Promise<{preview: Blob, width: number, height: number}>} a JPEG, and the picture's own size
 */
export async function previewPicture(picture) {
  const response = await request("/api/preview", formBody({ picture }));
  const [width, height] = ["Picture-Width", "Picture-Height"].map((name) => Number(response.headers.get(name)));
  return { preview: await response.blob(), width, height };
}

/**
 * Request to create a session.
 *
 * @param {Source} source
 */
export function sessionRequest(source) {
  if (source.kind === "portrait") return jsonBody({ portrait: source.number });
  if (source.kind === "project") return formBody({ project: source.file });
  return formBody({
    picture: source.picture,
    mask: source.mask,
    order: source.order ?? null,
    crop: source.crop && JSON.stringify(source.crop),
  });
}

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
 * @param {Blob} picture
 * @param {Crop} [crop]
 * @returns {Promise<{crop: Crop, found: boolean}>} the face found, or a default crop
 */
export async function detectFace(picture, crop) {
  const body = formBody({ picture, crop: crop ? JSON.stringify(crop) : null });
  return (await request("/api/frame", body)).json();
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

/**
 * What needs no session: what the engine is, sample portraits, where faces are in a photograph.
 *
 * @typedef {import("../app.js").Call} Call
 * @typedef {import("../app-state.js").AppState} AppState
 */

import { bitmapAnswer, fileAnswer, formOf } from "../answers.js";
import { detectFaces } from "../face-detection.js";
import { cropFace, radians } from "../framing.js";
import { DISPLAY_SIDE, downscale } from "../studio.js";
import { requiredFile } from "../uploads.js";

/**
 * @param {AppState} state
 * @returns {import("../app.js").Route[]}
 */
export function generalRoutes(state) {
  return [
    ["GET /healthz", async () => Response.json({ status: "ok" })],
    ["GET /api/info", async () => Response.json(state.info)],
    ["GET /api/portraits/*.jpg", async ({ values: [number] }) => fileAnswer(await state.portraitFile(Number(number), "jpg"))],
    ["POST /api/faces", (call) => detect(state, call)],
    ["POST /api/preview", (call) => preview(state, call)],
  ];
}

/**
 * @param {AppState} state
 * @param {Call} call
 */
async function detect({ queue, uploads, networks }, { request }) {
  const form = await formOf(request);
  return queue.run(request.signal, async () => {
    const { source, frame } = await uploads.framedPicture(form);
    const { picture } = source;
    const searched = frame ? cropFace(picture, frame) : picture;
    const found = await detectFaces(searched, (image) => networks.detect(image));
    const faces = frame ? found.map((face) => placed(face, frame, searched.width)) : found;
    const { width, height } = picture;
    const middle = { x: width / 2, y: height / 2, side: Math.min(width, height), angle: 0 };
    return Response.json({ faces, crop: faces[0]?.frame ?? frame ?? middle });
  });
}

/**
 * @param {AppState} state
 * @param {Call} call
 */
async function preview({ uploads }, { request }) {
  const { picture } = await uploads.source(requiredFile(await formOf(request), "picture"));
  const headers = { "Picture-Width": String(picture.width), "Picture-Height": String(picture.height) };
  return bitmapAnswer(downscale(picture, DISPLAY_SIDE), headers);
}

/**
 * A face found in what a frame shows at `side` pixels, in the photograph's pixels.
 *
 * @param {import("../../remote/sources.js").DetectedFace} face
 * @param {import("../framing.js").Frame} frame
 * @param {number} side
 * @returns {import("../../remote/sources.js").DetectedFace}
 */
function placed({ score, box, frame: inner }, frame, side) {
  const unit = frame.side / side;
  const [cos, sin] = [Math.cos(radians(frame.angle)), Math.sin(radians(frame.angle))];
  const place = (/** @type {number} */ x, /** @type {number} */ y) => {
    const [right, down] = [(x - side / 2) * unit, (y - side / 2) * unit];
    return { x: frame.x + right * cos - down * sin, y: frame.y + right * sin + down * cos };
  };
  const [left, top, width, height] = box;
  const corners = [place(left, top), place(left, top + height), place(left + width, top), place(left + width, top + height)];
  const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  const whole = { ...place(inner.x, inner.y), side: inner.side * unit, angle: frame.angle + inner.angle };
  return { score, box: [x, y, Math.max(...xs) - x, Math.max(...ys) - y], frame: whole };
}

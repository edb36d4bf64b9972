/**
 * The style reference of a session, and masks moved along MaskVAE's manifold.
 *
 * @typedef {import("../app.js").Call} Call
 * @typedef {import("../app-state.js").AppState} AppState
 */

import { fileAnswer, isJson, jpegFile, maskAnswer, partBytes, formOf } from "../answers.js";
import { NotFoundError } from "../app-state.js";
import { EngineError } from "../arrays.js";
import { downscale } from "../studio.js";
import { rawMask } from "../uploads.js";

const THUMBNAIL = 256;

/**
 * @param {AppState} state
 * @returns {import("../app.js").Route[]}
 */
export function styleRoutes(state) {
  return [
    ["POST /api/sessions/*/style", (call) => choose(state, call)],
    ["GET /api/sessions/*/style.jpg", async (call) => show(state, call)],
    ["DELETE /api/sessions/*/style", async (call) => drop(state, call)],
    ["POST /api/sessions/*/move", (call) => move(state, call)],
  ];
}

/**
 * @param {AppState} state
 * @param {Call} call
 */
async function choose(state, call) {
  const session = state.session(call);
  const { request } = call;
  const portrait = isJson(request) ? await state.portrait((await request.json()).portrait) : null;
  const form = portrait ? null : await formOf(request);
  return state.queue.run(request.signal, async () => {
    const opened = form ? await state.uploads.face(form) : { .../** @type {NonNullable<typeof portrait>} */ (portrait), warnings: [] };
    session.style = await state.studio.reference(opened.source.picture, opened.mask);
    return Response.json({ parsed: !opened.mask, warnings: opened.warnings });
  });
}

/**
 * @param {AppState} state
 * @param {Call} call
 */
function show(state, call) {
  const { style } = state.session(call);
  if (!style) throw new NotFoundError("No style reference is chosen.");
  return fileAnswer(jpegFile(downscale(style.picture, THUMBNAIL)));
}

/**
 * @param {AppState} state
 * @param {Call} call
 */
function drop(state, call) {
  state.session(call).style = null;
  return new Response(null, { status: 204 });
}

/**
 * @param {AppState} state
 * @param {Call} call
 */
async function move(state, call) {
  const session = state.session(call);
  const form = await formOf(call.request);
  const mask = rawMask(await partBytes(form, "mask"), session.face.model.mask);
  const step = JSON.parse(String(form.get("move")));
  if (!Number.isFinite(step.amount) || Math.abs(step.amount) > 1) throw new EngineError("A mask is moved by an amount from -1 to 1.");
  /** @param {{portrait: number} | "style"} towards */
  const other = async (towards) => {
    if (towards !== "style") return (await state.portrait(towards.portrait)).mask;
    if (!session.style) throw new EngineError("No style reference is chosen; choose one first.");
    return session.style.mask;
  };
  return state.queue.run(call.request.signal, async () => maskAnswer(await state.studio.move(mask, step, other)));
}

/**
 * Pictures of an edited mask: while drawing, when the pen rests, and to save.
 *
 * @typedef {import("../app.js").Call} Call
 * @typedef {import("../app-state.js").AppState} AppState
 * @typedef {import("../app-state.js").Session} Session
 * @typedef {import("../arrays.js").LabelMap} LabelMap
 * @typedef {import("../arrays.js").Picture} Picture
 * @typedef {import("../studio.js").Quality} Quality
 */

import { CLASS_NAMES } from "../../mask/label-map.js";
import { bitmapAnswer, bodyBytes, fileAnswer, partBytes, formOf } from "../answers.js";
import { AppliedEdits, paintWide } from "../applied-edits.js";
import { EngineError, equalArrays } from "../arrays.js";
import { encodeEdited } from "../files/edited-file.js";
import { writeMask } from "../files/png.js";
import { cropFace, pasteBack } from "../framing.js";
import { writeProject } from "../projects.js";
import { rawMask } from "../uploads.js";

/**
 * @param {AppState} state
 * @returns {import("../app.js").Route[]}
 */
export function renderingRoutes(state) {
  return [
    ["POST /api/sessions/*/render", (call) => render(state, call)],
    ["POST /api/sessions/*/result", (call) => result(state, call)],
    ["POST /api/sessions/*/photograph", (call) => photograph(state, call)],
    ["POST /api/sessions/*/mask.png", (call) => maskFile(state, call)],
    ["POST /api/sessions/*/project", (call) => project(state, call)],
  ];
}

/**
 * @param {AppState} state
 * @param {Call} call
 */
async function render(state, call) {
  const session = state.session(call);
  const mask = rawMask(await bodyBytes(call.request), session.face.model.mask);
  const quality = call.query.get("quality") === "full" ? "display" : "preview";
  const number = ++session.renders;
  return state.queue.run(call.request.signal, async () => {
    // A newer one overtook this preview.
    if (quality === "preview" && number !== session.renders) return new Response(null, { status: 204 });
    const edits = AppliedEdits.parse(call.query);
    const rendered = await renderedPicture(state, call, session, mask, quality);
    const picture = edits.finish(session.face.pictures[quality], rendered, session.face.model.mask, mask);
    return bitmapAnswer(picture);
  });
}

/**
 * @param {AppState} state
 * @param {Call} call
 */
async function result(state, call) {
  const session = state.session(call);
  const mask = rawMask(await bodyBytes(call.request), session.face.model.mask);
  return state.queue.run(call.request.signal, async () => {
    const edits = AppliedEdits.parse(call.query);
    const rendered = await renderedPicture(state, call, session, mask, "full");
    const picture = edits.finish(session.face.pictures.full, rendered, session.face.model.mask, mask);
    return fileAnswer(await encodeEdited(picture, formatOf(call, "png"), session.face.source, state.info.version));
  });
}

/**
 * @param {AppState} state
 * @param {Call} call
 */
async function photograph(state, call) {
  const session = state.session(call);
  const form = await formOf(call.request);
  const { face } = session;
  const mask = rawMask(await partBytes(form, "mask"), face.model.mask);
  return state.queue.run(call.request.signal, async () => {
    const { source, frame } = await state.uploads.framedPicture(form);
    if (!frame) throw new EngineError("The request lacks its part “crop”.");
    const edits = AppliedEdits.parse(call.query);
    const cut = face.pictures.full;
    if (!equalArrays(cropFace(source.picture, frame).data, cut.data)) {
      throw new EngineError("Photograph and crop are not those that this face was opened from.");
    }
    const locked = edits.lock(cut, await renderedPicture(state, call, session, mask, "full"), face.model.mask, mask);
    let changed = pasteBack(source.picture, frame, cut, edits.reachesOut ? locked : edits.paint(locked, mask));
    if (edits.reachesOut) changed = await paintWide(edits, changed, frame, mask, (picture) => state.studio.fitMask(picture, null));
    return fileAnswer(await encodeEdited(changed, formatOf(call, "jpeg"), source, state.info.version));
  });
}

/**
 * @param {AppState} state
 * @param {Call} call
 * @param {Session} session
 * @param {LabelMap} mask
 * @param {Quality} quality
 * @returns {Promise<Picture>}
 */
async function renderedPicture({ studio }, { query, request }, session, mask, quality) {
  const strength = Number(query.get("style_strength") ?? 0);
  if (strength > 0 && !session.style) throw new EngineError("No style reference is chosen; choose one first.");
  const names = query.get("style_parts");
  const parts = names === null ? null : names.split(",").map((name) => CLASS_NAMES.indexOf(name));
  if (parts?.includes(-1)) throw new EngineError(`Not all of ${names} are classes.`);
  const style = session.style && strength > 0 ? { reference: session.style, strength, parts } : null;
  const blend = query.get("blend") === "full" ? "full" : "region";
  return studio.render(session.face, { mask, style, blend }, quality, session.cache, request.signal);
}

/**
 * @param {AppState} state
 * @param {Call} call
 */
async function maskFile(state, call) {
  const mask = rawMask(await bodyBytes(call.request), state.session(call).face.model.mask);
  return fileAnswer(new Blob([await writeMask(mask, state.palette)], { type: "image/png" }));
}

/**
 * @param {AppState} state
 * @param {Call} call
 */
async function project(state, call) {
  const { face, style } = state.session(call);
  const form = await formOf(call.request);
  const edited = rawMask(await partBytes(form, "mask"), face.model.mask);
  const part = form.get("editor");
  const editor = part instanceof Blob ? await part.text() : String(part);
  const program = { version: state.info.version, palette: state.palette };
  return fileAnswer(await writeProject(face.source, face.model.mask, edited, style, editor, program));
}

/**
 * @param {Call} call
 * @param {"png" | "jpeg"} otherwise
 * @returns {"png" | "jpeg"}
 */
function formatOf({ query }, otherwise) {
  const format = query.get("format") ?? otherwise;
  if (format === "png" || format === "jpeg") return format;
  throw new EngineError("Pictures are saved as png or jpeg.");
}

/**
 * Beginning a session, what it begins with, ending it.
 *
 * @typedef {import("../app.js").Call} Call
 * @typedef {import("../app-state.js").AppState} AppState
 * @typedef {import("../app-state.js").Session} Session
 */

import { bitmapAnswer, isJson, maskAnswer, formOf } from "../answers.js";
import { readProject } from "../projects.js";

/**
 * @param {AppState} state
 * @returns {import("../app.js").Route[]}
 */
export function sessionRoutes(state) {
  return [
    ["POST /api/sessions", (call) => begin(state, call)],
    ["GET /api/sessions/*/picture.png", async (call) => bitmapAnswer(state.session(call).face.pictures.display)],
    ["GET /api/sessions/*/mask", async (call) => maskAnswer(state.session(call).face.model.mask)],
    ["GET /api/sessions/*/edited", async (call) => maskAnswer(state.session(call).edited)],
    ["DELETE /api/sessions/*", async (call) => end(state, call)],
  ];
}

/**
 * @param {AppState} state
 * @param {Call} call
 */
async function begin(state, { request }) {
  const { queue, studio, uploads } = state;
  const { signal } = request;
  if (isJson(request)) {
    const { source, mask } = await state.portrait((await request.json()).portrait);
    return queue.run(signal, async () => {
      const face = await studio.face(source, mask, signal);
      return answer(state.add(face, face.model.mask, null));
    });
  }
  const form = await formOf(request);
  const project = form.get("project");
  return queue.run(signal, async () => {
    if (project instanceof Blob) return reopen(state, project, signal);
    const { source, mask, warnings } = await uploads.face(form);
    const face = await studio.face(source, mask, signal);
    return answer(state.add(face, face.model.mask, null), { parsed: !mask, warnings });
  });
}

/**
 * @param {AppState} state
 * @param {Blob} file
 * @param {AbortSignal} signal
 */
async function reopen(state, file, signal) {
  const { info, studio, uploads } = state;
  const project = await readProject(new Uint8Array(await file.arrayBuffer()), uploads, info.limits.project_bytes);
  const face = await studio.face(project.source, project.mask, signal);
  const edited = await studio.fitMask(project.source.picture, project.edited);
  const style = project.style && (await studio.reference(project.style.picture, project.style.mask));
  return answer(state.add(face, edited, style), { project: { style: style !== null, editor: project.editor } });
}

/**
 * @param {Session} session
 * @param {object} [begin]
 * @param {boolean} [begin.parsed] whether the mask was predicted
 * @param {import("../mask-check.js").MaskWarning[]} [begin.warnings]
 * @param {{style: boolean, editor: unknown} | null} [begin.project]
 */
function answer({ id, face }, { parsed = false, warnings = [], project = null } = {}) {
  const { width, height } = face.model.mask;
  return Response.json({ id, width, height, parsed, warnings, project }, { status: 201 });
}

/**
 * @param {AppState} state
 * @param {Call} call
 */
function end(state, { values: [id] }) {
  state.end(id);
  return new Response(null, { status: 204 });
}

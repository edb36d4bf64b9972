/**
 * Named edits: what there are, a mask after some of them, and thumbnails of a face with each.
 *
 * @typedef {import("../app.js").Call} Call
 * @typedef {import("../app-state.js").AppState} AppState
 */

import { bodyBytes, fileAnswer, jpegFile, maskAnswer } from "../answers.js";
import { NotFoundError } from "../app-state.js";
import { AppliedEdits, closeUp } from "../applied-edits.js";
import { COLOURS, LOOKS } from "../edits/looks.js";
import { EDITS, describeEdit, oneClickAmount } from "../edits/named-edits.js";
import { RenderCache } from "../studio.js";
import { rawMask } from "../uploads.js";

const THUMBNAIL = 144;

/**
 * @param {AppState} state
 * @returns {import("../app.js").Route[]}
 */
export function namedEditRoutes(state) {
  return [
    ["GET /api/edits", async () => Response.json(catalogue())],
    ["POST /api/sessions/*/edits", (call) => apply(state, call)],
    ["GET /api/sessions/*/edits/*.jpg", (call) => thumbnail(state, call)],
  ];
}

function catalogue() {
  return {
    edits: [...EDITS.values()].map(describeEdit),
    looks: [...LOOKS.values()].map(({ name, summary, classes }) => ({ name, summary, classes })),
    colours: Object.entries(COLOURS).map(([name, value]) => ({ name, value })),
  };
}

/**
 * @param {AppState} state
 * @param {Call} call
 */
async function apply(state, call) {
  const mask = rawMask(await bodyBytes(call.request), state.session(call).face.model.mask);
  return maskAnswer(AppliedEdits.parse(call.query).apply(mask));
}

/**
 * @param {AppState} state
 * @param {Call} call
 */
async function thumbnail(state, call) {
  const { face, thumbnails } = state.session(call);
  const edit = EDITS.get(call.values[1]);
  if (!edit) throw new NotFoundError(`There is no edit “${call.values[1]}”.`);
  const amount = oneClickAmount(edit, call.query.get("choice"));
  const key = `${edit.name}=${amount}`;
  const kept = thumbnails.get(key);
  if (kept) return fileAnswer(kept);
  const { signal } = call.request;
  return state.queue.runIdle(signal, async () => {
    // Another request may have drawn it meanwhile.
    const drawn = thumbnails.get(key);
    if (drawn) return fileAnswer(drawn);
    const edits = new AppliedEdits([{ edit, amount }], [], true);
    const { mask } = face.model;
    const after = edits.apply(mask);
    const rendered = await state.studio.render(face, { mask: after, style: null, blend: "region" }, "preview", new RenderCache(), signal);
    const picture = edits.finish(face.pictures.preview, rendered, mask, after);
    const file = jpegFile(closeUp(picture, mask, after, edit.part, THUMBNAIL));
    thumbnails.set(key, file);
    return fileAnswer(file);
  });
}

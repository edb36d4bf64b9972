/**
 * Recipes: what was done to a session's face, written to a file, and opened again.
 *
 * @typedef {import("../app.js").Call} Call
 * @typedef {import("../app-state.js").AppState} AppState
 */

import { bodyBytes, fileAnswer, partBytes, formOf } from "../answers.js";
import { applySteps, describeStep, encodeRecipe, otherWeights, parseRecipe, parseSteps, stepsTo, weightsInUse } from "../recipes.js";
import { rawMask } from "../uploads.js";

/**
 * @param {AppState} state
 * @returns {import("../app.js").Route[]}
 */
export function recipeRoutes(state) {
  return [
    ["POST /api/sessions/*/recipe", (call) => save(state, call)],
    ["PUT /api/sessions/*/recipe", (call) => open(state, call)],
  ];
}

/**
 * @param {AppState} state
 * @param {Call} call
 */
async function save(state, call) {
  const own = state.session(call).face.model.mask;
  const form = await formOf(call.request);
  const edited = rawMask(await partBytes(form, "mask"), own);
  const part = form.get("edits");
  const text = part instanceof Blob ? await part.text() : part;
  const steps = stepsTo(text === null ? [] : parseSteps(JSON.parse(text).edits), own, edited);
  const recipe = encodeRecipe(steps, weightsInUse(state.networks.manifest), state.info.version);
  return fileAnswer(new Blob([recipe], { type: "application/json" }));
}

/**
 * @param {AppState} state
 * @param {Call} call
 */
async function open(state, call) {
  const session = state.session(call);
  const recipe = parseRecipe(await bodyBytes(call.request));
  session.edited = applySteps(recipe.steps, session.face.model.mask);
  return Response.json({
    edits: recipe.steps.map(describeStep),
    face: recipe.face,
    other_weights: otherWeights(recipe, weightsInUse(state.networks.manifest)),
  });
}

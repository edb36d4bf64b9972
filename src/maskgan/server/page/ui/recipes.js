/**
 * Recipes: the edits of a face as a small JSON file, done again on another face.
 *
 * @typedef {import("./app.js").App} App
 */

import { t } from "../i18n/translate.js";
import { isColour, parseEdits } from "../state/named-edits.js";
import { stem } from "../state/files.js";
import { showError, showNotice, withProgress } from "./messages.js";

/**
 * Do what a recipe says to the open face, in place of all edits before; named edits can be changed afterwards.
 *
 * @param {App} app
 * @param {File} file
 */
export async function openRecipe(app, file) {
  if (!app.project) {
    showError(t("recipe.no-face"));
    return;
  }
  app.commitPending();
  const { document, remote } = app.project;
  const read = await withProgress(t("recipe.opening"), async () => {
    const { edits, other_weights: otherWeights } = await remote.openRecipe(file);
    const named = parseEdits(edits) ?? [];
    const ofMask = named.filter((edit) => !isColour(edit));
    const original = document.original.data;
    const byName = ofMask.length ? await remote.edits(original, ofMask) : original;
    return { named, byName, painted: await remote.mask("edited"), otherWeights };
  });
  if (!read || app.project?.document !== document) return;
  const { named, byName, painted, otherWeights } = read;
  const title = t("recipe.step", { name: stem(file.name) });
  // Steps of their own: a later change of an edit replays the painted labels of a step, but not those of a named edit.
  document.setMask(document.original.data);
  document.commit(t("edits.reset"));
  document.updateSettings({ edits: [] });
  document.commit(t("edits.reset"));
  document.setMask(byName, { edits: named });
  document.commit(title);
  document.setMask(painted.data);
  document.commit(title);
  showNotice(otherWeights.length ? t("recipe.other-weights") : t("recipe.opened", { name: file.name }));
}

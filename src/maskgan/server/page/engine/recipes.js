/**
 * Recipes: what was done to a face as a small JSON file, to do it again, or to other faces; see docs/recipes.md.
 *
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("./edits/named-edits.js").NamedEdit} NamedEdit
 * @typedef {import("./edits/named-edits.js").Amount} Amount
 * @typedef {import("./edits/looks.js").Look} Look
 * @typedef {import("./networks.js").Manifest} Manifest
 * @typedef {import("./networks.js").NetworkName} NetworkName
 *
 * @typedef {{height: number, width: number, runs: number[]}} LabelPatch what strokes painted on a mask: for each run the
 *   pixels since the end of the run before, its own pixels, and their class; rows follow each other
 * @typedef {{edit: NamedEdit, amount: Amount} | {look: Look, colour: string} | {patch: LabelPatch}} Step
 *
 * @typedef {object} Recipe
 * @property {Step[]} steps in their order
 * @property {string} face which faces of a photograph
 * @property {Record<string, string>} weights SHA-256 of the weights that made it, by model type; empty: not known
 */

import { NUM_CLASSES } from "../mask/label-map.js";
import { EngineError } from "./arrays.js";
import { LOOKS, checkColour } from "./edits/looks.js";
import { EDITS, applyEdit, checkAmount } from "./edits/named-edits.js";
import { resizeLabels } from "./resampling.js";

const FORMAT = "maskgan-recipe";
const VERSION = 1;
const MAX_BYTES = 4 << 20;
const MAX_EDITS = 256;
const MAX_SIDE = 4096;
const MAX_RUNS = 100_000;
const MAX_TEXT = 200;
/** Where nothing is painted. */
const BARE = 255;
const ASPECT_TOLERANCE = 0.01;
const FIELDS = ["format", "version", "edits", "face", "weights", "program"];

/**
 * SHA-256 of the weights that edit photographs, by model type.
 *
 * @param {Manifest} manifest
 * @returns {Record<string, string>}
 */
export function weightsInUse({ networks }) {
  const names = /** @type {NetworkName[]} */ (["generator", "parser", "face-detector"]);
  return Object.fromEntries(
    names.flatMap((name) => {
      const info = networks[name];
      return info ? [[info.model_type, info.weights_sha256]] : [];
    }),
  );
}

/**
 * Model types whose weights differ from those that made a recipe; none where it does not say.
 *
 * @param {Recipe} recipe
 * @param {Record<string, string>} inUse
 */
export function otherWeights({ weights }, inUse) {
  if (!Object.keys(weights).length) return [];
  const names = [...new Set([...Object.keys(weights), ...Object.keys(inUse)])].sort();
  return names.filter((name) => weights[name] !== inUse[name]);
}

/**
 * The steps that lead from a face's own mask to an edited one: named edits and colours in force, then what was painted.
 *
 * @param {readonly Step[]} steps in force
 * @param {LabelMap} own
 * @param {LabelMap} edited
 * @returns {Step[]}
 */
export function stepsTo(steps, own, edited) {
  const patch = patchBetween(applySteps(steps, own), edited);
  return patch ? [...steps, { patch }] : [...steps];
}

/**
 * A mask after the steps; colours leave it as it is.
 *
 * @param {readonly Step[]} steps
 * @param {LabelMap} mask
 * @returns {LabelMap}
 */
export function applySteps(steps, mask) {
  return steps.reduce((current, step) => {
    if ("edit" in step) return applyEdit(step.edit, current, step.amount);
    return "patch" in step ? paintPatch(step.patch, current) : current;
  }, mask);
}

/**
 * The text of a recipe: one edit a line.
 *
 * @param {readonly Step[]} steps
 * @param {Record<string, string>} weights
 * @param {string} version of the program
 */
export function encodeRecipe(steps, weights, version) {
  const sorted = Object.fromEntries(Object.entries(weights).sort());
  const head = { format: FORMAT, version: VERSION, program: `maskgan ${version}`, weights: sorted, face: "largest" };
  const lines = Object.entries(head).map(([name, value]) => ` ${JSON.stringify(name)}: ${JSON.stringify(value)},`);
  const edits = steps.map((step) => `  ${JSON.stringify(describeStep(step))}`).join(",\n");
  return ["{", ...lines, ` "edits": [\n${edits}\n ]\n}\n`].join("\n");
}

/**
 * A step as a recipe holds it.
 *
 * @param {Step} step
 */
export function describeStep(step) {
  if ("patch" in step) return { patch: step.patch };
  return "edit" in step ? { name: step.edit.name, amount: step.amount } : { name: step.look.name, amount: step.colour };
}

/**
 * @param {Uint8Array} bytes
 * @returns {Recipe}
 * @throws {EngineError} they are no recipe, or one of a newer version
 */
export function parseRecipe(bytes) {
  if (bytes.length > MAX_BYTES) throw new EngineError("The recipe is over 4 MB, too large for one.");
  const value = parseJson(new TextDecoder().decode(bytes));
  if (value?.format !== FORMAT) throw new EngineError("The file is no recipe.");
  const { version, face = "largest", weights = {} } = value;
  if (!Number.isInteger(version) || version < 1 || version > VERSION) throw new EngineError("The recipe has a newer format; update the editor.");
  const unknown = Object.keys(value).find((name) => !FIELDS.includes(name));
  if (unknown) throw new EngineError(`The recipe has the unknown field “${unknown.slice(0, 40)}”.`);
  if (typeof face !== "string" || !isHashes(weights)) throw new EngineError("The recipe's face or weights are damaged.");
  return { steps: parseSteps(value.edits), face, weights };
}

/**
 * The field `edits` of a recipe.
 *
 * @param {unknown} value
 * @returns {Step[]}
 */
export function parseSteps(value) {
  if (!Array.isArray(value) || value.length > MAX_EDITS) throw new EngineError(`A recipe has a list of at most ${MAX_EDITS} edits.`);
  return value.map((entry, i) => {
    try {
      return parseStep(entry);
    } catch (error) {
      if (error instanceof EngineError) throw new EngineError(`Edit ${i + 1}: ${error.message}`);
      throw error;
    }
  });
}

/**
 * @param {any} entry
 * @returns {Step}
 */
function parseStep(entry) {
  if (typeof entry !== "object" || entry === null) throw new EngineError("is no object.");
  const keys = Object.keys(entry).sort().join();
  if (keys === "patch") return { patch: parsePatch(entry.patch) };
  const { name, amount } = entry;
  const isText = typeof name === "string" && (typeof amount === "string" || typeof amount === "number");
  if (keys !== "amount,name" || !isText || String(amount).length > MAX_TEXT) throw new EngineError("has no name and amount.");
  const [edit, look] = [EDITS.get(name), LOOKS.get(name)];
  if (edit && !edit.choices.length && typeof amount === "string") throw new EngineError(`${name}: takes a number, not a text.`);
  if (edit) return { edit, amount: checkAmount(edit, String(amount)) };
  if (look) return { look, colour: checkColour(look, String(amount)) };
  throw new EngineError(`“${name.slice(0, 40)}” is no edit.`);
}

/**
 * @param {any} value
 * @returns {LabelPatch}
 */
function parsePatch(value) {
  const { height, width, runs } = value ?? {};
  const isSize = [height, width].every((side) => Number.isInteger(side) && side >= 1 && side <= MAX_SIDE);
  const isList = Array.isArray(runs) && runs.length % 3 === 0 && runs.length <= 3 * MAX_RUNS && runs.every(Number.isInteger);
  if (!isSize || !isList || Object.keys(value).length !== 3) throw new EngineError("has a damaged patch.");
  let end = 0;
  for (let i = 0; i < runs.length; i += 3) {
    const [gap, count, label] = runs.slice(i, i + 3);
    if (gap < 0 || count < 1 || label < 0 || label >= NUM_CLASSES) throw new EngineError("has a damaged patch.");
    end += gap + count;
  }
  if (end > height * width) throw new EngineError("has a patch whose runs reach beyond it.");
  return { height, width, runs };
}

/**
 * What turns one mask into another of its size; null if they are equal.
 *
 * @param {LabelMap} before
 * @param {LabelMap} after
 * @returns {LabelPatch | null}
 */
function patchBetween(before, { width, height, data }) {
  /** @type {number[]} */
  const runs = [];
  let gap = 0;
  for (let i = 0; i < data.length; ) {
    if (before.data[i] === data[i]) {
      gap++;
      i++;
      continue;
    }
    const start = i;
    while (i < data.length && data[i] === data[start] && before.data[i] !== data[i]) i++;
    runs.push(gap, i - start, data[start]);
    gap = 0;
  }
  if (runs.length > 3 * MAX_RUNS) throw new EngineError("What was painted is too complicated for a recipe.");
  return runs.length ? { height, width, runs } : null;
}

/**
 * @param {LabelPatch} patch resized by nearest neighbour
 * @param {LabelMap} mask
 * @returns {LabelMap}
 */
function paintPatch({ height, width, runs }, mask) {
  if (Math.abs((mask.width * height) / (mask.height * width) - 1) > ASPECT_TOLERANCE) {
    throw new EngineError(`Labels painted on a mask of ${width}x${height} do not fit one of ${mask.width}x${mask.height}.`);
  }
  const labels = new Uint8Array(width * height).fill(BARE);
  for (let i = 0, end = 0; i < runs.length; i += 3) {
    labels.fill(runs[i + 2], end + runs[i], end + runs[i] + runs[i + 1]);
    end += runs[i] + runs[i + 1];
  }
  const painted = resizeLabels({ width, height, data: labels }, mask).data;
  return { ...mask, data: mask.data.map((label, i) => (painted[i] === BARE ? label : painted[i])) };
}

/** @param {string} text */
function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new EngineError("The file is no JSON; a recipe is what the editor saves as one.");
  }
}

/** @param {any} value */
function isHashes(value) {
  return typeof value === "object" && value !== null && Object.values(value).every((hash) => /^[0-9a-f]{64}$/.test(hash));
}

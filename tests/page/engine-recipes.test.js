import assert from "node:assert/strict";
import { test } from "node:test";

import { EngineError } from "../../src/maskgan/server/page/engine/arrays.js";
import {
  applySteps,
  describeStep,
  encodeRecipe,
  otherWeights,
  parseRecipe,
  parseSteps,
  stepsTo,
} from "../../src/maskgan/server/page/engine/recipes.js";
import { maskOfArray, python } from "./reference.js";

const HASH = "a".repeat(64);
const CODE = `
import json
from maskgan.assets import portrait
from maskgan.editing.label_patch import LabelPatch
from maskgan.editing.looks import LOOKS
from maskgan.editing.named_edits import EDITS
from maskgan.editing.photographs import apply_edits
from maskgan.editing.recipes import Recipe, encode_recipe
from maskgan.images import read_label_map, resize_label_map

own = read_label_map(portrait(4)[1])
smiling = EDITS["smile"].apply(own, 0.75)
edited = smiling.copy()
edited[100:140, 200:230], edited[0, 0], edited[-1, -1] = 13, 5, 7
patch = LabelPatch.between(smiling, edited)
recipe = Recipe(((EDITS["smile"], 0.75), (LOOKS["hair-colour"], "#8e3a1f"), (patch, 1.0)), weights={"parser": "${HASH}"})
results["own"], results["edited"], results["recipe"] = own, edited, encode_recipe(recipe)
large = resize_label_map(own, (600, 600))
results["large"] = large
results["largeEdited"] = apply_edits(large, [(EDITS["smile"], 0.75), (patch, 1.0)])
`;
const expected = python(CODE);
const own = maskOfArray(expected.own);
const recipe = parseRecipe(expected.recipe.data);

test("a recipe of Python's does the same here, also at another size", () => {
  assert.deepEqual(applySteps(recipe.steps, own).data, expected.edited.data);
  assert.deepEqual(applySteps(recipe.steps, maskOfArray(expected.large)).data, expected.largeEdited.data);
  assert.equal(recipe.face, "largest");
  assert.deepEqual(otherWeights(recipe, { parser: HASH }), []);
  assert.deepEqual(otherWeights(recipe, { parser: "b", edit: "c" }), ["edit", "parser"]);
});

test("a recipe written here is Python's", () => {
  const inForce = parseSteps([{ name: "smile", amount: 0.75 }, { name: "hair-colour", amount: "#8e3a1f" }]);
  const steps = stepsTo(inForce, own, maskOfArray(expected.edited));
  const text = encodeRecipe(steps, { parser: HASH }, "1");
  const { program, ...written } = JSON.parse(text);
  const { program: _, ...reference } = JSON.parse(Buffer.from(expected.recipe.data).toString());
  assert.equal(program, "maskgan 1");
  assert.deepEqual(written, reference);
  const read = python(`from maskgan.editing.recipes import parse_recipe\nresults["count"] = len(parse_recipe(text.tobytes(), "here").edits)`, {
    text: { shape: [Buffer.byteLength(text)], data: new Uint8Array(Buffer.from(text)) },
  });
  assert.equal(read.count, 3);
  assert.deepEqual(stepsTo(inForce, own, applySteps(inForce, own)).map(describeStep), inForce.map(describeStep));
});

test("what is no recipe is refused", () => {
  const base = JSON.parse(Buffer.from(expected.recipe.data).toString());
  const patch = { height: 2, width: 2, runs: [0, 4, 1] };
  for (const change of [
    { format: "other" },
    { version: 2 },
    { extra: 1 },
    { weights: { parser: "x" } },
    { edits: {} },
    { edits: [{ name: "smile", amount: 3 }] },
    { edits: [{ name: "smile", amount: "0.5" }] },
    { edits: [{ name: "beard", amount: 1 }] },
    { edits: [{ name: "smile" }] },
    { edits: [{ patch: { ...patch, runs: [1, 4, 1] } }] },
    { edits: [{ patch: { ...patch, runs: [0, 4, 19] } }] },
    { edits: [{ patch: { ...patch, runs: [0, 4] } }] },
  ]) {
    assert.throws(() => parseRecipe(Buffer.from(JSON.stringify({ ...base, ...change }))), EngineError, JSON.stringify(change));
  }
  assert.throws(() => parseRecipe(Buffer.from("{")), EngineError);
  const wide = { ...own, width: 1024, height: 256 };
  assert.throws(() => applySteps(parseSteps([{ patch }]), wide), EngineError);
});

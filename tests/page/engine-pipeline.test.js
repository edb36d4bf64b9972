import assert from "node:assert/strict";
import { test } from "node:test";

import { planes } from "../../src/maskgan/server/page/engine/arrays.js";
import { Edit, FaceModel } from "../../src/maskgan/server/page/engine/pipeline.js";
import { MOUTH } from "../../src/maskgan/server/page/mask/label-map.js";

/** @typedef {import("../../src/maskgan/server/page/engine/networks.js").Context} Context */
/** @typedef {import("../../src/maskgan/server/page/engine/renderer.js").Renderer} Renderer */

const SIZE = { width: 8, height: 8 };
const LEVELS = { labels: { width: 4, height: 4, data: new Uint8Array(16) }, levels: {} };

/** A face whose network fails as often as told. @param {number} failures */
function modelOf(failures) {
  const calls = { synthesise: 0, knownLevels: 0, contexts: /** @type {Context[]} */ ([]) };
  /** @template T @param {T} result */
  const attempt = async (result) => {
    if (failures-- > 0) throw new Error("no memory");
    return result;
  };
  const renderer = {
    usesContext: true,
    hasDetail: true,
    workingSize: () => SIZE,
    image: () => planes(3, 8, 8),
    addAccessories: (/** @type {Float32Array} */ code) => code,
    synthesise: () => (calls.synthesise++, attempt(planes(3, 8, 8))),
    knownLevels: () => (calls.knownLevels++, attempt(LEVELS)),
    drawCoarse: (/** @type {unknown} */ _mask, /** @type {unknown} */ _code, /** @type {Context} */ context) => {
      calls.contexts.push(context);
      return attempt({ image: planes(3, 4, 4), hole: planes(1, 4, 4), photograph: planes(3, 4, 4), features: {} });
    },
  };
  const picture = { ...SIZE, data: new Uint8ClampedArray(3 * 64) };
  const mask = { ...SIZE, data: new Uint8Array(64).fill(1) };
  return { calls, model: new FaceModel(/** @type {Renderer} */ (/** @type {unknown} */ (renderer)), picture, mask, new Float32Array(4)) };
}

test("what a face is analysed for is computed once, and again where that failed", async () => {
  const { calls, model } = modelOf(1);
  await assert.rejects(model.analysis(), /no memory/);
  assert.equal(await model.analysis(), await model.analysis());
  assert.equal(calls.synthesise, 2);
});

test("known levels are computed once for all edits, and again where that failed", async () => {
  const { calls, model } = modelOf(1);
  const both = await Promise.allSettled([model.knownLevels(), model.knownLevels()]);
  assert.deepEqual(both.map(({ status }) => status), ["rejected", "rejected"]);
  assert.equal(calls.knownLevels, 1);
  assert.equal(await model.knownLevels(), LEVELS);
  assert.equal(await model.knownLevels(), LEVELS);
  assert.equal(calls.knownLevels, 2);
});

test("known levels are given where a part is drawn, and not computed where everything is", async () => {
  const { calls, model } = modelOf(0);
  const edited = { ...SIZE, data: new Uint8Array(64).fill(1) };
  edited.data[27] = 0;
  await new Edit(model, edited, null, "full").drawCoarse();
  assert.equal(calls.knownLevels, 0);
  await new Edit(model, edited, null, "region").drawCoarse();
  assert.deepEqual(calls.contexts.map(({ known }) => known), [null, LEVELS]);
  assert.deepEqual(calls.contexts.map(({ hole }) => [hole.width, hole.height, hole.data[27]]), [[8, 8, 1], [8, 8, 1]]);
});

test("a face is drawn unedited once for all edits of its mouth, coarsely where they are, and again where that failed", async () => {
  const { calls, model } = modelOf(1);
  model.mask.data[27] = MOUTH;
  const edited = { ...SIZE, data: model.mask.data.slice() };
  edited.data[28] = MOUTH;
  const edit = new Edit(model, edited, null, "region");
  await assert.rejects(model.coarseUnedited(), /no memory/);
  const coarse = await edit.drawCoarse();
  for (let i = 0; i < 2; i++) await edit.finishCoarse(coarse, model.picture);
  assert.deepEqual([calls.contexts.length, calls.synthesise], [2, 0], "once the edit, once the face");
  for (let i = 0; i < 2; i++) await edit.generate(coarse);
  assert.deepEqual([calls.contexts.length, calls.synthesise], [2, 3], "twice the edit, once the face");
  const [, unedited] = calls.contexts;
  assert.deepEqual([unedited.hole.data[27], unedited.hole.data[0], unedited.known], [1, 0, LEVELS]);
});

test("a black and white photograph stays so, but for the style of another face", async () => {
  const { model } = modelOf(0);
  const coloured = planes(3, 8, 8, Float32Array.from({ length: 192 }, (_, i) => (i < 64 ? 0.5 : i < 128 ? -0.5 : 0)));
  const edited = { ...SIZE, data: new Uint8Array(64) };
  const reference = { picture: model.picture, mask: model.mask, code: new Float32Array(4), colours: new Float32Array(76) };
  /** @param {import("../../src/maskgan/server/page/engine/pipeline.js").StyleCopy | null} style @param {"region" | "full"} blend */
  const shades = async (style, blend) => {
    const { data } = await new Edit(model, edited, style, blend).finish(coloured, model.picture);
    return [...data.subarray(0, 3)];
  };
  const luma = Math.round((0.299 * 0.5 - 0.587 * 0.5 + 1) * 127.5);
  assert.deepEqual(await shades(null, "full"), [luma, luma, luma]);
  assert.deepEqual(await shades({ reference, strength: 1, parts: [1] }, "full"), [luma, luma, luma]);
  assert.deepEqual(await shades({ reference, strength: 1, parts: null }, "full"), [191, 64, 128]);
});

test("a photograph with one coloured pixel is no black and white one", () => {
  const { model } = modelOf(0);
  model.picture.data[31] = 4;
  assert.equal(model.isGrey, true);
  const { model: coloured } = modelOf(0);
  coloured.picture.data[31] = 5;
  assert.equal(coloured.isGrey, false);
});

test("a face is not drawn unedited for edits that leave its mouth alone", async () => {
  const { calls, model } = modelOf(0);
  model.mask.data[27] = MOUTH;
  const edited = { ...SIZE, data: model.mask.data.slice() };
  edited.data[0] = 0;
  const edit = new Edit(model, edited, null, "region");
  const coarse = await edit.drawCoarse();
  await edit.finishCoarse(coarse, model.picture);
  await edit.generate(coarse);
  assert.deepEqual([calls.contexts.length, calls.synthesise], [1, 1]);
});

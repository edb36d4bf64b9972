/** What the engine does while nothing is asked of it: warming up, thumbnails. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { AppState } from "../../src/maskgan/server/page/engine/app-state.js";
import { WorkQueue } from "../../src/maskgan/server/page/engine/queue.js";
import { namedEditRoutes } from "../../src/maskgan/server/page/engine/routes/named-edits.js";
import { Studio } from "../../src/maskgan/server/page/engine/studio.js";
import { plain } from "./masks.js";

/** @typedef {import("../../src/maskgan/server/page/engine/networks.js").Manifest} Manifest */
/** @typedef {import("../../src/maskgan/server/page/engine/networks.js").Networks} Networks */
/** @typedef {import("../../src/maskgan/server/page/engine/studio.js").Face} Face */

const MANIFEST = /** @type {Manifest} */ (
  /** @type {unknown} */ ({ resolution: 64, networks: { generator: { inputs: { hole: {} } } }, info: { limits: { side: 64 }, classes: [] } })
);
const NEVER = new AbortController().signal;

/** A face that counts the passes of its network. @param {string[]} passes */
function faceOf(passes) {
  const mask = plain(16, 16, 1);
  const picture = { width: 16, height: 16, data: new Uint8ClampedArray(3 * 256) };
  const model = {
    mask,
    renderer: { usesContext: true, hasDetail: true },
    knownLevels: async () => passes.push("known levels"),
    coarseUnedited: async () => passes.push("unedited"),
  };
  return /** @type {Face} */ (/** @type {unknown} */ ({ model, pictures: { preview: picture } }));
}

function stateOf() {
  const runner = { run: async () => Promise.reject(new Error("no networks")) };
  return new AppState(runner, MANIFEST, async () => new Blob(), async () => Promise.reject(new Error("no pictures")));
}

test("an idle task that nobody waits for any more is dropped at once", async () => {
  const queue = new WorkQueue();
  void queue.run(NEVER, () => new Promise(() => {}));
  const fails = async () => assert.fail("it ran");
  await assert.rejects(queue.runIdle(AbortSignal.abort(), fails), { name: "AbortError" });

  const gone = new AbortController();
  const other = new WorkQueue();
  const running = other.run(NEVER, async () => gone.abort());
  const idle = other.runIdle(gone.signal, fails);
  await running;
  await assert.rejects(idle, { name: "AbortError" });
});

test("each pass of the warm-up waits for its own turn; one that fails is made again with the next face", async (t) => {
  const networks = { manifest: MANIFEST, info: () => MANIFEST.networks.generator, has: () => false };
  const studio = new Studio(/** @type {Networks} */ (/** @type {unknown} */ (networks)), 64);
  const passes = /** @type {string[]} */ ([]);
  let isBroken = true;
  t.mock.method(studio, "render", async (/** @type {Face} */ _face, /** @type {unknown} */ _wanted, /** @type {string} */ quality) => {
    if (isBroken && quality === "display") throw new Error("no memory");
    passes.push(quality);
  });
  const whenIdle = async (/** @type {() => Promise<unknown>} */ pass) => {
    passes.push("turn");
    await pass();
  };
  await assert.rejects(studio.warmUp(faceOf(passes), NEVER, whenIdle), /no memory/);
  isBroken = false;
  passes.length = 0;
  await studio.warmUp(faceOf(passes), NEVER, whenIdle);
  assert.deepEqual(passes, ["turn", "known levels", "turn", "unedited", "turn", "preview", "turn", "display"]);
  passes.length = 0;
  await studio.warmUp(faceOf(passes), NEVER, whenIdle);
  assert.deepEqual(passes, ["turn", "known levels", "turn", "unedited"], "networks are open already");
});

test("faces that are closed, or make room for others, are not warmed up any more", async (t) => {
  const state = stateOf();
  const signals = /** @type {AbortSignal[]} */ ([]);
  t.mock.method(state.studio, "warmUp", async (/** @type {Face} */ _face, /** @type {AbortSignal} */ signal) => signals.push(signal));
  const face = faceOf([]);
  const ids = Array.from({ length: 5 }, () => state.add(face, face.model.mask, null).id);
  state.end(ids[2]);
  assert.deepEqual(signals.map(({ aborted }) => aborted), [true, false, true, false, false]);
});

test("a thumbnail that is asked for twice is drawn once", async (t) => {
  const state = stateOf();
  const face = faceOf([]);
  t.mock.method(state.studio, "warmUp", async () => {});
  const render = t.mock.method(state.studio, "render", async () => face.pictures.preview);
  const { id } = state.add(face, face.model.mask, null);
  const route = namedEditRoutes(state).find(([pattern]) => pattern.endsWith("*.jpg"));
  assert.ok(route);
  const ask = () => {
    const request = new Request(`http://localhost/api/sessions/${id}/edits/hair-longer.jpg`);
    return route[1]({ request, query: new URLSearchParams(), values: [id, "hair-longer"] });
  };
  const files = await Promise.all((await Promise.all([ask(), ask()])).map(async (answer) => new Uint8Array(await answer.arrayBuffer())));
  assert.deepEqual([...files[0].subarray(0, 2)], [0xff, 0xd8]);
  assert.deepEqual(files[0], files[1]);
  assert.equal(render.mock.callCount(), 1);
});

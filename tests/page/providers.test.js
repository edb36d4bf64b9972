import assert from "node:assert/strict";
import { test } from "node:test";

import { EngineError } from "../../src/maskgan/server/page/engine/arrays.js";
import { FallbackRunner, fasterProvider, probe } from "../../src/maskgan/server/page/engine/providers.js";
import { Runtime } from "../../src/maskgan/server/page/engine/runtime.js";

/** @typedef {import("../../src/maskgan/server/page/engine/networks.js").Manifest} Manifest */
/** @typedef {import("../../src/maskgan/server/page/engine/networks.js").NetworkRunner} NetworkRunner */

const PICTURE = Float32Array.of(-1, 0, 0.5);

/** Ways that take so long and draw that, after a slow first run each. @param {import("node:test").TestContext} t */
function waysOf(t, /** @type {Record<string, {time: number, picture?: Float32Array}>} */ ways) {
  let clock = 0;
  t.mock.method(performance, "now", () => clock);
  return async (/** @type {string} */ provider) => {
    let runs = 0;
    return async () => {
      clock += ways[provider].time * (runs++ ? 1 : 50);
      return ways[provider].picture ?? PICTURE;
    };
  };
}

test("a graphics processor is chosen where it is clearly faster, not by its first run", async (t) => {
  assert.equal(await fasterProvider(waysOf(t, { webgpu: { time: 10 }, wasm: { time: 100 } })), "webgpu");
  assert.equal(await fasterProvider(waysOf(t, { webgpu: { time: 90 }, wasm: { time: 100 } })), "wasm");
  assert.equal(await fasterProvider(waysOf(t, { webgpu: { time: 200 }, wasm: { time: 100 } })), "wasm");
});

test("a graphics processor that draws something else is not trusted", async (t) => {
  for (const [picture, chosen] of /** @type {const} */ ([
    [[-1, 0.001, 0.5], "webgpu"],
    [[-1, 0.1, 0.5], "wasm"],
    [[-1, NaN, 0.5], "wasm"],
    [[-1, 0], "wasm"],
    [[], "wasm"],
  ])) {
    const open = waysOf(t, { webgpu: { time: 1, picture: Float32Array.from(picture) }, wasm: { time: 100 } });
    assert.equal(await fasterProvider(open), chosen, String(picture));
  }
});

test("where one of the two fails or does not answer, nothing is chosen", async () => {
  const fails = async () => Promise.reject(new Error("device lost"));
  assert.equal(await fasterProvider(fails), null);
  assert.equal(await fasterProvider(async () => fails), null);
  assert.equal(await fasterProvider(async () => () => new Promise(() => {}), 1), null);
  assert.equal(await fasterProvider(async (provider) => (provider === "wasm" ? fails : async () => PICTURE)), null);
});

/** A runner that answers with its name, or fails. @param {string} name @param {(() => Error | null)} error */
function runnerOf(name, error = () => null) {
  const asked = /** @type {string[]} */ ([]);
  const run = async (/** @type {string} */ network) => {
    asked.push(network);
    const failure = error();
    if (failure) throw failure;
    return { [name]: { data: PICTURE, dims: [3] } };
  };
  return { asked, run };
}

test("what fails on a graphics processor runs in WebAssembly, and so does all that follows", async () => {
  let isLost = false;
  const gpu = runnerOf("gpu", () => (isLost ? new Error("device lost") : null));
  const cpu = runnerOf("cpu");
  let opened = 0;
  const runner = new FallbackRunner(gpu, async () => (opened++, cpu));
  assert.deepEqual(Object.keys(await runner.run("generator", {})), ["gpu"]);
  isLost = true;
  const both = await Promise.all([runner.run("generator", {}), runner.run("detail", {})]);
  assert.deepEqual(both.flatMap(Object.keys), ["cpu", "cpu"]);
  assert.deepEqual(Object.keys(await runner.run("parser", {})), ["cpu"]);
  assert.equal(opened, 1);
  assert.deepEqual(gpu.asked, ["generator", "generator", "detail"]);
});

test("WebAssembly that cannot be opened is tried again", async () => {
  const gpu = runnerOf("gpu", () => new Error("device lost"));
  let opened = 0;
  const runner = new FallbackRunner(gpu, async () => {
    if (++opened === 1) throw new Error("no connection");
    return runnerOf("cpu");
  });
  const both = await Promise.allSettled([runner.run("generator", {}), runner.run("detail", {})]);
  assert.deepEqual(both.map(({ status }) => status), ["rejected", "rejected"]);
  assert.equal(opened, 1);
  assert.deepEqual(Object.keys(await runner.run("generator", {})), ["cpu"]);
  assert.equal(opened, 2);
});

test("a network that is not loaded while another runs is said when it is asked for, and asked for again", async () => {
  /** @type {(result: {}) => void} */
  let finish = () => {};
  const session = { run: () => new Promise((resolve) => (finish = resolve)), release: async () => {} };
  const ort = { Tensor: class {}, InferenceSession: { create: async () => session } };
  const asked = /** @type {string[]} */ ([]);
  const load = async (/** @type {string} */ file) => {
    asked.push(file);
    if (file === "detail") throw new EngineError("detail could not be loaded");
    return new Uint8Array();
  };
  const entries = ["generator", "detail"].map((name) => [name, { file: name, bytes: 0 }]);
  const runtime = new Runtime(ort, /** @type {any} */ ({ networks: Object.fromEntries(entries) }), load);
  const first = runtime.run("generator", {});
  const turn = () => new Promise((resolve) => setTimeout(resolve));
  await turn();
  const second = runtime.run("detail", {});
  await turn(); // an unhandled rejection would fail this test
  finish({});
  assert.deepEqual(await first, {});
  await assert.rejects(second, /could not be loaded/);
  await assert.rejects(runtime.run("detail", {}), /could not be loaded/);
  assert.deepEqual(asked, ["generator", "detail", "detail"]);
});

test("what neither way can do is said", async () => {
  const missing = runnerOf("gpu", () => new EngineError("parser.onnx could not be loaded"));
  await assert.rejects(new FallbackRunner(missing, async () => runnerOf("cpu")).run("parser", {}), EngineError);
  const broken = runnerOf("any", () => new Error("no memory"));
  const runner = new FallbackRunner(broken, async () => broken);
  await assert.rejects(runner.run("generator", {}), /no memory/);
  await assert.rejects(runner.run("generator", {}), /no memory/);
  assert.equal(broken.asked.length, 3);
});

test("the timed picture is drawn by all parts of the generator, at half of its resolution", async () => {
  const shapes = /** @type {Record<string, readonly number[]>[]} */ ([]);
  const runner = /** @type {NetworkRunner} */ ({
    async run(name, inputs) {
      shapes.push({ name: [name.length], ...Object.fromEntries(Object.entries(inputs).map(([key, { dims }]) => [key, dims])) });
      const [, height, width] = inputs.labels.dims;
      if (inputs.window) return { generated: { data: new Float32Array(3 * 64 * 40), dims: [1, 3, 64, 40] } };
      return { generated: { data: new Float32Array(3 * height * width), dims: [1, 3, height, width] } };
    },
  });
  const entry = { inputs: { hole: {}, changed: {}, known_0: { shape: ["N", 5, "H/2", "W/2"] } } };
  const window = { cell: 16, margin: 8 };
  const manifest = { resolution: 256, size_multiple: 64, window, style: { size: 12 }, networks: { generator: entry, detail: entry } };
  const picture = await probe(runner, /** @type {Manifest} */ (/** @type {unknown} */ (manifest)))();
  assert.equal(picture.length, 3 * 128 * 128);
  const [coarse, detail] = shapes;
  assert.deepEqual([coarse.labels, coarse.image, coarse.hole, coarse.style], [[1, 64, 64], [1, 3, 64, 64], [1, 1, 64, 64], [1, 12]]);
  assert.deepEqual([detail.labels, detail.coarse, coarse.window], [[1, 128, 80], [1, 3, 64, 40], [4]]);
  assert.deepEqual([coarse.changed, coarse.known_0], [[4], [1, 5, 32, 32]]);
  const single = { ...manifest, networks: { generator: { inputs: {} } } };
  await probe(runner, /** @type {Manifest} */ (/** @type {unknown} */ (single)))();
  assert.deepEqual(Object.keys(shapes[2]), ["name", "labels", "style"]);
});

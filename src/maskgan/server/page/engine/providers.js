/**
 * Whether a graphics processor runs the networks: where a timed run is faster, and draws what WebAssembly draws.
 *
 * @typedef {import("./networks.js").Manifest} Manifest
 * @typedef {import("./networks.js").NetworkName} NetworkName
 * @typedef {import("./networks.js").NetworkRunner} NetworkRunner
 * @typedef {import("./tensors.js").Tensor} Tensor
 *
 * @typedef {"webgpu" | "wasm"} Provider
 */

import { EngineError, planes } from "./arrays.js";
import { Networks } from "./networks.js";

/** Networks worth a graphics processor; the others are small or have operators that it lacks. */
export const LARGE = new Set(/** @type {NetworkName[]} */ (["style-encoder", "generator", "detail"]));
/** How much faster than WebAssembly it must be: it starts slower and takes memory. */
const WORTH = 0.8;
/** How far its picture may be from WebAssembly's: two grey levels of [-1, 1]. */
const TOLERANCE = 4 / 255;
/** Milliseconds in which it must have drawn twice, shaders compiled. */
const PATIENCE = 20_000;

/**
 * The faster of the two ways, by a timed run each after a first one.
 *
 * @param {(provider: Provider) => Promise<() => Promise<ArrayLike<number>>>} open gives what draws a picture in [-1, 1]
 * @param {number} [patience] milliseconds
 * @returns {Promise<Provider | null>} wasm where webgpu draws another picture; null where one of them fails or webgpu does
 *   not answer, which may be another time
 */
export async function fasterProvider(open, patience = PATIENCE) {
  try {
    const gpu = await within(patience, timed(open, "webgpu"));
    const cpu = await timed(open, "wasm");
    return gpu.time < WORTH * cpu.time && isSame(gpu.picture, cpu.picture) ? "webgpu" : "wasm";
  } catch {
    return null;
  }
}

/** Runs networks on a graphics processor until that fails, from then on in WebAssembly. @implements {NetworkRunner} */
export class FallbackRunner {
  #runner;
  #openFallback;
  /** What runs the networks once the other failed. @type {Promise<NetworkRunner> | null} */
  #fallback = null;

  /**
   * @param {NetworkRunner} runner
   * @param {() => Promise<NetworkRunner>} openFallback
   */
  constructor(runner, openFallback) {
    this.#runner = runner;
    this.#openFallback = openFallback;
  }

  /**
   * @param {NetworkName} name
   * @param {Record<string, Tensor>} inputs
   * @param {readonly string[]} [outputs]
   * @returns {Promise<Record<string, Tensor>>}
   */
  async run(name, inputs, outputs) {
    if (this.#fallback) return (await this.#fallback).run(name, inputs, outputs);
    try {
      return await this.#runner.run(name, inputs, outputs);
    } catch (error) {
      // What this program says itself, such as that a file is missing, holds for the other way as well.
      if (error instanceof EngineError) throw error;
      this.#fallback ??= this.#openFallback().catch((failure) => {
        this.#fallback = null; // so that it is tried again
        throw failure;
      });
      return (await this.#fallback).run(name, inputs, outputs);
    }
  }
}

/**
 * Draws a picture that all parts of the generator have a share in, at half of its resolution.
 *
 * @param {NetworkRunner} runner
 * @param {Manifest} manifest
 * @returns {() => Promise<Float32Array>}
 */
export function probe(runner, manifest) {
  const networks = new Networks(runner, manifest);
  const { size_multiple: multiple, style: styles } = manifest;
  const side = Math.max(Math.floor(manifest.resolution / 2 / multiple), 2) * multiple;
  const area = side * side;
  const mask = { width: side, height: side, data: Uint8Array.from({ length: area }, (_, i) => Math.floor((19 * i) / area)) };
  const style = Float32Array.from({ length: styles.size }, (_, i) => Math.sin(i));
  const image = planes(3, side, side, Float32Array.from({ length: 3 * area }, (_, i) => Math.sin(i / 7)));
  const hole = planes(1, side, side, Float32Array.from({ length: area }, (_, i) => Number(i % side < side / 2)));
  const context = { image, hole };
  return async () => {
    if (!networks.has("detail")) {
      const isContextRead = "hole" in networks.info("generator").inputs;
      return (await networks.generate(mask, style, isContextRead ? context : null)).data;
    }
    return (await networks.addDetail(await networks.drawCoarse(mask, style, context), mask, style, context)).data;
  };
}

/**
 * @param {Parameters<typeof fasterProvider>[0]} open
 * @param {Provider} provider
 */
async function timed(open, provider) {
  const draw = await open(provider);
  await draw();
  const start = performance.now();
  const picture = await draw();
  return { picture, time: performance.now() - start };
}

/**
 * @param {ArrayLike<number>} first
 * @param {ArrayLike<number>} second
 */
function isSame(first, second) {
  for (let i = 0; i < first.length; i++) {
    if (!(Math.abs(first[i] - second[i]) <= TOLERANCE)) return false; // NaN as well
  }
  return first.length === second.length && first.length > 0;
}

/**
 * @template T
 * @param {number} time milliseconds
 * @param {Promise<T>} task
 * @returns {Promise<T>}
 */
async function within(time, task) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer")), time);
  });
  return Promise.race([task, late]).finally(() => clearTimeout(timer));
}

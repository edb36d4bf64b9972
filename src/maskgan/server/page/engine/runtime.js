/**
 * Networks run by ONNX Runtime, one at a time.
 *
 * @typedef {import("./networks.js").Manifest} Manifest
 * @typedef {import("./networks.js").NetworkName} NetworkName
 * @typedef {import("./networks.js").NetworkRunner} NetworkRunner
 * @typedef {import("./tensors.js").Tensor} Tensor
 *
 * @typedef {object} InferenceSession
 * @property {(feeds: Record<string, any>, outputs?: readonly string[]) => Promise<Record<string, Tensor>>} run
 * @property {() => Promise<void>} release
 *
 * @typedef {object} Ort the part of ONNX Runtime used here
 * @property {new (type: string, data: any, dims: readonly number[]) => object} Tensor
 * @property {{create: (model: Uint8Array, options: object) => Promise<InferenceSession>}} InferenceSession
 *
 * @callback LoadFile
 * @param {string} file relative to the manifest
 * @param {number} bytes that it has
 * @returns {Promise<Uint8Array>}
 */

import { EngineError } from "./arrays.js";

/** @implements {NetworkRunner} */
export class Runtime {
  #ort;
  #manifest;
  #load;
  #options;
  /** @type {Map<NetworkName, Promise<InferenceSession>>} */
  #sessions = new Map();
  /** @type {Promise<unknown>} */
  #turn = Promise.resolve();

  /**
   * @param {Ort} ort
   * @param {Manifest} manifest
   * @param {LoadFile} load
   * @param {(name: NetworkName) => object} [options] of a network's session, such as its execution providers
   */
  constructor(ort, manifest, load, options = () => ({})) {
    this.#ort = ort;
    this.#manifest = manifest;
    this.#load = load;
    this.#options = options;
  }

  /**
   * @param {NetworkName} name
   * @param {Record<string, Tensor>} inputs
   * @param {readonly string[]} [outputs] all by default
   * @returns {Promise<Record<string, Tensor>>}
   */
  async run(name, inputs, outputs) {
    const session = await this.#session(name);
    const feeds = Object.fromEntries(Object.entries(inputs).map(([input, { data, dims }]) => [input, this.#tensor(data, dims)]));
    const run = this.#turn.then(() => (outputs ? session.run(feeds, outputs) : session.run(feeds)));
    this.#turn = run.catch(() => {});
    return run;
  }

  /** Give the networks' memory back. */
  async release() {
    const sessions = await Promise.allSettled(this.#sessions.values());
    this.#sessions.clear();
    for (const result of sessions) if (result.status === "fulfilled") await result.value.release();
  }

  /**
   * @param {NetworkName} name
   * @returns {Promise<InferenceSession>}
   */
  #session(name) {
    let session = this.#sessions.get(name);
    if (session) return session;
    const info = this.#manifest.networks[name];
    if (!info) throw new EngineError(`This editor was exported without the network “${name}”; export it again.`);
    // One at a time: opening a network takes the runtime as running one does.
    const model = this.#load(info.file, info.bytes);
    model.catch(() => {}); // it may fail before its turn comes, when it is awaited
    session = this.#turn.then(async () => this.#ort.InferenceSession.create(await model, this.#options(name)));
    this.#turn = session.catch(() => {});
    this.#sessions.set(name, session);
    // A network that could not be loaded is asked for again.
    session.catch(() => this.#sessions.delete(name));
    return session;
  }

  /**
   * @param {Tensor["data"]} data
   * @param {readonly number[]} dims
   */
  #tensor(data, dims) {
    const type = data instanceof BigInt64Array ? "int64" : data instanceof Uint8Array ? "uint8" : "float32";
    return new this.#ort.Tensor(type, data, dims);
  }
}

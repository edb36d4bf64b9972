/**
 * The networks of an exported editor, run by ONNX Runtime.
 *
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("./arrays.js").Planes} Planes
 * @typedef {import("./arrays.js").Size} Size
 *
 * @typedef {"style-encoder" | "generator" | "enhancer" | "parser" | "mask-encoder" | "mask-decoder" | "mask-prior"
 *   | "face-detector"} NetworkName
 *
 * @typedef {object} NetworkInfo an entry of the manifest
 * @property {string} file relative to the manifest
 * @property {number} bytes
 * @property {string} model_type
 * @property {number} resolution
 * @property {string} weights_sha256
 * @property {string} licence
 * @property {Record<string, {type: string, shape: (number | string)[]}>} inputs
 *
 * @typedef {object} Manifest
 * @property {number} format_version
 * @property {string} version of the program that exported it
 * @property {number} resolution pixels on the longer side of the face network's pictures
 * @property {number} size_multiple sides of its pictures are multiples of this
 * @property {{size: number, has_parts: boolean, parts_start: number, code_size: number, regions: number[][]}} style where
 *   in a style the codes of each class are; the last three only with parts
 * @property {Partial<Record<NetworkName, NetworkInfo>>} networks
 * @property {{name: string, title: string, vector: number[]}[]} directions
 *
 * @typedef {{type: string, dims: readonly number[], data: any}} Tensor
 * @typedef {{run: (feeds: Record<string, any>) => Promise<Record<string, any>>, release?: () => Promise<void>}} InferenceSession
 *
 * @typedef {object} Runtime the part of ONNX Runtime used here
 * @property {new (type: string, data: any, dims: readonly number[]) => Tensor} Tensor
 * @property {{create: (model: Uint8Array, options?: object) => Promise<InferenceSession>}} InferenceSession
 *
 * @callback LoadFile
 * @param {string} file relative to the manifest
 * @param {number} bytes
 * @returns {Promise<Uint8Array>}
 */

import { EngineError, planes } from "./arrays.js";

export class Networks {
  #runtime;
  #load;
  #options;
  /** @type {Map<NetworkName, Promise<InferenceSession>>} */
  #sessions = new Map();
  /** One run at a time, as the runtime needs it. @type {Promise<unknown>} */
  #turn = Promise.resolve();

  /**
   * @param {Manifest} manifest
   * @param {LoadFile} load
   * @param {Runtime} runtime
   * @param {object} [options] of the sessions, such as execution providers
   */
  constructor(manifest, load, runtime, options = {}) {
    this.manifest = manifest;
    this.#load = load;
    this.#runtime = runtime;
    this.#options = options;
  }

  /** @param {NetworkName} name */
  has(name) {
    return this.manifest.networks[name] !== undefined;
  }

  /**
   * @param {NetworkName} name
   * @returns {NetworkInfo}
   */
  info(name) {
    const info = this.manifest.networks[name];
    if (!info) throw new EngineError(`This editor was exported without the network “${name}”; export it again.`);
    return info;
  }

  /**
   * Load networks before they are needed.
   *
   * @param {readonly NetworkName[]} names
   */
  async prepare(names) {
    for (const name of names) await this.#session(name);
  }

  /**
   * The style of a face, style_size.
   *
   * @param {Planes} image 3 x H x W in [-1, 1]
   * @param {LabelMap} mask its own, of the same size
   * @returns {Promise<Float32Array>}
   */
  async encodeStyle(image, mask) {
    return (await this.#run("style-encoder", { image: this.#image(image), labels: this.#labels(mask) })).style.data;
  }

  /**
   * The face for a mask in a style, 3 x H x W in [-1, 1].
   *
   * @param {LabelMap} mask
   * @param {Float32Array} style
   * @param {{image: Planes, hole: Planes} | null} context the photograph, for a network that sees it
   * @returns {Promise<Planes>}
   */
  async generate(mask, style, context) {
    const feeds = { labels: this.#labels(mask), style: this.#tensor(style, [1, style.length]) };
    const around = context && { image: this.#image(context.image), hole: this.#image(context.hole) };
    return imageOf((await this.#run("generator", { ...feeds, ...around })).generated);
  }

  /**
   * A face at twice its size.
   *
   * @param {Planes} image
   * @param {LabelMap} mask of the same size
   */
  async enhance(image, mask) {
    return imageOf((await this.#run("enhancer", { image: this.#image(image), labels: this.#labels(mask) })).enhanced);
  }

  /**
   * @param {Planes} image square, of the parser's resolution
   * @param {Size} size
   * @returns {Promise<LabelMap>} of that size
   */
  async parse(image, size) {
    return maskOf((await this.#run("parser", { image: this.#image(image), size: this.#size(size) })).labels);
  }

  /**
   * The code of a mask of any size.
   *
   * @param {LabelMap} mask
   * @returns {Promise<Float32Array>}
   */
  async encodeMask(mask) {
    return (await this.#run("mask-encoder", { labels: this.#labels(mask) })).code.data;
  }

  /**
   * @param {Float32Array} code
   * @param {Size} size
   * @returns {Promise<LabelMap>} of that size
   */
  async decodeMask(code, size) {
    const feeds = { code: this.#tensor(code, [1, code.length]), size: this.#size(size) };
    return maskOf((await this.#run("mask-decoder", feeds)).labels);
  }

  /**
   * The code of a random mask.
   *
   * @param {Float32Array} noise standard normal, as long as codes
   * @returns {Promise<Float32Array>}
   */
  async sampleCode(noise) {
    return (await this.#run("mask-prior", { noise: this.#tensor(noise, [1, noise.length]) })).code.data;
  }

  /** @type {import("./face-detection.js").DetectorNetwork} */
  async detect(image) {
    const { scores, boxes, landmarks } = await this.#run("face-detector", { image: this.#image(image) });
    return { scores: scores.data, boxes: boxes.data, landmarks: landmarks.data };
  }

  /** Give their memory back. */
  async release() {
    const sessions = await Promise.allSettled(this.#sessions.values());
    this.#sessions.clear();
    for (const result of sessions) if (result.status === "fulfilled") await result.value.release?.();
  }

  /**
   * @param {NetworkName} name
   * @returns {Promise<InferenceSession>}
   */
  #session(name) {
    let session = this.#sessions.get(name);
    if (!session) {
      const { file, bytes } = this.info(name);
      session = this.#load(file, bytes).then((model) => this.#runtime.InferenceSession.create(model, this.#options));
      this.#sessions.set(name, session);
      // A network that could not be loaded is asked for again.
      session.catch(() => this.#sessions.delete(name));
    }
    return session;
  }

  /**
   * @param {NetworkName} name
   * @param {Record<string, Tensor>} feeds
   */
  async #run(name, feeds) {
    const session = await this.#session(name);
    const run = this.#turn.then(() => session.run(feeds));
    this.#turn = run.catch(() => {});
    return run;
  }

  /**
   * @param {Float32Array} data
   * @param {number[]} dims
   */
  #tensor(data, dims) {
    return new this.#runtime.Tensor("float32", data, dims);
  }

  /** @param {Planes} image */
  #image({ channels, height, width, data }) {
    return this.#tensor(data, [1, channels, height, width]);
  }

  /** @param {LabelMap} mask */
  #labels({ width, height, data }) {
    return new this.#runtime.Tensor("uint8", data, [1, height, width]);
  }

  /** @param {Size} size */
  #size({ width, height }) {
    return new this.#runtime.Tensor("int64", BigInt64Array.of(BigInt(height), BigInt(width)), [2]);
  }
}

/**
 * @param {Tensor} tensor 1 x C x H x W
 * @returns {Planes}
 */
function imageOf({ dims: [, channels, height, width], data }) {
  return planes(channels, height, width, data);
}

/**
 * @param {Tensor} tensor 1 x H x W
 * @returns {LabelMap}
 */
function maskOf({ dims: [, height, width], data }) {
  return { width, height, data: new Uint8Array(data) };
}

/**
 * The networks of an exported editor behind pictures and masks; see docs/web.md for their inputs and outputs.
 *
 * @typedef {import("../remote/api.js").ServerInfo} ServerInfo
 * @typedef {import("./arrays.js").Box} Box
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("./arrays.js").Planes} Planes
 * @typedef {import("./arrays.js").Size} Size
 * @typedef {import("./tensors.js").Tensor} Tensor
 *
 * @typedef {"style-encoder" | "generator" | "detail" | "parser" | "mask-encoder" | "mask-decoder" | "mask-prior"
 *   | "face-detector"} NetworkName
 *
 * @typedef {object} NetworkInfo an entry of the manifest
 * @property {string} file relative to the manifest
 * @property {number} bytes
 * @property {string} model_type
 * @property {number} resolution
 * @property {string} sha256 of the file
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
 * @property {{cell: number, margin: number} | null} window of a network that draws coarsely first: pixels a side of what
 *   windows are made of, and pixels by which they reach over a hole
 * @property {Partial<Record<NetworkName, NetworkInfo>>} networks
 * @property {{name: string, title: string, vector: number[]}[]} directions
 * @property {Record<string, number[]>} [accessory_styles] codes of accessories that a face lacks, by kind
 *
 * @property {ServerInfo} info what the page needs to know
 *
 * @typedef {object} Context what is seen of a photograph
 * @property {Planes} image 3 x H x W in [-1, 1]
 * @property {Planes} hole 1 x H x W: 1 where it is drawn anew
 * @property {KnownLevels | null} [known] of the photograph; they save time
 *
 * @typedef {object} KnownLevels what the coarse part of a network made of a photograph without a hole
 * @property {LabelMap} labels of the photograph, H/2 x W/2
 * @property {Record<string, Tensor>} levels inputs of the generator
 *
 * @typedef {object} CoarseDrawing what is drawn at half of the side, before the detail
 * @property {Planes} image 3 x H/2 x W/2 in [-1, 1]; of use in the hole alone
 * @property {Planes} hole 1 x H/2 x W/2
 * @property {Planes} photograph without the hole, 3 x H/2 x W/2
 * @property {Box} window around the hole that is drawn, in pixels of the whole side
 * @property {Record<string, Tensor>} features that the window's detail is drawn from
 *
 * @typedef {object} NetworkRunner
 * @property {(name: NetworkName, inputs: Record<string, Tensor>, outputs?: readonly string[]) => Promise<Record<string, Tensor>>}
 *   run a network by its name, opened when it is first used; all of its outputs by default
 */

import { EngineError, bounded, cutLabels, cutPlanes, differences, extent, grown, halfLabels, planes, putPlanes, whole } from "./arrays.js";
import { averagePool, maxPool } from "./filters.js";
import { floats, imageOf, imageTensor, labelTensor, maskOf, sizeTensor, vector, windowTensor } from "./tensors.js";

export class Networks {
  #runner;
  /** See `#halfImage`. @type {WeakMap<Planes, Planes>} */
  #halfImages = new WeakMap();

  /**
   * @param {NetworkRunner} runner
   * @param {Manifest} manifest
   */
  constructor(runner, manifest) {
    this.#runner = runner;
    this.manifest = manifest;
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
   * The style of a face, style_size.
   *
   * @param {Planes} image 3 x H x W in [-1, 1]
   * @param {LabelMap} mask its own, of the same size
   * @returns {Promise<Float32Array>}
   */
  async encodeStyle(image, mask) {
    return floats((await this.#run("style-encoder", { image: imageTensor(image), labels: labelTensor(mask) })).style);
  }

  /**
   * The face for a mask in a style, 3 x H x W in [-1, 1].
   *
   * @param {LabelMap} mask
   * @param {Float32Array} style
   * @param {Context | null} context the photograph, for a network that sees it
   * @returns {Promise<Planes>}
   */
  async generate(mask, style, context) {
    return imageOf((await this.#run("generator", generatorInputs(mask, style, context))).generated);
  }

  /**
   * What the coarse part of a network with a detail level makes of a photograph, so that edits of it need not compute it.
   *
   * @param {Planes} image 3 x H x W in [-1, 1]
   * @param {LabelMap} mask its own, of the same size
   * @returns {Promise<KnownLevels>}
   */
  async knownLevels(image, mask) {
    const half = { image: this.#halfImage(image), hole: planes(1, image.height / 2, image.width / 2) };
    const labels = halfLabels(mask);
    const style = new Float32Array(this.manifest.style.size);
    const { cell } = this.#cells;
    const first = { top: 0, bottom: cell, left: 0, right: cell };
    const inputs = { ...generatorInputs(labels, style, half), ...this.#windows(first, whole(image)), ...this.#noLevels(labels) };
    const names = this.#levelInputs.map((name) => [name, name.replace("known", "level")]);
    const found = await this.#run("generator", inputs, names.map(([, output]) => output));
    return { labels, levels: Object.fromEntries(names.map(([name, output]) => [name, found[output]])) };
  }

  /**
   * What the coarse part of a network with a detail level draws.
   *
   * @param {LabelMap} mask of the whole side, as the context
   * @param {Float32Array} style
   * @param {Context} context
   * @returns {Promise<CoarseDrawing>}
   */
  async drawCoarse(mask, style, context) {
    const window = this.#window(context.hole);
    const half = this.#halfContext(context, window);
    const labels = halfLabels(mask);
    const changed = context.known ? this.#changed(half.hole, labels, context.known.labels) : whole(context.hole);
    const levels = context.known ? context.known.levels : this.#noLevels(labels);
    const inputs = { ...generatorInputs(labels, style, half), ...this.#windows(window, changed), ...levels };
    const { generated: coarse, ...rest } = await this.#run("generator", inputs, ["generated", "features", "fine", "regions"]);
    putPlanes(half.image, bounded(imageOf(coarse)), { top: window.top / 2, left: window.left / 2 });
    return { ...half, photograph: this.#halfImage(context.image), window, features: { coarse, ...rest } };
  }

  /**
   * The face that a coarse drawing becomes with detail, 3 x H x W in [-1, 1].
   *
   * @param {CoarseDrawing} coarse of the same inputs
   * @param {LabelMap} mask
   * @param {Float32Array} style
   * @param {Context} context
   * @returns {Promise<Planes>}
   */
  async addDetail({ window, features }, mask, style, { image, hole }) {
    const around = { image: cutPlanes(image, window), hole: cutPlanes(hole, window) };
    const inputs = { ...generatorInputs(cutLabels(mask, window), style, around), ...features };
    const { generated } = await this.#run("detail", inputs);
    const face = planes(3, image.height, image.width, image.data.slice());
    putPlanes(face, bounded(imageOf(generated)), window);
    return face;
  }

  /**
   * A photograph at half of its side, averaged with its hole erased, and the hole.
   *
   * @param {Context} context
   * @param {Box} window around the hole, its edges even
   * @returns {Context}
   */
  #halfContext({ image, hole }, window) {
    const average = this.#halfImage(image);
    const half = {
      image: planes(image.channels, average.height, average.width, average.data.slice()),
      hole: planes(1, average.height, average.width),
    };
    const around = { image: cutPlanes(image, window), hole: cutPlanes(hole, window) };
    const place = { top: window.top / 2, left: window.left / 2 };
    putPlanes(half.image, averagePool(erased(around), 2), place);
    putPlanes(half.hole, maxPool(around.hole, 2), place);
    return half;
  }

  /**
   * A photograph averaged to half of its side, once.
   *
   * @param {Planes} image
   */
  #halfImage(image) {
    const half = this.#halfImages.get(image) ?? averagePool(image, 2);
    this.#halfImages.set(image, half);
    return half;
  }

  get #cells() {
    if (!this.manifest.window || !this.#levelInputs.length) {
      throw new EngineError("This editor was exported by an older version; export it again.");
    }
    return this.manifest.window;
  }

  /**
   * What must be drawn so that a hole is drawn as in the whole picture.
   *
   * @param {Planes} hole
   * @returns {Box}
   */
  #window(hole) {
    const { cell, margin } = this.#cells;
    const box = extent(hole) ?? { top: 0, bottom: 1, left: 0, right: 1 };
    return grown(box, margin, hole, cell);
  }

  /**
   * Where an edit gives the coarse network another input than the photograph does.
   *
   * @param {Planes} hole 1 x H/2 x W/2
   * @param {LabelMap} labels of the same size
   * @param {LabelMap} own the photograph's
   * @returns {Box} in pixels of the whole side
   */
  #changed(hole, labels, own) {
    const { width, height } = hole;
    const { data } = differences(labels, own);
    for (let i = 0; i < data.length; i++) if (hole.data[i] > 0) data[i] = 1;
    const { top, bottom, left, right } = extent({ width, height, data }) ?? { top: 0, bottom: 1, left: 0, right: 1 };
    const box = { top: 2 * top, bottom: 2 * bottom, left: 2 * left, right: 2 * right };
    return grown(box, 0, { width: 2 * width, height: 2 * height }, this.#cells.cell);
  }

  /**
   * @param {Box} window
   * @param {Box} changed
   */
  #windows(window, changed) {
    const { cell } = this.#cells;
    return { window: windowTensor(window, cell), changed: windowTensor(changed, cell) };
  }

  get #levelInputs() {
    return Object.keys(this.info("generator").inputs).filter((name) => name.startsWith("known_"));
  }

  /**
   * Features to be replaced everywhere.
   *
   * @param {Size} size of the coarse network's pictures
   * @returns {Record<string, Tensor>}
   */
  #noLevels({ width, height }) {
    return Object.fromEntries(
      this.#levelInputs.map((name) => {
        const [, channels, rows] = this.info("generator").inputs[name].shape;
        const factor = Number(String(rows).split("/")[1]);
        return [name, imageTensor(planes(Number(channels), height / factor, width / factor))];
      }),
    );
  }

  /**
   * @param {Planes} image square, of the parser's resolution
   * @param {Size} size
   * @returns {Promise<LabelMap>} of that size
   */
  async parse(image, size) {
    return maskOf((await this.#run("parser", { image: imageTensor(image), size: sizeTensor(size) })).labels);
  }

  /**
   * The code of a mask of any size.
   *
   * @param {LabelMap} mask
   * @returns {Promise<Float32Array>}
   */
  async encodeMask(mask) {
    return floats((await this.#run("mask-encoder", { labels: labelTensor(mask) })).code);
  }

  /**
   * @param {Float32Array} code
   * @param {Size} size
   * @returns {Promise<LabelMap>} of that size
   */
  async decodeMask(code, size) {
    const feeds = { code: vector(code), size: sizeTensor(size) };
    return maskOf((await this.#run("mask-decoder", feeds)).labels);
  }

  /**
   * The code of a random mask.
   *
   * @param {Float32Array} noise standard normal, as long as codes
   * @returns {Promise<Float32Array>}
   */
  async sampleCode(noise) {
    return floats((await this.#run("mask-prior", { noise: vector(noise) })).code);
  }

  /** @type {import("./face-detection.js").DetectorNetwork} */
  async detect(image) {
    const { scores, boxes, landmarks } = await this.#run("face-detector", { image: imageTensor(image) });
    return { scores: floats(scores), boxes: floats(boxes), landmarks: floats(landmarks) };
  }

  /**
   * @param {NetworkName} name
   * @param {Record<string, Tensor>} inputs
   * @param {readonly string[]} [outputs]
   */
  #run(name, inputs, outputs) {
    this.info(name);
    return this.#runner.run(name, inputs, outputs);
  }
}

/**
 * @param {LabelMap} mask
 * @param {Float32Array} style
 * @param {Context | null} context
 * @returns {Record<string, Tensor>}
 */
function generatorInputs(mask, style, context) {
  const around = context && { image: imageTensor(context.image), hole: imageTensor(context.hole) };
  return { labels: labelTensor(mask), style: vector(style), ...around };
}

/**
 * The photograph with its hole at 0.
 *
 * @param {Context} context
 * @returns {Planes}
 */
function erased({ image: { channels, height, width, data }, hole }) {
  const area = height * width;
  const rest = planes(channels, height, width, data.slice());
  for (let i = 0; i < area; i++) {
    if (hole.data[i] > 0) for (let c = 0; c < channels; c++) rest.data[c * area + i] = 0;
  }
  return rest;
}

/**
 * Faces opened, rendered and moved: what the page asks for, apart from requests and files.
 *
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("./arrays.js").Picture} Picture
 * @typedef {import("./arrays.js").Planes} Planes
 * @typedef {import("./files/edited-file.js").SourceImage} SourceImage
 * @typedef {import("./networks.js").CoarseDrawing} CoarseDrawing
 * @typedef {import("./networks.js").Networks} Networks
 * @typedef {import("./pipeline.js").StyleReference} StyleReference
 * @typedef {import("./pipeline.js").StyleCopy} StyleCopy
 * @typedef {import("../state/mask-mover.js").Move} Move
 * @typedef {"preview" | "display" | "full"} Quality of the photograph's size while drawing, on the screen, and as opened
 *
 * @typedef {object} Face
 * @property {SourceImage} source the photograph, as large as results are to be, with what its file carries
 * @property {FaceModel} model
 * @property {FaceModel} previewModel the same at the resolution of previews; itself where those are coarse drawings
 * @property {Record<Quality, Picture>} pictures
 */

import { BACKGROUND } from "../mask/label-map.js";
import { rint } from "./arrays.js";
import { checkpoint } from "./queue.js";
import { moveInDirection, moveTowards, moveTowardsRandom } from "./mask-manifold.js";
import { parse } from "./parsing.js";
import { Edit, FaceModel, encodeReference } from "./pipeline.js";
import { Renderer, requireSameProportions } from "./renderer.js";
import { resizeLabels, resizePicture } from "./resampling.js";

/** Longer sides in pixels, at most. */
const PREVIEW_SIDE = 512;
export const DISPLAY_SIDE = 1024;
/** Milliseconds that a pass of the network may take while drawing. */
const PREVIEW_BUDGET = 250;

/**
 * The network's last picture of a face: when the pen rests, the coarse drawing of its preview gets detail, or only its
 * size and exactness change.
 */
export class RenderCache {
  /** @type {{edit: Edit, coarse: CoarseDrawing | null, generated: Planes | null} | null} */
  #last = null;

  /** @param {Edit} edit */
  isDrawn(edit) {
    return Boolean(this.#last?.generated && this.#last.edit.hasSameInput(edit));
  }

  /**
   * What is drawn of an edit so far, to be filled in; what was drawn of another is forgotten.
   *
   * @param {Edit} edit
   */
  drawing(edit) {
    if (!this.#last?.edit.hasSameInput(edit)) this.#last = { edit, coarse: null, generated: null };
    return this.#last;
  }
}

export class Studio {
  #networks;
  #renderer;
  #side;
  /** Share of the network's pixels that a preview may cost; null: not measured yet. @type {number | null} */
  #previewShare = null;
  #isWarm = false;

  /**
   * @param {Networks} networks
   * @param {number} side longer side of label maps, pixels
   */
  constructor(networks, side) {
    this.#networks = networks;
    this.#renderer = new Renderer(networks);
    this.#side = side;
  }

  /**
   * Compute once what every edit of a face needs.
   *
   * @param {SourceImage} source
   * @param {LabelMap | null} mask its own; null: it is parsed
   * @param {AbortSignal} signal
   * @returns {Promise<Face>}
   */
  async face(source, mask, signal) {
    const { picture } = source;
    const fitted = await this.fitMask(picture, mask);
    await checkpoint(signal);
    const model = await FaceModel.of(this.#renderer, picture, fitted);
    await model.prepare();
    await checkpoint(signal);
    const previewModel = await this.#previewModel(model);
    if (previewModel !== model) await previewModel.prepare();
    const pictures = { full: picture, display: downscale(picture, DISPLAY_SIDE), preview: downscale(picture, PREVIEW_SIDE) };
    return { source, model, previewModel, pictures };
  }

  /**
   * Compute what strokes begin with, and draw something, once, that nobody sees: networks are opened when they are first
   * used, and all begins slowly.
   *
   * @param {Face} face
   * @param {AbortSignal} signal
   * @param {(pass: () => Promise<unknown>) => Promise<unknown>} whenIdle makes a pass of the network when nothing else waits
   */
  async warmUp(face, signal, whenIdle) {
    const { mask, renderer } = face.model;
    await whenIdle(() => face.model.knownLevels());
    if (renderer.hasDetail) await whenIdle(() => face.model.coarseUnedited());
    if (this.#isWarm || !renderer.usesContext) return;
    const data = mask.data.slice();
    data[0] = Number(data[0] === BACKGROUND);
    const cache = new RenderCache();
    for (const quality of /** @type {const} */ (["preview", "display"])) {
      await whenIdle(() => this.render(face, { mask: { ...mask, data }, style: null, blend: "region" }, quality, cache, signal));
    }
    this.#isWarm = true;
  }

  /**
   * Encode a style, at the size of the display, so that a saved project gives the same code.
   *
   * @param {Picture} picture
   * @param {LabelMap | null} mask its own; null: it is parsed
   * @returns {Promise<StyleReference>}
   */
  async reference(picture, mask) {
    const shown = downscale(picture, DISPLAY_SIDE);
    return encodeReference(this.#renderer, shown, await this.fitMask(shown, mask));
  }

  /**
   * The picture of an edited mask.
   *
   * @param {Face} face
   * @param {{mask: LabelMap, style: StyleCopy | null, blend: "region" | "full"}} wanted
   * @param {Quality} quality
   * @param {RenderCache} cache
   * @param {AbortSignal} signal
   * @returns {Promise<Picture>}
   */
  async render(face, { mask, style, blend }, quality, cache, signal) {
    const isPreview = quality === "preview";
    const full = new Edit(face.model, mask, style, blend);
    const canvas = face.pictures[quality];
    // What was drawn in full serves the preview as well.
    const isFull = !isPreview || face.previewModel === face.model || cache.isDrawn(full);
    const edit = isFull ? full : new Edit(face.previewModel, mask, style, blend);
    if (edit.region.isEmpty) return edit.finish(null, canvas);
    const drawing = cache.drawing(edit);
    if (edit.model.renderer.hasDetail && !drawing.generated) {
      const coarse = (drawing.coarse ??= await edit.drawCoarse());
      await checkpoint(signal);
      if (isPreview) return edit.finishCoarse(coarse, canvas);
    }
    if (!drawing.generated) {
      drawing.generated = await edit.generate(drawing.coarse);
      drawing.coarse = null;
      await checkpoint(signal);
    }
    return edit.finish(drawing.generated, canvas);
  }

  /**
   * @param {LabelMap} mask
   * @param {Move} move
   * @param {(towards: {portrait: number} | "style") => Promise<LabelMap>} other
   * @returns {Promise<LabelMap>}
   */
  async move(mask, move, other) {
    if ("towards" in move) return moveTowards(this.#networks, mask, await other(move.towards), move.amount);
    if ("random" in move) return moveTowardsRandom(this.#networks, mask, move.random, move.amount);
    return moveInDirection(this.#networks, mask, move.direction, move.amount);
  }

  /**
   * The mask given, or else parsed, at the size of the page's label maps.
   *
   * @param {Picture} picture
   * @param {LabelMap | null} mask
   * @returns {Promise<LabelMap>}
   */
  async fitMask(picture, mask) {
    const size = this.#mapSize(picture);
    if (!mask) return parse(this.#networks, resizePicture(picture, size));
    requireSameProportions(picture, mask);
    return resizeLabels(mask, size);
  }

  /** @param {Picture} picture */
  #mapSize({ width, height }) {
    const scale = this.#side / Math.max(width, height);
    return { width: Math.max(rint(width * scale), 1), height: Math.max(rint(height * scale), 1) };
  }

  /**
   * Where a pass of the network takes too long for drawing, previews are drawn at a lower resolution.
   *
   * @param {FaceModel} model
   */
  async #previewModel(model) {
    const { picture, mask, style } = model;
    if (this.#renderer.hasDetail) return model;
    if (this.#previewShare === null) {
      const start = performance.now();
      await this.#renderer.synthesise(mask, style);
      this.#previewShare = PREVIEW_BUDGET / (performance.now() - start);
    }
    if (this.#previewShare >= 1) return model;
    const { resolution } = this.#renderer;
    const multiple = this.#networks.manifest.size_multiple;
    // The network takes sides that are not powers of two for squares only.
    const side = Math.floor((resolution * Math.sqrt(this.#previewShare)) / multiple) * multiple;
    const fitting = mask.width === mask.height ? Math.max(side, resolution / 2) : resolution / 2;
    return new FaceModel(new Renderer(this.#networks, fitting), picture, mask, style);
  }
}

/**
 * The picture, its longer side `side` at most; itself if it is small enough.
 *
 * @param {Picture} picture
 * @param {number} side
 */
export function downscale(picture, side) {
  const longer = Math.max(picture.width, picture.height);
  if (longer <= side) return picture;
  const [width, height] = [picture.width, picture.height].map((length) => Math.max(rint((length * side) / longer), 1));
  return resizePicture(picture, { width, height });
}

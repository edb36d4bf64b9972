/**
 * The editing pipeline: what an edit means. A face model is a photograph as a network sees it; an edit puts it together
 * with an edited mask and perhaps another face's style, and says which pixels may change.
 *
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("./arrays.js").Picture} Picture
 * @typedef {import("./arrays.js").Planes} Planes
 * @typedef {import("./networks.js").CoarseDrawing} CoarseDrawing
 * @typedef {import("./networks.js").Context} Context
 * @typedef {import("./networks.js").KnownLevels} KnownLevels
 * @typedef {import("./renderer.js").Renderer} Renderer
 * @typedef {import("./source-analysis.js").SourceAnalysis} SourceAnalysis
 *
 * @typedef {object} StyleReference a face whose style is copied
 * @property {Picture} picture
 * @property {LabelMap} mask
 * @property {Float32Array} code its style code
 * @property {Float32Array} colours see `classColours`
 *
 * @typedef {object} StyleCopy
 * @property {StyleReference} reference
 * @property {number} strength over 0, at most 1
 * @property {readonly number[] | null} parts classes whose style alone is copied; null: everything
 */

import { GLASSES } from "../mask/label-map.js";
import { copyPicture, equalArrays, isGrey, planes, toPicture, withoutColour } from "./arrays.js";
import { composite, paste } from "./compositing.js";
import { EditRegion, faceAroundMouth } from "./edit-region.js";
import { keepFaceDetail } from "./face-detail.js";
import { lensesAreTinted } from "./lenses.js";
import { resizePicture } from "./resampling.js";
import { matchRevealedBackground } from "./revealed-background.js";
import { analyseSource, classColours } from "./source-analysis.js";

/** A photograph, and the network that renders its face. */
export class FaceModel {
  #analysis = once(() => this.#analyse());
  /** @type {boolean | undefined} */
  #grey;
  /** @type {boolean | undefined} */
  #tinted;
  /** @type {Planes | null} */
  #workingImage = null;
  #knownLevels = once(() => this.renderer.knownLevels(this.workingImage, this.mask));
  #coarseUnedited = once(() => this.#drawCoarseUnedited());
  #unedited = once(() => this.#drawUnedited());

  /**
   * @param {Renderer} renderer
   * @param {Picture} picture
   * @param {LabelMap} mask its own, of the same proportions
   * @param {Float32Array} style its style code
   */
  constructor(renderer, picture, mask, style) {
    this.renderer = renderer;
    this.picture = picture;
    this.mask = mask;
    this.style = style;
  }

  /**
   * Encode a face to edit.
   *
   * @param {Renderer} renderer
   * @param {Picture} picture
   * @param {LabelMap} mask
   */
  static async of(renderer, picture, mask) {
    return new FaceModel(renderer, picture, mask, await renderer.encode(picture, mask));
  }

  /** Whether the photograph is black and white. */
  get isGrey() {
    this.#grey ??= isGrey(this.picture);
    return this.#grey;
  }

  /** Whether glasses that the face wears change the colour of what is seen through them. */
  get hasTintedLenses() {
    this.#tinted ??= this.mask.data.includes(GLASSES) && lensesAreTinted(resizePicture(this.picture, this.mask), this.mask);
    return this.#tinted;
  }

  /**
   * How the network reproduces the photograph; costs a pass of the network once.
   *
   * @returns {Promise<SourceAnalysis>}
   */
  analysis() {
    return this.#analysis();
  }

  async #analyse() {
    return analyseSource(this.picture, this.mask, await this.renderer.synthesise(this.mask, this.style));
  }

  /** The photograph at the network's size, 3 x h x w in [-1, 1]. */
  get workingImage() {
    this.#workingImage ??= this.renderer.image(this.picture, this.mask);
    return this.#workingImage;
  }

  /**
   * What a network with detail makes of the photograph; costs a pass of its coarse part once.
   *
   * @returns {Promise<KnownLevels | null>}
   */
  async knownLevels() {
    return this.renderer.hasDetail ? this.#knownLevels() : null;
  }

  /**
   * What the network draws into `faceAroundMouth` with the face's own mask, 3 x h x w in [-1, 1].
   *
   * Edits of the mouth tell by it what they change; it is computed with the first of them that is drawn in full.
   *
   * @returns {Promise<Planes>}
   */
  unedited() {
    return this.#unedited();
  }

  /**
   * The same of the coarse part of a network with detail: previews make do with it, and `unedited` begins with it.
   *
   * @returns {Promise<CoarseDrawing>}
   */
  coarseUnedited() {
    return this.#coarseUnedited();
  }

  async #drawCoarseUnedited() {
    return this.renderer.drawCoarse(this.mask, this.style, await this.#mouthContext());
  }

  async #drawUnedited() {
    const { renderer, mask, style } = this;
    const coarse = renderer.hasDetail ? await this.coarseUnedited() : null;
    const unedited = await renderer.synthesise(mask, style, await this.#mouthContext(), coarse);
    if (coarse) coarse.features = {}; // previews need its picture alone
    return unedited;
  }

  /** The photograph with the face around its mouth to be drawn anew. @returns {Promise<Context>} */
  async #mouthContext() {
    const size = this.renderer.workingSize(this.mask);
    const near = faceAroundMouth(this.mask, size);
    const hole = planes(1, size.height, size.width, near?.data.map((share) => Number(share > 0)));
    return { image: this.workingImage, hole, known: await this.knownLevels() };
  }

  /**
   * Compute now what all edits have in common, apart from the known levels: those take a pass of the network, which
   * `Studio.warmUp` makes once the photograph is shown. In Python they are computed here.
   */
  async prepare() {
    if (this.renderer.usesContext) this.workingImage;
    else await this.analysis();
  }
}

/** An edit of a face. */
export class Edit {
  /**
   * @param {FaceModel} model
   * @param {LabelMap} mask the edited mask, of the size of the face's own
   * @param {StyleCopy | null} style null: the face's own style
   * @param {"region" | "full"} blend only the edit region changes, or the network's whole picture is shown
   */
  constructor(model, mask, style, blend) {
    this.model = model;
    this.mask = mask;
    this.style = style;
    this.blend = blend;
    // A style copied for everything changes all of the face.
    const everything = blend === "full" || (style !== null && style.parts === null);
    this.region = new EditRegion(model.mask, mask, style?.parts ?? [], everything, model.hasTintedLenses);
  }

  /** Whether what is drawn is black and white, as the photograph is; the style of another face has its colours. */
  get staysGrey() {
    return this.model.isGrey && (this.style === null || this.style.parts !== null);
  }

  /**
   * Whether the network's picture of both is the same.
   *
   * @param {Edit} other
   */
  hasSameInput(other) {
    return (
      this.model === other.model &&
      isSameStyle(this.style, other.style) &&
      (!this.model.renderer.usesContext || this.blend === other.blend) &&
      equalArrays(this.mask.data, other.mask.data)
    );
  }

  /**
   * The network's picture, 3 x h x w in [-1, 1], with the photograph's detail in the face around a changed mouth.
   *
   * @param {CoarseDrawing | null} coarse what `drawCoarse` gave of it
   * @returns {Promise<Planes>}
   */
  async generate(coarse = null) {
    const { model, mask, region } = this;
    const { renderer } = model;
    if (!renderer.usesContext) return renderer.synthesise(mask, this.#code);
    const drawn = await renderer.synthesise(mask, this.#code, await this.#context(), coarse);
    const moving = region.movingFace(drawn);
    return moving ? keepFaceDetail(drawn, await model.unedited(), model.workingImage, moving) : drawn;
  }

  /**
   * What a network with detail draws first.
   *
   * @returns {Promise<CoarseDrawing>}
   */
  async drawCoarse() {
    return this.model.renderer.drawCoarse(this.mask, this.#code, await this.#context());
  }

  get #code() {
    const { model, mask, style } = this;
    const { renderer } = model;
    const code = style ? renderer.mixStyles(model.style, style.reference.code, style.strength, style.parts) : model.style;
    return style && !style.parts ? code : renderer.addAccessories(code, model.mask, mask, style?.parts ?? []);
  }

  /** @returns {Promise<Context>} */
  async #context() {
    const { model, mask, region } = this;
    const hole = region.hole(model.renderer.workingSize(mask));
    // Where everything is drawn, nothing known is read.
    return { image: model.workingImage, hole, known: region.everything ? null : await model.knownLevels() };
  }

  /**
   * The picture of the edit.
   *
   * @param {Planes | null} generated the network's picture of it; not needed where its region is empty
   * @param {Picture} canvas the photograph at the size of the result
   * @param {CoarseDrawing | null} coarse what `generated` is a picture of, if it is not drawn in full
   * @returns {Promise<Picture>} exactly the canvas where nothing may change
   */
  async finish(generated, canvas, coarse = null) {
    const { model, style, region } = this;
    if (region.isEmpty || !generated) return copyPicture(canvas);
    if (this.staysGrey) generated = withoutColour(generated);
    if (region.everything) return resizePicture(toPicture(generated), canvas);
    if (model.renderer.usesContext) {
      const { hole, photograph: image } = coarse ?? { hole: region.hole(generated), photograph: model.workingImage };
      const background = region.revealedBackground(hole);
      const matched = background ? matchRevealedBackground(generated, background.revealed, background.known) : generated;
      const moving = region.movingFace(generated);
      return paste(canvas, matched, hole, moving && { image, kept: moving.kept });
    }
    const partStyle = style?.parts
      ? { classes: style.parts, strength: style.strength, colours: style.reference.colours }
      : null;
    return composite(canvas, await model.analysis(), region, generated, partStyle);
  }

  /**
   * The picture of the edit before its detail is drawn, for previews.
   *
   * @param {CoarseDrawing} coarse of it
   * @param {Picture} canvas the photograph at the size of the result
   * @returns {Promise<Picture>}
   */
  async finishCoarse(coarse, canvas) {
    const { image, photograph } = coarse;
    const moving = this.region.movingFace(image);
    if (!moving) return this.finish(image, canvas, coarse);
    const unedited = await this.model.coarseUnedited();
    return this.finish(keepFaceDetail(image, unedited.image, photograph, moving), canvas, coarse);
  }
}

/**
 * A function that computes its result once, and again where that failed.
 *
 * @template T
 * @param {() => Promise<T>} compute
 * @returns {() => Promise<T>}
 */
function once(compute) {
  /** @type {Promise<T> | null} */
  let result = null;
  return () => {
    result ??= compute().catch((error) => {
      result = null;
      throw error;
    });
    return result;
  };
}

/**
 * Encode another face's style.
 *
 * @param {Renderer} renderer
 * @param {Picture} picture
 * @param {LabelMap} mask its own, of the same proportions
 * @returns {Promise<StyleReference>}
 */
export async function encodeReference(renderer, picture, mask) {
  return { picture, mask, code: await renderer.encode(picture, mask), colours: classColours(picture, mask) };
}

/**
 * @param {StyleCopy | null} first
 * @param {StyleCopy | null} second
 */
function isSameStyle(first, second) {
  if (!first || !second) return first === second;
  return (
    first.reference === second.reference &&
    first.strength === second.strength &&
    String(first.parts) === String(second.parts)
  );
}

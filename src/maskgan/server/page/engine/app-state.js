/**
 * What all routes share: the networks, the queue, the open faces, the sample portraits.
 *
 * @typedef {import("./app.js").Call} Call
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("./codecs.js").DecodePicture} DecodePicture
 * @typedef {import("./files/edited-file.js").SourceImage} SourceImage
 * @typedef {import("./networks.js").Manifest} Manifest
 * @typedef {import("./networks.js").NetworkRunner} NetworkRunner
 * @typedef {import("./pipeline.js").StyleReference} StyleReference
 * @typedef {import("./studio.js").Face} Face
 *
 * @typedef {object} Session one face that the page edits; the drawing itself stays in the page
 * @property {string} id
 * @property {Face} face
 * @property {LabelMap} edited the mask that a reopened project begins with; the own mask otherwise
 * @property {StyleReference | null} style
 * @property {RenderCache} cache
 * @property {number} renders number of renders asked for
 * @property {Map<string, Blob>} thumbnails of named edits, by what was applied
 * @property {AbortController} warmUp of its face, aborted when the session ends
 */

import { EngineError } from "./arrays.js";
import { Networks } from "./networks.js";
import { WorkQueue } from "./queue.js";
import { RenderCache, Studio } from "./studio.js";
import { Uploads } from "./uploads.js";

/** Sessions held; a page closes its own before it opens another. */
const MAX_SESSIONS = 4;

/** What a request names is not there. */
export class NotFoundError extends EngineError {}

export class AppState {
  #asset;
  /** @type {Map<string, Session>} least recently used first */
  #sessions = new Map();
  #opened = 0;
  /** @type {Map<number, Promise<{source: SourceImage, mask: LabelMap}>>} */
  #portraits = new Map();

  /**
   * @param {NetworkRunner} runner
   * @param {Manifest} manifest
   * @param {(path: string) => Promise<Blob>} asset
   * @param {DecodePicture} decode
   */
  constructor(runner, manifest, asset, decode) {
    this.networks = new Networks(runner, manifest);
    this.info = manifest.info;
    this.uploads = new Uploads(decode, manifest.info);
    this.studio = new Studio(this.networks, manifest.info.limits.side);
    this.queue = new WorkQueue();
    this.#asset = asset;
  }

  /** Colours of the classes. */
  get palette() {
    return this.info.classes.map(({ colour }) => colour);
  }

  /**
   * @param {Face} face
   * @param {LabelMap} edited
   * @param {StyleReference | null} style
   * @returns {Session}
   */
  add(face, edited, style) {
    const id = `face-${++this.#opened}`;
    const warmUp = new AbortController();
    const session = { id, face, edited, style, cache: new RenderCache(), renders: 0, thumbnails: new Map(), warmUp };
    this.#sessions.set(id, session);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > MAX_SESSIONS) this.end(oldest);
    // While the face is looked at; what fails here is said where it is needed.
    const { signal } = warmUp;
    void this.studio.warmUp(face, signal, (pass) => this.queue.runIdle(signal, pass)).catch(() => {});
    return session;
  }

  /**
   * The session that a path names first.
   *
   * @param {Call} call
   */
  session({ values: [id] }) {
    const session = this.#sessions.get(id);
    if (!session) throw new NotFoundError("This face is no longer open; open the picture again.");
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    return session;
  }

  /** @param {string} id */
  end(id) {
    this.#sessions.get(id)?.warmUp.abort();
    this.#sessions.delete(id);
  }

  /**
   * A sample portrait and its mask.
   *
   * @param {number} number
   */
  portrait(number) {
    const kept = this.#portraits.get(number);
    if (kept) return kept;
    const portrait = this.#loadPortrait(number);
    this.#portraits.set(number, portrait);
    portrait.catch(() => this.#portraits.delete(number));
    return portrait;
  }

  /** @param {number} number */
  async #loadPortrait(number) {
    const [picture, mask] = await Promise.all(["jpg", "png"].map((suffix) => this.portraitFile(number, suffix)));
    return { source: await this.uploads.source(picture), mask: await this.uploads.mask(mask) };
  }

  /**
   * @param {number} number
   * @param {string} suffix jpg, or png for its mask
   */
  async portraitFile(number, suffix) {
    if (!this.info.portraits.some((portrait) => portrait.number === number)) throw new NotFoundError(`There is no portrait ${number}.`);
    return this.#asset(`portraits/portrait-${number}.${suffix}`);
  }
}

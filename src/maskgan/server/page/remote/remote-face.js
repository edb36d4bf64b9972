/**
 * A face at the server. The server may forget it (restart, age, too many sessions): it is then begun again from what
 * the page holds, and nobody notices but for the time that it takes.
 *
 * @typedef {import("./sources.js").Source} Source
 * @typedef {import("../mask/label-map.js").LabelMap} LabelMap
 * @typedef {import("../state/settings.js").Settings} Settings
 * @typedef {import("../state/settings.js").Style} Style
 * @typedef {import("../state/project.js").StylePicture} StylePicture
 * @typedef {import("../state/mask-mover.js").Move} Move
 *
 * @typedef {object} Session
 * @property {string} id
 * @property {number} width of the label map
 * @property {number} height
 * @property {boolean} parsed whether the mask came from the parser
 * @property {{editor: unknown, style: boolean} | null} project what a project file held beside pictures and masks
 * @property {{text: string, order: string} | null} notice the mask seems to have another label order
 *
 * @typedef {object} Refinement how far the server is with fitting its network to the photograph
 * @property {"none" | "running" | "done" | "failed"} state
 * @property {number} step steps completed
 * @property {number} steps total
 * @property {string | null} error why it failed
 */

import { CLASS_NAMES } from "../mask/label-map.js";
import { ApiError, formBody, jsonBody, labelBody, request } from "./api.js";
import { beginning } from "./sources.js";

/** Without loss, so that before and after differ where something was edited and nowhere else. */
const EXACT = { Accept: "image/png" };

export class RemoteFace {
  #source;
  #stylePicture;
  /** @type {Promise<Session>} */
  #session;
  /** The style that the server has, as text; unknown while it is being changed. */
  #appliedStyle = "null";
  /** The session that the page works with, and the one whose face the network was fitted to. */
  #id = "";
  #refinedId = "none";
  /** Whether the page is through with the face: what is still asked must not begin it again. */
  #left = false;
  /** @type {Promise<void>} */
  #styling = Promise.resolve();

  /**
   * @param {Source} source
   * @param {(key: string) => StylePicture | undefined} stylePicture the bytes of a style that was opened
   */
  constructor(source, stylePicture) {
    this.#source = source;
    this.#stylePicture = stylePicture;
    this.#session = this.#begin();
  }

  /** @returns {Promise<Session>} */
  get session() {
    return this.#session;
  }

  /** Whether renderings come from a network that was fitted to the photograph, where that is wanted. */
  get isRefined() {
    return this.#refinedId === this.#id;
  }

  /** @returns {Promise<Blob>} the source as it is shown */
  async picture() {
    return (await this.#ask("picture.png", { headers: EXACT })).blob();
  }

  /** @returns {Promise<Blob>} the style reference that the server has, small */
  async styleThumbnail() {
    return (await this.#ask("style.jpg")).blob();
  }

  /**
   * @param {"mask" | "edited"} which the own mask, or the edited one of a reopened project
   * @returns {Promise<LabelMap>}
   */
  async mask(which) {
    const { width, height } = await this.#session;
    const data = await labelsOf(await this.#ask(which));
    if (data.length !== width * height) {
      throw new ApiError("The server sent a mask of another size; reload the page.", 500);
    }
    return { width, height, data };
  }

  /**
   * @param {Uint8Array} labels
   * @param {Settings} settings
   * @param {"preview" | "full"} quality
   * @param {AbortSignal} signal
   * @returns {Promise<Blob | null>} null where a newer request overtook this one
   */
  async render(labels, settings, quality, signal) {
    const body = await labelBody(labels);
    const headers = { ...body.headers, ...EXACT };
    const path = () => `render?quality=${quality}&${this.#renderQuery(settings)}`;
    const response = await this.#askStyled(settings.style, path, { ...body, headers, signal });
    return response.status === 204 ? null : response.blob();
  }

  /**
   * @param {Uint8Array} labels
   * @param {Move} move
   * @param {Style | null} style
   * @returns {Promise<Uint8Array>}
   */
  async move(labels, move, style) {
    const body = formBody({ mask: new Blob([labels]), move: JSON.stringify(move) });
    return labelsOf(await this.#askStyled(style, () => "move", body));
  }

  /**
   * @param {Uint8Array} labels
   * @param {Settings} settings
   * @param {"png" | "jpeg"} format
   */
  async result(labels, settings, format) {
    const path = () => `result?format=${format}&${this.#renderQuery(settings)}`;
    return (await this.#askStyled(settings.style, path, await labelBody(labels))).blob();
  }

  /** Whether the face is a part of a photograph that the page holds. */
  get isCutOut() {
    return this.#source.kind === "picture" && this.#source.crop !== null;
  }

  /**
   * The photograph from which the face was cut, with the edited face put back.
   *
   * @param {Uint8Array} labels
   * @param {Settings} settings
   */
  async photograph(labels, settings) {
    if (this.#source.kind !== "picture") throw new Error("This face was not cut out of a photograph.");
    const { picture, crop } = this.#source;
    const body = formBody({ mask: new Blob([labels]), picture, crop: JSON.stringify(crop) });
    const path = () => `photograph?format=jpeg&${this.#renderQuery(settings)}`;
    return (await this.#askStyled(settings.style, path, body)).blob();
  }

  /** @param {Uint8Array} labels */
  async maskFile(labels) {
    return (await this.#ask("mask.png", await labelBody(labels))).blob();
  }

  /**
   * @param {Uint8Array} labels
   * @param {Style | null} style
   * @param {unknown} editor what the page wants back
   */
  async project(labels, style, editor) {
    const body = formBody({ mask: new Blob([labels]), editor: JSON.stringify(editor) });
    return (await this.#askStyled(style, () => "project", body)).blob();
  }

  /** @returns {Promise<Refinement>} how far the fit is that this begins, or that runs already */
  async refine() {
    return this.#remembered(async (id) => {
      try {
        return await (await request(`/api/sessions/${id}/refinement`, jsonBody({}))).json();
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 409) throw error;
        return this.#watch(id);
      }
    });
  }

  /** @returns {Promise<Refinement>} how far the fit is */
  async refinement() {
    return this.#remembered((id) => this.#watch(id));
  }

  /** Cancel the fit. */
  async endRefinement() {
    await this.#ask("refinement", { method: "DELETE" });
  }

  /** The server need not keep the face any longer. */
  async leave() {
    this.#left = true;
    const { id } = await this.#session;
    await request(`/api/sessions/${id}`, { method: "DELETE", keepalive: true });
  }

  /** @returns {Promise<Session>} */
  async #begin() {
    const response = await request("/api/sessions", beginning(this.#source));
    const session = /** @type {Session} */ (await response.json());
    this.#id = session.id;
    this.#appliedStyle = session.project?.style ? JSON.stringify({ kind: "project" }) : "null";
    return session;
  }

  /**
   * @param {string} path below the session
   * @param {RequestInit} [init]
   * @returns {Promise<Response>}
   */
  async #ask(path, init) {
    return this.#remembered((id) => request(`/api/sessions/${id}/${path}`, init));
  }

  /**
   * Ask once the server has the style that is meant.
   *
   * @param {Style | null} style
   * @param {() => string} path below the session, as it is when the style stands
   * @param {RequestInit} init
   */
  async #askStyled(style, path, init) {
    return this.#remembered(async () => {
      await this.#applyStyle(style);
      const { id } = await this.#session;
      return request(`/api/sessions/${id}/${path()}`, init);
    });
  }

  /** @param {Settings} settings */
  #renderQuery({ blend, style, strength, styleParts, refined }) {
    let query = `blend=${blend}&style_strength=${style ? strength : 0}`;
    if (style && styleParts) query += `&style_parts=${styleParts.map((label) => CLASS_NAMES[label]).join()}`;
    return refined && this.isRefined ? `${query}&refined=true` : query;
  }

  /**
   * @param {string} id
   * @returns {Promise<Refinement>}
   */
  async #watch(id) {
    const refinement = await (await request(`/api/sessions/${id}/refinement`)).json();
    if (refinement.state === "done") this.#refinedId = id;
    return refinement;
  }

  /**
   * Do something with the session, and again with a new one where the server knows it no longer.
   *
   * @template T
   * @param {(id: string) => Promise<T>} task
   * @returns {Promise<T>}
   */
  async #remembered(task) {
    let session = this.#session;
    try {
      // A session that could not be begun is tried anew.
      await session;
    } catch {
      session = this.#renew(session);
    }
    try {
      return await task((await session).id);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404 || this.#left) throw error;
      return task((await this.#renew(session)).id);
    }
  }

  /**
   * @param {Promise<Session>} lost only the first who notices the loss begins anew
   * @returns {Promise<Session>}
   */
  #renew(lost) {
    if (this.#session === lost) this.#session = this.#begin();
    return this.#session;
  }

  /** @param {Style | null} style */
  #applyStyle(style) {
    // One after another, so that the last one asked for is the one that stays.
    const turn = this.#styling.then(async () => {
      const wanted = JSON.stringify(style);
      if (wanted === this.#appliedStyle) return;
      this.#appliedStyle = "unknown";
      if (style?.kind === "project") {
        await this.#renew(this.#session);
      } else {
        const { id } = await this.#session;
        await request(`/api/sessions/${id}/style`, this.#styleBody(style));
      }
      this.#appliedStyle = wanted;
    });
    this.#styling = turn.catch(() => {});
    return turn;
  }

  /**
   * @param {Exclude<Style, {kind: "project"}> | null} style
   * @returns {RequestInit}
   */
  #styleBody(style) {
    if (style === null) return { method: "DELETE" };
    if (style.kind === "portrait") return jsonBody({ portrait: style.number });
    const kept = this.#stylePicture(style.key);
    if (!kept) throw new ApiError("The picture of this style was not kept; choose the style again.", 400);
    return formBody({ picture: kept.picture, mask: kept.mask });
  }
}

/** @param {Response} response */
async function labelsOf(response) {
  return new Uint8Array(await response.arrayBuffer());
}

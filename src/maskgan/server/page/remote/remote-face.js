/**
 * A face's session on the server. If the session is gone (restart, timeout, eviction), it is recreated from what the
 * page holds.
 *
 * @typedef {import("./sources.js").Source} Source
 * @typedef {import("../mask/label-map.js").LabelMap} LabelMap
 * @typedef {import("../state/settings.js").RenderSettings} RenderSettings
 * @typedef {import("../state/settings.js").Style} Style
 * @typedef {import("../state/named-edits.js").AppliedEdit} AppliedEdit
 * @typedef {import("../state/project-file.js").StylePicture} StylePicture
 * @typedef {import("../state/mask-mover.js").Move} Move
 *
 * @typedef {{kind: string, text: string, order: string | null}} MaskWarning order: the label order to open the mask in
 *   instead, if one fits
 *
 * @typedef {object} Session
 * @property {string} id
 * @property {number} width of the label map
 * @property {number} height
 * @property {boolean} parsed whether the mask was predicted by the face parser
 * @property {{editor: unknown, style: boolean} | null} project the editor's JSON of an opened project
 * @property {MaskWarning[]} warnings what seems wrong with the mask
 *
 * @typedef {object} RefinementStatus progress of fine-tuning on the photograph
 * @property {"none" | "running" | "done" | "failed"} state
 * @property {number} step steps completed
 * @property {number} steps total
 * @property {string | null} error error message if it failed
 */

import { t } from "../i18n/translate.js";
import { CLASS_NAMES } from "../mask/label-map.js";
import { editsQuery } from "../state/named-edits.js";
import { ApiError, formBody, jsonBody, labelBody, packedFormBody, request } from "./api.js";
import { RemoteStyle } from "./remote-style.js";
import { sessionRequest } from "./sources.js";

/** Lossless, so that before and after differ in edited pixels only. */
const LOSSLESS = { Accept: "image/png" };

export class RemoteFace {
  #source;
  /** @type {Promise<Session>} */
  #session;
  #style;
  /** The current session, and the one with a fine-tuned network. */
  #id = "";
  #refinedId = "none";
  /** Closed faces are not recreated by late requests. */
  #closed = false;

  /**
   * @param {Source} source
   * @param {(key: string) => StylePicture | undefined} stylePicture looks up an opened style reference
   */
  constructor(source, stylePicture) {
    this.#source = source;
    this.#style = new RemoteStyle(stylePicture);
    this.#session = this.#createSession();
  }

  /** @returns {Promise<Session>} */
  get session() {
    return this.#session;
  }

  /**
   * @param {(key: string, warnings: MaskWarning[]) => void} listener told once what seems wrong with the mask of an opened
   *   style reference
   */
  set styleWarned(listener) {
    this.#style.warned = listener;
  }

  /** Whether the current session has a fine-tuned network. */
  get isRefined() {
    return this.#refinedId === this.#id;
  }

  /**
   * @param {"lossless" | "quick"} quality quick: a JPEG, a quarter as large
   * @returns {Promise<Blob>} the source at display size
   */
  async picture(quality) {
    const headers = quality === "quick" ? { Accept: "image/jpeg" } : LOSSLESS;
    return (await this.#request("picture.png", { headers })).blob();
  }

  /** @returns {Promise<Blob>} thumbnail of the server's style reference */
  async styleThumbnail() {
    return (await this.#request("style.jpg")).blob();
  }

  /**
   * @param {"mask" | "edited"} which the original mask, or the edited mask of a reopened project
   * @returns {Promise<LabelMap>}
   */
  async mask(which) {
    const { width, height } = await this.#session;
    const data = await readLabels(await this.#request(which));
    if (data.length !== width * height) {
      throw new ApiError(t("open.mask-size-changed"), 500);
    }
    return { width, height, data };
  }

  /**
   * @param {Uint8Array} labels
   * @param {RenderSettings} settings
   * @param {"preview" | "full"} quality
   * @param {AbortSignal} signal
   * @returns {Promise<Blob | null>} null if a newer request replaced this one
   */
  async render(labels, settings, quality, signal) {
    const body = await labelBody(labels);
    const headers = { ...body.headers, ...LOSSLESS };
    const path = () => `render?quality=${quality}&${this.#renderQuery(settings)}`;
    const response = await this.#requestWithStyle(settings.style, path, { ...body, headers, signal });
    return response.status === 204 ? null : response.blob();
  }

  /**
   * @param {Uint8Array} labels
   * @param {Move} move
   * @param {Style | null} style
   * @returns {Promise<Uint8Array>}
   */
  async move(labels, move, style) {
    const body = await packedFormBody({ mask: new Blob([labels]), move: JSON.stringify(move) });
    return readLabels(await this.#requestWithStyle(style, () => "move", body));
  }

  /**
   * The mask after named edits.
   *
   * @param {Uint8Array} labels
   * @param {AppliedEdit[]} edits applied one after the other
   * @returns {Promise<Uint8Array>}
   */
  async edits(labels, edits) {
    const path = `edits?edits=${encodeURIComponent(editsQuery(edits))}`;
    return readLabels(await this.#request(path, await labelBody(labels)));
  }

  /**
   * A thumbnail of the unedited face with one edit.
   *
   * @param {string} name
   * @param {string | null} choice
   * @param {AbortSignal} signal
   */
  async editThumbnail(name, choice, signal) {
    return (await this.#request(`edits/${name}.jpg${choice ? `?choice=${choice}` : ""}`, { signal })).blob();
  }

  /**
   * @param {Uint8Array} labels
   * @param {RenderSettings} settings
   * @param {"png" | "jpeg"} format
   */
  async result(labels, settings, format) {
    const path = () => `result?format=${format}&${this.#renderQuery(settings)}`;
    return (await this.#requestWithStyle(settings.style, path, await labelBody(labels))).blob();
  }

  /** Whether the face is a crop of a larger photograph. */
  get isCropped() {
    return this.#source.kind === "picture" && this.#source.crop !== null;
  }

  /**
   * The whole photograph with the edited face pasted back.
   *
   * @param {Uint8Array} labels
   * @param {RenderSettings} settings
   * @param {"png" | "jpeg"} [format]
   */
  async photograph(labels, settings, format = "jpeg") {
    if (this.#source.kind !== "picture") throw new Error(t("open.not-cropped"));
    const { picture, crop } = this.#source;
    const body = formBody({ mask: new Blob([labels]), picture, crop: JSON.stringify(crop) });
    const path = () => `photograph?format=${format}&${this.#renderQuery(settings)}`;
    return (await this.#requestWithStyle(settings.style, path, body)).blob();
  }

  /** @param {Uint8Array} labels */
  async maskFile(labels) {
    return (await this.#request("mask.png", await labelBody(labels))).blob();
  }

  /**
   * @param {Uint8Array} labels
   * @param {Style | null} style
   * @param {unknown} editor stored in the project file as is
   */
  async project(labels, style, editor) {
    const body = await packedFormBody({ mask: new Blob([labels]), editor: JSON.stringify(editor) });
    return (await this.#requestWithStyle(style, () => "project", body)).blob();
  }

  /**
   * A recipe that leads from the original mask to an edited one.
   *
   * @param {Uint8Array} labels
   * @param {AppliedEdit[]} edits in force
   */
  async recipe(labels, edits) {
    const body = await packedFormBody({ mask: new Blob([labels]), edits: JSON.stringify({ edits }) });
    return (await this.#request("recipe", body)).blob();
  }

  /**
   * Do what a recipe says: `mask("edited")` is the mask then.
   *
   * @param {Blob} file
   * @returns {Promise<{edits: unknown[], other_weights: string[]}>} model types whose weights are not the recipe's
   */
  async openRecipe(file) {
    return (await this.#request("recipe", { method: "PUT", body: file })).json();
  }

  /** @returns {Promise<RefinementStatus>} status of the started, or already running, job */
  async startRefinement() {
    return this.#withSession(async (id) => {
      try {
        return await (await request(`/api/sessions/${id}/refinement`, jsonBody({}))).json();
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 409) throw error;
        return this.#pollRefinement(id);
      }
    });
  }

  /** @returns {Promise<RefinementStatus>} */
  async refinementStatus() {
    return this.#withSession((id) => this.#pollRefinement(id));
  }

  /** Cancel fine-tuning. */
  async cancelRefinement() {
    await this.#request("refinement", { method: "DELETE" });
  }

  /** End the session. */
  async close() {
    this.#closed = true;
    const { id } = await this.#session;
    await request(`/api/sessions/${id}`, { method: "DELETE", keepalive: true });
  }

  /** @returns {Promise<Session>} */
  async #createSession() {
    const response = await request("/api/sessions", sessionRequest(this.#source));
    const session = /** @type {Session} */ (await response.json());
    this.#id = session.id;
    this.#style.reset(session.project?.style ? { kind: "project" } : null);
    return session;
  }

  /**
   * @param {string} path relative to the session
   * @param {RequestInit} [init]
   * @returns {Promise<Response>}
   */
  async #request(path, init) {
    return this.#withSession((id) => request(`/api/sessions/${id}/${path}`, init));
  }

  /**
   * Send a request once the server has the given style.
   *
   * @param {Style | null} style
   * @param {() => string} path relative to the session, evaluated once the style is set
   * @param {RequestInit} init
   */
  async #requestWithStyle(style, path, init) {
    return this.#withSession(async () => {
      await this.#style.apply(style, {
        session: () => this.#session,
        recreate: () => this.#recreate(this.#session),
      });
      const { id } = await this.#session;
      return request(`/api/sessions/${id}/${path()}`, init);
    });
  }

  /** @param {RenderSettings} settings */
  #renderQuery({ blend, style, strength, styleParts, refined, edits, lock }) {
    let query = `blend=${blend}&style_strength=${style ? strength : 0}`;
    if (style && styleParts) query += `&style_parts=${styleParts.map((label) => CLASS_NAMES[label]).join()}`;
    if (edits.length) query += `&edits=${encodeURIComponent(editsQuery(edits))}`;
    // A style of everything changes all classes.
    if (lock && !(style && strength > 0)) query += "&lock=true";
    return refined && this.isRefined ? `${query}&refined=true` : query;
  }

  /**
   * @param {string} id
   * @returns {Promise<RefinementStatus>}
   */
  async #pollRefinement(id) {
    const refinement = await (await request(`/api/sessions/${id}/refinement`)).json();
    if (refinement.state === "done") this.#refinedId = id;
    return refinement;
  }

  /**
   * Run a task with the session's id; recreate the session and retry if the server dropped it.
   *
   * @template T
   * @param {(id: string) => Promise<T>} task
   * @returns {Promise<T>}
   */
  async #withSession(task) {
    let session = this.#session;
    try {
      // Retry a session that could not be created.
      await session;
    } catch {
      session = this.#recreate(session);
    }
    try {
      return await task((await session).id);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404 || this.#closed) throw error;
      return task((await this.#recreate(session)).id);
    }
  }

  /**
   * @param {Promise<Session>} expired only the first caller recreates it
   * @returns {Promise<Session>}
   */
  #recreate(expired) {
    if (this.#session === expired) this.#session = this.#createSession();
    return this.#session;
  }
}

/** @param {Response} response */
async function readLabels(response) {
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * The style reference of a session on the server: sent when a request needs another one than the server has.
 *
 * @typedef {import("../state/settings.js").Style} Style
 * @typedef {import("../state/project-file.js").StylePicture} StylePicture
 * @typedef {import("./remote-face.js").MaskWarning} MaskWarning
 * @typedef {import("./remote-face.js").Session} Session
 */

import { t } from "../i18n/translate.js";
import { ApiError, formBody, jsonBody, request } from "./api.js";

export class RemoteStyle {
  #stylePicture;
  /** The server's current style as JSON; "unknown" during a change. */
  #applied = "null";
  /** Serialized, so that the last requested style wins. @type {Promise<void>} */
  #queue = Promise.resolve();
  /** References whose masks were warned of. @type {Set<string>} */
  #warnedKeys = new Set();
  /**
   * Told once what seems wrong with the mask of an opened reference.
   *
   * @type {(key: string, warnings: MaskWarning[]) => void}
   */
  warned = () => {};

  /** @param {(key: string) => StylePicture | undefined} stylePicture looks up an opened style reference */
  constructor(stylePicture) {
    this.#stylePicture = stylePicture;
  }

  /** @param {Style | null} style of the session that was created */
  reset(style) {
    this.#applied = JSON.stringify(style);
  }

  /**
   * @param {Style | null} style
   * @param {object} face
   * @param {() => Promise<Session>} face.session the current one
   * @param {() => Promise<Session>} face.recreate creates the session again, with the project's style
   */
  apply(style, { session, recreate }) {
    const update = this.#queue.then(async () => {
      const wanted = JSON.stringify(style);
      if (wanted === this.#applied) return;
      this.#applied = "unknown";
      if (style?.kind === "project") await recreate();
      else await this.#send(style, (await session()).id);
      this.#applied = wanted;
    });
    this.#queue = update.catch(() => {});
    return update;
  }

  /**
   * @param {Exclude<Style, {kind: "project"}> | null} style
   * @param {string} id of the session
   */
  async #send(style, id) {
    const response = await request(`/api/sessions/${id}/style`, this.#body(style));
    if (style?.kind !== "picture") return;
    const { warnings } = await response.json();
    if (warnings.length && !this.#warnedKeys.has(style.key)) this.warned(style.key, warnings);
    this.#warnedKeys.add(style.key);
  }

  /**
   * @param {Exclude<Style, {kind: "project"}> | null} style
   * @returns {RequestInit}
   */
  #body(style) {
    if (style === null) return { method: "DELETE" };
    if (style.kind === "portrait") return jsonBody({ portrait: style.number });
    const stored = this.#stylePicture(style.key);
    if (!stored) throw new ApiError(t("style.gone"), 400);
    return formBody({ picture: stored.picture, mask: stored.mask, order: stored.order ?? null });
  }
}

/**
 * The newest picture of the edited face, asked for again whenever the edit changed.
 *
 * @typedef {import("./project.js").Project} Project
 *
 * @typedef {object} Hooks
 * @property {() => Project} project the face that is open
 * @property {(bitmap: ImageBitmap, quality: "preview" | "full") => void} resultChanged
 * @property {() => void} busyChanged
 */

import { ApiError } from "../remote/api.js";
import { RenderScheduler } from "../state/scheduler.js";
import { showError } from "./messages.js";

const QUIET_WAITS = 3;

export class Rendering {
  /** @type {ImageBitmap | null} */
  result = null;
  busy = false;
  #hooks;
  /** @type {RenderScheduler<ImageBitmap>} */
  #scheduler;
  /** @type {(() => void) | null} */
  #dismissWaiting = null;
  /** How often the server had no time since it last had. */
  #waits = 0;

  /** @param {Hooks} hooks */
  constructor(hooks) {
    this.#hooks = hooks;
    this.#scheduler = new RenderScheduler({
      render: (quality, signal) => this.#render(quality, signal),
      show: (bitmap, quality) => this.#show(bitmap, quality),
      fail: (error) => showError(error.message),
      waiting: (error) => this.#tellOfWaiting(error),
      busyChanged: (busy) => {
        this.busy = busy;
        hooks.busyChanged();
      },
    });
  }

  /** Something changed that alters the picture. */
  edited() {
    this.#scheduler.edited();
  }

  /** The face is being closed: ask for nothing more. */
  stop() {
    this.#scheduler.stop();
  }

  /** Another face is to come. */
  clear() {
    this.result?.close();
    this.result = null;
  }

  /**
   * @param {"preview" | "full"} quality
   * @param {AbortSignal} signal
   */
  async #render(quality, signal) {
    const { document, remote } = this.#hooks.project();
    const blob = await remote.render(document.mask.data, document.settings, quality, signal);
    return blob && createImageBitmap(blob);
  }

  /**
   * @param {ImageBitmap} bitmap
   * @param {"preview" | "full"} quality
   */
  #show(bitmap, quality) {
    this.#dismissWaiting?.();
    this.#dismissWaiting = null;
    this.#waits = 0;
    this.result?.close();
    this.result = bitmap;
    this.#hooks.resultChanged(bitmap, quality);
  }

  /**
   * A server that is busy for a moment is no news; one that is gone is.
   *
   * @param {Error} error
   */
  #tellOfWaiting(error) {
    this.#waits++;
    const gone = error instanceof ApiError && error.status === 0;
    if (gone || this.#waits > QUIET_WAITS) this.#dismissWaiting ??= showError(error.message);
  }
}

/**
 * Keeps the latest render of the edit up to date.
 *
 * @typedef {import("./open-project.js").Project} Project
 *
 * @typedef {object} Hooks
 * @property {() => Project} project the open project
 * @property {(bitmap: ImageBitmap, quality: "preview" | "full") => void} resultChanged
 * @property {() => void} busyChanged
 */

import { ApiError } from "../remote/api.js";
import { RenderScheduler } from "../state/scheduler.js";
import { showError } from "./messages.js";

const SILENT_RETRIES = 3;

export class ResultRenderer {
  /** @type {ImageBitmap | null} */
  result = null;
  busy = false;
  #hooks;
  /** @type {RenderScheduler<ImageBitmap>} */
  #scheduler;
  /** @type {(() => void) | null} */
  #dismissRetryMessage = null;
  /** Retries since the last success. */
  #retries = 0;

  /** @param {Hooks} hooks */
  constructor(hooks) {
    this.#hooks = hooks;
    this.#scheduler = new RenderScheduler({
      render: (quality, signal) => this.#render(quality, signal),
      showResult: (bitmap, quality) => this.#show(bitmap, quality),
      failed: (error) => showError(error.message),
      retrying: (error) => this.#reportRetry(error),
      busyChanged: (busy) => {
        this.busy = busy;
        hooks.busyChanged();
      },
    });
  }

  /** The edit changed. */
  invalidate() {
    this.#scheduler.invalidate();
  }

  /** The edit is complete. */
  finish() {
    this.#scheduler.finish();
  }

  /** Stop rendering. */
  stop() {
    this.#scheduler.stop();
  }

  /** Discard the current result. */
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
    const blob = await remote.render(document.mask.data, document.renderSettings, quality, signal);
    return blob && createImageBitmap(blob);
  }

  /**
   * @param {ImageBitmap} bitmap
   * @param {"preview" | "full"} quality
   */
  #show(bitmap, quality) {
    this.#dismissRetryMessage?.();
    this.#dismissRetryMessage = null;
    this.#retries = 0;
    this.result?.close();
    this.result = bitmap;
    this.#hooks.resultChanged(bitmap, quality);
  }

  /**
   * Report an unreachable server at once, a busy one after several retries.
   *
   * @param {Error} error
   */
  #reportRetry(error) {
    this.#retries++;
    const unreachable = error instanceof ApiError && error.status === 0;
    if (unreachable || this.#retries > SILENT_RETRIES) this.#dismissRetryMessage ??= showError(error.message);
  }
}

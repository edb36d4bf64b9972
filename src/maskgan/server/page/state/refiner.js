/**
 * Fine-tunes the server's network on the photograph while the settings ask for it: starts, polls and cancels the job,
 * and restarts it when the server dropped the session.
 *
 * @typedef {import("../remote/remote-face.js").RefinementStatus} RefinementStatus
 *
 * @typedef {object} RemoteRefinement the part of `RemoteFace` used here
 * @property {boolean} isRefined
 * @property {() => Promise<RefinementStatus>} startRefinement
 * @property {() => Promise<RefinementStatus>} refinementStatus
 * @property {() => Promise<void>} cancelRefinement
 *
 * @typedef {"off" | "running" | "waiting" | "done" | "failed"} State waiting: the server is busy
 *
 * @typedef {object} Listeners
 * @property {() => void} changed state or progress changed
 * @property {() => void} done renders now use the fine-tuned network
 * @property {(error: Error) => void} failed
 */

import { t } from "../i18n/translate.js";

/** Polling interval, milliseconds. */
export const POLL = 300;

export class Refiner {
  /** @type {State} */
  state = "off";
  step = 0;
  steps = 0;
  #remote;
  #isWanted;
  #listeners;
  #running = false;
  /** Whether a job may be running on the server. */
  #started = false;
  #failed = false;

  /**
   * @param {RemoteRefinement} remote
   * @param {() => boolean} isWanted
   * @param {Listeners} listeners
   */
  constructor(remote, isWanted, listeners) {
    this.#remote = remote;
    this.#isWanted = isWanted;
    this.#listeners = listeners;
  }

  /** The settings or the server's state may have changed. */
  update() {
    if (!this.#isWanted()) this.#failed = false;
    this.#updateState();
    void this.#run();
  }

  /** Retry after a failure. */
  retry() {
    this.#failed = false;
    this.update();
  }

  get #isNeeded() {
    return this.#isWanted() && !this.#failed && !this.#remote.isRefined;
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    let delay = 0;
    while (this.#isNeeded || this.#started) {
      try {
        delay = await this.#advance();
      } catch (error) {
        delay = this.#recover(/** @type {Error} */ (error));
      }
      this.#updateState();
      if (delay) await new Promise((resolve) => setTimeout(resolve, delay));
    }
    this.#running = false;
  }

  /** @returns {Promise<number>} milliseconds until the next step */
  async #advance() {
    if (!this.#isNeeded) {
      this.#started = false;
      // If the session is gone, there is nothing to cancel.
      await this.#remote.cancelRefinement().catch(() => {});
      return 0;
    }
    const status = this.#started ? await this.#remote.refinementStatus() : await this.#remote.startRefinement();
    this.#started = status.state === "running";
    this.step = status.step;
    this.steps = status.steps;
    this.state = "running";
    if (status.state === "failed") throw new Error(status.error ?? t("refine.try-again"));
    if (this.#remote.isRefined) this.#listeners.done();
    return this.#started ? POLL : 0;
  }

  /** @param {Error & {retryAfter?: number | null}} error */
  #recover(error) {
    if (typeof error.retryAfter === "number") {
      this.state = "waiting";
      return 1000 * error.retryAfter;
    }
    this.#started = false;
    this.#failed = this.#isWanted();
    if (this.#failed) this.#listeners.failed(error);
    return 0;
  }

  #updateState() {
    if (!this.#isWanted()) this.state = "off";
    else if (this.#remote.isRefined) this.state = "done";
    else if (this.#failed) this.state = "failed";
    else if (this.state !== "waiting") this.state = "running";
    this.#listeners.changed();
  }
}

/**
 * Fits the server's network to the photograph for as long as that is wanted: begins it, watches it, cancels it, and
 * begins it again where the server forgot the face. Undo, redo and reloads only change what is wanted.
 *
 * @typedef {import("../remote/remote-face.js").Refinement} Refinement
 *
 * @typedef {object} RemoteRefinement what of a `RemoteFace` is needed here
 * @property {boolean} isRefined
 * @property {() => Promise<Refinement>} refine
 * @property {() => Promise<Refinement>} refinement
 * @property {() => Promise<void>} endRefinement
 *
 * @typedef {"off" | "running" | "waiting" | "done" | "failed"} State waiting: for the server to have time
 *
 * @typedef {object} Listeners
 * @property {() => void} changed state or progress did
 * @property {() => void} done pictures come from the fitted network from now on
 * @property {(error: Error) => void} fail
 */

/** Milliseconds between two looks at how far it is. */
export const POLL = 300;

export class Refiner {
  /** @type {State} */
  state = "off";
  step = 0;
  steps = 0;
  #remote;
  #wanted;
  #listeners;
  #working = false;
  /** Whether the server is at it, or may be. */
  #begun = false;
  #failed = false;

  /**
   * @param {RemoteRefinement} remote
   * @param {() => boolean} wanted
   * @param {Listeners} listeners
   */
  constructor(remote, wanted, listeners) {
    this.#remote = remote;
    this.#wanted = wanted;
    this.#listeners = listeners;
  }

  /** What is wanted may have changed, or what the server has. */
  update() {
    if (!this.#wanted()) this.#failed = false;
    this.#show();
    void this.#work();
  }

  /** Try again what failed. */
  retry() {
    this.#failed = false;
    this.update();
  }

  get #isNeeded() {
    return this.#wanted() && !this.#failed && !this.#remote.isRefined;
  }

  async #work() {
    if (this.#working) return;
    this.#working = true;
    let pause = 0;
    while (this.#isNeeded || this.#begun) {
      try {
        pause = await this.#advance();
      } catch (error) {
        pause = this.#recover(/** @type {Error} */ (error));
      }
      this.#show();
      if (pause) await new Promise((resolve) => setTimeout(resolve, pause));
    }
    this.#working = false;
  }

  /** @returns {Promise<number>} milliseconds until the next one */
  async #advance() {
    if (!this.#isNeeded) {
      this.#begun = false;
      // Where the server does not know it any more, nothing is left to cancel.
      await this.#remote.endRefinement().catch(() => {});
      return 0;
    }
    const status = this.#begun ? await this.#remote.refinement() : await this.#remote.refine();
    this.#begun = status.state === "running";
    this.step = status.step;
    this.steps = status.steps;
    this.state = "running";
    if (status.state === "failed") throw new Error(status.error ?? "The fit failed; try again.");
    if (this.#remote.isRefined) this.#listeners.done();
    return this.#begun ? POLL : 0;
  }

  /** @param {Error & {retryAfter?: number | null}} error */
  #recover(error) {
    if (typeof error.retryAfter === "number") {
      this.state = "waiting";
      return 1000 * error.retryAfter;
    }
    this.#begun = false;
    this.#failed = this.#wanted();
    if (this.#failed) this.#listeners.fail(error);
    return 0;
  }

  #show() {
    if (!this.#wanted()) this.state = "off";
    else if (this.#remote.isRefined) this.state = "done";
    else if (this.#failed) this.state = "failed";
    else if (this.state !== "waiting") this.state = "running";
    this.#listeners.changed();
  }
}

/**
 * Render scheduling: one request at a time, the newest edit wins, previews during edits, full quality after a pause or
 * once the edit is complete.
 *
 * @typedef {"preview" | "full"} Quality
 */

/**
 * @template Result
 * @typedef {object} Renderer
 * @property {(quality: Quality, signal: AbortSignal) => Promise<Result | null>} render renders the current state; null if
 *   the server dropped the request in favour of a newer one
 * @property {(result: Result, quality: Quality) => void} showResult
 * @property {(error: Error) => void} failed permanent error
 * @property {(error: Error) => void} retrying transient error; the request is retried
 * @property {(busy: boolean) => void} busyChanged
 */

/** Idle time before a full-quality render, milliseconds. */
export const PAUSE = 200;

/** A preview that began so many milliseconds before the edit was complete is not waited for. */
export const YOUNG = 30;

/** Nor is any where the last full quality took fewer milliseconds: the next one comes about as soon. */
export const FAST = 500;

/** @template Result */
export class RenderScheduler {
  /** @type {Renderer<Result>} */
  #renderer;
  /** @type {{quality: Quality, controller: AbortController, since: number} | null} */
  #inFlight = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #needsPreview = false;
  #needsFull = false;
  #fullAfter = 0;
  #fullTook = Infinity;
  #retryAt = 0;
  #busy = false;

  /** @param {Renderer<Result>} renderer */
  constructor(renderer) {
    this.#renderer = renderer;
  }

  /** The state to render changed. */
  invalidate() {
    this.#needsPreview = true;
    this.#needsFull = true;
    this.#fullAfter = performance.now() + PAUSE;
    if (this.#inFlight?.quality === "full") this.#abortInFlight();
    this.#schedule();
  }

  /** The edit is complete: render it in full quality without a pause. */
  finish() {
    if (!this.#needsFull) return;
    this.#needsPreview = false;
    this.#fullAfter = 0;
    const { quality, since } = this.#inFlight ?? {};
    const isYoung = performance.now() - Number(since) < YOUNG;
    if (quality === "preview" && (isYoung || this.#fullTook < FAST)) this.#abortInFlight();
    this.#schedule();
  }

  /** Abort pending and scheduled requests. */
  stop() {
    this.#needsPreview = false;
    this.#needsFull = false;
    this.#retryAt = 0;
    this.#abortInFlight();
    this.#schedule();
  }

  #abortInFlight() {
    this.#inFlight?.controller.abort();
    this.#inFlight = null;
  }

  #schedule() {
    clearTimeout(this.#timer);
    const needed = this.#needsPreview || this.#needsFull;
    const busy = needed || this.#inFlight !== null;
    if (busy !== this.#busy) {
      this.#busy = busy;
      this.#renderer.busyChanged(busy);
    }
    if (this.#inFlight || !needed) return;
    const startAt = Math.max(this.#retryAt, this.#needsPreview ? 0 : this.#fullAfter);
    const delay = startAt - performance.now();
    if (delay > 0) this.#timer = setTimeout(() => this.#schedule(), delay);
    else this.#start(this.#needsPreview ? "preview" : "full");
  }

  /** @param {Quality} quality */
  async #start(quality) {
    const flight = { quality, controller: new AbortController(), since: performance.now() };
    this.#inFlight = flight;
    if (quality === "preview") this.#needsPreview = false;
    else this.#needsFull = false;
    try {
      const result = await this.#renderer.render(quality, flight.controller.signal);
      if (this.#inFlight === flight && result !== null) {
        if (quality === "full") this.#fullTook = performance.now() - flight.since;
        this.#renderer.showResult(result, quality);
      }
    } catch (error) {
      if (this.#inFlight === flight) this.#recover(/** @type {Error} */ (error), quality);
    }
    if (this.#inFlight === flight) {
      this.#inFlight = null;
      this.#schedule();
    }
  }

  /**
   * @param {Error & {retryAfter?: number | null}} error
   * @param {Quality} quality
   */
  #recover(error, quality) {
    if (typeof error.retryAfter === "number") {
      this.#retryAt = performance.now() + 1000 * error.retryAfter;
      if (quality === "preview") this.#needsPreview = true;
      else this.#needsFull = true;
      this.#renderer.retrying(error);
    } else {
      this.#needsPreview = false;
      this.#needsFull = false;
      this.#renderer.failed(error);
    }
  }
}

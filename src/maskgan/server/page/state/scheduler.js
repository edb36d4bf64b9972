/**
 * When to render: one request at a time, the newest edit wins, a preview while edits come, full quality after a pause.
 *
 * @typedef {"preview" | "full"} Quality
 */

/**
 * @template Result
 * @typedef {object} Renderer
 * @property {(quality: Quality, signal: AbortSignal) => Promise<Result | null>} render renders the newest state; null
 *   where the server dropped the request for a newer one
 * @property {(result: Result, quality: Quality) => void} show
 * @property {(error: Error) => void} fail for errors that trying again does not mend
 * @property {(error: Error) => void} waiting an error that may pass; it is tried again
 * @property {(busy: boolean) => void} busyChanged
 */

/** Milliseconds without an edit after which full quality is asked for. */
export const PAUSE = 200;

/** @template Result */
export class RenderScheduler {
  /** @type {Renderer<Result>} */
  #renderer;
  /** @type {{quality: Quality, controller: AbortController} | null} */
  #flight = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #wantsPreview = false;
  #wantsFull = false;
  #mayGoFullAt = 0;
  #retryAt = 0;
  #busy = false;

  /** @param {Renderer<Result>} renderer */
  constructor(renderer) {
    this.#renderer = renderer;
  }

  /** The state to be rendered has changed. */
  edited() {
    this.#wantsPreview = true;
    this.#wantsFull = true;
    this.#mayGoFullAt = performance.now() + PAUSE;
    if (this.#flight?.quality === "full") this.#abandonFlight();
    this.#advance();
  }

  /** Forget everything that is under way. */
  stop() {
    this.#wantsPreview = false;
    this.#wantsFull = false;
    this.#retryAt = 0;
    this.#abandonFlight();
    this.#advance();
  }

  #abandonFlight() {
    this.#flight?.controller.abort();
    this.#flight = null;
  }

  #advance() {
    clearTimeout(this.#timer);
    const wants = this.#wantsPreview || this.#wantsFull;
    const busy = wants || this.#flight !== null;
    if (busy !== this.#busy) {
      this.#busy = busy;
      this.#renderer.busyChanged(busy);
    }
    if (this.#flight || !wants) return;
    const startAt = Math.max(this.#retryAt, this.#wantsPreview ? 0 : this.#mayGoFullAt);
    const delay = startAt - performance.now();
    if (delay > 0) this.#timer = setTimeout(() => this.#advance(), delay);
    else this.#start(this.#wantsPreview ? "preview" : "full");
  }

  /** @param {Quality} quality */
  async #start(quality) {
    const flight = { quality, controller: new AbortController() };
    this.#flight = flight;
    if (quality === "preview") this.#wantsPreview = false;
    else this.#wantsFull = false;
    try {
      const result = await this.#renderer.render(quality, flight.controller.signal);
      if (this.#flight === flight && result !== null) this.#renderer.show(result, quality);
    } catch (error) {
      if (this.#flight === flight) this.#recover(/** @type {Error} */ (error), quality);
    }
    if (this.#flight === flight) {
      this.#flight = null;
      this.#advance();
    }
  }

  /**
   * @param {Error & {retryAfter?: number | null}} error
   * @param {Quality} quality
   */
  #recover(error, quality) {
    if (typeof error.retryAfter === "number") {
      this.#retryAt = performance.now() + 1000 * error.retryAfter;
      if (quality === "preview") this.#wantsPreview = true;
      else this.#wantsFull = true;
      this.#renderer.waiting(error);
    } else {
      this.#wantsPreview = false;
      this.#wantsFull = false;
      this.#renderer.fail(error);
    }
  }
}

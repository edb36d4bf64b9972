/** Work of the engine, one task after the other; tasks that nobody waits for any more are dropped. */

/** Milliseconds without other work until an idle task begins: a network cannot be interrupted, and a pen may only rest. */
const QUIET = 1000;

export class WorkQueue {
  /** @type {Promise<unknown>} */
  #last = Promise.resolve();
  #waiting = 0;
  /** When the last task ended that was not an idle one. */
  #ended = -Infinity;

  /**
   * @template T
   * @param {AbortSignal} signal of the request; checked when the task's turn comes, and by `checkpoint`
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   * @throws {DOMException} AbortError
   */
  run(signal, task) {
    return this.#append(signal, task, () => (this.#ended = performance.now()));
  }

  /**
   * As `run`, once nothing else waits, or did within the last second.
   *
   * @template T
   * @param {AbortSignal} signal
   * @param {() => Promise<T>} task a short one: what is asked meanwhile waits for its end
   * @returns {Promise<T>}
   * @throws {DOMException} AbortError
   */
  async runIdle(signal, task) {
    for (;;) {
      signal.throwIfAborted();
      const rest = this.#ended + QUIET - performance.now();
      if (this.#waiting) await this.#last;
      else if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
      else return this.#append(signal, task, () => {});
    }
  }

  /**
   * @template T
   * @param {AbortSignal} signal
   * @param {() => Promise<T>} task
   * @param {() => void} whenDone whether it failed or not
   * @returns {Promise<T>}
   */
  #append(signal, task, whenDone) {
    this.#waiting++;
    const turn = this.#last.then(async () => {
      await checkpoint(signal);
      return task();
    });
    const end = () => {
      this.#waiting--;
      whenDone();
    };
    this.#last = turn.then(end, end);
    return turn;
  }
}

/**
 * Let messages in, such as a newer request or the end of this one.
 *
 * @param {AbortSignal} signal
 * @throws {DOMException} AbortError: nobody waits any more
 */
export async function checkpoint(signal) {
  await new Promise((resolve) => setTimeout(resolve));
  signal.throwIfAborted();
}

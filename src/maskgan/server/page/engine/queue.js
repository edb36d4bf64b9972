/** Work of the engine, one task after the other; tasks that nobody waits for any more are dropped. */

export class WorkQueue {
  /** @type {Promise<unknown>} */
  #last = Promise.resolve();
  #waiting = 0;

  /**
   * @template T
   * @param {AbortSignal} signal of the request; checked when the task's turn comes, and by `checkpoint`
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   * @throws {DOMException} AbortError
   */
  run(signal, task) {
    this.#waiting++;
    const turn = this.#last.then(async () => {
      await checkpoint(signal);
      return task();
    });
    this.#last = turn.then(
      () => this.#waiting--,
      () => this.#waiting--,
    );
    return turn;
  }

  /**
   * As `run`, once nothing else waits.
   *
   * @template T
   * @param {AbortSignal} signal
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  async runIdle(signal, task) {
    while (this.#waiting) await this.#last;
    return this.run(signal, task);
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

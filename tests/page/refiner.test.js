import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { POLL, Refiner } from "../../src/maskgan/server/page/state/refiner.js";

/**
 * A refiner at a server that makes four steps, one for each look at it.
 *
 * @typedef {import("../../src/maskgan/server/page/remote/remote-face.js").Refinement} Refinement
 */
class Bench {
  wanted = true;
  isRefined = false;
  /** @type {string[]} */
  asked = [];
  /** @type {string[]} */
  seen = [];
  /** @type {(Error & {retryAfter?: number}) | null} instead of the next answer */
  refusal = null;
  /** @type {Refinement} */
  status = { state: "none", step: 0, steps: 4, error: null };
  refiner = new Refiner(this, () => this.wanted, {
    changed: () => this.#see(`${this.refiner.state} ${this.refiner.step}`),
    done: () => this.#see("pictures"),
    fail: (error) => this.#see(error.message),
  });

  /** @param {string} event */
  #see(event) {
    if (this.seen.at(-1) !== event) this.seen.push(event);
  }

  /** @param {string} question */
  #ask(question) {
    this.asked.push(question);
    const { refusal } = this;
    this.refusal = null;
    if (refusal) throw refusal;
  }

  async refine() {
    this.#ask("begin");
    return (this.status = { ...this.status, state: "running", step: 0 });
  }

  async refinement() {
    this.#ask("watch");
    const { state, steps } = this.status;
    const step = this.status.step + (state === "running" ? 1 : 0);
    this.isRefined = step === steps;
    return (this.status = { ...this.status, state: this.isRefined ? "done" : state, step });
  }

  async endRefinement() {
    this.#ask("end");
    this.status = { ...this.status, state: "none" };
  }

  /** @param {() => boolean} holds */
  async until(holds) {
    for (let i = 0; i < 200 && !holds(); i++) await sleep(POLL / 10);
    assert.ok(holds(), this.seen.join());
  }
}

test("it is begun, watched, and shown when it is there", async () => {
  const bench = new Bench();
  bench.refiner.update();
  bench.refiner.update();
  await bench.until(() => bench.refiner.state === "done");
  assert.deepEqual(bench.asked, ["begin", "watch", "watch", "watch", "watch"]);
  assert.deepEqual(bench.seen.slice(-5), ["running 1", "running 2", "running 3", "pictures", "done 4"]);
  bench.wanted = false;
  bench.refiner.update();
  assert.equal(bench.refiner.state, "off");
  bench.wanted = true;
  bench.refiner.update();
  assert.equal(bench.refiner.state, "done");
  assert.equal(bench.asked.length, 5, "what the server has learnt is not thrown away");
  bench.isRefined = false; // the server forgot the face
  bench.refiner.update();
  await bench.until(() => bench.refiner.state === "done");
  assert.equal(bench.asked.filter((question) => question === "begin").length, 2);
});

test("it is cancelled, and begun anew when it is wanted again at once", async () => {
  const bench = new Bench();
  bench.refiner.update();
  await bench.until(() => bench.refiner.step === 1);
  bench.wanted = false;
  bench.refiner.update();
  assert.equal(bench.refiner.state, "off");
  await bench.until(() => bench.asked.at(-1) === "end");
  bench.wanted = true;
  bench.refiner.update();
  await bench.until(() => bench.refiner.state === "done");
  assert.ok(!bench.seen.includes("pictures") || bench.seen.at(-1) === "done 4");
});

test("a server without time is asked again; other trouble is status once and tried again when asked", async () => {
  const bench = new Bench();
  bench.refusal = Object.assign(new Error("busy"), { retryAfter: 0.05 });
  bench.refiner.update();
  await bench.until(() => bench.refiner.state === "waiting");
  await bench.until(() => bench.refiner.step === 1);
  bench.status = { ...bench.status, state: "failed", error: "no room" };
  await bench.until(() => bench.refiner.state === "failed");
  bench.refiner.update();
  await sleep(2 * POLL);
  assert.equal(bench.seen.filter((event) => event === "no room").length, 1);
  bench.refiner.retry();
  await bench.until(() => bench.refiner.state === "done");
});

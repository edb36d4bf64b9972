import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { POLL, Refiner } from "../../src/maskgan/server/page/state/refiner.js";

/**
 * A refiner at a server that makes four steps, one for each look at it.
 *
 * @typedef {import("../../src/maskgan/server/page/remote/remote-face.js").RefinementStatus} RefinementStatus
 */
class Fixture {
  wanted = true;
  isRefined = false;
  /** @type {string[]} */
  asked = [];
  /** @type {string[]} */
  seen = [];
  /** @type {(Error & {retryAfter?: number}) | null} instead of the next answer */
  refusal = null;
  /** @type {RefinementStatus} */
  status = { state: "none", step: 0, steps: 4, error: null };
  refiner = new Refiner(this, () => this.wanted, {
    changed: () => this.#see(`${this.refiner.state} ${this.refiner.step}`),
    done: () => this.#see("pictures"),
    failed: (error) => this.#see(error.message),
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

  async startRefinement() {
    this.#ask("begin");
    return (this.status = { ...this.status, state: "running", step: 0 });
  }

  async refinementStatus() {
    this.#ask("watch");
    const { state, steps } = this.status;
    const step = this.status.step + (state === "running" ? 1 : 0);
    this.isRefined = step === steps;
    return (this.status = { ...this.status, state: this.isRefined ? "done" : state, step });
  }

  async cancelRefinement() {
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
  const fixture = new Fixture();
  fixture.refiner.update();
  fixture.refiner.update();
  await fixture.until(() => fixture.refiner.state === "done");
  assert.deepEqual(fixture.asked, ["begin", "watch", "watch", "watch", "watch"]);
  assert.deepEqual(fixture.seen.slice(-5), ["running 1", "running 2", "running 3", "pictures", "done 4"]);
  fixture.wanted = false;
  fixture.refiner.update();
  assert.equal(fixture.refiner.state, "off");
  fixture.wanted = true;
  fixture.refiner.update();
  assert.equal(fixture.refiner.state, "done");
  assert.equal(fixture.asked.length, 5, "what the server has learnt is not thrown away");
  fixture.isRefined = false; // the server forgot the face
  fixture.refiner.update();
  await fixture.until(() => fixture.refiner.state === "done");
  assert.equal(fixture.asked.filter((question) => question === "begin").length, 2);
});

test("it is cancelled, and begun anew when it is wanted again at once", async () => {
  const fixture = new Fixture();
  fixture.refiner.update();
  await fixture.until(() => fixture.refiner.step === 1);
  fixture.wanted = false;
  fixture.refiner.update();
  assert.equal(fixture.refiner.state, "off");
  await fixture.until(() => fixture.asked.at(-1) === "end");
  fixture.wanted = true;
  fixture.refiner.update();
  await fixture.until(() => fixture.refiner.state === "done");
  assert.ok(!fixture.seen.includes("pictures") || fixture.seen.at(-1) === "done 4");
});

test("a server without time is asked again; other trouble is status once and tried again when asked", async () => {
  const fixture = new Fixture();
  fixture.refusal = Object.assign(new Error("busy"), { retryAfter: 0.05 });
  fixture.refiner.update();
  await fixture.until(() => fixture.refiner.state === "waiting");
  await fixture.until(() => fixture.refiner.step === 1);
  fixture.status = { ...fixture.status, state: "failed", error: "no room" };
  await fixture.until(() => fixture.refiner.state === "failed");
  fixture.refiner.update();
  await sleep(2 * POLL);
  assert.equal(fixture.seen.filter((event) => event === "no room").length, 1);
  fixture.refiner.retry();
  await fixture.until(() => fixture.refiner.state === "done");
});

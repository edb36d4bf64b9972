import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { PAUSE, RenderScheduler, YOUNG } from "../../src/maskgan/server/page/state/scheduler.js";

/** A scheduler whose requests are answered by hand. */
function fixture() {
  /**
   * @type {{
   *   quality: string, signal: AbortSignal, answer: (value: string | null) => void, refuse: (error: Error) => void
   * }[]}
   */
  const requests = [];
  /** @type {string[]} */
  const shown = [];
  /** @type {string[]} */
  const events = [];
  const scheduler = new RenderScheduler({
    render: (quality, signal) =>
      new Promise((answer, refuse) => {
        requests.push({ quality, signal, answer, refuse });
      }),
    showResult: (/** @type {string} */ result) => shown.push(result),
    failed: (error) => events.push(`fail ${error.message}`),
    retrying: (error) => events.push(`waiting ${error.message}`),
    busyChanged: (busy) => events.push(busy ? "busy" : "idle"),
  });
  return { scheduler, requests, shown, events };
}

test("a preview at once, full quality after a pause", async () => {
  const { scheduler, requests, shown, events } = fixture();
  scheduler.invalidate();
  assert.deepEqual(requests.map((request) => request.quality), ["preview"]);
  requests[0].answer("a");
  await sleep(PAUSE / 2);
  assert.equal(requests.length, 1);
  await sleep(PAUSE);
  assert.equal(requests[1].quality, "full");
  requests[1].answer("A");
  await sleep(0);
  assert.deepEqual(shown, ["a", "A"]);
  assert.deepEqual(events, ["busy", "idle"]);
});

test("a complete edit is rendered in full quality at once; a preview that has just begun is given up", async () => {
  const { scheduler, requests, shown, events } = fixture();
  scheduler.invalidate();
  scheduler.finish();
  assert.ok(requests[0].signal.aborted);
  assert.equal(requests[1].quality, "full");
  requests[1].answer("A");
  await sleep(0);
  scheduler.finish();
  assert.deepEqual(shown, ["A"]);
  assert.deepEqual(events, ["busy", "idle"]);
  assert.equal(requests.length, 2, "nothing is left to be done");
});

test("at the end of a stroke, the preview under way is shown, and full quality follows without a pause", async () => {
  const { scheduler, requests, shown } = fixture();
  scheduler.invalidate();
  await sleep(YOUNG + 10);
  scheduler.invalidate();
  scheduler.finish();
  assert.ok(!requests[0].signal.aborted);
  requests[0].answer("a");
  await sleep(0);
  assert.deepEqual(requests.map((request) => request.quality), ["preview", "full"]);
  requests[1].answer("A");
  await sleep(0);
  assert.deepEqual(shown, ["a", "A"]);
});

test("where full quality is fast, no preview is waited for at the end of a stroke", async () => {
  const { scheduler, requests, shown } = fixture();
  scheduler.invalidate();
  scheduler.finish();
  requests[1].answer("A");
  await sleep(0);
  scheduler.invalidate();
  await sleep(YOUNG + 10);
  scheduler.finish();
  assert.ok(requests[2].signal.aborted);
  assert.equal(requests[3].quality, "full");
  requests[2].answer("stale");
  requests[3].answer("B");
  await sleep(0);
  assert.deepEqual(shown, ["A", "B"]);
});

test("one request in flight; edits meanwhile make one more, the newest", async () => {
  const { scheduler, requests, shown } = fixture();
  for (let i = 0; i < 20; i++) scheduler.invalidate();
  assert.equal(requests.length, 1);
  requests[0].answer("a");
  await sleep(0);
  assert.equal(requests.length, 2);
  requests[1].answer("b");
  await sleep(0);
  assert.equal(requests.length, 2);
  assert.deepEqual(shown, ["a", "b"]);
  scheduler.stop();
});

test("an edit abandons full quality, and a late answer to it is not shown", async () => {
  const { scheduler, requests, shown } = fixture();
  scheduler.invalidate();
  requests[0].answer("a");
  await sleep(PAUSE + 30);
  scheduler.invalidate();
  assert.ok(requests[1].signal.aborted);
  assert.equal(requests[2].quality, "preview");
  requests[1].answer("stale");
  requests[2].answer("b");
  await sleep(0);
  assert.deepEqual(shown, ["a", "b"]);
  scheduler.stop();
});

test("too busy: tried again after the time that the server names", async () => {
  const { scheduler, requests, shown, events } = fixture();
  scheduler.invalidate();
  requests[0].refuse(Object.assign(new Error("busy"), { retryAfter: 0.05 }));
  await sleep(20);
  assert.equal(requests.length, 1);
  await sleep(60);
  assert.equal(requests.length, 2);
  requests[1].answer("a");
  await sleep(0);
  assert.deepEqual(shown, ["a"]);
  assert.deepEqual(events, ["busy", "waiting busy"]);
  scheduler.stop();
});

test("an error that stays is told once, and the next edit starts afresh", async () => {
  const { scheduler, requests, shown, events } = fixture();
  scheduler.invalidate();
  requests[0].refuse(new Error("no"));
  await sleep(PAUSE + 30);
  assert.equal(requests.length, 1);
  assert.deepEqual(events, ["busy", "fail no", "idle"]);
  scheduler.invalidate();
  requests[1].answer("b");
  await sleep(0);
  assert.deepEqual(shown, ["b"]);
  scheduler.stop();
});

test("stop: nothing more is sent or shown", async () => {
  const { scheduler, requests, shown, events } = fixture();
  scheduler.invalidate();
  scheduler.invalidate();
  scheduler.stop();
  assert.ok(requests[0].signal.aborted);
  requests[0].answer("a");
  await sleep(PAUSE + 30);
  assert.equal(requests.length, 1);
  assert.deepEqual(shown, []);
  assert.deepEqual(events, ["busy", "idle"]);
});

test("a preview that the server dropped does not keep full quality from coming", async () => {
  const { scheduler, requests, shown } = fixture();
  scheduler.invalidate();
  requests[0].answer(null);
  await sleep(PAUSE + 30);
  requests[1].answer("A");
  await sleep(0);
  assert.deepEqual(shown, ["A"]);
});

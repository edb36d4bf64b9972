import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, test } from "node:test";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { FileStore } from "../../src/maskgan/server/page/engine/file-store.js";
import { t } from "../../src/maskgan/server/page/i18n/translate.js";
import { WorkerTransport } from "../../src/maskgan/server/page/remote/worker-transport.js";

const ROOT = new URL("http://localhost/app/");
const PLAIN = new Uint8Array(1000).map((_, i) => i * i);
const PACKED = new Uint8Array(gzipSync(PLAIN));
const CONTENTS = /** @type {Record<string, Uint8Array<ArrayBuffer>>} */ ({ "networks/a.onnx": PLAIN, "runtime/b.wasm.gzip": PACKED });
const FILES = Object.fromEntries(
  Object.entries(CONTENTS).map(([path, bytes]) => [path, { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") }]),
);
const PATHS = Object.keys(FILES);

/** A browser's cache. */
class MemoryCache {
  /** @type {Map<string, Uint8Array<ArrayBuffer>>} */
  entries = new Map();
  isFull = false;

  /** @param {string} key */
  async match(key) {
    const bytes = this.entries.get(key);
    return bytes && new Response(bytes);
  }

  /** @param {string} key @param {Response} response */
  async put(key, response) {
    if (this.isFull) throw new DOMException("", "QuotaExceededError");
    this.entries.set(key, new Uint8Array(await response.arrayBuffer()));
  }

  async keys() {
    return [...this.entries.keys()].map((url) => ({ url }));
  }

  /** @param {{url: string}} request */
  async delete({ url }) {
    return this.entries.delete(url);
  }
}

const fetchOf = globalThis.fetch;
/** @type {string[]} */
let asked = [];
/** @type {[number, number][]} */
let progress = [];

beforeEach(() => {
  asked = [];
  progress = [];
  globalThis.fetch = async (url) => {
    const path = String(url).slice(ROOT.href.length);
    asked.push(path);
    return path in CONTENTS ? new Response(CONTENTS[path]) : new Response(null, { status: 404 });
  };
});
afterEach(() => {
  globalThis.fetch = fetchOf;
});

/** @param {unknown} cache @param {typeof FILES} [files] */
function storeOf(cache, files = FILES) {
  return new FileStore(ROOT, files, /** @type {Cache | null} */ (cache), (loaded, total) => progress.push([loaded, total]));
}

test("files are loaded once, counted, unpacked, and kept for later visits", async () => {
  const cache = new MemoryCache();
  const store = storeOf(cache);
  await store.prefetch(PATHS);
  assert.deepEqual(asked.toSorted(), PATHS.toSorted());
  const total = PLAIN.length + PACKED.length;
  assert.deepEqual(progress.at(-1), [total, total]);
  assert.deepEqual(await store.read("networks/a.onnx"), PLAIN);
  assert.deepEqual(await store.read("runtime/b.wasm.gzip"), PLAIN, "unpacked");

  const later = storeOf(cache);
  await later.prefetch(PATHS);
  assert.deepEqual(await later.read("networks/a.onnx"), PLAIN);
  assert.equal(asked.length, 2, "nothing is loaded again");
});

for (const [name, cache] of /** @type {const} */ ([["without a cache", null], ["with a full one", Object.assign(new MemoryCache(), { isFull: true })]])) {
  test(`${name} files are loaded for this visit`, async () => {
    const store = storeOf(cache);
    await store.prefetch(PATHS);
    assert.deepEqual(await store.read("networks/a.onnx"), PLAIN);
    assert.deepEqual(await store.read("networks/a.onnx"), PLAIN, "by a second runtime as well");
    assert.equal(asked.length, 2, "what was loaded is used");
  });
}

test("a new version loads what changed and drops what it lacks", async () => {
  const cache = new MemoryCache();
  await storeOf(cache).prefetch(PATHS);
  const { "networks/a.onnx": kept } = FILES;
  CONTENTS["networks/c.onnx"] = PACKED.slice(1);
  const added = { bytes: PACKED.length - 1, sha256: createHash("sha256").update(PACKED.slice(1)).digest("hex") };
  const newer = storeOf(cache, { "networks/renamed.onnx": kept, "networks/c.onnx": added });
  asked = [];
  await newer.prefetch(["networks/renamed.onnx", "networks/c.onnx"]);
  assert.deepEqual(asked, ["networks/c.onnx"]);
  await newer.prune();
  assert.deepEqual([...cache.entries.keys()].toSorted(), [kept, added].map(({ sha256 }) => `${ROOT.href}files/${sha256}`).toSorted());
});

test("exports in other folders of the origin keep their files", async () => {
  const cache = new MemoryCache();
  for (const folder of ["http://localhost/", "http://localhost/app/v2/", "http://localhost/application/"]) {
    await cache.put(`${folder}files/${"0".repeat(64)}`, new Response("x"));
    await cache.put(`${folder}notes/provider`, new Response("wasm"));
  }
  const others = [...cache.entries.keys()];
  await cache.put(`${ROOT.href}files/${"0".repeat(64)}`, new Response("x"));
  await storeOf(cache).prune();
  assert.deepEqual([...cache.entries.keys()], others);
});

test("a browser that refuses to list or to delete what it keeps stops nothing", async () => {
  const refuse = async () => Promise.reject(new DOMException("", "SecurityError"));
  await storeOf(Object.assign(new MemoryCache(), { keys: refuse })).prune();
  const cache = Object.assign(new MemoryCache(), { delete: refuse });
  await cache.put(`${ROOT.href}files/0`, new Response("x"));
  await storeOf(cache).prune();
  assert.equal(cache.entries.size, 1);
});

test("a service worker drops the page's other versions, not the pages of other folders", async () => {
  const code = await readFile(new URL("../../src/maskgan/server/page/service-worker.js", import.meta.url), "utf8");
  const names = /** @type {Set<string>} */ (new Set());
  const caches = {
    open: async (/** @type {string} */ name) => (names.add(name), new MemoryCache()),
    keys: async () => [...names],
    delete: async (/** @type {string} */ name) => names.delete(name),
  };
  const page = async () => new Response("page");
  /** @param {string} folder @param {string} hash */
  const visit = async (folder, hash) => {
    const registration = { scope: folder };
    /** @type {Record<string, (event: {waitUntil: (task: Promise<void>) => void}) => void>} */
    const handlers = {};
    const addEventListener = (/** @type {string} */ name, /** @type {() => void} */ handler) => (handlers[name] = handler);
    const self = { EXPORT: { hash, files: ["."] }, registration, addEventListener, clients: { claim: async () => {} } };
    runInNewContext(code, { self, caches, fetch: page, URL, Headers, Response });
    for (const name of ["install", "activate"]) await new Promise((resolve) => handlers[name]({ waitUntil: (task) => resolve(task) }));
  };
  for (const folder of ["http://localhost/app/", "http://localhost/", "http://localhost/app/v2/"]) await visit(folder, "1");
  const first = [...names];
  assert.equal(first.length, 3);
  await visit("http://localhost/app/", "2");
  assert.deepEqual([...names].slice(0, 2), first.slice(1));
  assert.equal(names.size, 3);
});

test("a choice is remembered, and outlasts a new version", async () => {
  const cache = new MemoryCache();
  const store = storeOf(cache);
  assert.equal(await store.recall("provider"), null);
  await store.remember("provider", "wasm");
  await store.prune();
  assert.equal(await storeOf(cache, {}).recall("provider"), "wasm");
  assert.equal(await storeOf(null).recall("provider"), null);
});

test("a file of another version is refused, and a missing one named", async () => {
  const wrong = { "networks/a.onnx": { ...FILES["networks/a.onnx"], sha256: "0".repeat(64) }, "networks/none.onnx": { bytes: 1, sha256: "1" } };
  await assert.rejects(storeOf(null, wrong).prefetch(["networks/a.onnx"]), /a\.onnx is damaged or of another version/);
  await assert.rejects(storeOf(null, wrong).prefetch(["networks/none.onnx"]), /none\.onnx could not be loaded/);
  await assert.rejects(storeOf(null).read("networks/z.onnx"), /exported without networks\/z\.onnx/);
});

/** A worker that does what a test says. */
class FakeWorker {
  /** @type {any[]} */
  sent = [];
  /** @type {((event: {data: unknown}) => void) | null} */
  onmessage = null;
  /** @type {((event: {message: string}) => void) | null} */
  onerror = null;

  /** @param {unknown} message */
  postMessage(message) {
    this.sent.push(message);
  }

  /** @param {unknown} data */
  say(data) {
    this.onmessage?.({ data });
  }
}

function transportOf() {
  Object.defineProperty(globalThis, "location", { value: { href: ROOT.href }, configurable: true });
  const worker = new FakeWorker();
  return { worker, transport: new WorkerTransport(/** @type {Worker} */ (/** @type {unknown} */ (worker)), t) };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 10));

test("requests reach the worker whole, and answers the one who asked", async () => {
  const { worker, transport } = transportOf();
  const form = new FormData();
  form.append("mask", new Blob([PLAIN]));
  const first = transport.send("/api/sessions", { method: "POST", body: form });
  const second = transport.send("/api/info", {});
  await settled();
  const [info, sessions] = worker.sent.toSorted((a, b) => a.url.localeCompare(b.url));
  assert.deepEqual([info.method, info.url, info.body], ["GET", "http://localhost/api/info", null]);
  const received = await new Response(sessions.body, { headers: sessions.headers }).formData();
  assert.deepEqual(new Uint8Array(await /** @type {File} */ (received.get("mask")).arrayBuffer()), PLAIN);

  worker.say({ id: sessions.id, status: 201, headers: [["Content-Type", "application/json"]], body: new TextEncoder().encode('{"id":"x"}').buffer });
  worker.say({ id: info.id, status: 204, headers: [], body: null });
  assert.deepEqual(await (await first).json(), { id: "x" });
  assert.equal((await second).status, 204);
});

test("an aborted request tells the worker; a failed one and a worker that ends reject", async () => {
  const { worker, transport } = transportOf();
  const controller = new AbortController();
  const overtaken = transport.send("/api/sessions/a/render", { method: "POST", body: "x", signal: controller.signal });
  const failing = transport.send("/api/info", {});
  await settled();
  const [render, info] = ["/render", "/info"].map((end) => worker.sent.find(({ url }) => url.endsWith(end)).id);
  controller.abort();
  await assert.rejects(overtaken, { name: "AbortError" });
  assert.deepEqual(worker.sent.at(-1), { abort: render });
  worker.say({ id: render, status: 200, headers: [], body: null }); // too late, and ignored
  worker.say({ id: info, failed: "no memory" });
  await assert.rejects(failing, /no memory/);
  const waiting = transport.send("/api/info", {});
  await settled();
  worker.onerror?.({ message: "" });
  await assert.rejects(waiting, /reload the page/);
});

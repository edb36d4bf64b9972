/**
 * The worker of an exported page: loads the networks and ONNX Runtime, then answers the page's requests.
 *
 * @typedef {import("../remote/worker-transport.js").WorkerAbort} WorkerAbort
 * @typedef {import("../remote/worker-transport.js").WorkerMessage} WorkerMessage
 * @typedef {import("../remote/worker-transport.js").WorkerRequest} WorkerRequest
 * @typedef {import("./file-store.js").FileInfo} FileInfo
 * @typedef {import("./networks.js").Manifest} Manifest
 * @typedef {import("./providers.js").Provider} Provider
 *
 * @typedef {object} RuntimeFiles paths in the exported folder
 * @property {string} script the module with the API
 * @property {string} module the glue that it loads
 * @property {string} binary the WebAssembly, packed with gzip
 *
 * @typedef {object} ExportRecord export.json
 * @property {Record<string, FileInfo>} files
 * @property {{wasm: RuntimeFiles, webgpu: RuntimeFiles}} runtime
 */

import { createApp } from "./app.js";
import { FileStore } from "./file-store.js";
import { FallbackRunner, LARGE, fasterProvider, probe } from "./providers.js";
import { Runtime } from "./runtime.js";

const ROOT = new URL("../../", import.meta.url);
const MAX_THREADS = 4;
// Threads need shared memory, which browsers give to cross-origin isolated pages alone.
const THREADS = globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MAX_THREADS) : 1;

/** @type {Map<number, AbortController>} requests that are being answered */
const running = new Map();
const app = start();

/** @param {MessageEvent<WorkerRequest | WorkerAbort>} event */
globalThis.onmessage = ({ data }) => {
  if ("abort" in data) running.get(data.abort)?.abort();
  else void answer(data);
};

app.then(
  () => post({ ready: true }),
  (error) => post({ failed: error.message }),
);

/** Load everything, and choose what runs the networks. */
async function start() {
  const record = /** @type {ExportRecord} */ (await readJson("export.json"));
  const manifest = /** @type {Manifest} */ (await readJson("networks/manifest.json"));
  const store = await FileStore.open(ROOT, record.files, (loaded, total) => post({ progress: [loaded, total] }));
  const networks = Object.values(manifest.networks).map(({ file }) => `networks/${file}`);
  const versions = [record.files[record.runtime.webgpu.binary]?.sha256, manifest.networks.generator?.sha256];
  const note = `provider-${[...versions, THREADS].join("-")}`;
  const known = (await findGPU()) ? await store.recall(note) : "wasm";
  // WebAssembly always: the other way is compared with it, and may fail at any time, also offline.
  const variants = /** @type {Provider[]} */ (known === "wasm" ? ["wasm"] : ["wasm", "webgpu"]);
  await store.prefetch([...variants.map((variant) => record.runtime[variant].binary), ...networks]);
  void store.prune();

  /** @type {Map<Provider, Promise<Runtime>>} */
  const runtimes = new Map();
  /** @param {Provider} provider */
  const runtimeOn = (provider) => {
    const kept = runtimes.get(provider);
    if (kept) return kept;
    const opened = openRuntime(provider, record, manifest, store);
    runtimes.set(provider, opened);
    opened.catch(() => runtimes.delete(provider)); // so that it is tried again
    return opened;
  };
  /** @type {Provider} */
  let chosen = known === "webgpu" ? "webgpu" : "wasm";
  if (known === null) {
    const faster = await fasterProvider(async (provider) => probe(await runtimeOn(provider), manifest));
    // Not what one failure says: the next visit compares again.
    if (faster) await store.remember(note, faster);
    chosen = faster ?? "wasm";
    // Not waited for: one that hangs would never answer.
    for (const [provider, runtime] of runtimes) if (provider !== chosen) void runtime.then((other) => other.release()).catch(() => {});
  }
  const runtime = await runtimeOn(chosen);
  const runner = chosen === "webgpu" ? new FallbackRunner(runtime, () => runtimeOn("wasm")) : runtime;
  return createApp(runner, manifest, loadAsset);
}

/**
 * @param {Provider} provider
 * @param {ExportRecord} record
 * @param {Manifest} manifest
 * @param {FileStore} store
 */
async function openRuntime(provider, record, manifest, store) {
  const { script, module, binary } = record.runtime[provider];
  // Each is a program of its own, so that one that hangs does not hold up the other.
  const ort = await import(new URL(script, ROOT).href);
  ort.env.logLevel = "error"; // it warns of operators that graphics processors leave to WebAssembly
  ort.env.wasm.wasmPaths = { mjs: new URL(module, ROOT).href };
  ort.env.wasm.wasmBinary = await store.read(binary);
  ort.env.wasm.numThreads = THREADS;
  return new Runtime(
    ort,
    manifest,
    (file) => store.read(`networks/${file}`),
    (name) => ({ executionProviders: provider === "webgpu" && LARGE.has(name) ? ["webgpu", "wasm"] : ["wasm"] }),
  );
}

async function findGPU() {
  /** @type {any} */
  const gpu = /** @type {any} */ (navigator).gpu;
  const adapter = await gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter) && !adapter.info?.isFallbackAdapter;
}

/** @param {WorkerRequest} message */
async function answer({ id, url, method, headers, body }) {
  const controller = new AbortController();
  running.set(id, controller);
  try {
    const request = new Request(url, { method, headers, body, signal: controller.signal });
    const response = await (await app)(request);
    const bytes = response.body ? await response.arrayBuffer() : null;
    post({ id, status: response.status, headers: [...response.headers], body: bytes }, bytes ? [bytes] : []);
  } catch (error) {
    post({ id, failed: /** @type {Error} */ (error).message });
  } finally {
    running.delete(id);
  }
}

/**
 * A small file of the exported folder.
 *
 * @param {string} path
 */
async function loadAsset(path) {
  const response = await fetch(new URL(path, ROOT));
  if (!response.ok) throw new Error(`${path} could not be loaded; check the connection and reload the page.`);
  return response.blob();
}

/** @param {string} path */
async function readJson(path) {
  return JSON.parse(await (await loadAsset(path)).text());
}

/**
 * @param {WorkerMessage} message
 * @param {Transferable[]} [transfer]
 */
function post(message, transfer = []) {
  /** @type {any} */ (globalThis).postMessage(message, transfer);
}

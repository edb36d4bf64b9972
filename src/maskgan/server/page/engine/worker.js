/**
 * The worker of an exported page: loads the networks and ONNX Runtime, then answers the page's requests.
 *
 * @typedef {import("../remote/worker-transport.js").WorkerAbort} WorkerAbort
 * @typedef {import("../remote/worker-transport.js").WorkerMessage} WorkerMessage
 * @typedef {import("../remote/worker-transport.js").WorkerRequest} WorkerRequest
 * @typedef {import("./file-store.js").FileInfo} FileInfo
 * @typedef {import("./networks.js").Manifest} Manifest
 * @typedef {import("./networks.js").NetworkName} NetworkName
 *
 * @typedef {"webgpu" | "wasm"} Provider
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
import { Runtime, fasterProvider } from "./runtime.js";

const ROOT = new URL("../../", import.meta.url);
const MAX_THREADS = 4;
/** Networks worth a graphics processor; the others are small or have operators that it lacks. */
const LARGE = new Set(["generator", "style-encoder"]);

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

/** Load everything, and open what the first picture needs. */
async function start() {
  const record = /** @type {ExportRecord} */ (await readJson("export.json"));
  const manifest = /** @type {Manifest} */ (await readJson("networks/manifest.json"));
  const store = await FileStore.open(ROOT, record.files, (loaded, total) => post({ progress: [loaded, total] }));
  const hasGPU = await findGPU();
  const files = record.runtime[hasGPU ? "webgpu" : "wasm"];
  await store.prefetch([files.binary, ...Object.values(manifest.networks).map(({ file }) => `networks/${file}`)]);
  void store.prune();

  const ort = await import(new URL(files.script, ROOT).href);
  ort.env.wasm.wasmPaths = { mjs: new URL(files.module, ROOT).href };
  ort.env.wasm.wasmBinary = await store.read(files.binary);
  // Threads need shared memory, which browsers give to cross-origin isolated pages alone.
  ort.env.wasm.numThreads = globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MAX_THREADS) : 1;
  /** @param {string} file */
  const load = (file) => store.read(`networks/${file}`);
  /** @param {Provider} provider */
  const runtimeOn = (provider) =>
    new Runtime(ort, manifest, load, (name) => ({
      executionProviders: provider === "webgpu" && LARGE.has(name) ? ["webgpu", "wasm"] : ["wasm"],
    }));
  const runtime = hasGPU ? await fasterRuntime(runtimeOn, manifest, store) : runtimeOn("wasm");
  return createApp(runtime, manifest, loadAsset);
}

/**
 * The runtime on what draws faster, as timed on the first visit.
 *
 * @param {(provider: Provider) => Runtime} runtimeOn
 * @param {Manifest} manifest
 * @param {FileStore} store
 */
async function fasterRuntime(runtimeOn, manifest, store) {
  const note = `provider-${manifest.networks.generator?.sha256}`;
  const known = await store.recall(note);
  if (known === "webgpu" || known === "wasm") return runtimeOn(known);
  /** @type {Map<Provider, Runtime>} */
  const opened = new Map();
  const chosen = await fasterProvider(async (provider) => {
    const runtime = runtimeOn(provider);
    opened.set(provider, runtime);
    return () => runtime.run("generator", blankInputs(manifest));
  });
  await store.remember(note, chosen);
  for (const [provider, runtime] of opened) if (provider !== chosen) await runtime.release();
  return opened.get(chosen) ?? runtimeOn(chosen);
}

async function findGPU() {
  /** @type {any} */
  const gpu = /** @type {any} */ (navigator).gpu;
  const adapter = await gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter) && !adapter.info?.isFallbackAdapter;
}

/**
 * Inputs of the generator, all zeros.
 *
 * @param {Manifest} manifest
 */
function blankInputs(manifest) {
  /** @type {Record<string, number>} */
  const sizes = { N: 1, H: manifest.resolution, W: manifest.resolution };
  const { inputs } = /** @type {NonNullable<Manifest["networks"]["generator"]>} */ (manifest.networks.generator);
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { type, shape }]) => {
      const dims = shape.map((axis) => (typeof axis === "number" ? axis : sizes[axis]));
      const count = dims.reduce((product, side) => product * side, 1);
      return [name, { data: type === "uint8" ? new Uint8Array(count) : new Float32Array(count), dims }];
    }),
  );
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

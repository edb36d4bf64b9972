/**
 * The exported editor behind a plain static server: the first visit loads all, the next nothing; with the network cut it
 * opens, edits and saves a photograph as the server does; it asks no other origin.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { openBrowser, openEditor, startServer } from "./editor.js";

/** @typedef {import("./editor.js").Editor} Editor */

const PICTURE = fileURLToPath(new URL("../../../src/maskgan/assets/portraits/portrait-5.jpg", import.meta.url));
const RUNTIME = fileURLToPath(new URL("../node_modules/onnxruntime-web", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const MOST_BYTES = 45e6;

/** A random edit network of 128 px. */
const WEIGHTS = `
import sys, torch
from maskgan.checkpoints.metadata import WeightsInfo
from maskgan.checkpoints.weights import save_weights
from maskgan.config import EditNetworkConfig
from maskgan.networks.edit_network import EditNetwork
torch.manual_seed(0)
network = EditNetwork(EditNetworkConfig(base_channels=8, max_channels=16, downsamplings=3, code_size=8, encoder_channels=4))
save_weights(sys.argv[1], network, WeightsInfo("edit", network.config, 128, 0, "untrained, for tests", "none"), torch.float16)
`;

/** @type {string} */
let folder;
/** @type {string} */
let weights;
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "maskgan-web-"));
  weights = join(folder, "edit.safetensors");
  python("-c", WEIGHTS, weights);
  python("-m", "maskgan", "export-web", join(folder, "web"), "--weights", weights, "--runtime", RUNTIME);
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

/** @param {string[]} command */
function python(...command) {
  execFileSync(process.env.PYTHON ?? "python3", command, { stdio: ["ignore", "ignore", "inherit"] });
}

/** A static server without compression or headers of its own; it counts what it sends. */
async function serveFiles() {
  const sent = { bytes: 0, paths: /** @type {string[]} */ ([]) };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const path = join(folder, "web", pathname.replace(/^\/app\//, "/").replace(/\/$/, "/index.html"));
    const size = pathname.startsWith("/app/") ? await stat(path).then((file) => file.size, () => null) : null;
    if (size === null) {
      response.writeHead(404).end();
      return;
    }
    sent.bytes += size;
    sent.paths.push(pathname);
    const type = TYPES[/** @type {keyof typeof TYPES} */ (extname(path))] ?? "application/octet-stream";
    response.writeHead(200, { "Content-Type": type, "Content-Length": size });
    createReadStream(path).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    address: `http://127.0.0.1:${port}/app/`,
    sent,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Open a photograph, apply two named edits and paint a stroke; the saved picture. @param {Editor} editor */
async function edit(editor) {
  await editor.choose("open-picture", [PICTURE]);
  await editor.at("frame-use").click();
  await editor.titled("portrait-5");
  await editor.remember("start");
  for (const name of ["smile", "glasses-clear"]) {
    await editor.at(`edit-${name}`).click();
    await editor.until(name, () => editor.page.evaluate(() => !document.body.hasAttribute("data-editing")));
    await editor.rendered();
  }
  await editor.take("brush", "hair");
  await editor.slide("brush-size", 6);
  await editor.drag([[220, 150], [260, 140], [300, 150]]);
  await editor.rendered();
  const changed = await editor.change("start", [150, 60, 370, 250]);
  assert.ok(changed.inside > 1, `the face changed by ${changed.inside}`);
  await editor.look(`standalone-${new URL(editor.address).pathname.length}`);
  return readFile((await editor.save("png")).path);
}

/**
 * Share of the numbers of two pictures that lie within two grey levels of each other.
 *
 * @param {Editor} editor
 * @param {Buffer[]} pictures PNG
 */
function agreement(editor, pictures) {
  return editor.page.evaluate(async (files) => {
    const [first, second] = await Promise.all(
      files.map(async (file) => {
        const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
        const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
        const context = /** @type {CanvasRenderingContext2D} */ (
          Object.assign(document.createElement("canvas"), { width: bitmap.width, height: bitmap.height }).getContext("2d")
        );
        context.drawImage(bitmap, 0, 0);
        return context.getImageData(0, 0, bitmap.width, bitmap.height);
      }),
    );
    if (first.width !== second.width || first.height !== second.height) return 0;
    let close = 0;
    for (let i = 0; i < first.data.length; i++) close += Number(Math.abs(first.data[i] - second.data[i]) <= 2);
    return close / first.data.length;
  }, pictures.map((picture) => picture.toString("base64")));
}

test("the first visit loads all, the next nothing, and with the network cut a photograph is edited", async () => {
  const files = await serveFiles();
  const editor = await openEditor(browser, files.address);
  /** @type {string[]} */
  const asked = [];
  editor.page.context().on("request", (request) => asked.push(request.url()));
  try {
    await editor.load();
    await editor.until("the service worker", () => editor.page.evaluate(async () => Boolean((await navigator.serviceWorker.ready).active)));
    assert.ok(files.sent.paths.includes("/app/networks/generator.onnx"));
    assert.ok(!files.sent.paths.some((path) => path.includes(".asyncify.wasm")), "without a graphics processor, no files for one");
    assert.ok(files.sent.bytes < MOST_BYTES, `the first visit loaded ${files.sent.bytes} bytes`);

    files.sent.paths.length = 0;
    await editor.load();
    // The browser looks whether there is another service worker.
    const again = files.sent.paths.filter((path) => path !== "/app/service-worker.js");
    assert.deepEqual(again, [], "the second visit loads nothing");
    assert.ok(await editor.page.evaluate(() => globalThis.crossOriginIsolated), "the service worker isolates the page");

    await files.stop();
    await editor.load();
    const picture = await edit(editor);

    const server = await startServer(0, ["--weights", weights]);
    const served = await openEditor(browser, server.address);
    try {
      const expected = await edit(await served.load());
      const share = await agreement(served, [picture, expected]);
      assert.ok(share > 0.99, `${share} of the numbers are within 2 of the server's`);
    } finally {
      await served.close();
      await server.stop();
    }
    const elsewhere = asked.filter((url) => !url.startsWith(files.address) && !/^(blob|data):/.test(url));
    assert.deepEqual(elsewhere, [], "nothing is asked of another origin, nor outside of the folder");
  } finally {
    await files.stop().catch(() => {});
    await editor.close();
  }
});

test("the policy of the page allows WebAssembly and nothing from elsewhere", async () => {
  const files = await serveFiles();
  const editor = await openEditor(browser, files.address);
  try {
    await editor.load();
    const refused = await editor.page.evaluate(async () => {
      // In a task of its own: what the debugger itself runs may evaluate strings.
      const task = () => new Promise((resolve) => setTimeout(resolve, 0));
      /** @param {() => unknown} act */
      const fails = async (act) => task().then(act).then(() => false, () => true);
      return {
        evaluation: await fails(() => new Function("return 1")()),
        elsewhere: await fails(() => fetch("http://127.0.0.1:9/")),
        script: await fails(() => import(["data:text/javascript", "export default 1"].join(","))),
        assembly: await fails(() => WebAssembly.compile(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))),
      };
    });
    assert.deepEqual(refused, { evaluation: true, elsewhere: true, script: true, assembly: false });
  } finally {
    await editor.close();
    await files.stop();
  }
});

/**
 * The exported editor behind a plain static server: the first visit loads all, the next nothing; with the network cut it
 * opens, edits and saves a photograph as the server does; it asks no other origin.
 */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openBrowser, openEditor, startServer } from "./editor.js";
import { RUNTIME, agreement, editPhotograph, kept, python, serveFiles } from "./exported.js";

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

test("the first visit loads all, the next nothing, and with the network cut a photograph is edited", async () => {
  const files = await serveFiles(join(folder, "web"));
  const editor = await openEditor(browser, files.address, {}, "parts");
  /** @type {string[]} */
  const asked = [];
  editor.page.context().on("request", (request) => asked.push(request.url()));
  try {
    await editor.load();
    await kept(editor);
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
    const picture = await editPhotograph(editor);

    const server = await startServer(0, ["--weights", weights]);
    const served = await openEditor(browser, server.address, {}, "parts");
    try {
      const expected = await editPhotograph(await served.load(), "served");
      const { share } = await agreement(served, [picture, expected]);
      assert.ok(share > 0.99, `${share} of the pixels are within 2 levels of the server's`);
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
  const files = await serveFiles(join(folder, "web"));
  const editor = await openEditor(browser, files.address, {}, "parts");
  try {
    await editor.page.goto(editor.address);
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

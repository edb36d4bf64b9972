/** Fine-tuning on the photograph; the server has a dense mapping network of random weights. */

import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import assert from "node:assert/strict";
import { test } from "node:test";
import { eachTestInAnEditor, startServer } from "./editor.js";

const WEIGHTS = `
import sys, torch
from pathlib import Path
from maskgan.checkpoints.metadata import WeightsInfo
from maskgan.checkpoints.weights import save_weights
from maskgan.config import preset
from maskgan.networks.dense_mapping import DenseMappingNetwork
torch.manual_seed(0)
network = DenseMappingNetwork(preset("demo").dense_mapping)
save_weights(Path(sys.argv[1]), network, WeightsInfo("dense-mapping", network.config, 128, 1, "a test", "none"))
`;

/** @typedef {import("./editor.js").Editor} Editor */

/** @type {Editor} */
let editor;

const start = () => {
  const weights = join(mkdtempSync(join(tmpdir(), "refinement-")), "net.safetensors");
  execFileSync(process.env.PYTHON ?? "python3", ["-c", WEIGHTS, weights]);
  return startServer(0, ["--weights", weights]);
};
eachTestInAnEditor((opened) => (editor = opened), { start });

test("the network is fitted to the person while painting goes on; cancelled, undone and done again", async () => {
  let steps = 200;
  await editor.page.route("**/refinement", (route) => {
    const begins = route.request().method() === "POST";
    return route.continue(begins ? { postData: JSON.stringify({ steps }) } : {});
  });
  const saysSoon = (/** @type {RegExp} */ words) =>
    editor.until(String(words), async () => words.test((await editor.at("refine-status").textContent()) ?? ""));
  await editor.at("blend-full").click();
  await editor.rendered();
  await editor.remember("unfitted");
  await editor.at("refine").press("Enter");
  await saysSoon(/Fine-tuning on/);
  await editor.until("progress", async () => /of 200/.test((await editor.at("refine-count").textContent()) ?? ""));
  await editor.take("brush", "hat");
  await editor.drag([[120, 20], [130, 20]]);
  await editor.rendered();
  await editor.look("fitting");
  await editor.at("undo").click(); // what was painted
  // Wanted again before the server has heard of it, the fit would only go on.
  const ended = editor.page.waitForResponse((response) => response.request().method() === "DELETE");
  await editor.at("refine").click(); // cancels
  await saysSoon(/10 seconds/);
  await ended;
  assert.ok(await editor.at("refine-bar").isHidden());

  steps = 2;
  await editor.at("refine").click();
  await saysSoon(/Fine-tuned/);
  const changed = async () => (await editor.change("unfitted")).inside;
  await editor.until("the fitted picture", async () => (await changed()) > 0.5);
  await editor.rendered();
  await editor.look("fitted");
  await editor.at("undo").click();
  await editor.rendered();
  assert.ok((await changed()) < 0.05, "undo goes back to the unfitted network");
  await editor.at("redo").click();
  await editor.until("the fitted picture again", async () => (await changed()) > 0.5);
});

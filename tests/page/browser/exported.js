/** The exported editor in a browser: its static server, what a person edits in it, and how two results compare. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** @typedef {import("./editor.js").Editor} Editor */

const PICTURE = fileURLToPath(new URL("../../../src/maskgan/assets/portraits/portrait-5.jpg", import.meta.url));
export const RUNTIME = fileURLToPath(new URL("../node_modules/onnxruntime-web", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

/** @param {string[]} command */
export function python(...command) {
  execFileSync(process.env.PYTHON ?? "python3", command, { stdio: ["ignore", "ignore", "inherit"] });
}

/**
 * A static server of a folder at /app/, without compression or headers of its own; it counts what it sends.
 *
 * @param {string} folder
 */
export async function serveFiles(folder) {
  const sent = { bytes: 0, paths: /** @type {string[]} */ ([]) };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const path = join(folder, pathname.replace(/^\/app\//, "/").replace(/\/$/, "/index.html"));
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

/**
 * Until the service worker keeps the page.
 *
 * @param {Editor} editor
 */
export async function kept(editor) {
  await editor.until("the service worker", () => editor.page.evaluate(async () => Boolean((await navigator.serviceWorker.ready).active)));
}

/**
 * Open a photograph, apply two named edits and paint a stroke; the saved picture.
 *
 * @param {Editor} editor
 * @param {string} [name] of a screenshot
 */
export async function editPhotograph(editor, name = "exported") {
  await editor.choose("open-picture", [PICTURE]);
  await editor.at("frame-use").click();
  await editor.titled("portrait-5");
  await editor.remember("start");
  await editor.look(`${name}-opened`);
  await editor.at("tab-edits").click();
  for (const edit of ["smile", "glasses-clear"]) {
    await editor.at(`edit-${edit}`).click();
    await editor.until(edit, () => editor.page.evaluate(() => !document.body.hasAttribute("data-editing")));
    await editor.rendered();
  }
  await editor.take("brush", "hair");
  await editor.slide("brush-size", 6);
  await editor.drag([[220, 150], [260, 140], [300, 150]]);
  await editor.rendered();
  const changed = await editor.change("start", [150, 60, 370, 250]);
  assert.ok(changed.inside > 1, `the face changed by ${changed.inside}`);
  await editor.look(`${name}-edited`);
  return readFile((await editor.save("png")).path);
}

/**
 * How two pictures compare, pixel by pixel in all three channels.
 *
 * @param {Editor} editor
 * @param {Buffer[]} pictures PNG
 * @returns {Promise<{share: number, most: number}>} share of pixels within two grey levels of each other, and the largest
 *   difference
 */
export function agreement(editor, pictures) {
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
    if (first.width !== second.width || first.height !== second.height) return { share: 0, most: 255 };
    let [close, most] = [0, 0];
    for (let i = 0; i < first.data.length; i += 4) {
      const difference = Math.max(...[0, 1, 2].map((c) => Math.abs(first.data[i + c] - second.data[i + c])));
      close += Number(difference <= 2);
      most = Math.max(most, difference);
    }
    return { share: (4 * close) / first.data.length, most };
  }, pictures.map((picture) => picture.toString("base64")));
}

/**
 * The exported editor in Chromium: what the visits load, how fast the face follows a pen, memory, and how close its
 * pictures are to the server's.
 *
 *     node benchmarks/web.mjs [--folder build/web] [--rounds 5] [--strokes 200]
 *
 * Exports the editor with the weights that ship (PYTHON names the interpreter), unless --folder names an export. A static
 * server without compression counts bytes. Preview: from a change of the mask to its picture, while the pen moves; final:
 * from pen-up to the picture in full quality; both on a photograph, and on one with edits all over the face, where the
 * window is almost everything. Memory is that of the browser's process that shows the page, read from
 * /proc (Linux) while strokes are painted. Prints medians; needs the packages of tests/page/setup.sh and CHROMIUM.
 */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBrowser, openEditor, startServer } from "../tests/page/browser/editor.js";
import { RUNTIME, agreement, editPhotograph, kept, python, serveFiles } from "../tests/page/browser/exported.js";

/** @typedef {import("../tests/page/browser/editor.js").Editor} Editor */

const STROKE = 3000; // milliseconds
const EVERY = 20; // strokes between readings of the memory

/**
 * @template T
 * @param {string} name of an option
 * @param {T} otherwise
 */
function option(name, otherwise) {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : process.argv[at + 1];
}

/** @param {number[]} values */
function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/**
 * Load the page.
 *
 * @param {Editor} editor
 * @param {Awaited<ReturnType<typeof serveFiles>>} files
 */
async function visit(editor, files) {
  files.sent.bytes = 0;
  const begun = Date.now();
  await editor.load();
  const seconds = (Date.now() - begun) / 1000;
  await kept(editor);
  return { seconds, bytes: files.sent.bytes };
}

/**
 * Paint a stroke, and time what is rendered. The page itself notes when, so that no polling adds to it.
 *
 * @param {Editor} editor
 * @param {number} row
 * @param {number} length milliseconds
 */
async function paint(editor, row, length) {
  await editor.page.evaluate(() => {
    const root = document.documentElement;
    const times = /** @type {{renders: number[], idle: number}} */ ({ renders: [], idle: 0 });
    const observer = new MutationObserver((changes) => {
      for (const { attributeName } of changes) {
        if (attributeName === "data-renders") times.renders.push(performance.timeOrigin + performance.now());
        else if (root.dataset.state === "idle") times.idle = performance.timeOrigin + performance.now();
      }
    });
    observer.observe(root, { attributeFilter: ["data-renders", "data-state"] });
    Object.assign(window, { times });
  });
  const [from, to] = [await editor.placeOf([180, row]), await editor.placeOf([330, row])];
  await editor.page.mouse.move(from.x, from.y);
  await editor.page.mouse.down();
  const begun = Date.now();
  while (Date.now() - begun < length) {
    const share = (Date.now() - begun) / length;
    await editor.page.mouse.move(from.x + share * (to.x - from.x), from.y + 4 * Math.sin(40 * share));
    await editor.page.waitForTimeout(15);
  }
  await editor.page.mouse.up();
  const lifted = Date.now();
  await editor.rendered();
  const times = await editor.page.evaluate(() => Object(window).times);
  const drawn = times.renders.filter((/** @type {number} */ time) => time > begun && time < lifted);
  const first = drawn.length ? (drawn[0] - begun) / 1000 : Infinity;
  return { final: (times.renders.at(-1) - lifted) / 1000, previews: drawn.length / (length / 1000), first };
}

/**
 * Megabytes that the processes showing pages hold.
 *
 * @param {Awaited<ReturnType<typeof openBrowser>>} browser
 */
async function memory(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const held = await Promise.all(
    processInfo.filter(({ type }) => type === "renderer").map(async ({ id }) => {
      const status = await readFile(`/proc/${id}/status`, "utf8").catch(() => "");
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1000;
    }),
  );
  return Math.max(...held);
}

/** @param {string} what @param {string} value */
const report = (what, value) => console.log(`${what.padEnd(68)}${value}`);

/**
 * Paint strokes, and report the medians of what people wait for.
 *
 * @param {Editor} editor
 * @param {number} rounds
 * @param {string} what is painted
 */
async function timeStrokes(editor, rounds, what) {
  await editor.take("brush", "hat");
  const timed = [];
  for (let i = 0; i < rounds; i++) timed.push(await paint(editor, 90 + 12 * i, STROKE));
  report(`${what}: pen-up to final picture`, `median ${median(timed.map(({ final }) => final)).toFixed(2)} s`);
  report(`${what}: first preview after pen-down`, `median ${median(timed.map(({ first }) => first)).toFixed(2)} s`);
  report(`${what}: previews while painting, one each`, `median ${(1 / median(timed.map(({ previews }) => previews))).toFixed(2)} s`);
}

const [rounds, strokes] = [Number(option("--rounds", 5)), Number(option("--strokes", 200))];
const scratch = await mkdtemp(join(tmpdir(), "maskgan-web-"));
const folder = option("--folder", null) ?? join(scratch, "web");
const browser = await openBrowser();
try {
  if (folder.startsWith(scratch)) python("-m", "maskgan", "export-web", folder, "--runtime", RUNTIME);
  const files = await serveFiles(folder);
  const editor = await openEditor(browser, files.address);
  const [first, second] = [await visit(editor, files), await visit(editor, files)];
  report("first visit, without compression", `${(first.bytes / 1e6).toFixed(1)} MB, ${first.seconds.toFixed(1)} s until a face is shown`);
  report("second visit", `${second.bytes} bytes, ${second.seconds.toFixed(1)} s`);
  await files.stop();
  await editor.load();
  const threads = await editor.page.evaluate(() => (globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, 4) : 1));
  report("threads", String(threads));

  await timeStrokes(editor, rounds, "photograph");
  const picture = await editPhotograph(editor);
  const server = await startServer();
  const served = await openEditor(browser, server.address);
  const { share, most } = await agreement(served, [picture, await editPhotograph(await served.load(), "served")]);
  await served.close();
  await server.stop();
  report("pixels within 2 grey levels of the server's", `${(100 * share).toFixed(3)} %, at most ${most} apart`);

  await editor.load();
  await timeStrokes(editor, rounds, "with edits all over the face");

  const held = [];
  for (let i = 0; i < strokes; i++) {
    await editor.take("brush", i % 2 ? "hat" : "hair");
    await paint(editor, 60 + ((7 * i) % 200), 150);
    if ((i + 1) % EVERY === 0) held.push(await memory(browser));
  }
  if (held.length) report(`memory while ${strokes} strokes were painted`, `${held.map(Math.round).join(", ")} MB`);
  await editor.close();
} finally {
  await browser.close();
  await rm(scratch, { recursive: true, force: true });
}

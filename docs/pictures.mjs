/**
 * Makes the pictures of this folder that show the shipped weights, on rendered portraits: the editor in both themes
 * (editor.jpg, editor-dark.jpg), edits before and after (demo.jpg), what fails (failures.jpg), faces between two
 * (interpolation.jpg).
 *
 *     node docs/pictures.mjs [NAME...]
 *
 * Names choose among editor, demo, failures and interpolation. Starts `maskgan` (PYTHON names the interpreter) and Chromium
 * (CHROMIUM); needs tests/page/setup.sh.
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openBrowser, openEditor, startServer } from "../tests/page/browser/editor.js";

/** @typedef {Awaited<ReturnType<typeof openBrowser>>} Browser */

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const PORTRAITS = fileURLToPath(new URL("../src/maskgan/assets/portraits/", import.meta.url));
const WINDOW = { viewport: { width: 1280, height: 800 } };
const QUALITY = 78;
const NOTICE = 4500; // milliseconds until notices have left

/** Portraits and edits of demo.jpg. */
const ROWS = [7, 2];
const COLUMNS = [
  { title: "photograph", edits: [] },
  { title: "smile", edits: ["smile=0.7"] },
  { title: "clear glasses", edits: ["glasses=clear"] },
  { title: "red hair", edits: ["hair-colour=red"] },
  { title: "all three, and a hat", edits: ["smile=0.7", "glasses=clear", "hair-colour=red", "hat=brim"] },
];

/** Portraits and edits of failures.jpg, in the order of the model card's limitations. @type {[number, string][]} */
const FAILURES = [
  [2, "bald"],
  [7, "smile=-1"],
  [6, "face-narrower=-1"],
  [1, "remove-glasses"],
  [9, "hair-fuller=1"],
  [1, "glasses=clear"],
];

/** @param {string[]} command of maskgan */
function maskgan(...command) {
  execFileSync(process.env.PYTHON ?? "python3", ["-m", "maskgan", ...command], { stdio: ["ignore", "ignore", "inherit"] });
}

/** @param {Browser} browser */
async function editor(browser) {
  const server = await startServer();
  try {
    for (const theme of /** @type {const} */ (["light", "dark"])) {
      const page = await (await openEditor(browser, server.address, { ...WINDOW, colorScheme: theme })).load();
      for (const edit of ["edit-smile", "edit-glasses-clear"]) {
        await page.at(edit).click();
        await page.rendered();
      }
      if (theme === "dark") {
        await page.at("tab-colours").click();
        await page.at("hair-colour-red").click();
        await page.rendered();
      }
      await page.page.locator("#panel-edits").evaluate((panel) => panel.scrollTo({ top: 0 }));
      const seen = () =>
        page.page.evaluate(() => {
          const cards = /** @type {HTMLImageElement[]} */ ([...document.querySelectorAll(".card-picture img")]);
          return cards.every((card) => card.naturalWidth > 0 || !card.checkVisibility() || card.getBoundingClientRect().top > innerHeight);
        });
      await page.until("thumbnails", seen);
      await page.page.waitForTimeout(NOTICE);
      const path = `${FOLDER}${theme === "light" ? "editor.jpg" : "editor-dark.jpg"}`;
      await page.page.screenshot({ path, type: "jpeg", quality: QUALITY });
      await page.close();
    }
  } finally {
    await server.stop();
  }
}

/**
 * A picture of a piece of HTML.
 *
 * @param {Browser} browser
 * @param {string} body
 * @param {number} width
 * @param {string} path
 */
async function shoot(browser, body, width, path) {
  const page = await browser.newPage({ viewport: { width, height: 100 } });
  await page.setContent(`<!doctype html><body style="margin: 0; background: #fff; font: 17px sans-serif">${body}`);
  await page.evaluate(() => Promise.all([...document.images].map((image) => image.decode())));
  await page.screenshot({ path, type: "jpeg", quality: QUALITY, fullPage: true });
  await page.close();
}

/** @param {string} path of a picture, as the address that carries it */
function embedded(path) {
  return `data:image/${path.endsWith(".jpg") ? "jpeg" : "png"};base64,${readFileSync(path).toString("base64")}`;
}

/**
 * A portrait after edits, with a title.
 *
 * @param {number} number
 * @param {string[]} edits none: the photograph
 * @param {string} title
 * @param {string} scratch
 */
function figure(number, edits, title, scratch) {
  const photograph = `${PORTRAITS}portrait-${number}.jpg`;
  const path = edits.length ? join(scratch, `${number}-${edits.join("-")}.png`) : photograph;
  if (edits.length) {
    // The portrait's own mask: what fails here is not the parser's doing.
    const mask = `${PORTRAITS}portrait-${number}.png`;
    maskgan("edit", photograph, "--mask", mask, ...edits.flatMap((edit) => ["--apply", edit]), "-o", path);
  }
  return `<figure style="margin: 0"><figcaption style="padding: 6px; text-align: center">${title}</figcaption>`
    + `<img src="${embedded(path)}" style="display: block; width: 100%"></figure>`;
}

/**
 * @param {Browser} browser
 * @param {string[]} cells
 * @param {number} columns
 * @param {string} name of the file
 */
async function sheet(browser, cells, columns, name) {
  const grid = `display: grid; grid-template-columns: repeat(${columns}, 1fr); gap: 6px; padding: 6px`;
  await shoot(browser, `<div style="${grid}">${cells.join("")}</div>`, 300 * columns, `${FOLDER}${name}`);
}

/**
 * @param {Browser} browser
 * @param {string} scratch
 */
async function demo(browser, scratch) {
  const cells = ROWS.flatMap((number) => COLUMNS.map(({ title, edits }) => figure(number, edits, title, scratch)));
  await sheet(browser, cells, COLUMNS.length, "demo.jpg");
}

/**
 * @param {Browser} browser
 * @param {string} scratch
 */
async function failures(browser, scratch) {
  const cells = FAILURES.flatMap(([number, edit], i) => [
    figure(number, [], `${i + 1}.`, scratch),
    figure(number, [edit], edit, scratch),
  ]);
  await sheet(browser, cells, 4, "failures.jpg");
}

/**
 * @param {Browser} browser
 * @param {string} scratch
 */
async function interpolation(browser, scratch) {
  const path = join(scratch, "interpolation.png");
  const [first, last] = [7, 2].map((number) => `${PORTRAITS}portrait-${number}`);
  maskgan("interpolate", `${first}.png`, `${last}.png`, "--image", `${first}.jpg`, "-n", "6", "-o", path);
  await shoot(browser, `<img src="${embedded(path)}" style="display: block; width: 100%">`, 1024, `${FOLDER}interpolation.jpg`);
}

const PICTURES = /** @type {Record<string, (browser: Browser, scratch: string) => Promise<void>>} */ ({ editor, demo, failures, interpolation });

const scratch = mkdtempSync(join(tmpdir(), "maskgan-pictures-"));
const browser = await openBrowser();
try {
  const names = process.argv.slice(2);
  for (const name of names.length ? names : Object.keys(PICTURES)) await PICTURES[name](browser, scratch);
} finally {
  await browser.close();
  rmSync(scratch, { recursive: true });
}

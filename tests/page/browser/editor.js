/** The editor in a real browser: the server as a process, Chromium, and what a person does on the page. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { after, afterEach, before, beforeEach } from "node:test";
import { chromium, firefox } from "playwright-core";

/**
 * @typedef {import("playwright-core").Browser} Browser
 * @typedef {import("playwright-core").Page} Page
 * @typedef {[number, number]} Point column and row of the mask, 0..511
 */

const SIDE = 512; // of the masks in these tests
const PATIENCE = 60_000; // milliseconds; machines that test are often busy
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];

/** Which browser the tests run in; Firefox is Playwright's build of it, which alone Playwright can drive. */
export const BROWSER = process.env.BROWSER ?? "chromium";

/** The browser, headless: Chromium, or Firefox where `BROWSER` says so. */
export function openBrowser() {
  if (BROWSER === "firefox") {
    const executablePath = process.env.FIREFOX ?? firefox.executablePath();
    assert.ok(existsSync(executablePath), `${executablePath} is missing; FIREFOX names another of Playwright's builds`);
    return firefox.launch({ executablePath });
  }
  assert.equal(BROWSER, "chromium", "BROWSER is chromium or firefox");
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  assert.ok(existsSync(executablePath), `${executablePath} is missing; CHROMIUM names another`);
  return chromium.launch({ executablePath, args: FLAGS });
}

/**
 * A server as people start it.
 *
 * @param {number} [port] any if absent
 * @param {string[]} [options]
 */
export async function startServer(port = 0, options = []) {
  const command = ["-m", "maskgan", "serve", "--quiet", "--port", String(port), ...options];
  const server = spawn(process.env.PYTHON ?? "python3", command, { stdio: ["ignore", "pipe", "inherit"] });
  const address = await new Promise((resolve, reject) => {
    let said = "";
    server.stdout.on("data", (text) => {
      said += text;
      const found = said.match(/http:\S+/);
      if (found) resolve(found[0]);
    });
    server.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
  });
  const ended = new Promise((resolve) => server.on("exit", resolve));
  return {
    address: /** @type {string} */ (address),
    port: Number(new URL(address).port),
    async stop() {
      server.kill("SIGINT");
      assert.equal(await ended, 0, "the server ends well");
    },
  };
}

/** The server that `EDITOR_ADDRESS` names, which other tests use too; where it names none, one of their own. */
async function anyServer() {
  const address = process.env.EDITOR_ADDRESS;
  return address ? { address, async stop() {} } : startServer();
}

/**
 * A server and a browser for the tests of a file, and a window of its own for each.
 *
 * @param {(editor: Editor) => void} give told of each window
 * @param {object} [options]
 * @param {() => ReturnType<typeof anyServer>} [options.start] gives the server
 * @param {string} [options.tab] the panel that windows show first; all but "edits" spare the server its thumbnails
 * @returns {{open: (options?: import("playwright-core").BrowserContextOptions, address?: string) => Promise<Editor>}} opens
 *   further windows, of the same server or another
 */
export function eachTestInAnEditor(give, { start = anyServer, tab = "parts" } = {}) {
  /** @type {Awaited<ReturnType<typeof anyServer>>} */
  let server;
  /** @type {Browser} */
  let browser;
  /** @type {Editor} */
  let editor;
  const open = async (
    /** @type {import("playwright-core").BrowserContextOptions} */ options = {},
    address = server.address,
  ) => (await openEditor(browser, address, options, tab)).load();
  before(async () => {
    server = await start();
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });
  beforeEach(async () => {
    editor = await open();
    give(editor);
  });
  afterEach(() => editor.close());
  return { open };
}

/**
 * The editor in a window of its own, on the first portrait; what it says amiss fails the test.
 *
 * @param {Browser} browser
 * @param {string} address
 * @param {import("playwright-core").BrowserContextOptions} [options]
 * @param {string} [tab] the panel that it shows first
 */
export async function openEditor(browser, address, options = {}, tab = "edits") {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, acceptDownloads: true, ...options });
  context.setDefaultTimeout(PATIENCE);
  if (tab !== "edits") {
    await context.addInitScript((shown) => {
      const key = "maskgan-preferences";
      if (location.protocol.startsWith("http")) localStorage[key] ??= JSON.stringify({ tab: shown });
    }, tab);
  }
  return new Editor(await context.newPage(), address);
}

/** One page of the editor. */
export class Editor {
  /**
   * @param {Page} page
   * @param {string} address
   */
  constructor(page, address) {
    this.page = page;
    this.address = address;
    /** @type {string[]} */
    this.faults = [];
    page.on("pageerror", (error) => this.faults.push(error.message));
  }

  async load() {
    await this.page.goto(this.address);
    await this.rendered();
    return this;
  }

  async close() {
    assert.deepEqual(this.faults, [], "no script failed");
    await this.page.context().close();
  }

  /** Another tab of the same browser profile. */
  async another() {
    return new Editor(await this.page.context().newPage(), this.address).load();
  }

  /**
   * Ask the page again and again until it says yes. (Playwright's own waiting evaluates strings, which the page's
   * content security policy forbids.)
   *
   * @param {string} what
   * @param {() => Promise<boolean>} holds
   */
  async until(what, holds) {
    const end = Date.now() + PATIENCE;
    while (!(await holds())) {
      assert.ok(Date.now() < end, `waited in vain for ${what}`);
      await this.page.waitForTimeout(20);
    }
  }

  /** Until the face follows the mask as it is, and is drawn. */
  async rendered() {
    const isCalm = () =>
      this.page.evaluate(async () => {
        const { dataset } = document.documentElement;
        const calm = () => dataset.state === "idle" && Number(dataset.renders) > 0 && !document.body.hasAttribute("data-editing");
        const end = performance.now() + 500;
        while (!calm() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
        if (!calm()) return false;
        // What was just done shows in the state, and what has just arrived on the canvas, after a frame or two; tabs in
        // the background have none.
        for (let i = 0; i < 3; i++) {
          await new Promise((resolve) => {
            requestAnimationFrame(resolve);
            setTimeout(resolve, 100);
          });
        }
        return calm();
      });
    await this.until("a picture", isCalm);
  }

  /** Until the page has drawn what it knows. */
  async drawn() {
    await this.page.evaluate(async () => {
      for (let i = 0; i < 2; i++) await new Promise((resolve) => requestAnimationFrame(resolve));
    });
  }

  /** @param {string} title */
  async titled(title) {
    await this.until(`the title ${title}`, async () => (await this.at("title").textContent()) === title);
    await this.rendered();
  }

  /** @param {string} id */
  at(id) {
    return this.page.getByTestId(id);
  }

  /**
   * Choose a tool, and a class to paint with.
   *
   * @param {string} tool
   * @param {string} [face]
   */
  async take(tool, face) {
    await this.at(`tool-${tool}`).click();
    if (face !== undefined) {
      await this.at("tab-parts").click();
      await this.at(`class-${face}`).click();
    }
  }

  /**
   * Where a place of the mask is on the page.
   *
   * @param {Point} point
   */
  async placeOf([x, y]) {
    const { left, top, width, height, scale } = await this.page.evaluate(() => {
      const box = document.querySelector("#mask-canvas")?.getBoundingClientRect();
      const zoom = document.querySelector("#zoom-level")?.textContent ?? "";
      return { ...box?.toJSON(), scale: Number.parseFloat(zoom) / 100 };
    });
    assert.ok(width > 0, "the mask is shown");
    return {
      x: left + width / 2 + (x + 0.5 - SIDE / 2) * scale,
      y: top + height / 2 + (y + 0.5 - SIDE / 2) * scale,
    };
  }

  /**
   * Press, move along points, let go.
   *
   * @param {Point[]} points
   */
  async drag(points) {
    for (const [i, point] of points.entries()) {
      const { x, y } = await this.placeOf(point);
      await this.page.mouse.move(x, y, { steps: i ? 5 : 1 });
      if (!i) await this.page.mouse.down();
    }
    await this.page.mouse.up();
  }

  /** @param {Point} point */
  async click(point) {
    const { x, y } = await this.placeOf(point);
    await this.page.mouse.click(x, y);
  }

  /**
   * The class at a place of the mask, as the page names it.
   *
   * @param {Point} point
   */
  async classAt(point) {
    const { x, y } = await this.placeOf(point);
    await this.page.mouse.move(x, y + 3);
    await this.page.mouse.move(x, y);
    return (await this.at("hovered-class").textContent()) ?? "";
  }

  /**
   * Keep what the result shows, for `change`.
   *
   * @param {string} name
   */
  async remember(name) {
    await this.page.evaluate((kept) => {
      const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector("#result-canvas"));
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      const all = /** @type {Record<string, ImageData>} */ (Object(window).remembered ?? {});
      all[kept] = context.getImageData(0, 0, canvas.width, canvas.height);
      Object(window).remembered = all;
    }, name);
  }

  /**
   * How much the result differs from what was remembered: mean over channels, 0..255, inside a part of the mask and
   * outside it.
   *
   * @param {string} name
   * @param {[number, number, number, number]} [part] left, top, right, bottom; all of it if absent
   */
  async change(name, part = [0, 0, SIDE, SIDE]) {
    const scale = Number.parseFloat((await this.at("zoom-level").textContent()) ?? "") / 100;
    return this.page.evaluate(
      ({ kept, box, size, side }) => {
        const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector("#result-canvas"));
        const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
        const { width, height } = canvas;
        const density = width / canvas.clientWidth;
        const before = Object(window).remembered[kept].data;
        const now = context.getImageData(0, 0, width, height).data;
        const sums = { inside: 0, outside: 0 };
        const counts = { inside: 0, outside: 0 };
        for (let row = 0; row < height; row++) {
          for (let column = 0; column < width; column++) {
            const x = (column - width / 2) / (size * density) + side / 2;
            const y = (row - height / 2) / (size * density) + side / 2;
            if (x < 0 || y < 0 || x >= side || y >= side) continue;
            const where = x >= box[0] && x < box[2] && y >= box[1] && y < box[3] ? "inside" : "outside";
            const i = 4 * (row * width + column);
            for (let c = 0; c < 3; c++) sums[where] += Math.abs(before[i + c] - now[i + c]) / 3;
            counts[where]++;
          }
        }
        return {
          inside: sums.inside / Math.max(counts.inside, 1),
          outside: sums.outside / Math.max(counts.outside, 1),
        };
      },
      { kept: name, box: part, size: scale, side: SIDE },
    );
  }

  /**
   * Move a slider as its keys do.
   *
   * @param {string} id
   * @param {number} value
   */
  async slide(id, value) {
    await this.at(id).fill(String(value));
  }

  /**
   * Save, and read the file.
   *
   * @param {"png" | "jpeg" | "photograph" | "mask" | "project" | "recipe"} what
   */
  async save(what) {
    await this.at("save").click();
    const [download] = await Promise.all([this.page.waitForEvent("download"), this.at(`save-${what}`).click()]);
    const path = /** @type {string} */ (await download.path());
    return { path, name: download.suggestedFilename() };
  }

  /**
   * Choose files where a button asks for them.
   *
   * @param {string} button
   * @param {string[]} paths
   */
  async choose(button, paths) {
    await this.at("open").click();
    const [chooser] = await Promise.all([this.page.waitForEvent("filechooser"), this.at(button).click()]);
    await chooser.setFiles(paths);
  }

  /** The message of an error, which is then put away. */
  async complaint() {
    const message = this.at("error").first();
    await message.waitFor();
    const text = (await message.getAttribute("data-text")) ?? "";
    await message.getByRole("button", { name: "Dismiss" }).click();
    return text;
  }

  /**
   * Keep a picture of the page where `SCREENSHOTS` names a folder.
   *
   * @param {string} name
   */
  async look(name) {
    const folder = process.env.SCREENSHOTS;
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: `${folder}/${name}.png` });
  }
}

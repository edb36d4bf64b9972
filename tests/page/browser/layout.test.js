/** Layout from a small phone to a desktop, in both themes: nothing overflows, nothing overlaps, WCAG AA by axe-core. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";
import { BROWSER, eachTestInAnEditor } from "./editor.js";

/** @typedef {import("./editor.js").Editor} Editor */

const SIZES = /** @type {const} */ ([[1600, 900], [1280, 800], [1024, 768], [844, 390], [390, 844], [320, 640]]);
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const TOUCH_TARGET = 44; // CSS pixels

/** @type {Editor} */
let editor;

const windows = eachTestInAnEditor((opened) => (editor = opened), { tab: "edits" });

/**
 * @param {number} width
 * @param {number} height
 */
async function resize(width, height) {
  await editor.page.setViewportSize({ width, height });
  await editor.until("the size", () => editor.page.evaluate(([w, h]) => innerWidth === w && innerHeight === h, [width, height]));
  await editor.drawn();
}

/**
 * Visible buttons and sliders that are cut off by the window, or covered by something else in their middle.
 *
 * @param {Editor} [page]
 */
function unreachable(page = editor) {
  return page.page.evaluate(() => {
    const faults = [];
    for (const element of document.querySelectorAll("button, input, [role=slider]")) {
      const box = element.getBoundingClientRect();
      if (!box.width || !element.checkVisibility()) continue;
      const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
      let isScrolledAway = false;
      for (let parent = element.parentElement; parent; parent = parent.parentElement) {
        if (!/auto|scroll/.test(getComputedStyle(parent).overflow)) continue;
        const area = parent.getBoundingClientRect();
        isScrolledAway ||= box.top < area.top || box.bottom > area.bottom || box.left < area.left || box.right > area.right;
      }
      if (isScrolledAway) continue;
      const name = element.getAttribute("data-testid") ?? element.id;
      const hit = document.elementFromPoint(x, y);
      if (box.left < -0.5 || box.right > innerWidth + 0.5 || box.bottom > innerHeight + 0.5) faults.push(`${name} is cut off`);
      else if (!hit || !(element.contains(hit) || hit.contains(element))) faults.push(`${name} is covered by ${hit?.className}`);
    }
    const { scrollWidth, scrollHeight } = document.documentElement;
    if (scrollWidth > innerWidth || scrollHeight > innerHeight) faults.push(`the page is ${scrollWidth}x${scrollHeight}`);
    return faults;
  });
}

/**
 * Controls of the bars that reach beyond their bar or the window, whatever the title.
 *
 * @param {Editor} [page]
 */
function cutOff(page = editor) {
  return page.page.evaluate(() => {
    const title = /** @type {HTMLElement} */ (document.querySelector("#title"));
    const short = title.textContent;
    title.textContent = "holiday photograph of a long name ".repeat(9);
    const faults = [];
    for (const bar of document.querySelectorAll(".app-bar, .view-bar, .tabs")) {
      const { left, right } = bar.getBoundingClientRect();
      const end = Math.min(right, innerWidth) + 0.5;
      for (const control of bar.querySelectorAll("button, input, #title")) {
        const box = control.getBoundingClientRect();
        if (box.width && (box.left < left - 0.5 || box.right > end)) faults.push(`${control.id || control.getAttribute("data-testid")}: ${box.left}..${box.right}`);
      }
    }
    if (title.title !== short) faults.push(`the title's tooltip is ${title.title}`);
    title.textContent = short;
    return faults;
  });
}

/** Side of the visible face in screen pixels. */
async function faceSide() {
  const label = await editor.page.evaluate(() => document.querySelector("#zoom-level")?.textContent ?? "");
  return (512 * Number.parseFloat(label)) / 100;
}

for (const [width, height] of SIZES) {
  test(`${width}x${height}: all controls are reachable, the face uses the window`, async () => {
    await resize(width, height);
    for (const tab of ["edits", "colours", "parts"]) {
      await editor.at(`tab-${tab}`).click();
      assert.deepEqual(await unreachable(), [], tab);
      assert.deepEqual(await cutOff(), [], tab);
    }
    for (const tool of ["brush", "move", "bend", "stamp"]) {
      await editor.at(`tool-${tool}`).click();
      await editor.look(`${width}x${height}-${tool}`);
      assert.deepEqual(await unreachable(), [], tool);
    }
    await editor.at("tool-brush").click();
    const side = await faceSide();
    const least = { 1600: 560, 1280: 600, 1024: 480, 844: 200, 390: 330, 320: 230 }[width];
    assert.ok(side >= least, `the face is ${side} px wide`);
    await editor.at("theme").click();
    await editor.look(`${width}x${height}-other-theme`);
  });
}

/**
 * @param {string} name
 * @param {string} [part] the selector of what is checked; all of the page if absent
 */
async function check(name, part) {
  const { violations } = await editor.page.evaluate(
    async (selector) => {
      const { axe } = Object(window);
      // Colours that still fade are neither the one nor the other.
      const fading = document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity);
      await Promise.allSettled(fading.map(({ finished }) => finished));
      return axe.run(selector ?? document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] });
    },
    part,
  );
  const found = violations.map((/** @type {any} */ { id, nodes }) =>
    `${id}: ${nodes.map((/** @type {any} */ node) => `${node.target} ${node.failureSummary}`).slice(0, 4).join("; ")}`);
  assert.deepEqual(found, [], name);
}

const needsChromium = { skip: BROWSER !== "chromium" && "only Chromium lets the test run axe-core past the page's CSP" };

test("WCAG AA holds in both themes, on desktop and phone, with dialogs and messages", needsChromium, async () => {
  // Injected through the debugger: the page's content security policy allows no foreign scripts.
  const source = await readFile(AXE, "utf8");
  const session = await editor.page.context().newCDPSession(editor.page);
  await session.send("Runtime.evaluate", { expression: source });
  for (const theme of ["first", "second"]) {
    for (const [width, height] of /** @type {const} */ ([[1280, 800], [390, 844]])) {
      await resize(width, height);
      for (const tab of ["edits", "colours", "parts", "shape", "style"]) {
        await editor.at(`tab-${tab}`).click();
        // A tab changes its panel and the list of tabs alone.
        await check(`${theme} theme, ${width}x${height}, ${tab}`, tab === "edits" ? undefined : `[role=tablist]:has(#tab-${tab}), #panel-${tab}`);
      }
      await editor.at("tab-parts").click();
      await editor.at("tool-stamp").click();
      await editor.at("open").click();
      await check(`${theme} theme, ${width}x${height}, Open dialog`, "#open-dialog");
      await editor.look(`open-${theme}-${width}`);
      await editor.page.keyboard.press("Escape");
      await editor.page.keyboard.press("?");
      await check(`${theme} theme, ${width}x${height}, help`, "#help-dialog");
      await editor.page.keyboard.press("Escape");
    }
    await editor.at("theme").click();
  }
});

test("touch targets are 44 px", async () => {
  const phone = await windows.open({ viewport: { width: 390, height: 844 }, isMobile: BROWSER === "chromium", hasTouch: true });
  for (const tab of ["edits", "colours", "parts", "shape", "style"]) {
    await phone.at(`tab-${tab}`).click();
    const small = await phone.page.evaluate((least) => {
      const faults = [];
      for (const element of document.querySelectorAll("button, input")) {
        if (!element.checkVisibility()) continue;
        const { width, height } = (element.closest("label") ?? element).getBoundingClientRect();
        if (width && (width < least - 0.5 || height < least - 0.5)) faults.push(`${element.getAttribute("data-testid") ?? element.id}: ${width}x${height}`);
      }
      return faults;
    }, TOUCH_TARGET);
    assert.deepEqual(small, [], tab);
  }
  assert.deepEqual(await unreachable(phone), []);
  assert.deepEqual(await cutOff(phone), []);
  await phone.look("touch-390x844");
  for (const [width, height] of [[320, 640], [844, 390], [720, 450], [820, 1180]]) {
    await phone.page.setViewportSize({ width, height });
    await phone.until("the size", () => phone.page.evaluate((wanted) => innerWidth === wanted, width));
    for (const tab of ["edits", "parts"]) {
      await phone.at(`tab-${tab}`).click();
      assert.deepEqual(await cutOff(phone), [], `${width}x${height}, ${tab}`);
    }
  }
  await phone.close();
});

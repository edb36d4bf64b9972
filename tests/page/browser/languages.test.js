import assert from "node:assert/strict";
import { test } from "node:test";
import { eachTestInAnEditor } from "./editor.js";

/** @type {import("./editor.js").Editor} */
let editor;
const { open } = eachTestInAnEditor((given) => (editor = given));

/** Language and direction of the page. */
const shown = () => editor.page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]);

test("the browser's language is taken, another one can be chosen, and the work goes on", async () => {
  await editor.close();
  editor = await open({ locale: "de-DE" });
  assert.deepEqual(await shown(), ["de", "ltr"]);
  assert.equal(await editor.at("tool-brush").getAttribute("aria-label"), "Pinsel");
  await editor.at("tab-edits").click();
  for (const [width, height] of [[844, 390], [1024, 768], [1280, 720]]) {
    await editor.page.setViewportSize({ width, height });
    await editor.until("the size", () => editor.page.evaluate((wanted) => innerWidth === wanted, width));
    const broken = await editor.page.evaluate(() => {
      const names = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".card-name")]).filter((name) => name.checkVisibility());
      const fits = (/** @type {HTMLElement} */ name) => name.scrollWidth <= name.clientWidth && getComputedStyle(name).overflowWrap === "normal";
      return names.filter((name) => !fits(name)).map(({ textContent }) => textContent);
    });
    assert.deepEqual(broken, [], `whole words on the cards at ${width}x${height}`);
  }
  await editor.take("brush", "hat");
  await editor.drag([[250, 60], [300, 60]]);
  await editor.rendered();
  assert.match((await editor.at("undo").getAttribute("aria-label")) ?? "", /Hut malen/);

  await Promise.all([editor.page.waitForEvent("load"), editor.at("language").selectOption("es")]);
  await editor.rendered();
  assert.deepEqual(await shown(), ["es", "ltr"]);
  assert.equal(await editor.at("save").getAttribute("aria-label"), "Guardar");
  assert.equal(await editor.at("undo").isEnabled(), true, "the stroke is still there");
  await editor.page.reload();
  await editor.rendered();
  assert.deepEqual(await shown(), ["es", "ltr"], "the choice is kept");
});

test("a language written from right to left mirrors the page, not the face", async () => {
  const left = async (/** @type {string} */ id) => (await editor.at(id).boundingBox())?.x ?? NaN;
  assert.ok((await left("tool-brush")) < (await left("tab-parts")));
  const face = await editor.classAt([256, 300]);
  await editor.close();
  editor = await open({ locale: "ar" });
  assert.deepEqual(await shown(), ["ar", "rtl"]);
  assert.ok((await left("tool-brush")) > (await left("tab-parts")), "tools on the right");
  assert.ok((await left("undo")) > (await left("save")), "the bar runs from right to left");
  assert.equal(face, "nose");
  assert.equal(await editor.classAt([256, 300]), "الأنف");
  const width = await editor.page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(width[0] <= width[1], "nothing overflows");
  // Arrow keys follow the eye.
  await editor.at("tab-parts").focus();
  await editor.page.keyboard.press("ArrowLeft");
  assert.equal(await editor.at("tab-shape").getAttribute("aria-selected"), "true");
  await editor.look("right-to-left");
  await editor.at("compare").click();
  await editor.at("split").focus();
  const before = Number(await editor.at("split").getAttribute("aria-valuenow"));
  await editor.page.keyboard.press("ArrowLeft");
  assert.ok(Number(await editor.at("split").getAttribute("aria-valuenow")) < before, "the divider moves left");
});

/** Parts as wholes: bent, moved, painted on both sides; accessories; shape; styles. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { eachTestInAnEditor } from "./editor.js";

/** @typedef {import("./editor.js").Editor} Editor */

/** @type {Editor} */
let editor;

eachTestInAnEditor((opened) => (editor = opened));

test("the corner of the mouth is dragged up", async () => {
  await editor.remember("start");
  await editor.take("bend");
  assert.equal(await editor.classAt([315, 358]), "skin");
  await editor.drag([[308, 375], [312, 360], [316, 350]]);
  await editor.rendered();
  assert.match(await editor.classAt([311, 360]), /lip|mouth/);
  assert.equal(await editor.classAt([320, 247]), "left eye");
  assert.ok((await editor.change("start", [230, 300, 400, 460])).inside > 0.2);
  await editor.look("bent-mouth");
});

test("a part is moved, and the place that it leaves is filled", async () => {
  await editor.take("move");
  await editor.click([258, 398]);
  await editor.drag([[258, 398], [258, 412], [258, 426]]);
  await editor.page.keyboard.press("Enter");
  assert.match(await editor.classAt([258, 424]), /lip|mouth/);
  assert.equal(await editor.classAt([258, 372]), "skin");
  await editor.at("undo").click();
  assert.match(await editor.classAt([258, 398]), /lip|mouth/);
});

test("a part is scaled by its handles", async () => {
  await editor.take("move");
  await editor.click([258, 398]);
  assert.equal(await editor.classAt([326, 377]), "skin");
  await editor.drag([[316, 413], [331, 419], [346, 425]]);
  await editor.page.keyboard.press("Enter");
  assert.match(await editor.classAt([326, 377]), /lip|mouth/);
});

test("symmetric painting: strokes, erasing, fills and bends on both sides, left and right classes exchanged", async () => {
  await editor.page.keyboard.press("m");
  assert.equal(await editor.at("symmetry").getAttribute("aria-pressed"), "true");
  await editor.take("brush", "l_eye");
  await editor.drag([[330, 300], [350, 300]]);
  assert.equal(await editor.classAt([340, 300]), "left eye");
  assert.equal(await editor.classAt([176, 300]), "right eye");
  await editor.look("symmetric");
  await editor.take("eraser");
  await editor.drag([[330, 300], [350, 300]]);
  assert.equal(await editor.classAt([340, 300]), "skin");
  assert.equal(await editor.classAt([176, 300]), "skin");
  await editor.remember("start");
  await editor.take("bend");
  await editor.drag([[308, 375], [312, 360], [316, 350]]);
  await editor.rendered();
  assert.match(await editor.classAt([311, 360]), /lip|mouth/);
  assert.match(await editor.classAt([206, 360]), /lip|mouth/);
  await editor.look("symmetric-smile");
  assert.ok((await editor.change("start", [130, 300, 390, 460])).inside > 0.2);
  await editor.at("symmetry").click();
  await editor.take("fill", "hat");
  await editor.click([258, 51]);
  assert.equal(await editor.classAt([230, 60]), "hat");
});

test("glasses are laid, moved and placed", async () => {
  await editor.remember("start");
  await editor.take("stamp");
  await editor.at("stamp-glasses").click();
  await editor.look("glasses-laid");
  await editor.at("stamp-apply").click();
  await editor.rendered();
  const change = await editor.change("start", [60, 180, 450, 320]);
  assert.ok(change.inside > 0.5, `around the eyes ${change.inside} changed`);
  assert.ok(change.outside < 0.1, `elsewhere ${change.outside} changed`);
  await editor.look("glasses");
  for (const name of ["hat", "earrings", "necklace"]) {
    await editor.at(`stamp-${name}`).click();
    await editor.at("stamp-apply").click();
  }
  await editor.rendered();
  await editor.look("all-accessories");
  for (let i = 0; i < 4; i++) await editor.at("undo").click();
  await editor.rendered();
  assert.ok((await editor.change("start")).inside < 0.05, "undo takes each of them back");
});

test("another face's style is copied, mixed and reset", async () => {
  await editor.remember("own");
  await editor.at("tab-style").click();
  await editor.at("style-portrait-2").click();
  await editor.rendered();
  await editor.look("style");
  const whole = (await editor.change("own")).inside;
  assert.ok(whole > 5, `the face changed by ${whole}`);
  await editor.slide("style-strength", 0.4);
  await editor.rendered();
  await editor.at("undo").click();
  await editor.rendered();
  const hasParts = await editor.page.evaluate(async () => (await (await fetch("/api/info")).json()).style_parts);
  assert.equal(await editor.at("style-part-hair").isVisible(), hasParts);
  if (hasParts) await copyHairStyle();
  await editor.at("style-reset").click();
  await editor.rendered();
  assert.ok((await editor.change("own")).inside < 0.05, "the own style gives the own face");
});

/** From the style of everything, and back to it. */
async function copyHairStyle() {
  await editor.at("style-part-hair").click();
  await editor.rendered();
  await editor.look("style-hair");
  const { inside, outside } = await editor.change("own", [60, 20, 440, 140]);
  assert.ok(inside > 2 && outside < inside / 3, `hair changed by ${inside}, the rest by ${outside}`);
  const chin = await editor.change("own", [200, 430, 300, 470]);
  assert.ok(chin.inside < 0.05, "the rest is the photograph's");
  assert.ok(await editor.at("style-part-glasses").isHidden(), "no part that the face lacks");
  await editor.at("undo").click();
  await editor.rendered();
  assert.equal(await editor.at("style-part-everything").getAttribute("aria-pressed"), "true");
}

test("the whole mask moves through the space of masks", async () => {
  await editor.remember("start");
  await editor.at("tab-shape").click();
  const kept = async () => !(await editor.at("undo").isDisabled());
  await editor.slide("shape-random", 1);
  await editor.until("the moved mask", kept);
  await editor.rendered();
  await editor.look("random-face");
  assert.ok((await editor.change("start")).inside > 0.5);
  await editor.at("undo").click();
  await editor.rendered();
  assert.ok((await editor.change("start")).inside < 0.05);
  await editor.at("shape-face-5").click();
  await editor.slide("shape-towards", 0.6);
  await editor.until("the moved mask", kept);
  await editor.rendered();
  await editor.look("towards-another");
  assert.ok((await editor.change("start")).inside > 0.5, "towards another face");
});

/** Lines, picking, painting by keys, outlines of parts, edges, smiles. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { eachTestInAnEditor } from "./editor.js";

/** @typedef {import("./editor.js").Point} Point */

/** @type {import("./editor.js").Editor} */
let editor;
eachTestInAnEditor((opened) => (editor = opened));

/** @param {string} key */
const press = (key) => editor.page.keyboard.press(key);

test("Shift paints a straight line from the last stroke, Alt picks the class", async () => {
  await editor.take("brush", "hat");
  await editor.click([150, 60]);
  await editor.page.keyboard.down("Shift");
  await editor.click([350, 60]);
  await editor.page.keyboard.up("Shift");
  assert.equal(await editor.classAt([250, 60]), "hat");
  assert.notEqual(await editor.classAt([250, 90]), "hat");
  await editor.page.keyboard.down("Alt");
  await editor.click([256, 300]);
  await editor.page.keyboard.up("Alt");
  assert.equal(await editor.at("chosen-class").textContent(), "nose");
  await press("Control+z");
  assert.notEqual(await editor.classAt([250, 60]), "hat", "picking is no step, the line is one");
  assert.equal(await editor.classAt([150, 60]), "hat");
});

test("the face is painted by keys alone, and what is under the cursor is announced", async () => {
  await editor.take("brush", "hat");
  await editor.at("mask-canvas").focus();
  const said = (/** @type {RegExp} */ words) =>
    editor.until(String(words), async () => words.test((await editor.page.locator("#announcer").textContent()) ?? ""));
  await press("ArrowUp"); // shows the cursor in the middle
  await said(/nose, 256 across, 256 down/);
  await press("Shift+ArrowUp");
  await press(" ");
  await said(/Space lifts/);
  for (let i = 0; i < 3; i++) await press("Shift+ArrowRight");
  await press(" ");
  await said(/Lifted/);
  await editor.rendered();
  assert.match((await editor.at("undo").getAttribute("aria-label")) ?? "", /Paint hat/);
  await press("Control+z");
  assert.ok(await editor.at("undo").isDisabled(), "one stroke is one step");
  await press("Control+y");
  await press("g");
  await editor.at("class-skin").click();
  await editor.at("mask-canvas").focus();
  await press(" ");
  await editor.rendered();
  assert.match((await editor.at("undo").getAttribute("aria-label")) ?? "", /Fill with skin/);
});

test("a part is selected by a click, grows, shrinks and becomes smooth", async () => {
  await editor.take("move");
  assert.ok(await editor.at("part-grow").isDisabled());
  await editor.click([256, 300]);
  await editor.until("a selection", () => editor.at("part-grow").isEnabled());
  /** The last column of the nose in a row, on the way out of it. */
  const edge = async (/** @type {number} */ inside, /** @type {number} */ outside) => {
    while (Math.abs(outside - inside) > 1) {
      const middle = Math.round((inside + outside) / 2);
      if ((await editor.classAt([middle, 305])) === "nose") inside = middle;
      else outside = middle;
    }
    return inside;
  };
  const width = async () => (await edge(256, 340)) - (await edge(256, 180)) + 1;
  const before = await width();
  for (let i = 0; i < 4; i++) await editor.at("part-grow").click();
  const grown = await width();
  assert.ok(grown >= before + 12 && grown <= before + 30, `${before} to ${grown}`);
  for (let i = 0; i < 4; i++) await editor.at("part-shrink").click();
  assert.ok(Math.abs((await width()) - before) <= 8, "and back");
  await editor.at("part-smooth").click();
  assert.match((await editor.at("undo").getAttribute("aria-label")) ?? "", /Smooth nose/);
});

test("a brush that follows edges paints hair and leaves the background and the skin beside it", async () => {
  await editor.take("brush", "hat");
  await editor.slide("brush-size", 9); // the square root of the diameter
  await editor.at("followEdges").check();
  await editor.drag([[256, 60], [300, 64]]);
  await editor.rendered();
  await editor.look("edges");
  assert.equal(await editor.classAt([270, 62]), "hat");
  assert.equal(await editor.classAt([256, 24]), "background");
  await press("Control+z");
  await editor.at("followEdges").uncheck();
  await editor.drag([[256, 60], [300, 64]]);
  assert.equal(await editor.classAt([256, 24]), "hat");
});

test("with symmetry one pull at a corner bends both into a smile", async () => {
  await press("m");
  await editor.take("bend");
  await editor.drag([[312, 378], [314, 360]]);
  await editor.rendered();
  await editor.look("smile-by-symmetry");
  assert.match((await editor.at("undo").getAttribute("aria-label")) ?? "", /Bend mouth/);
  for (const x of [201, 312]) assert.match(await editor.classAt([x, 362]), /lip|mouth/, `corner at ${x}`);
  assert.match(await editor.classAt([256, 378]), /lip|mouth/, "the middle stays");
});

test("the brush's further options open in a popover and steady the stroke", async () => {
  await editor.take("brush", "hat");
  await editor.at("brush-more").click();
  await editor.slide("stabiliser", 60);
  await editor.look("brush-options");
  await press("Escape");
  assert.ok(await editor.at("stabiliser").isHidden());
  const { x, y } = await editor.placeOf([200, 60]);
  await editor.page.mouse.move(x, y);
  await editor.page.mouse.down();
  await editor.page.mouse.move(x + 100, y, { steps: 5 });
  await editor.page.mouse.move(x + 100, y + 30, { steps: 5 });
  await editor.page.mouse.up();
  const corner = await editor.page.evaluate(() => Number.parseFloat(document.querySelector("#zoom-level")?.textContent ?? "") / 100);
  assert.equal(await editor.classAt([200 + Math.round(100 / corner), 60 + Math.round(30 / corner)]), "hat", "it ends at the pointer");
});

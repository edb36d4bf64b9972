/** Interrupted strokes, accessories by keyboard, hints, class names, taps. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { eachTestInAnEditor } from "./editor.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("./editor.js").Point} Point */

/** @type {Point} */
const FOREHEAD = [258, 138];

/** @type {Editor} */
let editor;

eachTestInAnEditor((opened) => (editor = opened));

/** Number of steps that can be undone, by undoing them all. */
async function undoAll() {
  let steps = 0;
  for (; !(await editor.at("undo").isDisabled()); steps++) await editor.at("undo").click();
  return steps;
}

/**
 * Press and move along points, press keys while the button is down, move on, release.
 *
 * @param {Point[]} before
 * @param {string} key
 * @param {Point[]} after
 */
async function dragWithKey(before, key, after) {
  for (const [i, point] of before.entries()) {
    const { x, y } = await editor.placeOf(point);
    await editor.page.mouse.move(x, y, { steps: i ? 5 : 1 });
    if (!i) await editor.page.mouse.down();
  }
  await editor.page.keyboard.press(key);
  for (const point of after) {
    const { x, y } = await editor.placeOf(point);
    await editor.page.mouse.move(x, y, { steps: 5 });
  }
  await editor.page.mouse.up();
}

for (const key of ["Escape", "Control+z"]) {
  test(`${key} during a stroke cancels it and the rest of the drag`, async () => {
    await editor.take("brush", "hat");
    await dragWithKey([[200, 138], [240, 138]], key, [[300, 138], [320, 138]]);
    assert.equal(await editor.classAt([220, 138]), "skin");
    assert.equal(await editor.classAt([310, 138]), "skin");
    assert.equal(await undoAll(), 0);
  });
}

test("a tool key during a stroke keeps the stroke; the new tool waits for the next press", async () => {
  await editor.take("brush", "hat");
  await dragWithKey([[200, 138], [240, 138]], "e", [[300, 138], [200, 138]]);
  assert.equal(await editor.at("tool-eraser").getAttribute("aria-pressed"), "true");
  assert.equal(await editor.classAt([220, 138]), "hat");
  assert.equal(await editor.classAt([290, 138]), "skin");
  assert.equal(await undoAll(), 1);
});

test("a tool key while bending keeps the bend", async () => {
  await editor.take("bend");
  await dragWithKey([[308, 375], [316, 350]], "b", [[200, 100]]);
  assert.match(await editor.classAt([311, 360]), /lip|mouth/);
  assert.equal(await undoAll(), 1);
});

test("a pending accessory is moved by arrow keys and applied by Enter, once", async () => {
  await editor.take("stamp");
  await editor.at("stamp-glasses").click();
  const edge = async () => {
    const name = await glassesName();
    const isGlasses = async (/** @type {number} */ x) => (await editor.classAt([x, 250])) === name;
    let x = 40;
    while (x < 256 && !(await isGlasses(x))) x += 16;
    while (x > 40 && (await isGlasses(x - 4))) x -= 4;
    return x;
  };
  const start = await edge();
  for (let i = 0; i < 2; i++) await editor.page.keyboard.press("Shift+ArrowRight");
  const moved = await edge();
  assert.ok(Math.abs(moved - start - 20) <= 4, `moved from ${start} to ${moved}`);
  assert.ok(await editor.at("stamp-apply").isVisible(), "pending");
  await editor.page.keyboard.press("Enter");
  assert.ok(await editor.at("stamp-apply").isHidden(), "applied");
  await editor.page.keyboard.press("Enter");
  assert.ok(await editor.at("stamp-apply").isHidden(), "Enter does not add another");
  assert.equal(await edge(), moved);
  assert.equal(await undoAll(), 1);
});

async function glassesName() {
  return (await editor.at("class-eye_g").textContent())?.toLowerCase();
}

test("the lasso's hint follows each click", async () => {
  await editor.take("lasso", "hat");
  const hint = async () => (await editor.at("hint").textContent()) ?? "";
  assert.match(await hint(), /Drag around an area/);
  await editor.click([240, 290]);
  await editor.until("the hint", async () => /close the outline/.test(await hint()));
  await editor.page.keyboard.press("Escape");
  await editor.until("the first hint", async () => /Drag around an area/.test(await hint()));
});

test("the class name under the pointer is up to date after a stroke", async () => {
  await editor.take("brush", "hat");
  await editor.drag([[200, 138], FOREHEAD]);
  await editor.until("the new class", async () => (await editor.at("hovered-class").textContent()) === "hat");
  await editor.page.keyboard.press("Control+z");
  await editor.until("the old class", async () => (await editor.at("hovered-class").textContent()) === "skin");
});

/**
 * Touch the mask without moving.
 *
 * @param {Point} point
 * @param {number} times
 */
async function tap(point, times) {
  const { x, y } = await editor.placeOf(point);
  await editor.page.evaluate(
    ([left, top, count]) => {
      const canvas = /** @type {HTMLElement} */ (document.querySelector("#mask-canvas"));
      canvas.setPointerCapture = () => {}; // synthetic events have no pointer to capture
      const common = { bubbles: true, pointerId: 9, pointerType: "touch", isPrimary: true, button: 0 };
      for (let i = 0; i < count; i++) {
        for (const [type, buttons] of /** @type {[string, number][]} */ ([["pointerdown", 1], ["pointerup", 0]])) {
          canvas.dispatchEvent(new PointerEvent(type, { ...common, clientX: left, clientY: top, buttons }));
        }
      }
    },
    [x, y, times],
  );
  await editor.page.waitForTimeout(350); // a tap waits 280 ms, in case it is the first of two
}

test("a double tap zooms and paints nothing; a tap paints", async () => {
  await editor.take("brush", "hat");
  const scale = async () => Number.parseFloat((await editor.at("zoom-level").textContent()) ?? "");
  const fitted = await scale();
  await tap(FOREHEAD, 2);
  assert.ok((await scale()) > 2 * fitted, "zoomed in");
  assert.ok(await editor.at("undo").isDisabled(), "nothing painted");
  await editor.at("fit").click();
  await tap(FOREHEAD, 1);
  assert.equal(await editor.classAt(FOREHEAD), "hat");
  assert.equal(await undoAll(), 1);
});

test("the toolbar and the list of classes are one tab stop each, moved in by arrow keys", async () => {
  const focused = () => editor.page.evaluate(() => document.activeElement?.getAttribute("data-testid") ?? "");
  const press = (/** @type {string} */ key) => editor.page.keyboard.press(key);
  await editor.at("tool-brush").focus();
  await press("ArrowDown");
  assert.equal(await focused(), "tool-eraser");
  await press("End");
  assert.equal(await focused(), "symmetry");
  await press("ArrowDown");
  assert.equal(await focused(), "tool-brush");
  await press("Tab");
  assert.ok(!(await focused()).startsWith("tool-"), "one tab stop");
  await press("Shift+Tab");
  assert.equal(await focused(), "tool-brush");

  await editor.at("tab-parts").click();
  await editor.at("class-hair").click();
  await press("ArrowRight");
  assert.equal(await focused(), "show-hair");
  await press("ArrowRight");
  assert.equal(await focused(), "lock-hair");
  await press("ArrowDown");
  assert.equal(await focused(), "lock-skin");
  await press("Enter");
  assert.equal(await editor.at("lock-skin").getAttribute("aria-pressed"), "true");
  assert.equal(await editor.at("chosen-class").textContent(), "hair", "locking chooses no class");
  await press("ArrowRight");
  await press("ArrowDown");
  assert.equal(await focused(), "class-l_brow");
  assert.equal(await editor.at("chosen-class").textContent(), "left brow");
  for (const [id, name] of [["tool-bend", "Bend a part (W)"], ["zoom-in", "Zoom in (+)"], ["fit", "Fit to the window (0)"]]) {
    assert.equal(await editor.at(id).getAttribute("title"), name);
  }
});

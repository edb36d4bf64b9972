/** Painting the mask of portrait 7: what is painted shows in the face, there, a little around it and nowhere else. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { eachTestInAnEditor } from "./editor.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("./editor.js").Point} Point */

/** Places on portrait 7. @type {Record<string, Point>} */
const AT = { forehead: [258, 138], cheek: [150, 400], lip: [258, 398], hair: [258, 51], nose: [258, 312] };
/** @type {[number, number, number, number]} */
const MOUTH = [130, 300, 390, 460];
/** As far as the face around it goes along. @type {[number, number, number, number]} */
const AROUND = [30, 200, 490, 512];

/** @type {Editor} */
let editor;

eachTestInAnEditor((opened) => (editor = opened));

async function paintSmile() {
  await editor.take("brush", "u_lip");
  await editor.slide("brush-size", 3.74);
  await editor.drag([[200, 372], [185, 362], [172, 350]]);
  await editor.drag([[316, 372], [331, 362], [344, 350]]);
  await editor.rendered();
}

test("a painted smile changes the face where it was painted and not far from it; undo and redo", async () => {
  await editor.look("start");
  await editor.remember("start");
  await paintSmile();
  await editor.look("smile");
  assert.equal(await editor.classAt([180, 356]), "upper lip");
  const painted = await editor.change("start", MOUTH);
  assert.ok(painted.inside > 0.5, `the mouth changed by ${painted.inside}`);
  assert.ok(painted.outside < 0.2 * painted.inside, `the rest changed by ${painted.outside}`);
  const beyond = await editor.change("start", AROUND);
  assert.ok(beyond.outside < 0.01, `far from it ${beyond.outside} changed`);
  await editor.remember("smile");

  await editor.at("undo").click();
  await editor.at("undo").click();
  await editor.rendered();
  const undone = await editor.change("start");
  assert.ok(undone.inside < 0.05, `after undo ${undone.inside} is left`);
  assert.equal(await editor.classAt([180, 356]), "skin");
  assert.ok(await editor.at("undo").isDisabled());

  await editor.page.keyboard.press("Control+y");
  await editor.page.keyboard.press("Control+Shift+z");
  await editor.rendered();
  assert.ok((await editor.change("smile")).inside < 0.05, "redo gives the smile again");
  assert.ok(await editor.at("redo").isDisabled());
});

test("what is drawn of the mask in parts is what is drawn of it whole, also after it was hidden", async () => {
  const pixels = async () => {
    await editor.at("mask-shown").hover(); // away from the canvas, where the brush would be drawn
    await editor.drawn();
    return editor.page.evaluate(async () => {
      const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector("#mask-canvas"));
      const { data } = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).getImageData(0, 0, canvas.width, canvas.height);
      return new Uint8Array(await crypto.subtle.digest("SHA-256", data)).join();
    });
  };
  const whole = async () => {
    for (let i = 0; i < 2; i++) {
      await editor.at("mask-shown").click();
      await editor.drawn();
    }
    return pixels();
  };
  await editor.at("pane-mask").click();
  await editor.take("brush", "hair");
  const before = await pixels();
  await editor.drag([AT.forehead, AT.nose, AT.cheek]);
  await editor.rendered();
  const painted = await pixels();
  assert.notEqual(painted, before);
  assert.equal(painted, await whole());
  await editor.at("pane-result").click();
  await editor.at("undo").click();
  await editor.rendered();
  await editor.at("pane-mask").click();
  const undone = await pixels();
  assert.notEqual(undone, painted);
  assert.equal(undone, await whole());
});

test("a locked class is not painted over; locking asks nothing of the network", async () => {
  const renders = () => editor.page.evaluate(() => document.documentElement.dataset.renders);
  const before = await renders();
  await editor.at("tab-parts").click();
  await editor.at("lock-skin").click();
  await editor.rendered();
  assert.equal(await renders(), before);
  await editor.take("brush", "hair");
  await editor.drag([AT.hair, AT.forehead, AT.nose]);
  assert.equal(await editor.classAt(AT.forehead), "skin");
  assert.equal(await editor.classAt(AT.nose), "hair");
  await editor.at("lock-skin").click();
  await editor.drag([AT.hair, AT.forehead]);
  assert.equal(await editor.classAt(AT.forehead), "hair");
});

test("the eraser brings the original's labels back", async () => {
  await editor.take("brush", "hair");
  await editor.drag([AT.forehead, [300, 138]]);
  assert.equal(await editor.classAt(AT.forehead), "hair");
  await editor.take("eraser");
  await editor.drag([AT.forehead, [280, 138]]);
  assert.equal(await editor.classAt(AT.forehead), "skin");
});

test("the brush is as wide as it was set, by slider and by key", async () => {
  await editor.take("brush", "hat");
  await editor.slide("brush-size", 7.75); // the slider shows the root: 60 px
  await editor.drag([[150, 60], [151, 60]]);
  assert.equal(await editor.classAt([150, 84]), "hat");
  assert.notEqual(await editor.classAt([150, 96]), "hat");
  for (let i = 0; i < 3; i++) await editor.page.keyboard.press("[");
  await editor.drag([[350, 60], [351, 60]]);
  assert.equal(await editor.classAt([350, 72]), "hat");
  assert.notEqual(await editor.classAt([350, 84]), "hat");
});

test("keys choose tools, lock, blend the view and undo", async () => {
  const pressed = (/** @type {string} */ id) => editor.at(id).getAttribute("aria-pressed");
  for (const [key, tool] of Object.entries({ e: "eraser", g: "fill", l: "lasso", v: "move", w: "bend", b: "brush" })) {
    await editor.page.keyboard.press(key);
    assert.equal(await pressed(`tool-${tool}`), "true", `${key} takes the ${tool}`);
  }
  await editor.at("tab-parts").click();
  await editor.at("class-skin").click();
  await editor.page.keyboard.press("k");
  assert.equal(await pressed("lock-skin"), "true");
  await editor.page.keyboard.press("Control+z");
  assert.equal(await pressed("lock-skin"), "false");
  await editor.page.keyboard.press("h");
  assert.equal(await pressed("mask-shown"), "false");
  await editor.page.keyboard.press("?");
  await editor.at("help-dialog").waitFor();
  await editor.page.keyboard.press("Escape");
});

test("blended keeps the photograph away from the edit, the network's picture does not", async () => {
  await paintSmile();
  await editor.remember("blended");
  await editor.at("blend-full").click();
  await editor.rendered();
  const change = await editor.change("blended", MOUTH);
  assert.ok(change.outside > 0.5, `elsewhere the network's picture differs by ${change.outside}`);
  await editor.at("undo").click();
  await editor.rendered();
  assert.ok((await editor.change("blended")).inside < 0.05);
});

test("fill, pick and outline", async () => {
  await editor.take("fill", "hat");
  await editor.click(AT.hair);
  assert.equal(await editor.classAt([230, 60]), "hat");
  await editor.take("picker");
  await editor.click(AT.nose);
  assert.equal(await editor.at("chosen-class").textContent(), "nose");
  await editor.take("lasso", "neck");
  await editor.drag([[140, 380], [180, 380], [180, 420], [140, 420], [140, 380]]);
  assert.equal(await editor.classAt(AT.cheek), "neck");
  await editor.take("lasso", "hat");
  for (const corner of /** @type {Point[]} */ ([[240, 290], [280, 290], [280, 330], [240, 330]])) {
    await editor.click(corner);
  }
  await editor.page.keyboard.press("Enter");
  assert.equal(await editor.classAt(AT.nose), "hat");
});

test("classes are hidden, the mask is made transparent, the face is compared with before", async () => {
  await editor.at("tab-parts").click();
  await editor.at("show-skin").click();
  await editor.slide("mask-opacity", 0.8);
  await editor.look("skin-hidden");
  await paintSmile();
  await editor.remember("whole");
  await editor.at("compare").click();
  const split = editor.at("split");
  await split.waitFor();
  await split.focus();
  await editor.page.keyboard.press("End");
  await editor.drawn();
  await editor.look("before-and-after");
  assert.ok((await editor.change("whole", MOUTH)).inside > 0.3, "all of it shows the face before");
});

test("a touch paints too", async () => {
  const { x, y } = await editor.placeOf(AT.forehead);
  await editor.take("brush", "hair");
  await editor.page.evaluate(
    ([left, top]) => {
      const canvas = /** @type {HTMLElement} */ (document.querySelector("#mask-canvas"));
      const common = { bubbles: true, pointerId: 7, pointerType: "touch", isPrimary: true, button: 0 };
      const send = (/** @type {string} */ type, /** @type {number} */ dx, /** @type {number} */ buttons) =>
        canvas.dispatchEvent(new PointerEvent(type, { ...common, clientX: left + dx, clientY: top, buttons }));
      // A made event has no pointer that could be captured.
      canvas.setPointerCapture = () => {};
      send("pointerdown", 0, 1);
      send("pointermove", 20, 1);
      send("pointerup", 20, 0);
    },
    [x, y],
  );
  assert.equal(await editor.classAt(AT.forehead), "hair");
});

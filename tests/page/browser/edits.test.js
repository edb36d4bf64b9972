/** Named edits as cards, colours, the list of steps, comparing, copying. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { eachTestInAnEditor } from "./editor.js";

/** @typedef {import("./editor.js").Editor} Editor */

const MOUTH = /** @type {[number, number, number, number]} */ ([180, 300, 330, 420]);

const EYES_AND_HAIR = /** @type {[number, number, number, number]} */ ([0, 0, 512, 280]);

/** @type {Editor} */
let editor;

const windows = eachTestInAnEditor((opened) => (editor = opened), { tab: "edits" });

/** @param {string} id */
const pressed = async (id) => (await editor.at(id).getAttribute("aria-pressed")) === "true";
const undoTitle = async () => (await editor.at("undo").getAttribute("aria-label")) ?? "";

test("a click applies a card, its slider stays, a second click takes it away", async () => {
  await editor.remember("before");
  await editor.at("edit-smile").click();
  await editor.rendered();
  assert.ok(await pressed("edit-smile"));
  assert.equal(await editor.at("amount-smile").inputValue(), "0.7");
  assert.match(await undoTitle(), /Smile \+70/);
  const { inside } = await editor.change("before", MOUTH);
  assert.ok(inside > 2, `the mouth changed by ${inside}`);
  assert.equal((await editor.change("before", EYES_AND_HAIR)).inside, 0, "what does not belong is locked");
  await editor.at("edit-smile").click();
  await editor.rendered();
  assert.ok(!(await pressed("edit-smile")));
  assert.equal(await editor.at("amount-smile").inputValue(), "0");
  const again = await editor.change("before");
  assert.equal(again.inside, 0, "the photograph again");
});

test("cards combine; an earlier one is changed later, and strokes stay", async () => {
  await editor.at("edit-smile").click();
  await editor.at("edit-glasses-clear").click();
  await editor.rendered();
  await editor.at("steps").click();
  const steps = await editor.page.locator(".step").allTextContents();
  assert.deepEqual(steps, ["Original photograph", "Smile +70", "Clear glasses"], "two quick clicks are two steps");
  await editor.page.keyboard.press("Escape");
  await editor.take("brush", "hat");
  await editor.drag([[200, 60], [240, 60]]);
  await editor.rendered();
  await editor.remember("smiling");
  await editor.at("tab-edits").click();
  await editor.slide("amount-smile", -0.6);
  await editor.at("amount-smile").dispatchEvent("change");
  await editor.rendered();
  assert.ok((await editor.change("smiling", MOUTH)).inside > 2, "the mouth follows");
  assert.ok((await pressed("edit-glasses-clear")) && (await pressed("edit-smile")));
  assert.equal(await editor.classAt([220, 60]), "hat");
  await editor.at("undo").click();
  await editor.rendered();
  assert.equal(await editor.at("amount-smile").inputValue(), "0.7");
  await editor.at("edit-glasses-sun").click();
  await editor.rendered();
  assert.ok(!(await pressed("edit-glasses-clear")), "one kind of glasses replaces the other");
  await editor.page.reload();
  await editor.rendered();
  assert.ok((await pressed("edit-glasses-sun")) && (await pressed("edit-smile")), "kept over a reload");
  assert.equal(await editor.classAt([220, 60]), "hat");
  await editor.at("edits-reset").click();
  await editor.rendered();
  assert.ok(!(await pressed("edit-smile")));
  assert.equal(await editor.classAt([220, 60]), "hat");
});

test("every card in view shows this face; what the face lacks is not offered", async () => {
  const pictures = () => editor.page.evaluate(() => document.querySelectorAll(".card-picture img[src]").length);
  await editor.until("pictures", async () => (await pictures()) >= 9);
  const size = await editor.page.evaluate(() => {
    const image = /** @type {HTMLImageElement} */ (document.querySelector("[data-testid=edit-smile] img"));
    return [image.naturalWidth, image.naturalHeight];
  });
  assert.deepEqual(size, [144, 144]);
  assert.ok(await editor.at("edit-remove-glasses").isHidden());
  assert.match((await editor.at("edit-smile").getAttribute("title")) ?? "", /mouth.*everything else is locked/);
  await editor.drag([[200, 138], [260, 150]]);
  assert.ok(await editor.at("undo").isDisabled(), "beside cards, a press on the face paints nothing");
});

test("hair takes a colour by name, any colour, and one from the photograph", async () => {
  await editor.remember("before");
  await editor.at("tab-colours").click();
  await editor.at("hair-colour-red").click();
  await editor.rendered();
  assert.ok(await pressed("hair-colour-red"));
  assert.match(await undoTitle(), /Hair colour/);
  assert.ok((await editor.change("before")).inside > 1);
  await editor.remember("red");
  await editor.at("hair-colour-free").fill("#2040c0");
  await editor.rendered();
  assert.ok(!(await pressed("hair-colour-red")));
  assert.ok((await editor.change("red")).inside > 1);
  await editor.at("hair-colour-dropper").click();
  await editor.page.keyboard.press("Escape");
  assert.ok(!(await pressed("hair-colour-dropper")), "Escape picks nothing");
  assert.equal(await editor.at("hair-colour-free").inputValue(), "#2040c0");
  await editor.at("hair-colour-dropper").click();
  await editor.click([255, 270]);
  await editor.rendered();
  const picked = await editor.at("hair-colour-free").inputValue();
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(picked.slice(at, at + 2), 16));
  assert.ok(red > green && green > blue && red > 90, `${picked} is the colour of skin`);
  await editor.at("hair-colour-own").click();
  await editor.rendered();
  assert.equal((await editor.change("before")).inside, 0);
});

test("the list of steps jumps, and leads back to the card of a step", async () => {
  await editor.at("edit-smile").click();
  await editor.rendered();
  await editor.at("tab-colours").click();
  await editor.at("lip-colour-red").click();
  await editor.rendered();
  await editor.remember("both");
  await editor.at("steps").click();
  assert.deepEqual(await editor.page.locator(".step").allTextContents(), ["Original photograph", "Smile +70", "Lip colour: Red"]);
  await editor.at("step-0").click();
  await editor.rendered();
  assert.ok((await editor.change("both", MOUTH)).inside > 1);
  assert.equal(await editor.at("step-0").getAttribute("aria-current"), "step");
  await editor.page.keyboard.press("ArrowDown");
  await editor.page.keyboard.press("ArrowDown");
  await editor.page.keyboard.press("Enter");
  await editor.rendered();
  assert.equal((await editor.change("both")).inside, 0);
  await editor.look("steps");
  await editor.at("adjust-smile").click();
  assert.ok(await editor.at("steps-menu").isHidden().catch(() => true));
  assert.ok(await editor.at("amount-smile").evaluate((slider) => slider === document.activeElement));
  await editor.page.keyboard.press("ArrowLeft");
  await editor.rendered();
  assert.equal(await editor.at("amount-smile").inputValue(), "0.65");
});

test("held, the button and the key show the original", async () => {
  await editor.remember("photograph");
  await editor.at("edit-smile").click();
  await editor.rendered();
  const differs = async () => (await editor.change("photograph")).inside > 0;
  assert.ok(await differs());
  const box = await editor.at("original").boundingBox();
  assert.ok(box);
  await editor.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await editor.page.mouse.down();
  await editor.drawn();
  assert.ok(!(await differs()));
  await editor.page.mouse.up();
  await editor.drawn();
  assert.ok(await differs());
  await editor.at("result-canvas").focus();
  await editor.page.keyboard.down("o");
  await editor.drawn();
  assert.ok(!(await differs()));
  await editor.page.keyboard.up("o");
  await editor.drawn();
  assert.ok(await differs());
});

test("the picture is copied, and pasted as it would be saved", async () => {
  const origin = new URL(editor.address).origin;
  await editor.page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin });
  await editor.at("edit-smile").click();
  await editor.rendered();
  await editor.at("save").click();
  await editor.at("copy").click();
  await editor.until("the copy", async () => ((await editor.at("notice").textContent()) ?? "").includes("Copied"));
  const copied = await editor.page.evaluate(async () => {
    const [item] = await navigator.clipboard.read();
    const bitmap = await createImageBitmap(await item.getType("image/png"));
    return [bitmap.width, bitmap.height];
  });
  assert.deepEqual(copied, [512, 512]);
});

test("a saved project has its edits, to be changed further", async () => {
  await editor.at("edit-smile").click();
  await editor.rendered();
  await editor.at("tab-colours").click();
  await editor.at("hair-colour-blue").click();
  await editor.rendered();
  const { path, name } = await editor.save("project");
  const other = await windows.open();
  await other.at("open").click();
  const [chooser] = await Promise.all([other.page.waitForEvent("filechooser"), other.at("open-project").click()]);
  await chooser.setFiles([{ name, mimeType: "application/zip", buffer: await readFile(path) }]);
  await other.until("the project", async () => !(await other.at("undo").isDisabled()));
  await other.rendered();
  assert.equal(await other.at("edit-smile").getAttribute("aria-pressed"), "true");
  assert.equal(await other.at("amount-smile").inputValue(), "0.7");
  await other.at("tab-colours").click();
  assert.equal(await other.at("hair-colour-blue").getAttribute("aria-pressed"), "true");
  await other.close();
});

test("a recipe does the same to another face, and its edits can be changed there", async () => {
  await editor.at("edit-smile").click();
  await editor.rendered();
  await editor.take("brush", "hat");
  await editor.drag([[200, 60], [240, 60]]);
  await editor.rendered();
  const { path, name } = await editor.save("recipe");
  assert.match(name, /recipe\.json$/);
  assert.equal(JSON.parse(await readFile(path, "utf-8")).format, "maskgan-recipe");
  await editor.at("open").click();
  await editor.at("portrait-2").click();
  await editor.titled("Portrait 2");
  await editor.remember("other");
  const [chooser] = await Promise.all([
    editor.page.waitForEvent("filechooser"),
    editor.at("open").click().then(() => editor.at("open-recipe").click()),
  ]);
  await chooser.setFiles([{ name: "mine.json", mimeType: "application/json", buffer: await readFile(path) }]);
  await editor.until("the recipe", () => editor.at("undo").isEnabled());
  await editor.rendered();
  assert.equal(await editor.classAt([220, 60]), "hat");
  await editor.at("tab-edits").click();
  assert.equal(await editor.at("amount-smile").inputValue(), "0.7");
  assert.ok((await editor.change("other")).inside > 0.2);
  await editor.at("edit-smile").click();
  await editor.rendered();
  assert.equal(await editor.classAt([220, 60]), "hat", "what the recipe paints stays");
});

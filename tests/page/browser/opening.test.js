/** Opening: drops and pastes on dialogs, messages above them, the crop dialog, formats, masks alone, deletions. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { eachTestInAnEditor } from "./editor.js";

/** @typedef {import("./editor.js").Editor} Editor */

const PORTRAITS = fileURLToPath(new URL("../../../src/maskgan/assets/portraits/", import.meta.url));
const PICTURE = `${PORTRAITS}portrait-5.jpg`;
const MASK = `${PORTRAITS}portrait-5.png`;

/** @type {Editor} */
let editor;
/** @type {string} */
let folder;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "maskgan-opening-"));
});
eachTestInAnEditor((opened) => (editor = opened));

/** @param {string[]} command a program in Python and its arguments */
function python(...command) {
  execFileSync(process.env.PYTHON ?? "python3", ["-c", ...command]);
}

/**
 * Drop or paste files on the page.
 *
 * @param {"drop" | "paste"} type
 * @param {...[string, string, string]} files path, name, media type
 */
async function deliver(type, ...files) {
  const contents = await Promise.all(
    files.map(async ([path, name, media]) => ({ name, media, content: (await readFile(path)).toString("base64") })),
  );
  await editor.page.evaluate(
    ([event, carried]) => {
      const transfer = new DataTransfer();
      for (const { name, media, content } of carried) {
        const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
        transfer.items.add(new File([bytes], name, { type: media }));
      }
      const target = document.activeElement ?? document.body;
      if (event === "paste") {
        target.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
      } else {
        for (const step of ["dragenter", "dragover", "drop"]) {
          target.dispatchEvent(new DragEvent(step, { bubbles: true, cancelable: true, dataTransfer: transfer }));
        }
      }
    },
    /** @type {const} */ ([type, contents]),
  );
}

/** Whether the topmost element in the middle of an element belongs to it. @param {import("playwright-core").Locator} locator */
function isOnTop(locator) {
  return locator.evaluate((element) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    const hit = document.elementFromPoint(left + width / 2, top + height / 2);
    return hit !== null && (element === hit || element.contains(hit));
  });
}

for (const type of /** @type {const} */ (["paste", "drop"])) {
  test(`a ${type} on the Open dialog opens the picture and closes the dialog`, async () => {
    await editor.at("open").click();
    await editor.at("open-dialog").waitFor();
    await deliver(type, [PICTURE, "arrived.jpg", "image/jpeg"]);
    await editor.at("frame-dialog").waitFor();
    assert.ok(await editor.at("open-dialog").isHidden());
    await editor.at("frame-whole").click();
    await editor.titled("arrived");
    assert.ok(await editor.at("open-dialog").isHidden());
  });
}

test("an error is shown above an open dialog, and can be dismissed there", async () => {
  await deliver("drop", [PICTURE, "a.jpg", "image/jpeg"], [PICTURE, "b.jpg", "image/jpeg"], [MASK, "c.png", "image/png"]);
  const error = editor.at("error").first();
  await error.waitFor();
  await editor.at("open").click();
  await editor.at("open-dialog").waitFor();
  assert.ok(await isOnTop(error), "above the dialog and its backdrop");
  await error.getByRole("button", { name: "Dismiss" }).click();
  assert.equal(await editor.at("error").count(), 0);
  assert.ok(await editor.at("open-dialog").isVisible());
  await editor.page.keyboard.press("Escape");

  // Escape cancels the detection of faces; of two pictures the newer one is opened.
  let release = () => {};
  const released = new Promise((resolve) => (release = () => resolve(null)));
  await editor.page.route("**/api/faces", async (route) => {
    await released;
    await route.fulfill({ json: { crop: { x: 256, y: 256, side: 500, angle: 0 }, faces: [] } });
  });
  const detecting = editor.page.locator(".progress");
  await deliver("drop", [PICTURE, "given-up.jpg", "image/jpeg"]);
  await detecting.waitFor();
  await editor.page.keyboard.press("Escape");
  assert.equal(await detecting.count(), 0);
  for (const name of ["older.jpg", "newer.jpg"]) await deliver("drop", [PICTURE, name, "image/jpeg"]);
  release();
  await editor.at("frame-whole").click();
  await editor.titled("newer");
  assert.ok(await editor.at("frame-dialog").isHidden());

  // A mask without a face leaves nothing to edit.
  const blank = join(folder, "blank-mask.png");
  python("import sys; from PIL import Image; Image.new('L', (512, 512)).save(sys.argv[1])", blank);
  await deliver("drop", [PICTURE, "faceless.jpg", "image/jpeg"], [blank, "blank-mask.png", "image/png"]);
  await editor.titled("faceless");
  for (const name of ["smile", "lips-fuller", "eyes-wider", "eyes-closed", "nose-wider", "glasses"]) {
    assert.ok(await editor.page.locator(`[data-edit="${name}"] button`).first().isDisabled(), `${name} is not offered`);
  }
  for (const name of ["smile", "eyes-wider"]) {
    assert.ok(await editor.page.locator(`[data-edit="${name}"] input`).isDisabled(), `nor how much of ${name}`);
  }
});

test("a click beside the crop dialog keeps it; a turned crop shows its angle and a handle within reach", async () => {
  const turned = join(folder, "upside-down.png");
  python("import sys; from PIL import Image; Image.open(sys.argv[1]).rotate(180).save(sys.argv[2])", PICTURE, turned);
  await editor.page.route("**/api/faces", (route) =>
    route.fulfill({ json: { crop: { x: 256, y: 256, side: 500, angle: 180 }, faces: [] } }),
  );
  await deliver("drop", [MASK, "a.png", "image/png"]);
  await editor.at("question").waitFor();
  await editor.choose("open-picture", [turned]);
  await editor.at("frame-dialog").waitFor();
  assert.equal(await editor.at("question").count(), 0, "no older question covers the dialog");
  assert.ok(await editor.at("frame-use").evaluate((button) => button === document.activeElement), "Enter uses the crop");
  for (const [width, height] of [[844, 390], [320, 640], [1280, 720]]) {
    await editor.page.setViewportSize({ width, height });
    await editor.until("the size", () => editor.page.evaluate((wanted) => innerWidth === wanted, width));
    for (const part of ["frame-canvas", "frame-use", "frame-whole", "frame-size"]) {
      const place = await editor.at(part).boundingBox();
      assert.ok(place && place.y >= 0 && place.y + place.height <= height, `${part} in sight at ${width}x${height}`);
      assert.ok(await isOnTop(editor.at(part)), `nothing covers ${part} at ${width}x${height}`);
    }
    await editor.look(`crop-${width}x${height}`);
  }
  await editor.page.mouse.click(20, 450);
  assert.ok(await editor.at("frame-dialog").isVisible(), "still open");
  const angle = async () => Math.abs(Number(await editor.at("frame-angle").inputValue()));
  assert.equal(await angle(), 180);
  // The handle that turns the crop lies below it now: dragging it to the right turns the crop back.
  const box = await editor.at("frame-canvas").boundingBox();
  assert.ok(box);
  const knob = { x: box.x + box.width / 2, y: box.y + box.height - 34 };
  const side = await editor.page.evaluate(() => {
    const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector("#frame-canvas"));
    return Math.min(canvas.clientWidth - 68, canvas.clientHeight - 68) * 0.94;
  });
  knob.y = box.y + box.height / 2 + ((side * 500) / 512) / 2 + 26;
  assert.ok(knob.y < box.y + box.height, "the handle lies on the canvas");
  await editor.page.mouse.move(knob.x, knob.y);
  await editor.page.mouse.down();
  await editor.page.mouse.move(knob.x + 200, box.y + box.height / 2, { steps: 4 });
  await editor.page.mouse.up();
  assert.ok(Math.abs((await angle()) - 90) < 15, `turned to ${await angle()}`);
  await editor.at("frame-reset").click();
  for (const expected of [90, 0]) {
    await editor.at("frame-quarter").click();
    assert.equal(await angle(), expected);
  }
  await editor.at("frame-reset").click();
  assert.equal(await angle(), 180);
  await editor.at("frame-use").click();
  await editor.titled("upside-down");
});

test("a TIFF, which the browser cannot show, is cropped over the server's preview", async () => {
  const tiff = join(folder, "scan.tiff");
  python("import sys; from PIL import Image; Image.open(sys.argv[1]).save(sys.argv[2])", PICTURE, tiff);
  await editor.choose("open-picture", [tiff]);
  await editor.at("frame-use").waitFor();
  const shown = await editor.page.evaluate(() => {
    const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector("#frame-canvas"));
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    return new Set(context.getImageData(0, 0, canvas.width, canvas.height).data).size;
  });
  assert.ok(shown > 100, "the picture is shown");
  await editor.at("frame-use").click();
  await editor.titled("scan");
  assert.match(await editor.classAt([256, 400]), /skin|lip|mouth/);
  assert.equal(await editor.at("error").count(), 0);
});

test("of several faces one is chosen, by its button and by a click on its box", async () => {
  const pair = join(folder, "pair.png");
  const paste = "import sys; from PIL import Image; p = Image.new('RGB', (1100, 700), (90, 120, 60)); "
    + "f = Image.open(sys.argv[1]); p.paste(f, (560, 100)); p.paste(f.resize((256, 256)), (60, 120)); p.save(sys.argv[2])";
  python(paste, PICTURE, pair);
  await editor.choose("open-picture", [pair]);
  await editor.at("frame-face-2").waitFor();
  await editor.look("two-faces");
  const size = async () => Number(await editor.at("frame-size").inputValue());
  const pressed = (/** @type {number} */ face) => editor.at(`frame-face-${face}`).getAttribute("aria-pressed");
  assert.equal(await pressed(1), "true");
  const large = await size();
  await editor.at("frame-face-2").focus();
  await editor.page.keyboard.press("Enter");
  assert.equal(await pressed(2), "true");
  const small = await size();
  assert.ok(small < 0.7 * large, `${small} after ${large}`);
  // The large face's box: fitted with its margins, the picture lies in the middle of the canvas.
  const box = await editor.at("frame-canvas").boundingBox();
  assert.ok(box);
  const scale = Math.min((box.width - 68) / 1100, (box.height - 68) / 700);
  const place = { x: box.x + box.width / 2 + (816 - 550) * scale, y: box.y + box.height / 2 + (370 - 350) * scale };
  await editor.page.mouse.click(place.x, place.y);
  assert.equal(await pressed(1), "true");
  assert.equal(await size(), large);
  await editor.at("frame-face-2").click();
  await editor.at("frame-use").click();
  await editor.titled("pair");
  assert.match(await editor.classAt([256, 400]), /skin|lip|mouth/);
});

test("a mask dropped alone is offered as the mask of the open face", async () => {
  const title = await editor.at("title").textContent();
  await deliver("drop", [MASK, "portrait-5.png", "image/png"]);
  await editor.at("question").getByRole("button", { name: "Use for this face" }).click();
  await editor.rendered();
  assert.equal(await editor.at("title").textContent(), title);
  assert.match((await editor.at("undo").getAttribute("aria-label")) ?? "", /Import mask/);
  await editor.save("mask").then(async ({ path }) => {
    const compare = "import sys; import numpy as np; from PIL import Image; a, b = (np.array(Image.open(p)) for p in sys.argv[1:]); "
      + "sys.exit(not (a == np.array(Image.fromarray(b).resize(a.shape[::-1], 0))).all())";
    python(compare, path, MASK);
  });
  await deliver("drop", [MASK, "portrait-5.png", "image/png"]);
  await editor.at("question").getByRole("button", { name: "Open as picture" }).click();
  await editor.at("frame-whole").click();
  await editor.titled("portrait-5");
});

test("a deleted project comes back by Undo", async () => {
  await editor.take("brush", "hat");
  await editor.drag([[200, 138], [240, 138]]);
  await editor.rendered();
  await editor.at("open").click();
  await editor.at("portrait-2").click();
  await editor.titled("Portrait 2");
  await editor.at("open").click();
  const saved = editor.page.getByRole("button", { name: /^Continue Portrait 7/ });
  await saved.waitFor();
  await editor.page.clock.install();
  await editor.page.getByRole("button", { name: /^Delete Portrait 7/ }).click();
  assert.equal(await saved.count(), 0);
  await editor.at("notice").getByRole("button", { name: "Undo" }).click();
  await saved.waitFor();
  await editor.page.clock.fastForward(9000); // after the time in which a deletion can be undone
  await saved.click();
  await editor.titled("Portrait 7");
  assert.equal(await editor.classAt([220, 138]), "hat");
});

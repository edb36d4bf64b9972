/**
 * What a person does who opens the editor for the first time: a phone photograph of two people, one of them chosen, a
 * smile, clear glasses, red hair, a look at the original, the whole photograph saved. On a desktop and on a phone.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { BROWSER, eachTestInAnEditor } from "./editor.js";

/** @typedef {import("./editor.js").Editor} Editor */

const PORTRAITS = fileURLToPath(new URL("../../../src/maskgan/assets/portraits/", import.meta.url));
const DESKTOP = { viewport: { width: 1280, height: 800 } };
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: BROWSER === "chromium", hasTouch: true, deviceScaleFactor: 2 };

/** Two rendered portraits side by side, as a phone writes them: 1600x1200, JPEG. The second person is on the right. */
const COMPOSE = `
import sys
from PIL import Image
left, right = (Image.open(path).convert("RGB").resize((600, 600), 3) for path in sys.argv[1:3])
whole = Image.new("RGB", (1600, 1200), (112, 128, 140))
whole.paste(left, (40, 330))
whole.paste(right, (940, 300))
whole.save(sys.argv[3], quality=92)
`;

/**
 * Means over the left and the right half, and the border, of how much two photographs differ; the tint of the hair that
 * changed: red less blue.
 */
const COMPARE = `
import sys, json
import numpy as np
from PIL import Image
a, b = (np.asarray(Image.open(path).convert("RGB")).astype(int) for path in sys.argv[1:])
assert a.shape == b.shape, (a.shape, b.shape)
change = np.abs(a - b).max(axis=-1)
moved = change > 24
print(json.dumps({
    "size": [b.shape[1], b.shape[0]],
    "left": float(change[:, :780].max()),
    "right": float(change[300:900, 940:1540].mean()),
    "border": float(max(change[:150].max(), change[1060:].max())),
    "tint": float((b - a)[moved][:, 0].mean() - (b - a)[moved][:, 2].mean()),
}))
`;

/** @type {string} */
let photograph;
/** @type {Editor} */
let editor;

before(async () => {
  photograph = join(await mkdtemp(join(tmpdir(), "maskgan-first-")), "holiday.jpg");
  python(COMPOSE, `${PORTRAITS}portrait-2.jpg`, `${PORTRAITS}portrait-7.jpg`, photograph);
});
const windows = eachTestInAnEditor((opened) => (editor = opened), { tab: "edits" });

/** @param {string[]} command a program in Python and its arguments */
function python(...command) {
  return execFileSync(process.env.PYTHON ?? "python3", ["-c", ...command], { encoding: "utf-8" });
}

for (const [name, options] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
  test(`a first-time user edits one of two people and saves the whole photograph: ${name}`, async () => {
    await editor.page.context().close();
    editor = await windows.open(options);
    const { page } = editor;
    const press = (/** @type {string} */ id) => (options === PHONE ? editor.at(id).tap() : editor.at(id).click());
    const settled = async () => {
      await editor.until("the edits", () => page.evaluate(() => !document.body.hasAttribute("data-editing")));
      await editor.rendered();
    };
    await editor.look(`first-${name}-1-begin`);

    await press("open");
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), press("open-picture")]);
    await chooser.setFiles([photograph]);
    await editor.at("frame-face-2").waitFor();
    await editor.look(`first-${name}-2-two-people`);
    const left = async () => Number(await editor.at("frame-face-1").evaluate((face) => face.getAttribute("aria-pressed") === "true"));
    assert.equal(await left(), 1);
    // The faces are of about one size: the person on the right is the one whose box lies there.
    await chooseRight(options === PHONE);
    await press("frame-use");
    await editor.titled("holiday");

    await press("edit-smile");
    await settled();
    await editor.at("edit-glasses-clear").scrollIntoViewIfNeeded();
    await press("edit-glasses-clear");
    await settled();
    await editor.look(`first-${name}-3-smile-and-glasses`);
    await press("tab-colours");
    await press("hair-colour-red");
    await settled();
    await editor.look(`first-${name}-4-red-hair`);

    const box = await editor.at("original").boundingBox();
    assert.ok(box, "the button that compares is in sight");
    assert.ok(box.x >= 0 && box.x + box.width <= options.viewport.width, `at ${box.x}`);
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await editor.look(`first-${name}-5-compare`);
    await page.mouse.up();

    await press("save");
    await editor.look(`first-${name}-6-save`);
    const [download] = await Promise.all([page.waitForEvent("download"), press("save-photograph-png")]);
    assert.equal(download.suggestedFilename(), "holiday-photograph.png");
    const found = JSON.parse(python(COMPARE, photograph, /** @type {string} */ (await download.path())));
    assert.deepEqual(found.size, [1600, 1200]);
    assert.equal(found.left, 0, "the other person is untouched");
    assert.equal(found.border, 0);
    assert.ok(found.right > 3, `changed by ${found.right}`);
    assert.ok(found.tint > 8, `hair turned red by ${found.tint}`);
  });
}

/**
 * Press the box of the person on the right.
 *
 * @param {boolean} byTouch
 */
async function chooseRight(byTouch) {
  const box = await editor.at("frame-canvas").boundingBox();
  assert.ok(box);
  const scale = Math.min((box.width - 68) / 1600, (box.height - 68) / 1200);
  const place = { x: box.x + box.width / 2 + (1240 - 800) * scale, y: box.y + box.height / 2 + (620 - 600) * scale };
  if (byTouch) await editor.page.touchscreen.tap(place.x, place.y);
  else await editor.page.mouse.click(place.x, place.y);
}

import assert from "node:assert/strict";
import { test } from "node:test";

import { stem, classifyFiles } from "../../src/maskgan/server/page/state/files.js";

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 2, 0, 0, 0, 2, 0, 8];

/**
 * @param {string} name
 * @param {number} [colourType] of a PNG
 */
function file(name, colourType) {
  const bytes = colourType === undefined ? [0xff, 0xd8, 0xff] : [...PNG, colourType, 0, 0, 0];
  return new File([Uint8Array.from(bytes)], name, { type: name.endsWith(".maskgan") ? "" : "image/x" });
}

/** @param {File[]} files */
async function masksName(...files) {
  const opened = await classifyFiles(files);
  return "mask" in opened ? opened.mask?.name : undefined;
}

test("a picture alone, a project", async () => {
  const picture = file("a.jpg");
  assert.deepEqual(await classifyFiles([picture]), { picture, mask: null });
  const project = file("a.maskgan");
  assert.deepEqual(await classifyFiles([project]), { project });
  const recipe = new File(["{}"], "smile-recipe.json", { type: "application/json" });
  assert.deepEqual(await classifyFiles([recipe]), { recipe });
});

test("of two pictures the one with indices is the mask, whatever the order", async () => {
  assert.equal(await masksName(file("a.jpg"), file("a.png", 3)), "a.png");
  assert.equal(await masksName(file("x.png", 0), file("y.png", 2)), "x.png");
});

test("else the one that says so, else the PNG", async () => {
  assert.equal(await masksName(file("face-mask.png", 2), file("face.png", 2)), "face-mask.png");
  assert.equal(await masksName(file("1.png", 2), file("2.jpg")), "1.png");
});

test("anything else is refused with a line that says what can be opened", async () => {
  for (const files of [[], [file("a.jpg"), file("b.jpg"), file("c.jpg")], [new File(["x"], "notes.txt")]]) {
    await assert.rejects(classifyFiles(files), /Open one picture/);
  }
});

test("names of saved files", () => {
  assert.equal(stem("My face.v2.jpeg"), "My face-v2");
  assert.equal(stem("../../x.png"), "-x");
  assert.equal(stem(""), "face");
});

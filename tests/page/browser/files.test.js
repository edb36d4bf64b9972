/** Files: what is saved, what is opened again, and what is refused without losing anything. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
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
  folder = await mkdtemp(join(tmpdir(), "maskgan-files-"));
});
const windows = eachTestInAnEditor((opened) => (editor = opened));

async function paintHair() {
  await editor.take("brush", "hair");
  await editor.drag([[258, 138], [300, 138]]);
  await editor.rendered();
}

/**
 * @param {Editor} page
 * @param {string} id
 */
function pressed(page, id) {
  return page.at(id).getAttribute("aria-pressed");
}

test("pictures are saved with the mark of an edit, masks as palette files", async () => {
  await paintHair();
  for (const format of /** @type {const} */ (["png", "jpeg"])) {
    const { path, name } = await editor.save(format);
    const bytes = await readFile(path);
    assert.ok(bytes.includes("compositeWithTrainedAlgorithmicMedia"), `${format} carries the mark`);
    assert.match(name, format === "png" ? /\.png$/ : /\.jpe?g$/);
    const start = format === "png" ? "\x89PNG" : "\xff\xd8\xff";
    assert.equal(bytes.subarray(0, start.length).toString("latin1"), start);
  }
  const mask = await readFile((await editor.save("mask")).path);
  assert.ok(mask.includes("PLTE"), "the mask is a palette PNG");
});

test("a project opens again as it was, with its steps", async () => {
  await paintHair();
  await editor.at("tab-parts").click();
  await editor.at("lock-hair").click();
  await editor.at("tab-style").click();
  const [chooser] = await Promise.all([
    editor.page.waitForEvent("filechooser"),
    editor.at("style-open").click(),
  ]);
  await chooser.setFiles([PICTURE, MASK]);
  await editor.until("the opened style", async () => (await pressed(editor, "style-opened")) === "true");
  await editor.rendered();
  const withOpenedStyle = await editor.save("png");
  await editor.at("style-portrait-2").click();
  await editor.rendered();
  const { path, name } = await editor.save("project");
  assert.match(name, /\.maskgan$/);
  const kept = join(folder, "kept.maskgan");
  await writeFile(kept, await readFile(path));
  await editor.remember("saved");

  const other = await windows.open();
  await other.choose("open-project", [kept]);
  await other.until("the painted hair", async () => (await other.classAt([280, 138])) === "hair");
  await other.rendered();
  assert.equal(await other.classAt([280, 138]), "hair");
  const [first, second] = await Promise.all([editor.save("png"), other.save("png")]);
  assert.ok((await readFile(first.path)).equals(await readFile(second.path)), "both save the same picture");
  await other.at("undo").click();
  await other.rendered();
  const undone = await other.save("png");
  assert.ok((await readFile(undone.path)).equals(await readFile(withOpenedStyle.path)), "the style before is back");
  for (let i = 0; i < 3; i++) await other.at("undo").click(); // that style, the lock, the hair
  assert.equal(await other.classAt([280, 138]), "skin");
  await other.close();
});

test("a picture alone is framed and parsed", async () => {
  await editor.choose("open-picture", [PICTURE]);
  await editor.at("frame-dialog").waitFor();
  await editor.at("frame-use").waitFor();
  await editor.look("frame");
  await editor.at("frame-use").click();
  await editor.titled("portrait-5");
  await editor.look("parsed");
  assert.match(await editor.classAt([256, 400]), /skin|lip|mouth/);
});

test("a face framed in a photograph is saved with what is around it", async () => {
  const photograph = join(folder, "photograph.png");
  const paste = "import sys; from PIL import Image; p = Image.new('RGB', (900, 700), (90, 120, 60)); "
    + "p.paste(Image.open(sys.argv[1]), (300, 100)); p.save(sys.argv[2])";
  execFileSync(process.env.PYTHON ?? "python3", ["-c", paste, PICTURE, photograph]);
  await editor.choose("open-picture", [photograph]);
  await editor.at("frame-use").waitFor();
  await editor.at("frame-use").click();
  await editor.titled("photograph");
  await editor.take("brush", "hair");
  await editor.drag([[200, 60], [300, 60]]);
  await editor.rendered();
  const { path, name } = await editor.save("photograph");
  assert.equal(name, "photograph-photograph.jpg");
  const size = "import sys; from PIL import Image; i = Image.open(sys.argv[1]); print(*i.size, *i.getpixel((20, 20)))";
  const shown = execFileSync(process.env.PYTHON ?? "python3", ["-c", size, path]).toString().split(" ").map(Number);
  assert.deepEqual(shown.slice(0, 2), [900, 700]);
  for (const [channel, value] of [90, 120, 60].entries()) assert.ok(Math.abs(shown[2 + channel] - value) < 4);
  await editor.choose("open-pair", [PICTURE, MASK]);
  await editor.titled("portrait-5");
  await editor.at("save").click();
  assert.equal(await editor.at("save-photograph").isVisible(), false);
  await editor.page.keyboard.press("Escape");
  assert.equal((await editor.save("jpeg")).name, "portrait-5-edited.jpg", "not the source's own name");
});

test("a picture with its mask is opened as it is, by choosing and by dropping", async () => {
  await editor.choose("open-pair", [PICTURE, MASK]);
  await editor.titled("portrait-5");
  const picture = (await readFile(`${PORTRAITS}portrait-2.jpg`)).toString("base64");
  const mask = (await readFile(`${PORTRAITS}portrait-2.png`)).toString("base64");
  await editor.page.evaluate(
    async ([jpeg, png]) => {
      const carried = new DataTransfer();
      const add = async (/** @type {string} */ name, /** @type {string} */ type, /** @type {string} */ content) => {
        const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
        carried.items.add(new File([bytes], name, { type }));
      };
      await add("dropped.jpg", "image/jpeg", jpeg);
      await add("dropped.png", "image/png", png);
      for (const type of ["dragenter", "dragover", "drop"]) {
        document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: carried }));
      }
    },
    [picture, mask],
  );
  await editor.titled("dropped");
});

test("a mask in another label order is noticed, a face's and a style's, and opened in that order where that is asked", async () => {
  const theirs = join(folder, "face-parsing.png");
  const command = ["-m", "maskgan", "labels", "convert", MASK, "-o", theirs, "--to", "face-parsing"];
  execFileSync(process.env.PYTHON ?? "python3", command);
  await editor.choose("open-pair", [PICTURE, theirs]);
  await editor.titled("portrait-5");
  const nose = await editor.classAt([256, 290]);
  await editor.look("label-order");
  await editor.at("error").getByRole("button", { name: /that order/ }).click();
  await editor.until("the nose in its place", async () => (await editor.classAt([256, 290])) === "nose");
  assert.notEqual(nose, "nose");

  await editor.at("tab-style").click();
  const [chooser] = await Promise.all([editor.page.waitForEvent("filechooser"), editor.at("style-open").click()]);
  await chooser.setFiles([PICTURE, theirs]);
  const warning = editor.at("error").filter({ hasText: "style picture" });
  await warning.waitFor();
  await editor.rendered();
  await editor.remember("style in the wrong order");
  await warning.getByRole("button", { name: /that order/ }).click();
  await editor.rendered();
  assert.equal(await editor.at("error").count(), 0, "the mask of the style is in order");
  assert.ok((await editor.change("style in the wrong order")).inside > 0.5, "its style shows");
});

test("a picture is pasted", async () => {
  const picture = (await readFile(PICTURE)).toString("base64");
  await editor.page.evaluate((content) => {
    const carried = new DataTransfer();
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    carried.items.add(new File([bytes], "pasted.jpg", { type: "image/jpeg" }));
    window.dispatchEvent(new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true }));
  }, picture);
  await editor.at("frame-dialog").waitFor();
  await editor.at("frame-whole").click();
  await editor.titled("pasted");
});

test("wrong files are refused in a line, and nothing painted is lost", async () => {
  await paintHair();
  const text = join(folder, "notes.png");
  await writeFile(text, "no picture at all");
  const cut = join(folder, "cut.jpg");
  await writeFile(cut, (await readFile(PICTURE)).subarray(0, 20_000));
  const colours = join(folder, "wrong-mask.png");
  await writeFile(colours, await readFile(PICTURE));
  const broken = join(folder, "broken.maskgan");
  await writeFile(broken, "PK nothing");

  await editor.choose("open-picture", [text]);
  const complaint = await editor.complaint();
  assert.match(complaint, /^“notes\.png”: /);
  assert.match(complaint, /picture/i);
  await editor.choose("open-picture", [cut]);
  await Promise.race([editor.at("error").first().waitFor(), editor.at("frame-whole").waitFor()]);
  if (!(await editor.at("error").count())) await editor.at("frame-whole").click();
  assert.match(await editor.complaint(), /damaged|cut off|picture/i);
  await editor.choose("open-pair", [PICTURE, colours]);
  assert.match(await editor.complaint(), /mask/i);
  await editor.choose("open-project", [broken]);
  assert.match(await editor.complaint(), /project|damaged|zip/i);
  await editor.look("after-refusals");
  assert.equal(await editor.classAt([280, 138]), "hair");
  await editor.take("brush", "skin");
  await editor.drag([[258, 138], [300, 138]]);
  await editor.rendered();
  assert.equal(await editor.classAt([280, 138]), "skin");
});

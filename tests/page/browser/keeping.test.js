/** Nothing drawn is lost: reloads, crashes, a server that starts anew, two tabs. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser, openEditor, startServer } from "./editor.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("./editor.js").Point} Point */

/** @type {Awaited<ReturnType<typeof startServer>>} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  server = await startServer();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** @type {Point} */
const FOREHEAD = [280, 138];

/** @param {Editor} editor */
async function paintForehead(editor, face = "hair") {
  await editor.take("brush", face);
  await editor.drag([[258, 138], [300, 138]]);
  await editor.rendered();
}

test("a reload goes on where the page was, and can still undo", async () => {
  const editor = await openEditor(browser, server.address).then((opened) => opened.load());
  await paintForehead(editor);
  await editor.page.waitForTimeout(1000);
  await editor.page.reload();
  await editor.rendered();
  assert.equal(await editor.classAt(FOREHEAD), "hair");
  await editor.at("undo").click();
  assert.equal(await editor.classAt(FOREHEAD), "skin");
  await editor.close();
});

test("a server that starts anew is found again, with all that was painted", async () => {
  const editor = await openEditor(browser, server.address).then((opened) => opened.load());
  await paintForehead(editor);
  await editor.remember("painted");
  await server.stop();
  await editor.take("brush", "hat");
  await editor.drag([[200, 30], [300, 30]]);
  await editor.page.waitForTimeout(1500);
  assert.equal(await editor.classAt([250, 30]), "hat");
  await editor.look("server-away");
  server = await startServer(server.port);
  await editor.drag([[200, 40], [300, 40]]);
  const retry = editor.at("error").getByRole("button", { name: /again/i });
  if (await retry.count()) await retry.first().click();
  await editor.rendered();
  const change = await editor.change("painted", [150, 0, 350, 90]);
  assert.ok(change.inside > 0.5, `the hat shows: ${change.inside}`);
  assert.equal(await editor.classAt(FOREHEAD), "hair");
  await editor.close();
});

test("two tabs keep what is theirs", async () => {
  const first = await openEditor(browser, server.address).then((opened) => opened.load());
  const second = await first.another();
  await paintForehead(first, "hair");
  await paintForehead(second, "hat");
  await first.page.waitForTimeout(1000);
  await Promise.all([first.page.reload(), second.page.reload()]);
  await first.rendered();
  await second.rendered();
  assert.equal(await first.classAt(FOREHEAD), "hair");
  assert.equal(await second.classAt(FOREHEAD), "hat");
  assert.deepEqual(second.faults, []);
  await first.close();
});

test("the message that the server is unreachable goes when it is back, without further edits", async () => {
  const editor = await openEditor(browser, server.address).then((opened) => opened.load());
  await paintForehead(editor);
  await server.stop();
  await editor.at("save").click();
  await editor.at("save-mask").click();
  const error = editor.at("error").filter({ hasText: "unreachable" });
  await error.waitFor();
  server = await startServer(server.port);
  await editor.until("the message to go", async () => (await error.count()) === 0);
  await editor.close();
});

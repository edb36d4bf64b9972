/** Nothing drawn is lost: reloads, crashes, a server that starts anew, two tabs. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { eachTestInAnEditor, startServer } from "./editor.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("./editor.js").Point} Point */

/** @type {Editor} */
let editor;

const windows = eachTestInAnEditor((opened) => (editor = opened));

/** @type {Point} */
const FOREHEAD = [280, 138];

/**
 * Until the browser's database has so many steps of the project of this tab.
 *
 * @param {Editor} editor
 * @param {number} steps
 */
function stored(editor, steps) {
  return editor.until("the project in the browser's database", () =>
    editor.page.evaluate(async (wanted) => {
      /** @param {IDBRequest} request */
      const result = (request) => new Promise((resolve) => request.addEventListener("success", () => resolve(request.result)));
      const database = await result(indexedDB.open("maskgan-editor"));
      const records = await result(database.transaction("projects").objectStore("projects").getAll());
      database.close();
      const own = sessionStorage.getItem("maskgan-project");
      return records.some((/** @type {{id: string, position: number}} */ { id, position }) => id === own && position === wanted);
    }, steps),
  );
}

/** @param {Editor} editor */
async function paintForehead(editor, face = "hair") {
  await editor.take("brush", face);
  await editor.drag([[258, 138], [300, 138]]);
  await editor.rendered();
}

test("a reload goes on where the page was, and can still undo", async () => {
  await paintForehead(editor);
  await stored(editor, 1);
  await editor.page.reload();
  await editor.rendered();
  assert.equal(await editor.classAt(FOREHEAD), "hair");
  await editor.at("undo").click();
  assert.equal(await editor.classAt(FOREHEAD), "skin");
});

test("two tabs keep what is theirs", async () => {
  const second = await editor.another();
  await paintForehead(second, "hat");
  await editor.page.bringToFront(); // browsers slow down what is behind
  await paintForehead(editor, "hair");
  await Promise.all([stored(editor, 1), stored(second, 1)]);
  await Promise.all([editor.page.reload(), second.page.reload()]);
  await editor.rendered();
  assert.equal(await editor.classAt(FOREHEAD), "hair");
  await second.page.bringToFront();
  await second.rendered();
  assert.equal(await second.classAt(FOREHEAD), "hat");
  assert.deepEqual(second.faults, []);
});

test("a server that starts anew is found again, with all that was painted; its message goes by itself", async () => {
  let server = await startServer();
  const away = await windows.open({}, server.address);
  try {
    await paintForehead(away);
    await away.remember("painted");
    await server.stop();
    const error = away.at("error").filter({ hasText: "unreachable" });
    await away.at("save").click();
    await away.at("save-mask").click();
    await error.waitFor();
    await away.take("brush", "hat");
    await away.drag([[200, 30], [300, 30]]);
    assert.equal(await away.classAt([250, 30]), "hat");
    await away.look("server-away");
    server = await startServer(server.port);
    await away.until("the message to go, without further edits", async () => (await error.count()) === 0);
    await away.rendered();
    await away.drag([[200, 40], [300, 40]]);
    await away.rendered();
    const change = await away.change("painted", [150, 0, 350, 90]);
    assert.ok(change.inside > 0.5, `the hat shows: ${change.inside}`);
    assert.equal(await away.classAt(FOREHEAD), "hair");
    assert.equal(await away.at("error").count(), 0);
  } finally {
    await away.close();
    await server.stop();
  }
});

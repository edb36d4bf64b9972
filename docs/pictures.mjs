/**
 * Makes the editor's pictures in this folder, light and dark, on a rendered portrait.
 *
 *     node docs/pictures.mjs
 *
 * Starts `maskgan serve` (PYTHON names the interpreter) and Chromium (CHROMIUM); needs tests/page/setup.sh.
 */

import { openBrowser, openEditor, startServer } from "../tests/page/browser/editor.js";

const FOLDER = new URL(".", import.meta.url).pathname;
const WINDOW = { viewport: { width: 1280, height: 800 } };
const QUALITY = 78;

const server = await startServer();
const browser = await openBrowser();
try {
  for (const theme of /** @type {const} */ (["light", "dark"])) {
    const editor = await (await openEditor(browser, server.address, { ...WINDOW, colorScheme: theme })).load();
    const settled = async () => {
      await editor.until("the edits", () => editor.page.evaluate(() => !document.body.hasAttribute("data-editing")));
      await editor.rendered();
    };
    await editor.at("edit-smile").click();
    await settled();
    await editor.at("edit-glasses-clear").click();
    await settled();
    if (theme === "dark") {
      await editor.at("tab-colours").click();
      await editor.at("hair-colour-red").click();
      await settled();
    }
    const seen = () => editor.page.evaluate(() => [...document.images].every((image) => !image.checkVisibility() || image.complete));
    await editor.until("thumbnails", seen);
    await editor.page.waitForTimeout(5000); // notices leave
    const name = theme === "light" ? "editor.jpg" : "editor-dark.jpg";
    await editor.page.screenshot({ path: `${FOLDER}${name}`, type: "jpeg", quality: QUALITY });
    await editor.close();
  }
} finally {
  await browser.close();
  await server.stop();
}

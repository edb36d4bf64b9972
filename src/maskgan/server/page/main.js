/** The editor: makes its parts, joins them, and opens the first face. */

import { about } from "./remote/api.js";
import { Preferences } from "./state/preferences.js";
import { classPanel } from "./ui/class-panel.js";
import { commands } from "./ui/commands.js";
import { byId, loadIcons } from "./ui/elements.js";
import { closableDialogs, helpSheet, hintKeys, save, saveMenu, tabs, themeButton } from "./ui/menus.js";
import { showError, showNotice } from "./ui/messages.js";
import { acceptDrops, openDialog } from "./ui/open-dialog.js";
import { refinePanel } from "./ui/refine-panel.js";
import { shapePanel } from "./ui/shape-panel.js";
import { Stage } from "./ui/stage.js";
import { stylePanel } from "./ui/style-panel.js";
import { toolOptions } from "./ui/tool-options.js";
import { toolbox } from "./ui/toolbox.js";
import { viewControls } from "./ui/view-controls.js";
import { Workbench } from "./ui/workbench.js";

const FIRST_PORTRAIT = 7;

async function start() {
  // The address may have carried a token, which is a cookie by now; it should not be seen or passed on by chance.
  if (location.search) history.replaceState(null, "", location.pathname);
  const preferences = new Preferences(localStorage);
  themeButton(preferences);
  closableDialogs();
  tabs();
  hintKeys();
  let facts;
  try {
    [facts] = await Promise.all([about(), loadIcons()]);
  } catch (error) {
    showError(/** @type {Error} */ (error).message, { label: "Try again", run: () => location.reload() });
    return;
  }
  const bench = new Workbench(facts, preferences);
  reportState(bench);
  furnish(bench);
  if (await bench.resume()) return;
  const numbers = facts.portraits.map(({ number }) => number);
  const number = numbers.includes(FIRST_PORTRAIT) ? FIRST_PORTRAIT : numbers[0];
  await bench.openSource({ kind: "portrait", number }, `Portrait ${number}`);
}

/** @param {Workbench} bench */
function furnish(bench) {
  /** @type {Stage} */
  let stage;
  const tools = toolbox({
    document: () => bench.open.document,
    isUntouched: () => !bench.project?.document.isEdited,
    preferences: bench.preferences,
    classes: bench.about.classes,
    view: () => stage.view,
    redraw: () => stage.redraw(),
    say: showNotice,
  });
  stage = new Stage(bench, tools.brush);
  bench.settle = () => stage.tool.settle();
  /** @param {string} name */
  const take = (name) => {
    bench.settle();
    stage.tool = tools[name] ?? tools.brush;
    bench.preferences.set({ tool: name in tools ? name : "brush" });
  };
  take(bench.preferences.values.tool);
  bench.addEventListener("change", (event) => {
    if (["undo", "redo"].includes(/** @type {CustomEvent} */ (event).detail)) tools.stamp.forget();
  });

  classPanel(bench);
  stylePanel(bench);
  shapePanel(bench);
  refinePanel(bench);
  viewControls(bench, stage);
  toolOptions(bench, tools);
  saveMenu(
    (what) => void save(bench, what),
    (what) => what !== "photograph" || Boolean(bench.project?.remote.isCutOut),
  );
  acceptDrops(bench);
  commands(bench, stage, { take, open: openDialog(bench), help: helpSheet() });
}

/**
 * Say on the page itself, and to whoever watches it, what goes on.
 *
 * @param {Workbench} bench
 */
function reportState(bench) {
  const root = document.documentElement;
  const title = byId("title", HTMLElement);
  root.dataset.state = "rendering";
  root.dataset.renders = "0";
  bench.addEventListener("open", () => {
    title.textContent = bench.open.title;
    document.title = `${bench.open.title} – MaskGAN`;
  });
  bench.addEventListener("busy", () => (root.dataset.state = bench.busy ? "rendering" : "idle"));
  bench.addEventListener("result", () => (root.dataset.renders = String(Number(root.dataset.renders) + 1)));
}

void start();

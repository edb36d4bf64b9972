/**
 * Commands and what starts them: keys, and buttons that name one in `data-command`.
 *
 * @typedef {import("./workbench.js").Workbench} Workbench
 * @typedef {import("./stage.js").Stage} Stage
 * @typedef {import("./tools/tool.js").Tool} Tool
 */

import { mirrored } from "../mask/mirror.js";
import { nextBrushSize } from "../state/preferences.js";
import { commandFor } from "../state/shortcuts.js";
import { toggleLock } from "./class-panel.js";
import { byId } from "./elements.js";
import { save } from "./menus.js";
import { showNotice } from "./messages.js";

const ZOOM_STEP = 1.25;

/**
 * @param {Workbench} bench
 * @param {Stage} stage
 * @param {{take: (tool: string) => void, open: () => void, help: () => void}} doors
 */
export function commands(bench, stage, { take, open, help }) {
  const { preferences } = bench;
  const toggle = (/** @type {"compare" | "maskShown"} */ key) => preferences.set({ [key]: !preferences.values[key] });
  /** @type {Record<string, () => void>} */
  const table = {
    undo: () => travel(bench, stage, "undo"),
    redo: () => travel(bench, stage, "redo"),
    mirror: () => mirror(bench),
    confirm: () => stage.tool.confirm(),
    cancel: () => stage.tool.cancel(),
    lock: () => toggleLock(bench, preferences.values.label),
    smaller: () => preferences.set({ brushSize: nextBrushSize(preferences.values.brushSize, -1) }),
    larger: () => preferences.set({ brushSize: nextBrushSize(preferences.values.brushSize, 1) }),
    compare: () => toggle("compare"),
    "hide-mask": () => toggle("maskShown"),
    under: () => preferences.set({ under: preferences.values.under === "photo" ? "result" : "photo" }),
    fit: () => stage.fit(),
    "zoom-in": () => stage.zoomBy(ZOOM_STEP),
    "zoom-out": () => stage.zoomBy(1 / ZOOM_STEP),
    open,
    help,
    "save-project": () => void save(bench, "project"),
    "save-png": () => void save(bench, "png"),
  };
  for (const tool of ["brush", "eraser", "fill", "lasso", "picker", "move", "bend", "stamp"]) {
    table[`tool:${tool}`] = () => take(tool);
  }
  const always = new Set(["open", "help"]);
  const run = (/** @type {string} */ command) => {
    if (bench.project || always.has(command)) table[command]();
  };

  window.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (document.querySelector("dialog[open]")) return;
    if (event.key === " " && !target.matches("button, input, a")) {
      stage.holdView(true);
      event.preventDefault();
      return;
    }
    // Enter and arrows mean what the button or slider in focus makes of them.
    const ownsKey = target.matches("button, input, a, [role=slider]");
    if (bench.project && !ownsKey && stage.tool.key(event)) {
      event.preventDefault();
      return;
    }
    const command = commandFor(event);
    if (!command || (command === "confirm" && ownsKey)) return;
    event.preventDefault();
    run(command);
  });
  window.addEventListener("keyup", (event) => {
    if (event.key === " ") stage.holdView(false);
  });
  window.addEventListener("blur", () => stage.holdView(false));
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-command]"))) {
    button.addEventListener("click", () => run(button.dataset.command ?? ""));
  }

  const showHistory = () => {
    const history = bench.project?.document.history;
    for (const way of /** @type {const} */ (["undo", "redo"])) {
      const title = history?.[`${way}Title`];
      const button = byId(way, HTMLButtonElement);
      button.disabled = !title;
      button.setAttribute("aria-label", `${way === "undo" ? "Undo" : "Redo"}${title ? `: ${title}` : ""}`);
    }
  };
  bench.addEventListener("open", showHistory);
  bench.addEventListener("change", showHistory);
}

/**
 * @param {Workbench} bench
 * @param {Stage} stage
 * @param {"undo" | "redo"} way
 */
function travel(bench, stage, way) {
  // What is not finished is taken back first, and that is all.
  if (stage.tool.isUnderWay) {
    stage.tool.cancel();
    return;
  }
  const title = bench.open.document[way]();
  if (title) showNotice(`${way === "undo" ? "Undone" : "Done again"}: ${title}`);
}

/** @param {Workbench} bench */
function mirror(bench) {
  bench.settle();
  const { document } = bench.open;
  document.show(mirrored(document.mask, bench.about.classes.map((face) => face.mirror), document.locks));
  document.commit("Mirror");
}

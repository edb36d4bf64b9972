/**
 * Commands, their keyboard shortcuts, and the buttons with `data-command`.
 *
 * @typedef {import("./app.js").App} App
 * @typedef {import("./canvas-view.js").CanvasView} CanvasView
 * @typedef {import("./tools/tool.js").Tool} Tool
 */

import { t } from "../i18n/translate.js";
import { nextBrushSize } from "../state/preferences.js";
import { commandFor } from "../state/shortcuts.js";
import { copyPicture } from "./clipboard.js";
import { toggleLock } from "./class-panel.js";
import { byId } from "./elements.js";
import { save } from "./menus.js";
import { showNotice } from "./messages.js";

const ZOOM_STEP = 1.25;

/**
 * @param {App} app
 * @param {CanvasView} canvasView
 * @param {{selectTool: (tool: string) => void, open: () => void, help: () => void}} actions
 */
export function initCommands(app, canvasView, { selectTool, open, help }) {
  const { preferences } = app;
  const toggle = (/** @type {"compare" | "maskShown" | "symmetric"} */ key) => preferences.set({ [key]: !preferences.values[key] });
  /** @type {Record<string, () => void>} */
  const table = {
    undo: () => undoOrRedo(app, canvasView, "undo"),
    redo: () => undoOrRedo(app, canvasView, "redo"),
    symmetry: () => toggle("symmetric"),
    confirm: () => canvasView.tool.confirm(),
    cancel: () => canvasView.cancelTool(),
    lock: () => toggleLock(app, preferences.values.label),
    smaller: () => preferences.set({ brushSize: nextBrushSize(preferences.values.brushSize, -1) }),
    larger: () => preferences.set({ brushSize: nextBrushSize(preferences.values.brushSize, 1) }),
    compare: () => {
      toggle("compare");
      // The comparison is in the result pane.
      if (preferences.values.compare && canvasView.shownPanes === "mask") preferences.set({ panes: "result" });
    },
    "hide-mask": () => toggle("maskShown"),
    underlay: () => preferences.set({ underlay: canvasView.underlay === "photo" ? "result" : "photo" }),
    fit: () => canvasView.fit(),
    "zoom-in": () => canvasView.zoomBy(ZOOM_STEP),
    "zoom-out": () => canvasView.zoomBy(1 / ZOOM_STEP),
    open,
    help,
    "save-project": () => void save(app, "project"),
    "save-png": () => void save(app, "png"),
    copy: () => void copyPicture(app),
    original: () => canvasView.showOriginal(true), // until the key is released
  };
  for (const tool of ["brush", "eraser", "fill", "lasso", "picker", "move", "bend", "stamp"]) {
    table[`tool:${tool}`] = () => selectTool(tool);
  }
  const always = new Set(["open", "help"]);
  const run = (/** @type {string} */ command) => {
    if (app.project || always.has(command)) table[command]();
  };

  window.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (document.querySelector("dialog[open], :popover-open")) return;
    // Focused buttons and sliders handle Enter and arrow keys themselves.
    const ownsKey = target.matches("button, input, select, a, [role=slider]");
    if (app.project && ((!ownsKey && canvasView.tool.key(event)) || canvasView.key(event))) {
      event.preventDefault();
      return;
    }
    if (event.key === " " && !ownsKey) {
      canvasView.holdPan(true);
      event.preventDefault();
      return;
    }
    const command = commandFor(event);
    // Marked text is copied by the browser.
    if (command === "copy" && !getSelection()?.isCollapsed) return;
    if (!command || (command === "confirm" && ownsKey)) return;
    event.preventDefault();
    run(command);
  });
  window.addEventListener("keyup", (event) => {
    if (event.key === " ") canvasView.holdPan(false);
    if (event.key.toLowerCase() === "o") canvasView.showOriginal(false);
  });
  window.addEventListener("blur", () => {
    canvasView.holdPan(false);
    canvasView.showOriginal(false);
  });
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-command]"))) {
    button.addEventListener("click", () => run(button.dataset.command ?? ""));
  }

  const showHistory = () => {
    const history = app.project?.document.history;
    for (const direction of /** @type {const} */ (["undo", "redo"])) {
      const title = history?.[`${direction}Title`];
      const button = byId(direction, HTMLButtonElement);
      button.disabled = !title;
      const command = t(`command.${direction}`);
      button.setAttribute("aria-label", title ? t("notice.undo-step", { command, step: title }) : command);
    }
  };
  app.addEventListener("open", showHistory);
  app.addEventListener("change", (event) => {
    if (/** @type {CustomEvent} */ (event).detail !== "gesture") showHistory();
  });
}

/**
 * @param {App} app
 * @param {CanvasView} canvasView
 * @param {"undo" | "redo"} direction
 */
function undoOrRedo(app, canvasView, direction) {
  // Undo first cancels an unfinished action.
  if (canvasView.tool.isActive) {
    canvasView.cancelTool();
    return;
  }
  const title = app.openProject.document[direction]();
  if (title) showNotice(t(direction === "undo" ? "notice.undone" : "notice.redone", { step: title }));
}

/** Entry point: creates the app and its panels, and opens the first face. */

import { t } from "./i18n/translate.js";
import { connection, fetchInfo } from "./remote/api.js";
import { isStandalone } from "./remote/transport.js";
import { Preferences, hidesTools } from "./state/preferences.js";
import { initClassPanel } from "./ui/class-panel.js";
import { initCommands } from "./ui/commands.js";
import { copyPicture } from "./ui/clipboard.js";
import { initColourPanel } from "./ui/colour-panel.js";
import { initDialogs } from "./ui/dialogs.js";
import { EditControl } from "./ui/edit-control.js";
import { initEditPanel } from "./ui/edit-panel.js";
import { byId, loadIcons } from "./ui/elements.js";
import { initLanguage } from "./ui/language.js";
import { prepareStandalone } from "./ui/first-visit.js";
import { initHelpDialog, initTooltips, save, initSaveMenu, initTabs, initThemeButton } from "./ui/menus.js";
import { showError, showNotice } from "./ui/messages.js";
import { initDropAndPaste, initOpenDialog } from "./ui/open-dialog.js";
import { initRefinePanel } from "./ui/refine-panel.js";
import { initRovingGroups } from "./ui/roving.js";
import { initShapePanel } from "./ui/shape-panel.js";
import { CanvasView } from "./ui/canvas-view.js";
import { initStepsMenu } from "./ui/steps-menu.js";
import { initStylePanel } from "./ui/style-panel.js";
import { initToolOptions } from "./ui/tool-options.js";
import { createTools } from "./ui/toolbox.js";
import { EyedropperTool } from "./ui/tools/eyedropper-tool.js";
import { HandTool } from "./ui/tools/hand-tool.js";
import { initViewControls } from "./ui/view-controls.js";
import { App } from "./ui/app.js";

const FIRST_PORTRAIT = 7;

async function start() {
  // The URL may carry an access token, which is a cookie by now; do not leave it in the address bar.
  if (location.search) history.replaceState(null, "", location.pathname);
  const preferences = new Preferences(localStorage);
  await initLanguage(preferences);
  initThemeButton(preferences);
  initDialogs();
  initTabs(preferences);
  initTooltips();
  initRovingGroups();
  let info;
  try {
    const prepared = isStandalone ? prepareStandalone() : Promise.resolve();
    [info] = await Promise.all([prepared.then(fetchInfo), loadIcons()]);
  } catch (error) {
    connection.addEventListener("restored", () => location.reload());
    showError(/** @type {Error} */ (error).message, { label: t("message.try-again"), run: () => location.reload() });
    return;
  }
  const app = new App(info, preferences);
  exposeState(app);
  initPanels(app);
  if (await app.resume()) return;
  const numbers = info.portraits.map(({ number }) => number);
  const number = numbers.includes(FIRST_PORTRAIT) ? FIRST_PORTRAIT : numbers[0];
  await app.openSource({ kind: "portrait", number }, t("open.portrait", { number }));
}

/** @param {App} app */
function initPanels(app) {
  /** @type {CanvasView} */
  let canvasView;
  /** @type {import("./ui/tools/tool.js").ToolContext} */
  const editor = {
    document: () => app.openProject.document,
    isUnedited: () => !app.project?.document.isEdited,
    preferences: app.preferences,
    classes: app.info.classes,
    symmetry: () => canvasView.symmetry,
    axis: () => canvasView.axis,
    colours: () => canvasView.colours,
    view: () => canvasView.view,
    redraw: () => canvasView.redraw(),
    notify: showNotice,
  };
  const tools = createTools(editor);
  canvasView = new CanvasView(app, tools.brush);
  app.commitPending = () => canvasView.commitPending();
  canvasView.onPick = (label) => {
    if (label !== null) tools.picker.pick(label);
  };
  /** @param {string} name */
  const selectTool = (name) => {
    app.commitPending();
    app.preferences.set({ tool: name in tools ? name : "brush" });
    showTool();
  };
  const hand = new HandTool(editor);
  const showTool = () => {
    const { tool, tab } = app.preferences.values;
    canvasView.tool = hidesTools(tab) ? hand : tools[tool];
  };
  selectTool(app.preferences.values.tool);
  app.preferences.onChange((changed) => {
    if (!("tab" in changed)) return;
    app.commitPending();
    showTool();
  });
  app.addEventListener("change", (event) => {
    if (["undo", "redo"].includes(/** @type {CustomEvent} */ (event).detail)) tools.stamp.reset();
  });

  const eyedropper = new EyedropperTool(editor, () => app.openProject.picture);
  /** @param {import("./ui/tools/eyedropper-tool.js").Pick} pick */
  const pickColour = (pick) => {
    app.commitPending();
    canvasView.showOriginal(true);
    canvasView.tool = eyedropper;
    const dismissHint = showNotice(eyedropper.hint);
    eyedropper.start({
      shown: pick.shown,
      ended: (colour) => {
        if (canvasView.tool === eyedropper) showTool();
        canvasView.showOriginal(false);
        dismissHint();
        pick.ended(colour);
      },
    });
    canvasView.redraw();
  };

  const control = new EditControl(app, (busy) => document.body.toggleAttribute("data-editing", busy));
  initEditPanel(app, control);
  initColourPanel(app, control, pickColour);
  initStepsMenu(app);
  initClassPanel(app);
  initStylePanel(app);
  initShapePanel(app);
  initRefinePanel(app);
  initViewControls(app, canvasView);
  initToolOptions(app, tools, canvasView);
  initSaveMenu(
    (what) => void (what === "copy" ? copyPicture(app) : save(app, what)),
    (what) => !what.startsWith("photograph") || Boolean(app.project?.remote.isCropped),
  );
  initDropAndPaste(app);
  const takeTool = (/** @type {string} */ name) => {
    selectTool(name);
    // Beside cards and colours, the options of tools are hidden.
    if (hidesTools(app.preferences.values.tab)) byId("tab-parts", HTMLButtonElement).click();
  };
  initCommands(app, canvasView, { selectTool: takeTool, open: initOpenDialog(app), help: initHelpDialog() });
}

/**
 * Expose the app's state in the title and as data attributes of the document.
 *
 * @param {App} app
 */
function exposeState(app) {
  const root = document.documentElement;
  const title = byId("title", HTMLElement);
  root.dataset.state = "rendering";
  root.dataset.renders = "0";
  app.addEventListener("open", () => {
    title.textContent = app.openProject.title;
    title.title = app.openProject.title; // whole, where the bar cuts it
    document.title = `${app.openProject.title} – MaskGAN`;
  });
  app.addEventListener("busy", () => (root.dataset.state = app.busy ? "rendering" : "idle"));
  app.addEventListener("result", () => (root.dataset.renders = String(Number(root.dataset.renders) + 1)));
}

void start();

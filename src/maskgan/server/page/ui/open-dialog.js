/**
 * Opening faces: dialog, drag and drop, paste.
 *
 * @typedef {import("./app.js").App} App
 */

import { dateAndTime, t } from "../i18n/translate.js";
import { resizedLabels, restoreLocked } from "../mask/label-map.js";
import { portraitAddress } from "../remote/transport.js";
import { stem, classifyFiles } from "../state/files.js";
import { closeDialogs, openModal } from "./dialogs.js";
import { byId, create, icon } from "./elements.js";
import { PICTURES, pickFiles } from "./file-picker.js";
import { cancelDetection, frameDialog } from "./frame-dialog.js";
import { readMaskFile } from "./mask-file.js";
import { dismissMessages, showError, showFileError, showNotice, showQuestion } from "./messages.js";
import { openRecipe } from "./recipes.js";

const MAX_STRETCH = 0.02; // of a mask's proportions

const UNDO_TIME = 8000; // milliseconds in which a deletion can be undone

/** Ids of deleted projects, as long as the deletion can be undone. @type {Set<string>} */
const deleting = new Set();

/**
 * @param {App} app
 * @returns {() => void} shows the dialog
 */
export function initOpenDialog(app) {
  const dialog = byId("open-dialog", HTMLDialogElement);
  const portraits = app.info.portraits.map(({ number }) => {
    const label = t("open.portrait", { number });
    const picture = create("img", { src: portraitAddress(number, 256), alt: "", loading: "lazy" });
    const button = create("button", { class: "tile", "aria-label": label, title: label }, picture);
    button.setAttribute("data-testid", `portrait-${number}`);
    button.addEventListener("click", () => {
      dialog.close();
      startOpening();
      void app.openSource({ kind: "portrait", number }, label);
    });
    return button;
  });
  byId("open-portraits", HTMLElement).append(...portraits);
  /** @param {Promise<File[]>} picked */
  const openPicked = async (picked) => {
    const files = await picked;
    if (!files.length) return;
    dialog.close();
    await openFiles(app, files);
  };
  byId("open-picture", HTMLElement).addEventListener("click", () => void openPicked(pickFiles(PICTURES, false)));
  byId("open-pair", HTMLElement).addEventListener("click", () => void openPicked(pickFiles(PICTURES, true)));
  byId("open-project", HTMLElement).addEventListener("click", () => void openPicked(pickFiles(".maskgan", false)));
  byId("open-recipe", HTMLElement).addEventListener("click", () => void openPicked(pickFiles(".json", false)));
  return () => {
    void listSavedProjects(app, dialog);
    openModal(dialog);
  };
}

/** Number of openings ever started; the newest wins. */
let openings = 0;

/** What was being opened gives way, and the messages about it. */
function startOpening() {
  dismissMessages();
  cancelDetection();
  return ++openings;
}

/**
 * Open selected, dropped or pasted files.
 *
 * @param {App} app
 * @param {File[]} files
 */
async function openFiles(app, files) {
  const opening = startOpening();
  try {
    const opened = await classifyFiles(files);
    if (opening !== openings) return;
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    const { limits } = app.info;
    if ("recipe" in opened) {
      await openRecipe(app, opened.recipe);
      return;
    }
    const most = "project" in opened ? limits.project_bytes : limits.upload_bytes;
    if (bytes > most) {
      throw new Error(t("open.too-large", { size: megabytes(bytes), limit: megabytes(most) }));
    }
    if ("project" in opened) {
      await app.openSource({ kind: "project", file: opened.project }, stem(opened.project.name));
      return;
    }
    const { picture, mask } = opened;
    const lone = app.project && !mask ? await readMaskFile(picture, app.info.classes) : null;
    if (opening !== openings) return;
    if (lone) {
      showQuestion(
        t("open.is-mask", { name: picture.name }),
        { label: t("open.use-mask"), run: () => importMask(app, lone) },
        { label: t("open.as-picture"), run: () => void openPicture(app, picture, null) },
      );
      return;
    }
    await openPicture(app, picture, mask);
  } catch (error) {
    showFileError(error, files);
  }
}

/**
 * @param {App} app
 * @param {File} picture
 * @param {File | null} mask
 */
async function openPicture(app, picture, mask) {
  try {
    const crop = mask ? null : await frameDialog(picture, t("frame.title"));
    if (crop === "cancelled") return;
    await app.openSource({ kind: "picture", picture, mask, crop }, stem(picture.name));
  } catch (error) {
    showFileError(error, [picture, mask]);
  }
}

/**
 * Replace the mask of the open face; one step of history.
 *
 * @param {App} app
 * @param {import("../mask/label-map.js").LabelMap} mask
 */
function importMask(app, mask) {
  app.commitPending();
  const { document } = app.openProject;
  const { width, height } = document.mask;
  if (Math.abs((mask.width * height) / (mask.height * width) - 1) > MAX_STRETCH) {
    showError(t("open.mask-size", { size: `${mask.width}x${mask.height}`, wanted: `${width}x${height}` }));
    return;
  }
  const labels = resizedLabels(mask, { width, height });
  restoreLocked(document.mask.data, labels, document.locks);
  document.setMask(labels);
  document.commit(t("step.import-mask"));
}

/**
 * Accept files dropped on the page and pasted pictures.
 *
 * @param {App} app
 */
export function initDropAndPaste(app) {
  const overlay = byId("drop-overlay", HTMLElement);
  let depth = 0;
  const carriesFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  window.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    depth++;
    overlay.classList.add("shown");
  });
  window.addEventListener("dragleave", (event) => {
    if (!carriesFiles(event)) return;
    depth = Math.max(depth - 1, 0);
    if (!depth) overlay.classList.remove("shown");
  });
  window.addEventListener("dragover", (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  window.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    overlay.classList.remove("shown");
    closeDialogs();
    void openFiles(app, [...(event.dataTransfer?.files ?? [])]);
  });
  window.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    closeDialogs();
    void openFiles(app, files);
  });
}

/**
 * List the projects stored in this browser.
 *
 * @param {App} app
 * @param {HTMLDialogElement} dialog
 */
async function listSavedProjects(app, dialog) {
  const section = byId("open-saved", HTMLElement);
  const records = (await app.store.list()).filter(({ id }) => !deleting.has(id));
  const items = records.map((record) => {
    const picture = create("img", { alt: "" });
    if (record.thumbnail) picture.src = URL.createObjectURL(record.thumbnail);
    picture.addEventListener("load", () => URL.revokeObjectURL(picture.src));
    const time = dateAndTime(record.updated);
    const label = t("open.project-of", { title: record.title, time });
    const open = create("button", { class: "tile", "aria-label": t("open.continue", { project: label }), title: label }, picture);
    open.addEventListener("click", () => {
      dialog.close();
      startOpening();
      void app.reopenProject(record.id);
    });
    const remove = create("button", { class: "plain corner", "aria-label": t("open.delete", { project: label }) }, icon("close"));
    const item = create("div", { class: "saved-project" }, open, remove);
    remove.addEventListener("click", () => {
      item.remove();
      section.hidden = !section.querySelector(".saved-project");
      deleting.add(record.id);
      const timer = setTimeout(() => void app.store.remove(record.id), UNDO_TIME);
      const undo = () => {
        clearTimeout(timer);
        deleting.delete(record.id);
        void listSavedProjects(app, dialog);
      };
      showNotice(t("open.deleted", { title: record.title }), { label: t("message.undo"), run: undo }, UNDO_TIME);
    });
    return item;
  });
  byId("open-saved-list", HTMLElement).replaceChildren(...items);
  section.hidden = !items.length;
}

/** @param {number} bytes */
function megabytes(bytes) {
  return t("open.megabytes", { value: (bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0) });
}

/**
 * Everything that opens a face: the dialog, drag and drop, paste.
 *
 * @typedef {import("./workbench.js").Workbench} Workbench
 */

import { stem, understandFiles } from "../state/files.js";
import { byId, create, icon } from "./elements.js";
import { pickFiles } from "./file-picker.js";
import { frameDialog } from "./frame-dialog.js";
import { showError } from "./messages.js";

/**
 * @param {Workbench} bench
 * @returns {() => void} shows the dialog
 */
export function openDialog(bench) {
  const dialog = byId("open-dialog", HTMLDialogElement);
  const portraits = bench.about.portraits.map(({ number }) => {
    const label = `Portrait ${number}`;
    const picture = create("img", { src: `/api/portraits/${number}.jpg?size=256`, alt: "", loading: "lazy" });
    const button = create("button", { class: "tile", "aria-label": label, title: label }, picture);
    button.setAttribute("data-testid", `portrait-${number}`);
    button.addEventListener("click", () => {
      dialog.close();
      void bench.openSource({ kind: "portrait", number }, label);
    });
    return button;
  });
  byId("open-portraits", HTMLElement).append(...portraits);
  /** @param {Promise<File[]>} picked */
  const openPicked = async (picked) => {
    const files = await picked;
    if (!files.length) return;
    dialog.close();
    await openFiles(bench, files);
  };
  byId("open-picture", HTMLElement).addEventListener("click", () => void openPicked(pickFiles("image/*", false)));
  byId("open-pair", HTMLElement).addEventListener("click", () => void openPicked(pickFiles("image/*", true)));
  byId("open-project", HTMLElement).addEventListener("click", () => void openPicked(pickFiles(".maskgan", false)));
  return () => {
    void listKept(bench, dialog);
    dialog.showModal();
  };
}

/**
 * Open what was picked, dropped or pasted.
 *
 * @param {Workbench} bench
 * @param {File[]} files
 */
async function openFiles(bench, files) {
  try {
    const opened = await understandFiles(files);
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    const { limits } = bench.about;
    const most = "project" in opened ? limits.project_bytes : limits.upload_bytes;
    if (bytes > most) {
      throw new Error(`That is ${megabytes(bytes)}; at most ${megabytes(most)} can be opened. Shrink it first.`);
    }
    if ("project" in opened) {
      await bench.openSource({ kind: "project", file: opened.project }, stem(opened.project.name));
      return;
    }
    const { picture, mask } = opened;
    const crop = mask ? null : await frameDialog(picture, "Frame the face");
    if (crop === "cancelled") return;
    await bench.openSource({ kind: "picture", picture, mask, crop }, stem(picture.name));
  } catch (error) {
    showError(/** @type {Error} */ (error).message);
  }
}

/**
 * Files dropped anywhere on the page, and pictures pasted.
 *
 * @param {Workbench} bench
 */
export function acceptDrops(bench) {
  const veil = byId("drop-veil", HTMLElement);
  let depth = 0;
  const carriesFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  window.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    depth++;
    veil.classList.add("shown");
  });
  window.addEventListener("dragleave", (event) => {
    if (!carriesFiles(event)) return;
    depth = Math.max(depth - 1, 0);
    if (!depth) veil.classList.remove("shown");
  });
  window.addEventListener("dragover", (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  window.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    veil.classList.remove("shown");
    void openFiles(bench, [...(event.dataTransfer?.files ?? [])]);
  });
  window.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    void openFiles(bench, files);
  });
}

/**
 * What was edited before and is kept in this browser.
 *
 * @param {Workbench} bench
 * @param {HTMLDialogElement} dialog
 */
async function listKept(bench, dialog) {
  const section = byId("open-kept", HTMLElement);
  const records = await bench.kept.list();
  const items = records.map((record) => {
    const picture = create("img", { alt: "" });
    if (record.thumbnail) picture.src = URL.createObjectURL(record.thumbnail);
    picture.addEventListener("load", () => URL.revokeObjectURL(picture.src));
    const when = new Date(record.updated).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    const label = `${record.title}, ${when}`;
    const open = create("button", { class: "tile", "aria-label": `Go on with ${label}`, title: label }, picture);
    open.addEventListener("click", () => {
      dialog.close();
      void bench.openKept(record.id);
    });
    const remove = create("button", { class: "plain corner", "aria-label": `Delete ${label}` }, icon("close"));
    const item = create("div", { class: "kept" }, open, remove);
    remove.addEventListener("click", () => {
      item.remove();
      section.hidden = !section.querySelector(".kept");
      void bench.kept.forget(record.id);
    });
    return item;
  });
  byId("open-kept-list", HTMLElement).replaceChildren(...items);
  section.hidden = !items.length;
}

/** @param {number} bytes */
function megabytes(bytes) {
  return `${(bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0)} MB`;
}

/**
 * The application: open project, rendering, storage. Panels and dialogs call it and listen to its events:
 *
 * - `open`: a project was opened
 * - `change`: the document changed; `detail` is the cause
 * - `picture`: the photograph is shown more exactly
 * - `result`: a new render arrived
 * - `busy`: opening or rendering started or ended
 *
 * @typedef {import("../remote/api.js").ServerInfo & import("../remote/api.js").EditInfo} ServerInfo
 * @typedef {import("../remote/sources.js").Source} Source
 * @typedef {import("../state/project-file.js").StylePicture} StylePicture
 * @typedef {import("../state/settings.js").Settings} Settings
 * @typedef {import("../storage/project-store.js").ProjectLock} ProjectLock
 * @typedef {import("./open-project.js").Project} Project
 */

import { t } from "../i18n/translate.js";
import { serializeEditor } from "../state/project-file.js";
import { ProjectStore } from "../storage/project-store.js";
import { newId } from "../storage/project-lock.js";
import { createThumbnail } from "./cropping.js";
import { showMaskWarnings, showStyleWarnings } from "./mask-warnings.js";
import { dismissMessages, showError, showNotice, withProgress } from "./messages.js";
import { openSource, restoreProject } from "./open-project.js";
import { ResultRenderer } from "./result-renderer.js";

export class App extends EventTarget {
  /** @type {Project | null} */
  project = null;
  #renderer = new ResultRenderer({
    project: () => this.openProject,
    resultChanged: (bitmap, quality) => {
      this.#emit("result");
      if (quality === "full") void this.#updateThumbnail(bitmap);
    },
    busyChanged: () => this.#emit("busy"),
  });
  /** Number of projects being opened. */
  #opening = 0;
  /** Number of openings ever started; the newest wins. */
  #openCount = 0;
  /** Finish the tool's pending action before something else changes the face. */
  commitPending = () => {};
  /** Until the named edits chosen so far are steps of history. */
  editsCommitted = async () => {};
  /** Projects stored in this browser. */
  store = new ProjectStore((error) =>
    showError(t("message.cannot-store", { reason: error.message })),
  );
  /** @type {Blob | null} */
  #thumbnail = null;

  /**
   * @param {ServerInfo} info
   * @param {import("../state/preferences.js").Preferences} preferences
   */
  constructor(info, preferences) {
    super();
    this.info = info;
    this.preferences = preferences;
    preferences.onChange((changed) => {
      if ("hidden" in changed || "opacity" in changed) this.store.write();
    });
    // Commit pending work: later events leave no time to write.
    window.addEventListener("beforeunload", () => this.commitPending());
  }

  /** The latest render. */
  get result() {
    return this.#renderer.result;
  }

  get busy() {
    return this.#renderer.busy || this.#opening > 0;
  }

  /** @returns {Project} */
  get openProject() {
    if (!this.project) throw new Error(t("open.no-face"));
    return this.project;
  }

  /**
   * Open a face; the previous project stays stored.
   *
   * @param {Source} source
   * @param {string} title
   * @returns {Promise<boolean>} whether it succeeded
   */
  async openSource(source, title) {
    return this.#whileBusy(async () => {
      const project = await this.#load(() => openSource(source, title), t("open.opening"), Object.values(source));
      if (!project) return false;
      await this.#activate(project, null);
      if (project.warning) showError(project.warning);
      const { warnings } = await project.remote.session;
      const reopen = (/** @type {string} */ order) => {
        dismissMessages();
        void this.openSource(/** @type {Source} */ ({ ...source, order }), title);
      };
      showMaskWarnings(warnings, source.kind === "picture" ? reopen : null);
      return true;
    });
  }

  /**
   * Resume the project of this tab, or one that was not closed.
   *
   * @returns {Promise<boolean>} whether there was one
   */
  async resume() {
    for (const id of await this.store.openIds()) {
      const lock = await this.store.lock(id);
      // A duplicated tab continues with a copy.
      if (!lock && !this.store.isOwnTab(id)) continue;
      const stored = await this.store.load(id);
      if (stored) return this.#restoreProject(stored, lock);
      lock?.release();
    }
    return false;
  }

  /**
   * Open a stored project, or a copy if another tab has it open.
   *
   * @param {string} id
   */
  async reopenProject(id) {
    const lock = await this.store.lock(id);
    const stored = await this.store.load(id);
    if (stored) await this.#restoreProject(stored, lock);
    else lock?.release();
  }

  /**
   * Change settings as one step of history.
   *
   * @param {Partial<Settings>} change
   * @param {string} title
   */
  changeSettings(change, title) {
    this.commitPending();
    this.openProject.document.updateSettings(change);
    this.openProject.document.commit(title);
  }

  /** Render again: the server's network changed. */
  invalidateResult() {
    this.#renderer.invalidate();
    this.#renderer.finish();
  }

  /**
   * Store an opened style reference.
   *
   * @param {StylePicture} style
   * @returns {string} its key
   */
  addStyle(style) {
    const key = newId();
    this.openProject.styles.set(key, style);
    this.store.addStyle(key, style);
    return key;
  }

  /** @returns {import("../state/project-file.js").Appearance} */
  get appearance() {
    const { hidden, opacity } = this.preferences.values;
    return { hidden, opacity };
  }

  /**
   * Contents of a file to save.
   *
   * @param {import("./menus.js").Savable} what
   */
  async exportFile(what) {
    this.commitPending();
    await this.editsCommitted();
    const { document, remote, title, styles } = this.openProject;
    const labels = document.committed.data;
    if (what === "recipe") return remote.recipe(labels, document.settings.edits);
    if (what === "mask") return remote.maskFile(labels);
    if (what === "photograph") return remote.photograph(labels, document.renderSettings, "jpeg");
    if (what === "photograph-png") return remote.photograph(labels, document.renderSettings, "png");
    if (what !== "project") return remote.result(labels, document.renderSettings, what);
    const editor = await serializeEditor(document, title, styles, this.appearance);
    return remote.project(labels, document.settings.style, editor);
  }

  /**
   * @param {import("../storage/project-store.js").StoredProject} stored
   * @param {ProjectLock | null} lock null to continue with a copy
   * @returns {Promise<boolean>} whether it succeeded
   */
  async #restoreProject(stored, lock) {
    return this.#whileBusy(async () => {
      const project = await this.#load(() => restoreProject(stored), t("open.opening"));
      if (!project) {
        lock?.release();
        return false;
      }
      if (lock) project.document.history.markSaved();
      else showNotice(t("open.copy"));
      await this.#activate(project, lock);
      return true;
    });
  }

  /**
   * @param {() => Promise<Project>} task
   * @param {string} text progress message
   * @param {readonly unknown[]} [sources] files that errors name
   * @returns {Promise<Project | null>} null on failure, or if another face was opened meanwhile
   */
  async #load(task, text, sources = []) {
    const serial = ++this.#openCount;
    const project = await withProgress(text, task, sources);
    return project && serial === this.#openCount ? project : null;
  }

  /**
   * @template T
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  async #whileBusy(task) {
    this.#opening++;
    this.#emit("busy");
    try {
      return await task();
    } finally {
      this.#opening--;
      this.#emit("busy");
    }
  }

  /**
   * @param {Project} project
   * @param {ProjectLock | null} lock of the stored project
   */
  async #activate(project, lock) {
    await this.#closeProject();
    this.project = project;
    const saved = {
      title: project.title,
      document: project.document,
      appearance: () => this.appearance,
      thumbnail: () => this.#thumbnail,
    };
    await this.store.open(
      saved,
      { source: project.source, original: project.document.original.data, styles: project.styles },
      lock,
    );
    this.preferences.set(project.appearance ?? { hidden: [] });
    project.remote.styleWarned = (key, warnings) => {
      if (this.project === project) showStyleWarnings(this, key, warnings);
    };
    project.document.onChange((cause, affectsResult) => {
      if (this.project !== project) return;
      if (affectsResult) this.#renderer.invalidate();
      if (cause !== "gesture") {
        this.#renderer.finish();
        this.store.write();
      }
      this.#emit("change", cause);
    });
    this.#emit("open");
    this.#renderer.invalidate();
    this.#renderer.finish();
    void this.#whileBusy(() => this.#loadLossless(project));
  }

  /**
   * Replace the picture that was quick to load by the exact one, so that before and after differ in edited pixels only.
   *
   * @param {Project} project
   */
  async #loadLossless(project) {
    // Without it, the quick one stays.
    const picture = await project.remote.picture("lossless").then(createImageBitmap).catch(() => null);
    if (!picture || this.project !== project) {
      picture?.close();
      return;
    }
    const quick = project.picture;
    project.picture = picture;
    this.#emit("picture");
    quick.close();
  }

  async #closeProject() {
    const { project } = this;
    if (!project) return;
    this.commitPending();
    this.#renderer.stop();
    // Unedited faces are not kept.
    await this.store.close(project.document.isEdited);
    project.picture.close();
    this.#renderer.clear();
    this.#thumbnail = null;
    this.project = null;
    project.remote.close().catch(() => {}); // it expires on the server anyway
  }

  /** @param {ImageBitmap} picture */
  async #updateThumbnail(picture) {
    const { project } = this;
    const thumbnail = await createThumbnail(picture);
    if (this.project !== project) return;
    this.#thumbnail = thumbnail;
    this.store.write();
  }

  /**
   * @param {"open" | "change" | "picture" | "result" | "busy"} event
   * @param {unknown} [detail]
   */
  #emit(event, detail) {
    this.dispatchEvent(new CustomEvent(event, { detail }));
  }
}

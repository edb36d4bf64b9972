/**
 * What ties the page together: the open project, its rendering, its being kept. Panels and dialogs ask it for things and
 * listen to its events:
 *
 * - `open`: another project is open
 * - `change`: the document changed; `detail` is the cause
 * - `result`: another picture came from the server
 * - `busy`: opening or rendering began or ended
 *
 * @typedef {import("../remote/api.js").About} About
 * @typedef {import("../remote/remote-face.js").Source} Source
 * @typedef {import("../state/project.js").StylePicture} StylePicture
 * @typedef {import("../state/settings.js").Settings} Settings
 * @typedef {import("./project.js").Project} Project
 */

import { ApiError } from "../remote/api.js";
import { RenderScheduler } from "../state/scheduler.js";
import { writeEditor } from "../state/project.js";
import { Autosave } from "../storage/autosave.js";
import { Database } from "../storage/database.js";
import { claim, newId, rememberId, rememberedId } from "../storage/ownership.js";
import { showError, showNotice, withProgress } from "./messages.js";
import { openSource, reopen } from "./project.js";

const THUMBNAIL = 160;
const KEPT_PROJECTS = 24;
const QUIET_WAITS = 3;

export class Workbench extends EventTarget {
  /** @type {Project | null} */
  project = null;
  /** @type {ImageBitmap | null} the newest picture of the edited face */
  result = null;
  #rendering = false;
  /** Openings under way. */
  #opening = 0;
  /** Ends what a tool has under way, so that something else may change the face. */
  settle = () => {};
  #database = new Database();
  /** @type {Autosave | null} */
  #autosave = null;
  #id = "";
  #release = () => {};
  /** @type {Blob | null} */
  #thumbnail = null;
  /** @type {(() => void) | null} */
  #dismissWaiting = null;
  /** How often the server had no time since it last had. */
  #waits = 0;
  /** @type {RenderScheduler<ImageBitmap>} */
  #scheduler;

  /**
   * @param {About} about
   * @param {import("../state/preferences.js").Preferences} preferences
   */
  constructor(about, preferences) {
    super();
    this.about = about;
    this.preferences = preferences;
    this.#scheduler = new RenderScheduler({
      render: (quality, signal) => this.#render(quality, signal),
      show: (bitmap, quality) => this.#showResult(bitmap, quality),
      fail: (error) => showError(error.message),
      waiting: (error) => this.#tellOfWaiting(error),
      busyChanged: (busy) => {
        this.#rendering = busy;
        this.#tell("busy");
      },
    });
    preferences.onChange((changed) => {
      if ("hidden" in changed || "opacity" in changed) this.#autosave?.write();
    });
    // What a tool has under way is kept as it is. Later events leave no time to write.
    window.addEventListener("beforeunload", () => this.settle());
  }

  get busy() {
    return this.#rendering || this.#opening > 0;
  }

  /** @returns {Project} */
  get open() {
    if (!this.project) throw new Error("No face is open yet.");
    return this.project;
  }

  /**
   * Open a face in place of the one that is open; that one stays among the kept.
   *
   * @param {Source} source
   * @param {string} title
   * @returns {Promise<boolean>} whether it went well
   */
  async openSource(source, title) {
    return this.#whileOpening(async () => {
      const project = await withProgress("Reading the face…", () => openSource(source, title));
      if (!project) return false;
      await this.#installAsNew(project);
      if (project.trouble) showError(project.trouble);
      return true;
    });
  }

  /**
   * Go on where this tab, or one that was closed, left off.
   *
   * @returns {Promise<boolean>} whether there was anything
   */
  async resume() {
    const own = rememberedId();
    const open = (await this.keptProjects()).filter((record) => !record.left).map((record) => record.id);
    for (const id of [own, ...open]) {
      if (!id) continue;
      const release = await claim(id, false);
      if (release) {
        const reopened = await this.#reopen(id, release);
        if (reopened !== "missing") return reopened === "open";
      } else if (id === own) {
        // A duplicated tab: go on with a copy, and leave the original to its tab.
        return this.openCopy(id);
      }
    }
    return false;
  }

  /**
   * Open a kept project, or a copy of it where another tab works on it.
   *
   * @param {string} id
   */
  async openKept(id) {
    const release = await claim(id, false);
    if (!release) return this.openCopy(id);
    return (await this.#reopen(id, release)) === "open";
  }

  /**
   * @param {string} id
   * @returns {Promise<boolean>}
   */
  async openCopy(id) {
    return this.#whileOpening(async () => {
      const kept = await this.#database.load(id);
      const project = kept && (await withProgress("Opening…", () => reopen(kept)));
      if (!project) return false;
      await this.#installAsNew(project);
      showNotice("Another tab works on this face; this is a copy.");
      return true;
    });
  }

  /** @returns {Promise<import("../storage/database.js").ProjectRecord[]>} the newest first, but for the open one */
  async keptProjects() {
    try {
      return (await this.#database.projects()).filter(({ id }) => id !== this.#id);
    } catch (error) {
      this.#complainOfStorage(/** @type {Error} */ (error));
      return [];
    }
  }

  /** @param {string} id */
  async forgetKept(id) {
    const release = await claim(id, false);
    if (release) await this.#database.remove(id);
    release?.();
  }

  /**
   * Change settings as one step of history.
   *
   * @param {Partial<Settings>} change
   * @param {string} title
   */
  changeSettings(change, title) {
    this.settle();
    this.open.document.adjust(change);
    this.open.document.commit(title);
  }

  /**
   * Keep the picture of a style that was opened.
   *
   * @param {StylePicture} style
   * @returns {string} its key
   */
  keepStyle(style) {
    const key = newId();
    this.open.styles.set(key, style);
    this.#autosave?.keepStyle(key, style);
    return key;
  }

  /** @returns {import("../state/project.js").Appearance} */
  get appearance() {
    const { hidden, opacity } = this.preferences.values;
    return { hidden, opacity };
  }

  /**
   * The bytes of a file to save.
   *
   * @param {"png" | "jpeg" | "mask" | "project"} what
   */
  async fileToSave(what) {
    this.settle();
    const { document, remote, title, styles } = this.open;
    const labels = document.committed.data;
    if (what === "mask") return remote.maskFile(labels);
    if (what !== "project") return remote.result(labels, document.settings, what);
    const editor = await writeEditor(document, title, styles, this.appearance);
    return remote.project(labels, document.settings.style, editor);
  }

  /**
   * @param {string} id
   * @param {() => void} release
   * @returns {Promise<"open" | "missing" | "failed">}
   */
  async #reopen(id, release) {
    const kept = await this.#database.load(id);
    if (!kept) {
      release();
      return "missing";
    }
    const project = await this.#whileOpening(() => withProgress("Opening…", () => reopen(kept)));
    if (!project) {
      release();
      return "failed";
    }
    await this.#install(project, id, release);
    project.document.history.markSaved();
    return "open";
  }

  /** @param {Project} project */
  async #installAsNew(project) {
    const id = newId();
    await this.#install(project, id, (await claim(id, true)) ?? (() => {}));
  }

  /**
   * @template T
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  async #whileOpening(task) {
    this.#opening++;
    this.#tell("busy");
    try {
      return await task();
    } finally {
      this.#opening--;
      this.#tell("busy");
    }
  }

  /**
   * @param {Project} project
   * @param {string} id
   * @param {() => void} release
   */
  async #install(project, id, release) {
    const previous = this.project;
    await this.#leave();
    this.#id = id;
    this.#release = release;
    rememberId(id);
    this.project = project;
    previous?.picture.close();
    this.result?.close();
    this.result = null;
    this.#thumbnail = null;
    this.#autosave = new Autosave(
      this.#database,
      {
        id,
        title: project.title,
        document: project.document,
        appearance: () => this.appearance,
        thumbnail: () => this.#thumbnail,
      },
      (error) => this.#complainOfStorage(error),
    );
    this.#autosave.begin({ source: project.source, own: project.document.own.data, styles: project.styles });
    if (project.appearance) this.preferences.set(project.appearance);
    else this.preferences.set({ hidden: [] });
    project.document.onChange((cause) => {
      if (this.project !== project) return;
      this.#scheduler.edited();
      if (cause !== "gesture") this.#autosave?.write();
      this.#tell("change", cause);
    });
    this.#tell("open");
    this.#scheduler.edited();
    this.#autosave.write();
    void this.#tidy();
  }

  async #leave() {
    const { project } = this;
    if (!project) return;
    this.settle();
    this.#scheduler.stop();
    await this.#autosave?.close();
    // A face that nobody edited can be opened again as it was; there is nothing to keep.
    if (!project.document.isEdited) await this.#database.remove(this.#id);
    this.#release();
    project.remote.leave().catch(() => {}); // the server forgets it in time by itself
  }

  /** The browser's room is bounded: the oldest projects go first. */
  async #tidy() {
    const kept = await this.keptProjects();
    for (const { id } of kept.slice(KEPT_PROJECTS)) await this.forgetKept(id);
  }

  /**
   * @param {"preview" | "full"} quality
   * @param {AbortSignal} signal
   */
  async #render(quality, signal) {
    const { document, remote } = this.open;
    const blob = await remote.render(document.mask.data, document.settings, quality, signal);
    return blob && createImageBitmap(blob);
  }

  /**
   * @param {ImageBitmap} bitmap
   * @param {"preview" | "full"} quality
   */
  #showResult(bitmap, quality) {
    this.#dismissWaiting?.();
    this.#dismissWaiting = null;
    this.#waits = 0;
    this.result?.close();
    this.result = bitmap;
    this.#tell("result");
    if (quality === "full") void this.#makeThumbnail(bitmap);
  }

  /**
   * A server that is busy for a moment is no news; one that is gone is.
   *
   * @param {Error} error
   */
  #tellOfWaiting(error) {
    this.#waits++;
    const gone = error instanceof ApiError && error.status === 0;
    if (gone || this.#waits > QUIET_WAITS) this.#dismissWaiting ??= showError(error.message);
  }

  /** @param {ImageBitmap} picture */
  async #makeThumbnail(picture) {
    const { project } = this;
    const scale = THUMBNAIL / Math.max(picture.width, picture.height);
    const canvas = new OffscreenCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale));
    canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const thumbnail = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.8 });
    if (this.project !== project) return;
    this.#thumbnail = thumbnail;
    this.#autosave?.write();
  }

  /** @param {Error} error */
  #complainOfStorage(error) {
    showError(`This browser cannot keep your work (${error.message}); save the project as a file before you leave.`);
  }

  /**
   * @param {"open" | "change" | "result" | "busy"} event
   * @param {unknown} [detail]
   */
  #tell(event, detail) {
    this.dispatchEvent(new CustomEvent(event, { detail }));
  }
}

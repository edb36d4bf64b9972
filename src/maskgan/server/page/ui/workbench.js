/**
 * What ties the page together: the open project, its rendering, its being kept. Panels and dialogs ask it for things
 * and listen to its events:
 *
 * - `open`: another project is open
 * - `change`: the document changed; `detail` is the cause
 * - `result`: another picture came from the server
 * - `busy`: opening or rendering began or ended
 *
 * @typedef {import("../remote/api.js").About} About
 * @typedef {import("../remote/sources.js").Source} Source
 * @typedef {import("../state/project.js").StylePicture} StylePicture
 * @typedef {import("../state/settings.js").Settings} Settings
 * @typedef {import("../storage/kept-projects.js").Place} Place
 * @typedef {import("./project.js").Project} Project
 */

import { writeEditor } from "../state/project.js";
import { KeptProjects } from "../storage/kept-projects.js";
import { newId } from "../storage/ownership.js";
import { thumbnailOf } from "./cropping.js";
import { showError, showNotice, withProgress } from "./messages.js";
import { openSource, reopen } from "./project.js";
import { Rendering } from "./rendering.js";

export class Workbench extends EventTarget {
  /** @type {Project | null} */
  project = null;
  #rendering = new Rendering({
    project: () => this.open,
    resultChanged: (bitmap, quality) => {
      this.#tell("result");
      if (quality === "full") void this.#keepThumbnail(bitmap);
    },
    busyChanged: () => this.#tell("busy"),
  });
  /** Openings under way. */
  #opening = 0;
  /** How many were ever begun: the newest one wins. */
  #openings = 0;
  /** Ends what a tool has under way, so that something else may change the face. */
  settle = () => {};
  /** The projects that this browser keeps. */
  kept = new KeptProjects((error) =>
    showError(`This browser cannot keep your work (${error.message}); save the project as a file before you leave.`),
  );
  /** @type {Blob | null} */
  #thumbnail = null;

  /**
   * @param {About} about
   * @param {import("../state/preferences.js").Preferences} preferences
   */
  constructor(about, preferences) {
    super();
    this.about = about;
    this.preferences = preferences;
    preferences.onChange((changed) => {
      if ("hidden" in changed || "opacity" in changed) this.kept.write();
    });
    // What a tool has under way is kept as it is. Later events leave no time to write.
    window.addEventListener("beforeunload", () => this.settle());
  }

  /** The newest picture of the edited face. */
  get result() {
    return this.#rendering.result;
  }

  get busy() {
    return this.#rendering.busy || this.#opening > 0;
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
    return this.#whileBusy(async () => {
      const project = await this.#opened(() => openSource(source, title), "Reading the face…");
      if (!project) return false;
      await this.#install(project, null);
      if (project.trouble) showError(project.trouble);
      const { notice } = await project.remote.session;
      if (notice && source.kind === "picture") {
        const again = () => void this.openSource({ ...source, order: notice.order }, title);
        showError(notice.text, { label: "Open it in that order", run: again });
      }
      return true;
    });
  }

  /**
   * Go on where this tab, or one that was closed, left off.
   *
   * @returns {Promise<boolean>} whether there was anything
   */
  async resume() {
    for (const id of await this.kept.unfinished()) {
      const place = await this.kept.claim(id);
      // A duplicated tab has its own project in common with the original, and goes on with a copy.
      if (!place && !this.kept.isOwn(id)) continue;
      const kept = await this.kept.load(id);
      if (kept) return this.#reopen(kept, place);
      place?.release();
    }
    return false;
  }

  /**
   * Open a kept project, or a copy of it where another tab works on it.
   *
   * @param {string} id
   */
  async openKept(id) {
    const place = await this.kept.claim(id);
    const kept = await this.kept.load(id);
    if (kept) await this.#reopen(kept, place);
    else place?.release();
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

  /** Render the same edit again: the network at the server changed. */
  renderAgain() {
    this.#rendering.edited();
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
    this.kept.keepStyle(key, style);
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
   * @param {import("./menus.js").Savable} what
   */
  async fileToSave(what) {
    this.settle();
    const { document, remote, title, styles } = this.open;
    const labels = document.committed.data;
    if (what === "mask") return remote.maskFile(labels);
    if (what === "photograph") return remote.photograph(labels, document.settings);
    if (what !== "project") return remote.result(labels, document.settings, what);
    const editor = await writeEditor(document, title, styles, this.appearance);
    return remote.project(labels, document.settings.style, editor);
  }

  /**
   * @param {import("../storage/kept-projects.js").Kept} kept
   * @param {Place | null} place null to go on with a copy
   * @returns {Promise<boolean>} whether it went well
   */
  async #reopen(kept, place) {
    return this.#whileBusy(async () => {
      const project = await this.#opened(() => reopen(kept), "Opening…");
      if (!project) {
        place?.release();
        return false;
      }
      if (place) project.document.history.markSaved();
      else showNotice("Another tab works on this face; this is a copy.");
      await this.#install(project, place);
      return true;
    });
  }

  /**
   * @param {() => Promise<Project>} task
   * @param {string} text what to say while it takes long
   * @returns {Promise<Project | null>} null where it failed, or another face was opened meanwhile
   */
  async #opened(task, text) {
    const turn = ++this.#openings;
    const project = await withProgress(text, task);
    return project && turn === this.#openings ? project : null;
  }

  /**
   * @template T
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  async #whileBusy(task) {
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
   * @param {Place | null} place where it is kept already
   */
  async #install(project, place) {
    await this.#leave();
    this.project = project;
    const saved = {
      title: project.title,
      document: project.document,
      appearance: () => this.appearance,
      thumbnail: () => this.#thumbnail,
    };
    await this.kept.begin(
      saved,
      { source: project.source, own: project.document.own.data, styles: project.styles },
      place,
    );
    this.preferences.set(project.appearance ?? { hidden: [] });
    project.document.onChange((cause, alters) => {
      if (this.project !== project) return;
      if (alters) this.#rendering.edited();
      if (cause !== "gesture") this.kept.write();
      this.#tell("change", cause);
    });
    this.#tell("open");
    this.#rendering.edited();
  }

  async #leave() {
    const { project } = this;
    if (!project) return;
    this.settle();
    this.#rendering.stop();
    // A face that nobody edited can be opened again as it was; there is nothing to keep.
    await this.kept.leave(project.document.isEdited);
    project.picture.close();
    this.#rendering.clear();
    this.#thumbnail = null;
    this.project = null;
    project.remote.leave().catch(() => {}); // the server forgets it in time by itself
  }

  /** @param {ImageBitmap} picture */
  async #keepThumbnail(picture) {
    const { project } = this;
    const thumbnail = await thumbnailOf(picture);
    if (this.project !== project) return;
    this.#thumbnail = thumbnail;
    this.kept.write();
  }

  /**
   * @param {"open" | "change" | "result" | "busy"} event
   * @param {unknown} [detail]
   */
  #tell(event, detail) {
    this.dispatchEvent(new CustomEvent(event, { detail }));
  }
}

/**
 * The open project: document, server session, pictures.
 *
 * @typedef {import("../remote/sources.js").Source} Source
 * @typedef {import("../state/project-file.js").StylePicture} StylePicture
 * @typedef {import("../state/project-file.js").Appearance} Appearance
 */

import { t } from "../i18n/translate.js";
import { RemoteFace } from "../remote/remote-face.js";
import { FaceDocument } from "../state/document.js";
import { History } from "../state/history.js";
import { parseEditor } from "../state/project-file.js";
import { defaultSettings, parseSettings } from "../state/settings.js";

/**
 * @typedef {object} Project
 * @property {string} title
 * @property {Source} source
 * @property {FaceDocument} document
 * @property {RemoteFace} remote
 * @property {Map<string, StylePicture>} styles opened style references by key
 * @property {ImageBitmap} picture the source at display size; at first with JPEG artefacts
 * @property {Appearance | null} appearance saved view settings, if any
 * @property {string | null} warning warning about unreadable parts of a project file
 */

/**
 * Open a source: creates the server session and downloads picture and masks.
 *
 * @param {Source} source
 * @param {string} title
 * @returns {Promise<Project>}
 */
export async function openSource(source, title) {
  /** @type {Map<string, StylePicture>} */
  const styles = new Map();
  const remote = new RemoteFace(source, (key) => styles.get(key));
  const session = await remote.session;
  const [picture, original, edited] = await Promise.all([
    remote.picture("quick").then(createImageBitmap),
    remote.mask("mask"),
    remote.mask("edited"),
  ]);
  /** @type {Project} */
  const basic = {
    title,
    source,
    document: new FaceDocument(original, { edited: edited.data }),
    remote,
    styles,
    picture,
    appearance: null,
    warning: null,
  };
  if (!session.project) return basic;
  try {
    const read = parseEditor(session.project.editor, edited.data);
    for (const [key, style] of read.styles) styles.set(key, style);
    const { style } = read.settings;
    // A style reference too large for the editor's JSON is still stored as the project's style.
    const isMissing = style?.kind === "picture" && !styles.has(style.key) && session.project.style;
    /** @type {import("../state/settings.js").Settings} */
    const settings = isMissing ? { ...read.settings, style: { kind: "project" } } : read.settings;
    const document = new FaceDocument(original, { edited: edited.data, settings, history: read.history });
    return { ...basic, title: read.title, document, appearance: read.appearance };
  } catch {
    /** @type {import("../state/settings.js").Settings} */
    const settings = { ...defaultSettings(), style: session.project.style ? { kind: "project" } : null };
    const document = new FaceDocument(original, { edited: edited.data, settings });
    const warning = t("open.history-unreadable");
    return { ...basic, document, warning };
  }
}

/**
 * Restore a stored project.
 *
 * @param {NonNullable<Awaited<ReturnType<import("../storage/database.js").Database["load"]>>>} kept
 * @returns {Promise<Project>}
 */
export async function restoreProject({ record, steps, assets }) {
  const { source, styles } = assets;
  const remote = new RemoteFace(source, (key) => styles.get(key));
  const picture = await createImageBitmap(await remote.picture("quick"));
  const original = { width: record.width, height: record.height, data: assets.original };
  const document = new FaceDocument(original, {
    edited: record.edited,
    settings: parseSettings(record.settings),
    history: new History(steps, Math.min(record.position, steps.length)),
  });
  const { title, appearance } = record;
  return { title, source, document, remote, styles, picture, appearance, warning: null };
}

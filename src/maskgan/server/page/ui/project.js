/**
 * The face that is open: its document, its counterpart at the server, and its pictures.
 *
 * @typedef {import("../remote/sources.js").Source} Source
 * @typedef {import("../state/project.js").StylePicture} StylePicture
 * @typedef {import("../state/project.js").Appearance} Appearance
 */

import { RemoteFace } from "../remote/remote-face.js";
import { FaceDocument } from "../state/document.js";
import { History } from "../state/history.js";
import { readEditor } from "../state/project.js";
import { defaultSettings, readSettings } from "../state/settings.js";

/**
 * @typedef {object} Project
 * @property {string} title
 * @property {Source} source
 * @property {FaceDocument} document
 * @property {RemoteFace} remote
 * @property {Map<string, StylePicture>} styles pictures opened as styles, by key
 * @property {ImageBitmap} picture the source as it is shown
 * @property {Appearance | null} appearance as it was left, where it is known
 * @property {string | null} trouble what could not be read of a project file
 */

/**
 * Begin with a source: the server parses and encodes it.
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
  const [picture, own, edited] = await Promise.all([
    remote.picture().then(createImageBitmap),
    remote.mask("mask"),
    remote.mask("edited"),
  ]);
  /** @type {Project} */
  const plain = {
    title,
    source,
    document: new FaceDocument(own, { edited: edited.data }),
    remote,
    styles,
    picture,
    appearance: null,
    trouble: null,
  };
  if (!session.project) return plain;
  try {
    const read = readEditor(session.project.editor, edited.data);
    for (const [key, style] of read.styles) styles.set(key, style);
    const { style } = read.settings;
    // A style picture that was too large for the project's history is in the project all the same, as its style.
    const isMissing = style?.kind === "picture" && !styles.has(style.key) && session.project.style;
    /** @type {import("../state/settings.js").Settings} */
    const settings = isMissing ? { ...read.settings, style: { kind: "project" } } : read.settings;
    const document = new FaceDocument(own, { edited: edited.data, settings, history: read.history });
    return { ...plain, title: read.title, document, appearance: read.appearance };
  } catch {
    /** @type {import("../state/settings.js").Settings} */
    const settings = { ...defaultSettings(), style: session.project.style ? { kind: "project" } : null };
    const document = new FaceDocument(own, { edited: edited.data, settings });
    const trouble = "The project's history cannot be read; its picture, masks and style are as they were saved.";
    return { ...plain, document, trouble };
  }
}

/**
 * Go on with what the browser kept.
 *
 * @param {NonNullable<Awaited<ReturnType<import("../storage/database.js").Database["load"]>>>} kept
 * @returns {Promise<Project>}
 */
export async function reopen({ record, steps, assets }) {
  const { source, styles } = assets;
  const remote = new RemoteFace(source, (key) => styles.get(key));
  const picture = await createImageBitmap(await remote.picture());
  const own = { width: record.width, height: record.height, data: assets.own };
  const document = new FaceDocument(own, {
    edited: record.edited,
    settings: readSettings(record.settings),
    history: new History(steps, Math.min(record.position, steps.length)),
  });
  const { title, appearance } = record;
  return { title, source, document, remote, styles, picture, appearance, trouble: null };
}

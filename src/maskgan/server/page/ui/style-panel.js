/**
 * Style panel: style reference, strength, parts.
 *
 * @typedef {import("./app.js").App} App
 * @typedef {import("../state/settings.js").Style} Style
 */

import { percent, t } from "../i18n/translate.js";
import { shownClasses } from "../mask/label-map.js";
import { previewPicture } from "../remote/sources.js";
import { portraitAddress } from "../remote/transport.js";
import { classifyFiles } from "../state/files.js";
import { defaultSettings } from "../state/settings.js";
import { STYLE_PARTS, isSelected, togglePart } from "../state/style-parts.js";
import { byId, create, icon, slider } from "./elements.js";
import { frameDialog } from "./frame-dialog.js";
import { cropPicture, downscalePicture } from "./cropping.js";
import { PICTURES, pickFiles } from "./file-picker.js";
import { showFileError } from "./messages.js";

/** @param {App} app */
export function initStylePanel(app) {
  const grid = byId("style-grid", HTMLElement);
  const own = styleButton(t("style.original"), "style-own", icon("mark"));
  own.addEventListener("click", () => choose(null));
  const portraits = app.info.portraits.map(({ number }) => {
    const picture = create("img", { src: portraitAddress(number, 128), alt: "", loading: "lazy" });
    const button = styleButton(t("style.portrait", { number }), `style-portrait-${number}`, picture);
    button.addEventListener("click", () => choose({ kind: "portrait", number }));
    return { number, button };
  });
  const opened = styleButton(t("style.opened"), "style-opened", create("img", { alt: "" }));
  const open = styleButton(t("style.open"), "style-open", icon("plus"));
  open.addEventListener("click", () => void pickFiles(PICTURES, true).then((files) => openStyle(app, files)));
  opened.addEventListener("click", () => {
    const style = latestPicture(app);
    if (style) choose(style);
  });
  grid.append(own, ...portraits.map(({ button }) => button), opened, open);

  const strength = slider({
    label: t("style.strength"),
    min: 0,
    max: 1,
    step: 0.01,
    value: 1,
    format: percent,
    input: (value) => {
      app.commitPending();
      app.openProject.document.updateSettings({ strength: value });
    },
    change: () => app.openProject.document.commit(t("step.style-strength")),
    testId: "style-strength",
  });
  const reset = create("button", { "data-testid": "style-reset" }, t("style.reset"));
  reset.addEventListener("click", () => choose(null));
  const everything = partButton(t("style.everything"), "style-part-everything");
  everything.addEventListener("click", () => setParts(null));
  const parts = STYLE_PARTS.map((part) => {
    const button = partButton(t(`style-part.${part.name}`), `style-part-${part.name}`);
    button.addEventListener("click", () => {
      setParts(togglePart(part, app.project?.document.settings.styleParts ?? null));
    });
    return { part, button };
  });
  const choice = create("div", { class: "chips", role: "group", "aria-label": t("style.parts") });
  choice.append(everything, ...parts.map(({ button }) => button));
  byId("style-controls", HTMLElement).append(strength.element, choice, reset);

  /** @param {Style | null} style */
  function choose(style) {
    if (app.project) app.changeSettings({ style }, t(style ? "step.style" : "step.style-original"));
  }

  /** @param {number[] | null} styleParts */
  function setParts(styleParts) {
    if (app.project) app.changeSettings({ styleParts }, t(styleParts ? "step.style-parts" : "step.style-everything"));
  }

  /** @type {string | null} */
  let shownKey = null;
  function update() {
    const { style, strength: share, styleParts } = app.project?.document.settings ?? defaultSettings();
    press(own, style === null);
    for (const { number, button } of portraits) press(button, style?.kind === "portrait" && style.number === number);
    press(opened, style?.kind === "picture" || style?.kind === "project");
    strength.set(share);
    strength.range.disabled = style === null;
    reset.disabled = style === null;
    // The project may use parts that this server's weights do not support; "Everything" resets them.
    choice.hidden = !app.info.style_parts && !styleParts;
    press(everything, !styleParts);
    everything.disabled = style === null;
    const present = shownClasses(app.project?.document.mask.data ?? new Uint8Array());
    for (const { part, button } of parts) {
      const chosen = isSelected(part, styleParts);
      press(button, chosen);
      button.disabled = style === null;
      button.hidden = !chosen && !part.labels.some((label) => present.has(label));
    }
    const latest = latestPicture(app);
    opened.hidden = !latest;
    const key = JSON.stringify(latest);
    if (key !== shownKey) void showThumbnail(/** @type {HTMLImageElement} */ (opened.firstElementChild), latest);
    shownKey = key;
  }

  /**
   * @param {HTMLImageElement} image
   * @param {Style | null} style
   */
  async function showThumbnail(image, style) {
    URL.revokeObjectURL(image.src);
    image.removeAttribute("src");
    if (style?.kind === "portrait" || !style) return;
    const { styles, remote } = app.openProject;
    // The thumbnail is optional.
    const picture =
      style.kind === "picture" ? styles.get(style.key)?.picture : await remote.styleThumbnail().catch(() => null);
    if (picture) image.src = URL.createObjectURL(picture);
  }

  app.addEventListener("open", update);
  app.addEventListener("change", (event) => {
    if (/** @type {CustomEvent} */ (event).detail !== "gesture") update();
  });
  update();
}

/**
 * Use a picture file as style reference; without a mask, crop it first.
 *
 * @param {App} app
 * @param {File[]} files
 */
async function openStyle(app, files) {
  if (!files.length || !app.project) return;
  try {
    const opened = await classifyFiles(files);
    if (!("picture" in opened)) throw new Error(t("style.no-project"));
    const { mask } = opened;
    const shown = mask ? opened.picture : await decodable(opened.picture);
    const crop = mask ? null : await frameDialog(shown, t("style.crop"));
    if (crop === "cancelled") return;
    const picture = await (crop ? cropPicture(shown, crop) : downscalePicture(shown));
    const key = app.addStyle({ picture, mask });
    app.changeSettings({ style: { kind: "picture", key } }, t("step.style-opened"));
  } catch (error) {
    showFileError(error, files);
  }
}

/**
 * Style pictures are cropped in the browser: where it cannot decode one, the server's preview, which is as large as
 * styles need.
 *
 * @param {Blob} picture
 * @returns {Promise<Blob>}
 */
async function decodable(picture) {
  const bitmap = await createImageBitmap(picture).catch(() => null);
  bitmap?.close();
  return bitmap ? picture : (await previewPicture(picture)).preview;
}

/**
 * The last opened style picture, or the style reference of the project.
 *
 * @param {App} app
 * @returns {Style | null}
 */
function latestPicture({ project }) {
  if (!project) return null;
  const { style } = project.document.settings;
  if (style?.kind === "picture" || style?.kind === "project") return style;
  const key = [...project.styles.keys()].at(-1);
  return key ? { kind: "picture", key } : null;
}

/**
 * @param {string} label
 * @param {string} testId
 * @param {Element} content
 */
function styleButton(label, testId, content) {
  return create("button", { class: "tile", "aria-label": label, title: label, "data-testid": testId }, content);
}

/**
 * @param {string} title
 * @param {string} testId
 */
function partButton(title, testId) {
  return create("button", { class: "chip", "data-testid": testId }, title);
}

/**
 * @param {HTMLButtonElement} button
 * @param {boolean} on
 */
function press(button, on) {
  button.setAttribute("aria-pressed", String(on));
}

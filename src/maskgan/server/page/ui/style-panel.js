/**
 * Whose look the face borrows, how much of it, and for which parts.
 *
 * @typedef {import("./workbench.js").Workbench} Workbench
 * @typedef {import("../state/settings.js").Style} Style
 */

import { understandFiles } from "../state/files.js";
import { defaultSettings } from "../state/settings.js";
import { STYLE_PARTS, isChosen, toggled } from "../state/style-parts.js";
import { byId, create, icon, slider } from "./elements.js";
import { frameDialog } from "./frame-dialog.js";
import { croppedPicture, shrunkPicture } from "./cropping.js";
import { pickFiles } from "./file-picker.js";
import { showError } from "./messages.js";

/** @param {Workbench} bench */
export function stylePanel(bench) {
  const grid = byId("style-grid", HTMLElement);
  const own = styleButton("Own style", "style-own", icon("mark"));
  own.addEventListener("click", () => choose(null));
  const portraits = bench.about.portraits.map(({ number }) => {
    const picture = create("img", { src: `/api/portraits/${number}.jpg?size=128`, alt: "", loading: "lazy" });
    const button = styleButton(`Style of portrait ${number}`, `style-portrait-${number}`, picture);
    button.addEventListener("click", () => choose({ kind: "portrait", number }));
    return { number, button };
  });
  const opened = styleButton("Style of the opened picture", "style-opened", create("img", { alt: "" }));
  const open = styleButton("Open a picture as style", "style-open", icon("plus"));
  open.addEventListener("click", () => void pickFiles("image/*", true).then((files) => openStyle(bench, files)));
  opened.addEventListener("click", () => {
    const style = latestPicture(bench);
    if (style) choose(style);
  });
  grid.append(own, ...portraits.map(({ button }) => button), opened, open);

  const strength = slider({
    label: "Strength",
    min: 0,
    max: 1,
    step: 0.01,
    value: 1,
    format: (value) => `${Math.round(100 * value)} %`,
    input: (value) => {
      bench.settle();
      bench.open.document.adjust({ strength: value });
    },
    change: () => bench.open.document.commit("Style strength"),
    testId: "style-strength",
  });
  const reset = create("button", { "data-testid": "style-reset" }, "Back to its own style");
  reset.addEventListener("click", () => choose(null));
  const everything = partButton("Everything", "style-part-everything");
  everything.addEventListener("click", () => borrow(null));
  const parts = STYLE_PARTS.map((part) => {
    const button = partButton(part.title, `style-part-${part.name}`);
    button.addEventListener("click", () => {
      borrow(toggled(part, bench.project?.document.settings.styleParts ?? null));
    });
    return { part, button };
  });
  const choice = create("div", { class: "chips", role: "group", "aria-label": "Parts whose look is borrowed" });
  choice.append(everything, ...parts.map(({ button }) => button));
  byId("style-controls", HTMLElement).append(strength.element, choice, reset);

  /** @param {Style | null} style */
  function choose(style) {
    if (bench.project) bench.changeSettings({ style }, style ? "Choose a style" : "Own style");
  }

  /** @param {number[] | null} styleParts */
  function borrow(styleParts) {
    if (bench.project) bench.changeSettings({ styleParts }, styleParts ? "Style of parts" : "Style of everything");
  }

  /** @type {string | null} */
  let shownKey = null;
  function update() {
    const { style, strength: share, styleParts } = bench.project?.document.settings ?? defaultSettings();
    press(own, style === null);
    for (const { number, button } of portraits) press(button, style?.kind === "portrait" && style.number === number);
    press(opened, style?.kind === "picture" || style?.kind === "project");
    strength.set(share);
    strength.range.disabled = style === null;
    reset.disabled = style === null;
    // A project of another server may have parts chosen that this one cannot do: "Everything" is then the way out.
    choice.hidden = !bench.about.style_parts && !styleParts;
    press(everything, !styleParts);
    everything.disabled = style === null;
    const present = new Set(bench.project?.document.mask.data);
    for (const { part, button } of parts) {
      const chosen = isChosen(part, styleParts);
      press(button, chosen);
      button.disabled = style === null;
      button.hidden = !chosen && !part.labels.some((label) => present.has(label));
    }
    const latest = latestPicture(bench);
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
    const { styles, remote } = bench.open;
    // Without a thumbnail the tile is plain, and does what it does.
    const picture =
      style.kind === "picture" ? styles.get(style.key)?.picture : await remote.styleThumbnail().catch(() => null);
    if (picture) image.src = URL.createObjectURL(picture);
  }

  bench.addEventListener("open", update);
  bench.addEventListener("change", (event) => {
    if (/** @type {CustomEvent} */ (event).detail !== "gesture") update();
  });
  update();
}

/**
 * Borrow the look of a picture from a file: framed by hand where it comes without a mask.
 *
 * @param {Workbench} bench
 * @param {File[]} files
 */
async function openStyle(bench, files) {
  if (!files.length || !bench.project) return;
  try {
    const opened = await understandFiles(files);
    if ("project" in opened) throw new Error("A style is a picture, with its mask or alone; this is a project.");
    const { mask } = opened;
    const crop = mask ? null : await frameDialog(opened.picture, "Frame the face whose style to use");
    if (crop === "cancelled") return;
    const picture = await (crop ? croppedPicture(opened.picture, crop) : shrunkPicture(opened.picture));
    const key = bench.keepStyle({ picture, mask });
    bench.changeSettings({ style: { kind: "picture", key } }, "Open a style");
  } catch (error) {
    showError(/** @type {Error} */ (error).message);
  }
}

/**
 * The picture that was opened last as style, or the reference of the opened project.
 *
 * @param {Workbench} bench
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

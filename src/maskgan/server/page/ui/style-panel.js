/**
 * Whose look the face borrows, and how much of it.
 *
 * @typedef {import("./workbench.js").Workbench} Workbench
 * @typedef {import("../state/settings.js").Style} Style
 */

import { understandFiles } from "../state/files.js";
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
  byId("style-controls", HTMLElement).append(strength.element, reset);

  /** @param {Style | null} style */
  function choose(style) {
    if (bench.project) bench.changeSettings({ style }, style ? "Choose a style" : "Own style");
  }

  /** @type {string | null} */
  let shownKey = null;
  function update() {
    const { style, strength: share } = bench.project?.document.settings ?? { style: null, strength: 1 };
    press(own, style === null);
    for (const { number, button } of portraits) press(button, style?.kind === "portrait" && style.number === number);
    press(opened, style?.kind === "picture" || style?.kind === "project");
    strength.set(share);
    strength.range.disabled = style === null;
    reset.disabled = style === null;
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
 * @param {HTMLButtonElement} button
 * @param {boolean} on
 */
function press(button, on) {
  button.setAttribute("aria-pressed", String(on));
}

/**
 * Crop dialog: the server proposes the faces that it finds; the user chooses one, moves, resizes and rotates the crop.
 *
 * @typedef {import("../remote/sources.js").Crop} Crop
 * @typedef {import("../remote/sources.js").DetectedFace} DetectedFace
 * @typedef {import("../mask/stamps.js").Frame} Frame
 * @typedef {import("../mask/label-map.js").Point} Point
 * @typedef {{bitmap: ImageBitmap, width: number, height: number}} Shown a picture's own size, and a bitmap of any size
 */

import { t } from "../i18n/translate.js";
import { detectFaces, previewPicture } from "../remote/sources.js";
import { fitView, toMask, toScreen } from "../state/view.js";
import { openModal } from "./dialogs.js";
import { byId, create, icon, slider } from "./elements.js";
import { dismissMessages, withProgress } from "./messages.js";
import { strokeTwice } from "./tools/tool.js";
import { cursorFor, dragged, drawFrame, gripAt } from "./tools/frame-handles.js";

const SMALLEST = 16; // half side, picture pixels
const KNOB_MARGIN = 34; // screen pixels
const BADGE = 11; // radius of a face's number, screen pixels

/** Ends the detection in progress. */
let detection = new AbortController();

/** Give up detecting faces, because something else is opened. */
export function cancelDetection() {
  detection.abort();
}

/**
 * A newer call, and Escape, cancel the detection of an older one.
 *
 * @param {Blob} picture
 * @param {string} title
 * @returns {Promise<Crop | null | "cancelled">} null for the whole picture as it is
 */
export async function frameDialog(picture, title) {
  dismissMessages(); // they would cover the dialog
  const opened = await detect(picture);
  if (!opened) return "cancelled";
  const [shown, proposal] = opened;
  try {
    return await showDialog(shown, proposal, title);
  } finally {
    shown.bitmap.close();
  }
}

/**
 * @param {Blob} picture
 * @returns {Promise<[Shown, Awaited<ReturnType<typeof detectFaces>>] | null | undefined>} null if it was cancelled,
 *   undefined if it failed
 */
async function detect(picture) {
  cancelDetection();
  const own = (detection = new AbortController());
  const { signal } = own;
  const cancelled = new Promise((resolve) => signal.addEventListener("abort", () => resolve(null)));
  const detected = Promise.all([decode(picture), detectFaces(picture)]);
  detected.then(([shown]) => signal.aborted && shown.bitmap.close(), () => {}); // nobody shows it
  const listening = new AbortController();
  window.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
    event.stopImmediatePropagation();
    own.abort();
  }, { capture: true, signal: listening.signal });
  try {
    return await withProgress(t("frame.detecting"), () => Promise.race([detected, cancelled]), [picture]);
  } finally {
    listening.abort();
  }
}

/**
 * Decode a picture; the server helps with formats that the browser does not support, such as TIFF and HEIC.
 *
 * @param {Blob} picture
 * @returns {Promise<Shown>}
 */
async function decode(picture) {
  const own = await createImageBitmap(picture).catch(() => null);
  if (own) return { bitmap: own, width: own.width, height: own.height };
  const { preview, width, height } = await previewPicture(picture);
  return { bitmap: await createImageBitmap(preview), width, height };
}

/**
 * @param {Shown} shown
 * @param {{crop: Crop, faces: DetectedFace[]}} proposal
 * @param {string} title
 * @returns {Promise<Crop | null | "cancelled">}
 */
function showDialog({ bitmap, ...picture }, proposal, title) {
  const { faces } = proposal;
  const dialog = byId("frame-dialog", HTMLDialogElement);
  const canvas = byId("frame-canvas", HTMLCanvasElement);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  byId("frame-title", HTMLElement).textContent = title;
  byId("frame-found", HTMLElement).textContent = foundText(faces.length);
  let chosen = 0;
  const choices = faces.map((_, i) => {
    const button = create("button", { type: "button", class: "chip", "data-testid": `frame-face-${i + 1}` }, t("frame.face", { number: i + 1 }));
    button.addEventListener("click", () => choose(i));
    return button;
  });
  const chips = byId("frame-faces", HTMLElement);
  chips.replaceChildren(...choices);
  chips.hidden = faces.length < 2;
  /** @type {Frame} */
  let frame = frameOf(proposal.crop);
  let view = { scale: 1, x: 0, y: 0 };
  /** @type {{grip: import("./tools/frame-handles.js").Grip, from: Point, frame: Frame} | null} */
  let drag = null;

  const angle = slider({
    label: t("frame.turn"),
    min: -180,
    max: 180,
    step: 0.5,
    value: 0,
    format: (value) => t("frame.degrees", { value }),
    input: (value) => setFrame({ ...frame, angle: (value * Math.PI) / 180 }),
    testId: "frame-angle",
  });
  const size = slider({
    label: t("frame.size"),
    min: 2 * SMALLEST,
    max: 2 * Math.max(picture.width, picture.height),
    step: 1,
    value: 2 * SMALLEST,
    format: (value) => t("option.pixels", { value }),
    input: (value) => setFrame({ ...frame, halfWidth: value / 2, halfHeight: value / 2 }),
    testId: "frame-size",
  });
  const quarter = create("button", { type: "button", class: "plain", "aria-label": t("frame.quarter"), title: t("frame.quarter"), "data-testid": "frame-quarter" }, icon("rotate"));
  quarter.addEventListener("click", () => setFrame({ ...frame, angle: frame.angle + Math.PI / 2 }));
  byId("frame-sliders", HTMLElement).replaceChildren(size.element, angle.element, quarter);

  /** @param {number} index */
  function choose(index) {
    chosen = index;
    for (const [i, button] of choices.entries()) button.setAttribute("aria-pressed", String(i === chosen));
    setFrame(frameOf(faces[index]?.frame ?? proposal.crop));
  }

  /** @param {Frame} next */
  function setFrame(next) {
    const half = Math.max(next.halfWidth, SMALLEST);
    // Half a turn either way: a frame turned further than that is shown, and sent, by its shorter turn.
    const turn = Math.atan2(Math.sin(next.angle), Math.cos(next.angle));
    frame = { ...next, halfWidth: half, halfHeight: half, angle: turn };
    angle.set(Math.round((turn * 360) / Math.PI) / 2);
    size.set(Math.round(2 * half));
    draw();
  }

  function draw() {
    const density = window.devicePixelRatio;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
    context.setTransform(density, 0, 0, density, 0, 0);
    if (!drag) view = fitAll({ width, height });
    context.drawImage(bitmap, view.x, view.y, picture.width * view.scale, picture.height * view.scale);
    shadeOutside(context, corners(frame).map((corner) => toScreen(view, corner)), width, height);
    for (const [i, { box }] of faces.entries()) {
      if (i !== chosen) outlineBox(context, box, view);
      if (faces.length > 1) numberBox(context, box, view, i + 1);
    }
    drawFrame(context, frame, (point) => toScreen(view, point), { sides: false });
  }

  /**
   * A view of the picture and the whole crop, which may extend beyond it.
   *
   * @param {{width: number, height: number}} pane
   */
  function fitAll(pane) {
    const points = [...corners(frame), { x: 0, y: 0 }, { x: picture.width, y: picture.height }];
    const left = Math.min(...points.map(({ x }) => x));
    const top = Math.min(...points.map(({ y }) => y));
    const width = Math.max(...points.map(({ x }) => x)) - left;
    const height = Math.max(...points.map(({ y }) => y)) - top;
    // Leave room for the rotation handle, which may point in any direction.
    const room = { width: pane.width - 2 * KNOB_MARGIN, height: pane.height - 2 * KNOB_MARGIN };
    const { scale, x, y } = fitView({ width, height }, room);
    return { scale, x: x - left * scale + KNOB_MARGIN, y: y - top * scale + KNOB_MARGIN };
  }

  /** @param {PointerEvent} event */
  const pointOf = (event) => toMask(view, { x: event.offsetX, y: event.offsetY });
  /** @param {Point} point */
  const gripUnder = (point) => {
    const grip = gripAt(frame, point, view.scale);
    // A square is resized by its corners.
    return grip?.kind === "size" && (grip.x === 0 || grip.y === 0) ? /** @type {const} */ ({ kind: "move" }) : grip;
  };
  const listeners = new AbortController();
  const { signal } = listeners;
  canvas.addEventListener("pointerdown", (event) => {
    const from = pointOf(event);
    const grip = gripUnder(from);
    const other = faces.findIndex(({ box }, i) => i !== chosen && isInside(box, from));
    if (other >= 0 && (!grip || grip.kind === "move")) {
      choose(other);
      return;
    }
    if (!grip) return;
    canvas.setPointerCapture(event.pointerId);
    drag = { grip, from, frame };
  }, { signal });
  canvas.addEventListener("pointermove", (event) => {
    const point = pointOf(event);
    if (drag) setFrame(dragged(drag.frame, drag.grip, drag.from, point, { proportional: true }));
    else canvas.style.cursor = cursorFor(gripUnder(point));
  }, { signal });
  for (const type of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(type, () => {
      drag = null;
      draw();
    }, { signal });
  }
  canvas.addEventListener("keydown", (event) => {
    const step = (event.shiftKey ? 0.05 : 0.01) * Math.max(picture.width, picture.height);
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    if (!x && !y) return;
    event.preventDefault();
    setFrame({ ...frame, x: frame.x + step * x, y: frame.y + step * y });
  }, { signal });
  window.addEventListener("resize", draw, { signal });
  byId("frame-reset", HTMLButtonElement).addEventListener("click", () => choose(chosen), { signal });
  byId("frame-whole", HTMLButtonElement).addEventListener("click", () => dialog.close("whole"), { signal });

  dialog.returnValue = "";
  openModal(dialog);
  choose(0);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      listeners.abort();
      if (dialog.returnValue === "use") resolve(cropOf(frame));
      else resolve(dialog.returnValue === "whole" ? null : "cancelled");
    }, { once: true });
  });
}

/** @param {number} count of faces */
function foundText(count) {
  if (!count) return t("frame.none");
  return count === 1 ? t("frame.one") : t("frame.several", { count });
}

/**
 * @param {DetectedFace["box"]} box
 * @param {Point} point
 */
function isInside([left, top, width, height], { x, y }) {
  return x >= left && x <= left + width && y >= top && y <= top + height;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {DetectedFace["box"]} box
 * @param {{scale: number, x: number, y: number}} view
 */
function outlineBox(context, [left, top, width, height], view) {
  const { x, y } = toScreen(view, { x: left, y: top });
  context.beginPath();
  context.rect(x, y, width * view.scale, height * view.scale);
  strokeTwice(context);
}

/**
 * The number of a face, as its button has it, in the upper left corner of its box.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {DetectedFace["box"]} box
 * @param {{scale: number, x: number, y: number}} view
 * @param {number} number
 */
function numberBox(context, [left, top], view, number) {
  const { x, y } = toScreen(view, { x: left, y: top });
  context.beginPath();
  context.arc(x, y, BADGE, 0, 2 * Math.PI);
  context.fillStyle = "white";
  context.fill();
  context.fillStyle = "black";
  context.font = `600 13px ${getComputedStyle(context.canvas).fontFamily}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(String(number), x, y + 1);
}

/**
 * @param {Crop} crop
 * @returns {Frame}
 */
function frameOf({ x, y, side, angle }) {
  return { x, y, halfWidth: side / 2, halfHeight: side / 2, angle: (angle * Math.PI) / 180 };
}

/**
 * @param {Frame} frame
 * @returns {Crop}
 */
function cropOf({ x, y, halfWidth, angle }) {
  return { x, y, side: 2 * halfWidth, angle: (angle * 180) / Math.PI };
}

/**
 * @param {Frame} frame
 * @returns {Point[]}
 */
function corners({ x, y, halfWidth, halfHeight, angle }) {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([across, down]) => ({
    x: x + cos * across * halfWidth - sin * down * halfHeight,
    y: y + sin * across * halfWidth + cos * down * halfHeight,
  }));
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Point[]} outline
 * @param {number} width
 * @param {number} height
 */
function shadeOutside(context, outline, width, height) {
  context.beginPath();
  context.rect(0, 0, width, height);
  for (const [i, { x, y }] of outline.entries()) {
    if (i === 0) context.moveTo(x, y);
    else context.lineTo(x, y);
  }
  context.closePath();
  context.fillStyle = "rgb(0 0 0 / 50%)";
  context.fill("evenodd");
}

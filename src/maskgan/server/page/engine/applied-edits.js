/**
 * Named edits that the page has in force: read from requests, applied to masks and pictures.
 *
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("./arrays.js").Picture} Picture
 * @typedef {import("./edits/named-edits.js").NamedEdit} NamedEdit
 * @typedef {import("./edits/named-edits.js").Amount} Amount
 * @typedef {import("./edits/looks.js").Look} Look
 * @typedef {import("./framing.js").Frame} Frame
 */

import { HAIR } from "../mask/label-map.js";
import { EngineError, clamp, differences, extent, labelTable, rint, where } from "./arrays.js";
import { LOOKS, checkColour, paintLook } from "./edits/looks.js";
import { EDITS, applyEdit, checkAmount, classesOf } from "./edits/named-edits.js";
import { cropFace, pasteBack } from "./framing.js";
import { resizeLabels, resizePicture } from "./resampling.js";

/** Side of the frame for hair, in sides of a face's frame. */
const WIDE = 1.4;
/** Side of a thumbnail's frame, in sizes of what changes. */
const CLOSE_UP = 1.7;
/** The same, of the mask's shorter side, at least. */
const LEAST_FRAME = 0.34;

export class AppliedEdits {
  /**
   * @param {readonly {edit: NamedEdit, amount: Amount}[]} edits of the mask, in their order
   * @param {readonly {look: Look, colour: string}[]} looks in their order
   * @param {boolean} locked whether pixels of classes that no edit changes keep the photograph's
   */
  constructor(edits, looks = [], locked = false) {
    this.edits = edits;
    this.looks = looks;
    this.locked = locked;
  }

  /**
   * `edits`, as NAME=AMOUNT separated by commas, and `lock` of a query.
   *
   * @param {URLSearchParams} query
   */
  static parse(query) {
    /** @type {{edit: NamedEdit, amount: Amount}[]} */
    const edits = [];
    /** @type {{look: Look, colour: string}[]} */
    const looks = [];
    const given = query.get("edits");
    for (const text of given ? given.split(",") : []) {
      const [name, value = null] = text.trim().split(/=(.*)/s, 2);
      const [edit, look] = [EDITS.get(name), LOOKS.get(name)];
      if (edit) edits.push({ edit, amount: checkAmount(edit, value) });
      else if (look) looks.push({ look, colour: checkColour(look, value ?? "") });
      else throw new EngineError(`“${name.slice(0, 40)}” is no edit.`);
    }
    return new AppliedEdits(edits, looks, query.get("lock") === "true");
  }

  /** Whether hair is coloured, which may reach beyond the face's frame. */
  get reachesOut() {
    return this.looks.some(({ look }) => look.classes.includes(HAIR));
  }

  /**
   * A mask after the edits.
   *
   * @param {LabelMap} mask
   * @returns {LabelMap}
   */
  apply(mask) {
    return this.edits.reduce((current, { edit, amount }) => applyEdit(edit, current, amount), mask);
  }

  /**
   * What was rendered, with the photograph's pixels where no edit may change them.
   *
   * @param {Picture} picture the photograph
   * @param {Picture} rendered of the same size
   * @param {LabelMap} before the photograph's mask
   * @param {LabelMap} after the edited mask
   * @returns {Picture}
   */
  lock(picture, rendered, before, after) {
    if (!this.locked) return rendered;
    const [own, edited] = [resizeLabels(before, picture).data, resizeLabels(after, picture).data];
    const isFree = labelTable(this.edits.filter(({ amount }) => amount !== 0).flatMap(({ edit }) => classesOf(edit)));
    const data = rendered.data.slice();
    for (let i = 0; i < own.length; i++) {
      if (own[i] !== edited[i] || (isFree[own[i]] && isFree[edited[i]])) continue;
      for (let c = 3 * i; c < 3 * i + 3; c++) data[c] = picture.data[c];
    }
    return { width: picture.width, height: picture.height, data };
  }

  /**
   * The picture in the colours that were chosen; a part that the mask does not show has none.
   *
   * @param {Picture} picture
   * @param {LabelMap} mask of the same proportions
   * @returns {Picture}
   */
  paint(picture, mask) {
    if (!this.looks.length) return picture;
    const fitting = resizeLabels(mask, picture);
    return this.looks.reduce((current, { look, colour }) => {
      const isShown = where(fitting, look.classes).data.includes(1);
      return isShown ? paintLook(look, current, fitting, colour) : current;
    }, picture);
  }

  /**
   * `lock` and `paint`.
   *
   * @param {Picture} picture
   * @param {Picture} rendered
   * @param {LabelMap} before
   * @param {LabelMap} after
   */
  finish(picture, rendered, before, after) {
    return this.paint(this.lock(picture, rendered, before, after), after);
  }
}

/**
 * A photograph in the colours that were chosen, also beyond the face's frame.
 *
 * @param {AppliedEdits} edits
 * @param {Picture} changed the photograph with all other edits
 * @param {Frame} frame of the face
 * @param {LabelMap} inner the face's edited mask, square
 * @param {(picture: Picture) => Promise<LabelMap>} parse
 * @returns {Promise<Picture>}
 */
export async function paintWide(edits, changed, frame, inner, parse) {
  const wide = { ...frame, side: WIDE * frame.side };
  const cut = cropFace(changed, wide);
  const side = rint(WIDE * inner.height);
  const parsed = resizeLabels(await parse(cut), { width: side, height: side });
  const mask = { width: side, height: side, data: parsed.data.slice() };
  const start = Math.floor((side - inner.height) / 2);
  for (let y = 0; y < inner.height; y++) {
    mask.data.set(inner.data.subarray(y * inner.width, (y + 1) * inner.width), (start + y) * side + start);
  }
  return pasteBack(changed, wide, cut, edits.paint(cut, mask));
}

/**
 * A thumbnail of what an edit changes.
 *
 * @param {Picture} picture edited
 * @param {LabelMap} before its mask before the edit, of the same proportions
 * @param {LabelMap} after
 * @param {readonly number[]} part classes that the edit moves
 * @param {number} side of the thumbnail
 * @returns {Picture}
 */
export function closeUp(picture, before, after, part, side) {
  const { width, height } = before;
  const [changed, moved] = [differences(before, after), where(after, part)];
  const box = extent({ width, height, data: changed.data.map((flag, i) => flag | moved.data[i]) });
  const { top, bottom, left, right } = box ?? { top: 0, bottom: height, left: 0, right: width };
  const shorter = Math.min(height, width);
  const frame = Math.min(Math.max(CLOSE_UP * Math.max(bottom - top, right - left), LEAST_FRAME * shorter), shorter);
  const scale = picture.height / height;
  const [row, column] = [clamp((top + bottom - frame) / 2, 0, height - frame), clamp((left + right - frame) / 2, 0, width - frame)];
  const [firstRow, firstColumn, length] = [rint(row * scale), rint(column * scale), Math.max(rint(frame * scale), 1)];
  const [columns, rows] = [Math.min(length, picture.width - firstColumn), Math.min(length, picture.height - firstRow)];
  const cut = { width: columns, height: rows, data: new Uint8ClampedArray(3 * columns * rows) };
  for (let y = 0; y < rows; y++) {
    const from = 3 * ((firstRow + y) * picture.width + firstColumn);
    cut.data.set(picture.data.subarray(from, from + 3 * columns), 3 * y * columns);
  }
  return resizePicture(cut, { width: side, height: side });
}

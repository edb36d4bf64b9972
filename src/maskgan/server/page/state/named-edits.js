/**
 * Named edits in force: which, how much of each, and the mask that they lead to.
 *
 * The history is a program: each step paints pixels, adds a named edit, or changes the amount of one added before. With
 * other amounts, the program is run again from the first mask: hands' pixels stay on top of the edits made before them,
 * and lie below those made after.
 *
 * @typedef {import("./history.js").Entry} Entry
 * @typedef {import("../mask/patch.js").Patch} Patch
 *
 * @typedef {object} AppliedEdit
 * @property {string} name
 * @property {number | string} amount a number, one of the edit's choices, or a colour as `#rrggbb`
 *
 * @typedef {{patch: Patch} | {edits: AppliedEdit[], locks: readonly number[]}} Operation pixels that hands changed; or
 *   edits, and the classes that were locked then
 *
 * @callback RequestEdits
 * @param {Uint8Array} labels
 * @param {AppliedEdit[]} edits applied one after the other
 * @returns {Promise<Uint8Array>}
 */

import { noLocks, restoreLocked } from "../mask/label-map.js";
import { applyPatch } from "../mask/patch.js";

/** Masks of intermediate steps that are kept: a drag asks for the same ones again and again. */
const KEPT_MASKS = 12;

/** @param {AppliedEdit} edit */
export function isColour({ amount }) {
  return typeof amount === "string" && amount.startsWith("#");
}

/**
 * The edits with one changed: in its place, or at the end. What puts a thing on and what takes it off exclude each other.
 *
 * @param {readonly AppliedEdit[]} edits
 * @param {string} name
 * @param {number | string | null} amount null or 0: without it
 * @returns {AppliedEdit[]}
 */
export function withEdit(edits, name, amount) {
  const opposite = name.startsWith("remove-") ? name.slice("remove-".length) : `remove-${name}`;
  if (amount === null || amount === 0) return edits.filter((edit) => edit.name !== name);
  const others = edits.filter((edit) => edit.name !== opposite);
  const at = others.findIndex((edit) => edit.name === name);
  return at < 0 ? [...others, { name, amount }] : others.with(at, { name, amount });
}

/** @param {readonly AppliedEdit[]} edits as the server reads them */
export function editsQuery(edits) {
  return edits.map(({ name, amount }) => `${name}=${amount}`).join();
}

/**
 * Whether a step adds, changes or removes a named edit of the mask; all its pixels are the edit's then.
 *
 * @param {Entry} entry
 */
export function changesEdits({ settings }) {
  const before = settings?.before.edits?.filter((edit) => !isColour(edit));
  const after = settings?.after.edits?.filter((edit) => !isColour(edit));
  return JSON.stringify(before) !== JSON.stringify(after);
}

/**
 * The steps of a history as a program, with other edits in force.
 *
 * @param {readonly Entry[]} entries those applied
 * @param {readonly AppliedEdit[]} edits wanted; one that no step added comes last
 * @param {readonly number[]} locks classes locked now
 * @returns {Operation[]}
 */
export function program(entries, edits, locks) {
  const wanted = new Map(edits.filter((edit) => !isColour(edit)).map((edit) => [edit.name, edit]));
  /** @type {Operation[]} */
  const backwards = [];
  /** @param {AppliedEdit[]} added */
  const addEdits = (added) => {
    if (!added.length) return;
    for (const { name } of added) wanted.delete(name);
    const next = backwards.at(-1);
    if (next && "edits" in next && sameClasses(next.locks, locks)) next.edits.unshift(...added);
    else backwards.push({ edits: added, locks });
  };
  const inForce = new Set(entries.findLast(({ settings }) => settings?.after.edits)?.settings?.after.edits?.map(({ name }) => name));
  addEdits([...wanted.values()].filter(({ name }) => !inForce.has(name)));
  for (const entry of entries.toReversed()) {
    if (changesEdits(entry)) {
      // The last step that added an edit is where it stands.
      addEdits(additions(entry).flatMap((name) => wanted.get(name) ?? []));
    } else if (entry.patch) {
      backwards.push({ patch: entry.patch });
    }
    locks = entry.settings?.before.locks ?? locks;
  }
  return backwards.reverse();
}

/**
 * Names of the edits of the mask that a step added.
 *
 * @param {Entry} entry
 */
export function additions({ settings }) {
  const before = new Set(settings?.before.edits?.map(({ name }) => name));
  return (settings?.after.edits ?? []).filter((edit) => !isColour(edit) && !before.has(edit.name)).map(({ name }) => name);
}

/**
 * @param {readonly number[]} one
 * @param {readonly number[]} other
 */
function sameClasses(one, other) {
  return one.length === other.length && one.every((label, i) => label === other[i]);
}

/**
 * The mask before the first step.
 *
 * @param {Uint8Array} labels after all of them
 * @param {readonly Entry[]} entries those applied
 * @returns {Uint8Array}
 */
export function maskBefore(labels, entries) {
  const first = labels.slice();
  for (const { patch } of entries.toReversed()) if (patch) applyPatch(first, patch, "before");
  return first;
}

/** Runs programs; keeps the masks that edits led to. */
export class Replay {
  #request;
  /** @type {Map<string, Uint8Array>} by the program so far */
  #masks = new Map();
  /** @type {WeakMap<Patch, number>} */
  #ids = new WeakMap();
  #patches = 0;

  /** @param {RequestEdits} request */
  constructor(request) {
    this.#request = request;
  }

  /**
   * @param {Uint8Array} first the mask before the first step; the same one for all programs
   * @param {readonly Operation[]} operations
   * @returns {Promise<Uint8Array>}
   */
  async run(first, operations) {
    let labels = first.slice();
    let key = "";
    for (const operation of operations) {
      if ("patch" in operation) {
        key += `${this.#id(operation.patch)};`;
        applyPatch(labels, operation.patch, "after");
        continue;
      }
      const { edits, locks } = operation;
      key += `${editsQuery(edits)}!${locks};`;
      labels = (await this.#edited(key, labels, edits, locks)).slice();
    }
    return labels;
  }

  /**
   * @param {string} key
   * @param {Uint8Array} labels
   * @param {AppliedEdit[]} edits
   * @param {readonly number[]} locked
   */
  async #edited(key, labels, edits, locked) {
    const kept = this.#masks.get(key);
    if (kept) return kept;
    const edited = await this.#request(labels, edits);
    const locks = noLocks();
    for (const label of locked) locks[label] = 1;
    restoreLocked(labels, edited, locks);
    this.#masks.set(key, edited);
    if (this.#masks.size > KEPT_MASKS) this.#masks.delete(/** @type {string} */ (this.#masks.keys().next().value));
    return edited;
  }

  /** @param {Patch} patch */
  #id(patch) {
    const known = this.#ids.get(patch) ?? ++this.#patches;
    this.#ids.set(patch, known);
    return known;
  }
}

/**
 * The valid edits in an untrusted value; null if it is no list.
 *
 * @param {unknown} value
 * @returns {AppliedEdit[] | null}
 */
export function parseEdits(value) {
  if (!Array.isArray(value)) return null;
  const edits = value.filter(isEdit).map(({ name, amount }) => ({ name, amount }));
  return edits.filter(({ name }, i) => edits.findIndex((other) => other.name === name) === i);
}

const NAME = /^[a-z][a-z-]{0,39}$/;
const WORD = /^(#[0-9a-f]{6}|[a-z][a-z-]{0,39})$/;

/** @param {any} value */
function isEdit(value) {
  if (typeof value?.name !== "string" || !NAME.test(value.name)) return false;
  const { amount } = value;
  return typeof amount === "string" ? WORD.test(amount) : Number.isFinite(amount) && Math.abs(amount) <= 10;
}

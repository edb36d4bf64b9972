/**
 * Moving masks along MaskVAE's manifold: towards another mask, a random one, or in a direction.
 *
 * @typedef {import("./arrays.js").LabelMap} LabelMap
 * @typedef {import("./networks.js").Networks} Networks
 */

import { MOUTH, NOSE } from "../mask/label-map.js";
import { EngineError, labelTable } from "./arrays.js";
import { BROWS, EYES, MOUTH_PARTS } from "../mask/face-parts.js";
import { normalNoise } from "./random.js";

const PARTS = [MOUTH_PARTS, ...[...EYES, ...BROWS, NOSE].map((label) => [label])];
/** Share of a part's pixels that must change before it is redrawn. */
const REDRAW_SHARE = 0.2;

/**
 * A mask moved towards another face's mask, or away from it.
 *
 * @param {Networks} networks
 * @param {LabelMap} mask
 * @param {LabelMap} other of any size
 * @param {number} amount 0 moves nothing, 1 all the way, negative numbers away
 */
export async function moveTowards(networks, mask, other, amount) {
  const target = await networks.encodeMask(other);
  return move(networks, mask, (code) => code.map((value, i) => value + amount * (target[i] - value)));
}

/**
 * A mask moved towards a random mask, the same one for the same seed.
 *
 * @param {Networks} networks
 * @param {LabelMap} mask
 * @param {number} seed
 * @param {number} amount 0..1
 */
export async function moveTowardsRandom(networks, mask, seed, amount) {
  const code = await networks.encodeMask(mask);
  const target = await networks.sampleCode(normalNoise(seed, code.length));
  return move(networks, mask, () => code.map((value, i) => value + amount * (target[i] - value)));
}

/**
 * A mask moved along a direction by a share of the longest sensible step.
 *
 * @param {Networks} networks
 * @param {LabelMap} mask
 * @param {string} direction
 * @param {number} amount -1..1
 */
export async function moveInDirection(networks, mask, direction, amount) {
  const found = networks.manifest.directions.find(({ name }) => name === direction);
  if (!found) throw new EngineError(`There is no direction “${direction}”.`);
  return move(networks, mask, (code) => code.map((value, i) => value + amount * found.vector[i]));
}

/**
 * @param {Networks} networks
 * @param {LabelMap} mask
 * @param {(code: Float32Array) => Float32Array} step
 * @returns {Promise<LabelMap>}
 */
async function move(networks, mask, step) {
  const code = await networks.encodeMask(mask);
  const before = await networks.decodeMask(code, mask);
  return carryOver(mask, before, await networks.decodeMask(step(code), mask));
}

/**
 * What changes from one mask to another, in a third.
 *
 * `before` is the network's reconstruction of `mask`, which lacks its details. Large classes change pixel by pixel; mouth,
 * eyes, brows and nose are redrawn whole, or stay whole where they hardly change or would vanish: their outlines would
 * break where two drawings meet.
 *
 * @param {LabelMap} mask
 * @param {LabelMap} before
 * @param {LabelMap} after
 * @returns {LabelMap}
 */
export function carryOver({ width, height, data }, { data: before }, { data: after }) {
  const result = data.map((label, i) => (before[i] !== after[i] ? after[i] : label));
  for (const part of PARTS) {
    const table = labelTable(part);
    let [drawn, changed] = [0, 0];
    const [own, kept] = [new Set(), new Set([MOUTH])]; // a mouth may close
    for (let i = 0; i < data.length; i++) {
      if (table[data[i]]) own.add(data[i]);
      if (!table[before[i]] && !table[after[i]]) continue;
      drawn++;
      if (before[i] !== after[i]) changed++;
      kept.add(after[i]);
    }
    const isLost = [...own].some((label) => !kept.has(label));
    const source = !isLost && changed > REDRAW_SHARE * drawn ? after : data;
    for (let i = 0; i < data.length; i++) {
      if (table[data[i]] || table[before[i]] || table[after[i]]) result[i] = source[i];
    }
  }
  return { width, height, data: result };
}

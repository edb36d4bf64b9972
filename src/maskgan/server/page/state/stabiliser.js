/**
 * Steadies a stroke: the brush hangs on a string behind the pointer and moves only when the string is taut.
 *
 * @typedef {import("../mask/label-map.js").Point} Point
 */

export class Stabiliser {
  #length;
  /** @type {Point} */
  #brush;

  /**
   * @param {Point} start
   * @param {number} length of the string, mask pixels; 0: the brush is the pointer
   */
  constructor(start, length) {
    this.#brush = start;
    this.#length = length;
  }

  /**
   * @template {Point} P
   * @param {P} pointer
   * @returns {P} where the brush is now
   */
  follow(pointer) {
    const [x, y] = [pointer.x - this.#brush.x, pointer.y - this.#brush.y];
    const distance = Math.hypot(x, y);
    const share = distance > this.#length ? 1 - this.#length / distance : 0;
    const moved = { ...pointer, x: this.#brush.x + share * x, y: this.#brush.y + share * y };
    this.#brush = moved;
    return moved;
  }
}

/**
 * Brush diameter by the pressure of a pen: from a fifth to the whole.
 *
 * @param {number} diameter
 * @param {number} [pressure] 0..1; mice and fingers have none
 */
export function pressedDiameter(diameter, pressure = 1) {
  return Math.max(diameter * (0.2 + 0.8 * pressure), 1);
}

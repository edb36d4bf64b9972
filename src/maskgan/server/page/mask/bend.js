/**
 * Bending parts of a face.
 *
 * @typedef {import("./label-map.js").Point} Point
 * @typedef {import("./parts.js").Part} Part
 * @typedef {import("./parts.js").Displacement} Displacement
 *
 * @typedef {{grip: Point, pull: Point}} Drag start and vector, mask pixels
 */

import { MOUTH_CLASSES } from "./parts.js";

/** Maximum slope of the displacement; from 1 on the outline would fold over. */
const MAX_SLOPE = 0.7;

/** The steepest slope of the falloff (1 - r^2)^2, at r = 1 / sqrt(3). */
const FALLOFF_SLOPE = 1.54;

/** Beyond this share of a mouth's half width from its middle, a grip is a corner. */
const CORNER = 0.65;

/** A bend whose radius is a smaller share of a mouth's half width stays local, also at a corner. */
const WHOLE_SIDE = 0.8;

/** Pixels outside a gripped corner move further than the grip, up to this factor. */
const MOST = 1.3;

/**
 * Bend a part by dragging one or several of its points. A corner of the mouth takes its side of the mouth along in a
 * parabola, level in the middle, as smiles are; everything else follows by its distance from the grip.
 *
 * @param {Part} part
 * @param {Drag[]} drags
 * @param {number} radius of the bend, mask pixels; enlarged for long drags to avoid folding
 * @param {number} [tilt] of the eye line, radians clockwise
 * @returns {Displacement}
 */
export function bendDisplacement(part, drags, radius, tilt = 0) {
  const corners = MOUTH_CLASSES.includes(part.label) ? cornersOf(part, drags, radius, tilt) : null;
  return corners ? cornerDisplacement(part, corners, tilt) : radialDisplacement(part, drags, radius);
}

/**
 * @typedef {object} Corners
 * @property {number} middle of the mouth, along the eye line
 * @property {{reach: number, pull: Point}[]} pulls signed distance of each corner from the middle, and its pull
 *
 * @param {Part} part
 * @param {Drag[]} drags
 * @param {number} radius
 * @param {number} tilt
 * @returns {Corners | null} null if a grip is no corner
 */
function cornersOf(part, drags, radius, tilt) {
  const [cos, sin] = [Math.cos(tilt), Math.sin(tilt)];
  const { left, top, right, bottom } = part.box;
  const { width } = part;
  let [low, high] = [Infinity, -Infinity];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      if (!part.pixels[y * width + x]) continue;
      const along = (x + 0.5) * cos + (y + 0.5) * sin;
      low = Math.min(low, along);
      high = Math.max(high, along);
    }
  }
  const middle = (low + high) / 2;
  const half = (high - low) / 2;
  const pulls = drags.map(({ grip, pull }) => ({ reach: grip.x * cos + grip.y * sin - middle, pull }));
  const isWhole = radius >= WHOLE_SIDE * half;
  return isWhole && pulls.every(({ reach }) => Math.abs(reach) >= CORNER * half) ? { middle, pulls } : null;
}

/**
 * @param {Part} part
 * @param {Corners} corners
 * @param {number} tilt
 * @returns {Displacement}
 */
function cornerDisplacement(part, { middle, pulls }, tilt) {
  const [cos, sin] = [Math.cos(tilt), Math.sin(tilt)];
  const limited = pulls.map(({ reach, pull }) => {
    // Along the eye line, from half the corner's distance on the outline would fold over.
    const most = (MAX_SLOPE * Math.abs(reach)) / 2;
    const along = Math.min(Math.max(pull.x * cos + pull.y * sin, -most), most);
    const across = pull.y * cos - pull.x * sin;
    return { reach, x: along * cos - across * sin, y: along * sin + across * cos };
  });
  const length = MOST * pulls.reduce((sum, { pull }) => sum + Math.hypot(pull.x, pull.y), 0);
  const { left, top, right, bottom } = part.box;
  return {
    box: { left: left - length, top: top - length, right: right + length, bottom: bottom + length },
    trace(x, y, source) {
      source.x = x;
      source.y = y;
      for (let step = 0; step < 6; step++) {
        const along = source.x * cos + source.y * sin - middle;
        let [shiftX, shiftY] = [0, 0];
        for (const pull of limited) {
          if (along * pull.reach <= 0) continue;
          const share = Math.min((along / pull.reach) ** 2, MOST);
          shiftX += share * pull.x;
          shiftY += share * pull.y;
        }
        source.x = x - shiftX;
        source.y = y - shiftY;
      }
    },
  };
}

/**
 * One point is dragged, or several at once; their surroundings follow with a smooth falloff.
 *
 * @param {Part} part
 * @param {{grip: Point, pull: Point}[]} drags start and vector of each drag
 * @param {number} radius falloff radius; enlarged for long drags to avoid folding
 * @returns {Displacement}
 */
function radialDisplacement(part, drags, radius) {
  const length = drags.reduce((sum, { pull }) => sum + Math.hypot(pull.x, pull.y), 0);
  const reach = Math.max(radius, (FALLOFF_SLOPE * Math.max(...drags.map(({ pull }) => Math.hypot(pull.x, pull.y)))) / MAX_SLOPE);
  return {
    box: {
      left: part.box.left - length,
      top: part.box.top - length,
      right: part.box.right + length,
      bottom: part.box.bottom + length,
    },
    trace(x, y, source) {
      source.x = x;
      source.y = y;
      // Invert the displacement by fixed-point iteration.
      for (let step = 0; step < 6; step++) {
        let [shiftX, shiftY] = [0, 0];
        for (const { grip, pull } of drags) {
          const distance = ((source.x - grip.x) ** 2 + (source.y - grip.y) ** 2) / (reach * reach);
          const share = distance < 1 ? (1 - distance) ** 2 : 0;
          shiftX += share * pull.x;
          shiftY += share * pull.y;
        }
        source.x = x - shiftX;
        source.y = y - shiftY;
      }
    },
  };
}

/**
 * Parts of a face whose style can be transferred separately: classes grouped as users name them.
 *
 * @typedef {object} StylePart
 * @property {"hair" | "skin" | "brows" | "eyes" | "lips" | "mouth" | "glasses" | "hat" | "earrings" | "necklace"
 *   | "clothes" | "background"} name
 * @property {number[]} labels its classes
 */

import {
  BACKGROUND,
  CLOTHES,
  EARRING,
  GLASSES,
  HAIR,
  HAT,
  LEFT_BROW,
  LEFT_EAR,
  LEFT_EYE,
  LOWER_LIP,
  MOUTH,
  NECK,
  NECKLACE,
  NOSE,
  RIGHT_BROW,
  RIGHT_EAR,
  RIGHT_EYE,
  SKIN,
  UPPER_LIP,
} from "../mask/label-map.js";

/** @type {StylePart[]} every class is in one of them */
export const STYLE_PARTS = [
  { name: "hair", labels: [HAIR] },
  { name: "skin", labels: [SKIN, NOSE, LEFT_EAR, RIGHT_EAR, NECK] },
  { name: "brows", labels: [LEFT_BROW, RIGHT_BROW] },
  { name: "eyes", labels: [LEFT_EYE, RIGHT_EYE] },
  { name: "lips", labels: [UPPER_LIP, LOWER_LIP] },
  { name: "mouth", labels: [MOUTH] },
  { name: "glasses", labels: [GLASSES] },
  { name: "hat", labels: [HAT] },
  { name: "earrings", labels: [EARRING] },
  { name: "necklace", labels: [NECKLACE] },
  { name: "clothes", labels: [CLOTHES] },
  { name: "background", labels: [BACKGROUND] },
];

/**
 * @param {StylePart} part
 * @param {number[] | null} chosen classes; null: everything
 */
export function isSelected(part, chosen) {
  return part.labels.some((label) => chosen?.includes(label));
}

/**
 * @param {StylePart} part
 * @param {number[] | null} chosen
 * @returns {number[] | null} the classes with that part added or removed; null if none is left
 */
export function togglePart(part, chosen) {
  const others = (chosen ?? []).filter((label) => !part.labels.includes(label));
  const labels = isSelected(part, chosen) ? others : [...others, ...part.labels];
  return labels.length ? labels.sort((a, b) => a - b) : null;
}

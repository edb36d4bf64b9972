/**
 * Parts of a face whose style can be transferred separately: classes grouped as users name them.
 *
 * @typedef {object} StylePart
 * @property {string} name
 * @property {string} title as shown to people
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
  { name: "hair", title: "Hair", labels: [HAIR] },
  { name: "skin", title: "Skin", labels: [SKIN, NOSE, LEFT_EAR, RIGHT_EAR, NECK] },
  { name: "brows", title: "Brows", labels: [LEFT_BROW, RIGHT_BROW] },
  { name: "eyes", title: "Eyes", labels: [LEFT_EYE, RIGHT_EYE] },
  { name: "lips", title: "Lips", labels: [UPPER_LIP, LOWER_LIP] },
  { name: "mouth", title: "Mouth interior", labels: [MOUTH] },
  { name: "glasses", title: "Glasses", labels: [GLASSES] },
  { name: "hat", title: "Hat", labels: [HAT] },
  { name: "earrings", title: "Earrings", labels: [EARRING] },
  { name: "necklace", title: "Necklace", labels: [NECKLACE] },
  { name: "clothes", title: "Clothes", labels: [CLOTHES] },
  { name: "background", title: "Background", labels: [BACKGROUND] },
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

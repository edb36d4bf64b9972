/**
 * Parts of a face whose look can be borrowed alone, as people speak of them: pairs together, and what has one colour.
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
  { name: "mouth", title: "Inside of the mouth", labels: [MOUTH] },
  { name: "glasses", title: "Glasses", labels: [GLASSES] },
  { name: "hat", title: "Hat", labels: [HAT] },
  { name: "earrings", title: "Earrings", labels: [EARRING] },
  { name: "necklace", title: "Necklace", labels: [NECKLACE] },
  { name: "clothes", title: "Clothes", labels: [CLOTHES] },
  { name: "background", title: "Background", labels: [BACKGROUND] },
];

/**
 * @param {StylePart} part
 * @param {number[] | null} chosen classes; null is everything, where no part is chosen for itself
 */
export function isChosen(part, chosen) {
  return part.labels.some((label) => chosen?.includes(label));
}

/**
 * @param {StylePart} part
 * @param {number[] | null} chosen
 * @returns {number[] | null} the classes with that part chosen too, or no more; null where none is left
 */
export function toggled(part, chosen) {
  const others = (chosen ?? []).filter((label) => !part.labels.includes(label));
  const labels = isChosen(part, chosen) ? others : [...others, ...part.labels];
  return labels.length ? labels.sort((a, b) => a - b) : null;
}

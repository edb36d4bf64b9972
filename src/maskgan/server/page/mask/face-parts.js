/** Parts of a face as sets of classes; left and right are the person's. */

import * as labels from "./label-map.js";

export const EYES = [labels.LEFT_EYE, labels.RIGHT_EYE];
export const BROWS = [labels.LEFT_BROW, labels.RIGHT_BROW];
export const EARS = [labels.LEFT_EAR, labels.RIGHT_EAR];
export const LIPS = [labels.UPPER_LIP, labels.LOWER_LIP];
/** The lips and what lies between them. */
export const MOUTH_PARTS = [labels.MOUTH, ...LIPS];
/** What lies on the skin of the face. */
export const FEATURES = [labels.NOSE, labels.GLASSES, ...EYES, ...BROWS, ...MOUTH_PARTS];
/** The face without hair, ears and glasses. */
export const FACE = [labels.SKIN, labels.NOSE, ...EYES, ...BROWS, ...MOUTH_PARTS];

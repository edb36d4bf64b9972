/**
 * Colours by name for each part that can be coloured, and colours of pixels.
 *
 * @typedef {{name: string, value: string}} NamedColour `value` as `#rrggbb`
 */

/** Natural shades first. @type {Readonly<Record<string, readonly NamedColour[]>>} */
export const PALETTES = {
  "hair-colour": [
    { name: "black", value: "#1d1a1b" },
    { name: "brown", value: "#5a3a24" },
    { name: "light-brown", value: "#8a6242" },
    { name: "blond", value: "#c9a468" },
    { name: "light-blond", value: "#e3c893" },
    { name: "red", value: "#8e3a1f" },
    { name: "ginger", value: "#b5642d" },
    { name: "grey", value: "#9a9a9c" },
    { name: "white", value: "#dcdad6" },
    { name: "pink", value: "#d4789f" },
    { name: "purple", value: "#6f4a94" },
    { name: "blue", value: "#3f62a8" },
    { name: "green", value: "#4d7a4b" },
  ],
  "lip-colour": [
    { name: "nude", value: "#b98272" },
    { name: "rose", value: "#c9737c" },
    { name: "coral", value: "#d9694f" },
    { name: "red", value: "#b3262e" },
    { name: "cherry", value: "#8c1d2f" },
    { name: "plum", value: "#7a2f52" },
    { name: "brown", value: "#7c4a3a" },
    { name: "pink", value: "#d4789f" },
  ],
  "eye-colour": [
    { name: "brown", value: "#5b3b22" },
    { name: "hazel", value: "#8a6a3a" },
    { name: "green", value: "#5f8a5a" },
    { name: "blue", value: "#3f6ea8" },
    { name: "light-blue", value: "#7fa6c9" },
    { name: "grey", value: "#8a939c" },
    { name: "black", value: "#2a2220" },
    { name: "purple", value: "#6f4a94" },
  ],
  "brow-colour": [
    { name: "black", value: "#1d1a1b" },
    { name: "brown", value: "#5a3a24" },
    { name: "light-brown", value: "#8a6242" },
    { name: "blond", value: "#c9a468" },
    { name: "red", value: "#8e3a1f" },
    { name: "grey", value: "#9a9a9c" },
  ],
};

/**
 * The mean colour of opaque pixels, as RGBA bytes.
 *
 * @param {Uint8ClampedArray} pixels
 * @returns {string | null} as `#rrggbb`; null without pixels
 */
export function meanColour(pixels) {
  const sums = [0, 0, 0];
  let count = 0;
  for (let i = 0; i < pixels.length; i += 4) {
    if (pixels[i + 3] < 128) continue;
    for (let c = 0; c < 3; c++) sums[c] += pixels[i + c];
    count++;
  }
  if (!count) return null;
  return `#${sums.map((sum) => Math.round(sum / count).toString(16).padStart(2, "0")).join("")}`;
}

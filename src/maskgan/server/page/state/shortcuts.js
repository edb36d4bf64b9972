/**
 * Keyboard shortcuts; the help dialog and the tooltips are built from this list.
 *
 * @typedef {object} Shortcut
 * @property {string} command
 * @property {string} title
 * @property {string[]} keys as `KeyboardEvent.key`, lowercase; "Mod+" is Ctrl or Command
 * @property {string} group
 */

/** @type {readonly Shortcut[]} */
export const SHORTCUTS = [
  { group: "Tools", command: "tool:brush", title: "Brush", keys: ["b"] },
  { group: "Tools", command: "tool:eraser", title: "Eraser: restore the original", keys: ["e"] },
  { group: "Tools", command: "tool:fill", title: "Fill", keys: ["g"] },
  { group: "Tools", command: "tool:lasso", title: "Lasso and polygon", keys: ["l"] },
  { group: "Tools", command: "tool:picker", title: "Pick a class", keys: ["i"] },
  { group: "Tools", command: "tool:move", title: "Move and scale a part", keys: ["v"] },
  { group: "Tools", command: "tool:bend", title: "Bend a part", keys: ["w"] },
  { group: "Tools", command: "tool:stamp", title: "Accessories", keys: ["a"] },
  { group: "Tools", command: "smaller", title: "Smaller brush", keys: ["["] },
  { group: "Tools", command: "larger", title: "Larger brush", keys: ["]"] },
  { group: "Edit", command: "undo", title: "Undo", keys: ["Mod+z"] },
  { group: "Edit", command: "redo", title: "Redo", keys: ["Mod+Shift+z", "Mod+y"] },
  { group: "Edit", command: "symmetry", title: "Symmetric painting", keys: ["m"] },
  { group: "Edit", command: "confirm", title: "Close an outline, apply an accessory", keys: ["Enter"] },
  { group: "Edit", command: "cancel", title: "Cancel the current action", keys: ["Escape"] },
  { group: "Edit", command: "lock", title: "Lock or unlock the class", keys: ["k"] },
  { group: "View", command: "compare", title: "Before and after", keys: ["c"] },
  { group: "View", command: "hide-mask", title: "Show or hide the mask", keys: ["h"] },
  { group: "View", command: "underlay", title: "Photo or result under the mask", keys: ["u"] },
  { group: "View", command: "fit", title: "Fit to the window", keys: ["0"] },
  { group: "View", command: "zoom-in", title: "Zoom in", keys: ["+", "="] },
  { group: "View", command: "zoom-out", title: "Zoom out", keys: ["-"] },
  { group: "File", command: "open", title: "Open", keys: ["Mod+o"] },
  { group: "File", command: "save-project", title: "Save the project", keys: ["Mod+s"] },
  { group: "File", command: "save-png", title: "Save the picture as PNG", keys: ["Mod+Shift+s"] },
  { group: "File", command: "help", title: "This help", keys: ["?"] },
];

/**
 * @param {{key: string, ctrlKey: boolean, metaKey: boolean, shiftKey: boolean, altKey: boolean}} event
 * @returns {string | null} the command
 */
export function commandFor(event) {
  if (event.altKey) return null;
  const mod = event.ctrlKey || event.metaKey;
  const single = event.key.length === 1;
  const key = single ? event.key.toLowerCase() : event.key;
  // Characters such as "?" and "+" may need Shift themselves.
  const shift = event.shiftKey && mod;
  const pressed = `${mod ? "Mod+" : ""}${shift ? "Shift+" : ""}${key}`;
  return SHORTCUTS.find((shortcut) => shortcut.keys.includes(pressed))?.command ?? null;
}

/**
 * @param {string} key one of a shortcut's keys
 * @param {boolean} [mac]
 * @returns {string} display name
 */
export function keyName(key, mac = false) {
  const parts = key.split(/\+(?=.)/).map((part) => {
    if (part === "Mod") return mac ? "⌘" : "Ctrl";
    if (part === "Shift") return mac ? "⇧" : "Shift";
    if (part === "Escape") return "Esc";
    return part.length === 1 ? part.toUpperCase() : part;
  });
  return parts.join(mac ? "" : "+");
}

/**
 * Keyboard shortcuts; the help dialog and the tooltips are built from this list.
 *
 * @typedef {import("../i18n/translate.js").Key} Key
 *
 * @typedef {object} Shortcut
 * @property {string} command
 * @property {Key} title
 * @property {string[]} keys as `KeyboardEvent.key`, lowercase; "Mod+" is Ctrl or Command
 * @property {Key} group
 */

/** @type {readonly Shortcut[]} */
export const SHORTCUTS = [
  { group: "commands.tools", command: "tool:brush", title: "tool.brush", keys: ["b"] },
  { group: "commands.tools", command: "tool:eraser", title: "tool.eraser", keys: ["e"] },
  { group: "commands.tools", command: "tool:fill", title: "tool.fill", keys: ["g"] },
  { group: "commands.tools", command: "tool:lasso", title: "tool.lasso", keys: ["l"] },
  { group: "commands.tools", command: "tool:picker", title: "tool.picker", keys: ["i"] },
  { group: "commands.tools", command: "tool:move", title: "tool.move", keys: ["v"] },
  { group: "commands.tools", command: "tool:bend", title: "tool.bend", keys: ["w"] },
  { group: "commands.tools", command: "tool:stamp", title: "tool.stamp", keys: ["a"] },
  { group: "commands.tools", command: "smaller", title: "command.smaller", keys: ["["] },
  { group: "commands.tools", command: "larger", title: "command.larger", keys: ["]"] },
  { group: "commands.edit", command: "undo", title: "command.undo", keys: ["Mod+z"] },
  { group: "commands.edit", command: "redo", title: "command.redo", keys: ["Mod+Shift+z", "Mod+y"] },
  { group: "commands.edit", command: "symmetry", title: "command.symmetry", keys: ["m"] },
  { group: "commands.edit", command: "confirm", title: "command.confirm", keys: ["Enter"] },
  { group: "commands.edit", command: "cancel", title: "command.cancel", keys: ["Escape"] },
  { group: "commands.edit", command: "lock", title: "command.lock", keys: ["k"] },
  { group: "commands.view", command: "compare", title: "command.compare", keys: ["c"] },
  { group: "commands.view", command: "original", title: "command.original", keys: ["o"] },
  { group: "commands.view", command: "hide-mask", title: "command.hide-mask", keys: ["h"] },
  { group: "commands.view", command: "underlay", title: "command.underlay", keys: ["u"] },
  { group: "commands.view", command: "fit", title: "command.fit", keys: ["0"] },
  { group: "commands.view", command: "zoom-in", title: "command.zoom-in", keys: ["+", "="] },
  { group: "commands.view", command: "zoom-out", title: "command.zoom-out", keys: ["-"] },
  { group: "commands.file", command: "open", title: "app.open", keys: ["Mod+o"] },
  { group: "commands.file", command: "save-project", title: "command.save-project", keys: ["Mod+s"] },
  { group: "commands.file", command: "save-png", title: "command.save-png", keys: ["Mod+Shift+s"] },
  { group: "commands.file", command: "copy", title: "command.copy", keys: ["Mod+c"] },
  { group: "commands.file", command: "help", title: "command.help", keys: ["?"] },
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
 * @param {(key: string) => string} [nameOf] what a key is called on the user's keyboard
 * @returns {string} display name
 */
export function keyName(key, mac = false, nameOf = (name) => name) {
  const parts = key.split(/\+(?=.)/).map((part) => {
    if (part === "Mod") return mac ? "⌘" : nameOf("Ctrl");
    if (part === "Shift" && mac) return "⇧";
    return part.length === 1 ? part.toUpperCase() : nameOf(part);
  });
  return parts.join(mac ? "" : "+");
}

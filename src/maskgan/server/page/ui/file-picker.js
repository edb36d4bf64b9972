/**
 * Ask for files with the browser's own dialog.
 *
 * @param {string} accept
 * @param {boolean} several
 * @returns {Promise<File[]>} none where the person thought better of it
 */
export function pickFiles(accept, several) {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = accept;
  input.multiple = several;
  return new Promise((resolve) => {
    input.addEventListener("change", () => resolve([...(input.files ?? [])]));
    input.addEventListener("cancel", () => resolve([]));
    input.click();
  });
}

/**
 * Hand a file to the browser to save.
 *
 * @param {Blob} blob
 * @param {string} name
 */
export function saveFile(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download begins after this turn; by the next minute it has its bytes.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

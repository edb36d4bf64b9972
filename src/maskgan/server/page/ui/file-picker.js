/** Pictures, for file dialogs; some systems do not count the named ones as images. */
export const PICTURES = "image/*,.heic,.heif,.avif,.tif,.tiff";

/**
 * Show the browser's file dialog.
 *
 * @param {string} accept
 * @param {boolean} several
 * @returns {Promise<File[]>} empty if cancelled
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
 * Download a blob.
 *
 * @param {Blob} blob
 * @param {string} name
 */
export function saveFile(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download starts later and needs the URL until then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

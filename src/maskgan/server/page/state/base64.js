/** Base64, for bytes in JSON. */

/** @param {Uint8Array} bytes */
export function toBase64(bytes) {
  let text = "";
  // In chunks: the number of arguments of a call is limited.
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

/**
 * @param {string} text
 * @returns {Uint8Array}
 * @throws {DOMException} invalid base64
 */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/**
 * Which stored project belongs to this tab. Two tabs never write the same one: whoever writes holds its lock.
 */

const KEY = "maskgan-project";

/** A name that nobody else has; `crypto.randomUUID` is missing on plain HTTP beyond the own machine. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The project that this tab had before it was reloaded. */
export function rememberedId() {
  return sessionStorage.getItem(KEY);
}

/** @param {string} id */
export function rememberId(id) {
  sessionStorage.setItem(KEY, id);
}

/**
 * Take a project for this tab until it closes or `release` is called.
 *
 * @param {string} id
 * @param {boolean} isNew whether the id was just made, so that nobody else can have it
 * @returns {Promise<(() => void) | null>} release; null where another tab has it, or may have it
 */
export async function claim(id, isNew) {
  // Browsers offer no locks on plain HTTP beyond the own machine.
  if (!navigator.locks) return isNew || wasReloadedWith(id) ? () => {} : null;
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(`${KEY}-${id}`, { ifAvailable: true }, (lock) => {
        if (!lock) {
          resolve(null);
          return undefined;
        }
        return new Promise((release) => resolve(() => release(undefined)));
      })
      .catch(reject);
  });
}

/**
 * A reloaded tab keeps its own project. A duplicated tab has a copy of the session's storage, but was not reloaded.
 *
 * @param {string} id
 */
function wasReloadedWith(id) {
  const [navigation] = performance.getEntriesByType("navigation");
  const { type } = /** @type {PerformanceNavigationTiming} */ (navigation);
  return type === "reload" && id === rememberedId();
}

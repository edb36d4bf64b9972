/**
 * Locks on stored projects: only the tab that holds a project's lock writes it.
 */

const KEY = "maskgan-project";

/** A random id; `crypto.randomUUID` is missing on plain HTTP other than localhost. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Id of the project that this tab had open before a reload. */
export function tabProjectId() {
  return sessionStorage.getItem(KEY);
}

/** @param {string} id */
export function setTabProjectId(id) {
  sessionStorage.setItem(KEY, id);
}

/**
 * Lock a project for this tab until it closes or calls `release`.
 *
 * @param {string} id
 * @param {boolean} isNew whether the id is new, so that no other tab can hold it
 * @returns {Promise<(() => void) | null>} release; null if another tab holds or may hold the lock
 */
export async function acquireLock(id, isNew) {
  // The Web Locks API is missing on plain HTTP other than localhost.
  if (!navigator.locks) return isNew || isReloadOf(id) ? () => {} : null;
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
 * Whether this tab was reloaded with the project. A duplicated tab has a copy of sessionStorage, but was not reloaded.
 *
 * @param {string} id
 */
function isReloadOf(id) {
  const [navigation] = performance.getEntriesByType("navigation");
  const { type } = /** @type {PerformanceNavigationTiming} */ (navigation);
  return type === "reload" && id === tabProjectId();
}

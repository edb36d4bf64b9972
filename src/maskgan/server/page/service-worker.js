/**
 * The service worker of an exported page: keeps the page itself, so that it opens without a network. Networks and the
 * runtime are kept by the page's worker. `maskgan export-web` puts `self.EXPORT` before this text: the version's hash and
 * the small files. A new version is loaded beside the old one and takes over with the next visit.
 */

{
  /** @type {any} */
  const scope = self;
  /** @type {{hash: string, files: string[]}} */
  const { hash, files } = scope.EXPORT;
  // Exports in other folders of this origin have caches of their own; no address contains a space.
  const PREFIX = `maskgan-page ${scope.registration.scope} `;
  const CACHE = PREFIX + hash;
  // Threads need a page that is cross-origin isolated, which many hosts' headers cannot say.
  const ISOLATION = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
  const known = new Set(files.map((path) => new URL(path, scope.registration.scope).href));

  scope.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(install()));
  scope.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(activate()));
  scope.addEventListener("message", (/** @type {any} */ { data }) => data === "activate" && void scope.skipWaiting());
  scope.addEventListener("fetch", (/** @type {any} */ event) => {
    const { request } = event;
    const isPage = request.mode === "navigate";
    const address = isPage ? scope.registration.scope : withoutQuery(request.url);
    if (request.method === "GET" && (isPage ? withoutQuery(request.url) === address : known.has(address))) {
      event.respondWith(answer(address, request));
    }
  });

  async function install() {
    const cache = await caches.open(CACHE);
    await Promise.all([...known].map(async (address) => cache.put(address, await load(address))));
  }

  /** @param {string} address */
  async function load(address) {
    const response = await fetch(address, { cache: "no-cache" });
    if (!response.ok) throw new Error(`${address} could not be loaded`);
    const headers = new Headers({ "Content-Type": response.headers.get("Content-Type") ?? "", ...ISOLATION });
    return new Response(await response.blob(), { headers });
  }

  async function activate() {
    for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
    await scope.clients.claim();
  }

  /**
   * @param {string} address
   * @param {Request} request
   */
  async function answer(address, request) {
    const cache = await caches.open(CACHE);
    return (await cache.match(address)) ?? fetch(request);
  }

  /** @param {string} address */
  function withoutQuery(address) {
    return address.split(/[?#]/)[0];
  }
}

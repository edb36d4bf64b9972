/**
 * The editor's API without a server: answers the requests of `remote/`, as docs/web.md describes.
 *
 * @typedef {import("./codecs.js").DecodePicture} DecodePicture
 * @typedef {import("./networks.js").Manifest} Manifest
 * @typedef {import("./networks.js").NetworkRunner} NetworkRunner
 *
 * @typedef {object} Call
 * @property {Request} request
 * @property {URLSearchParams} query
 * @property {string[]} values of the path's variable parts
 *
 * @typedef {[string, (call: Call) => Promise<Response>]} Route method and path, `*` for a variable part; what answers
 */

import { AppState, NotFoundError } from "./app-state.js";
import { EngineError } from "./arrays.js";
import { decodePicture } from "./codecs.js";
import { generalRoutes } from "./routes/general.js";
import { namedEditRoutes } from "./routes/named-edits.js";
import { recipeRoutes } from "./routes/recipes.js";
import { renderingRoutes } from "./routes/rendering.js";
import { sessionRoutes } from "./routes/sessions.js";
import { styleRoutes } from "./routes/styles.js";

/**
 * @param {NetworkRunner} runner
 * @param {Manifest} manifest
 * @param {(path: string) => Promise<Blob>} asset a file of the folder, such as "portraits/portrait-7.jpg"
 * @param {DecodePicture} [decode]
 * @returns {(request: Request) => Promise<Response>} `request.signal` is aborted when nobody waits any more
 */
export function createApp(runner, manifest, asset, decode = decodePicture) {
  const state = new AppState(runner, manifest, asset, decode);
  const groups = [generalRoutes, sessionRoutes, renderingRoutes, styleRoutes, namedEditRoutes, recipeRoutes];
  const routes = groups.flatMap((group) => group(state)).map(([route, answer]) => ({ pattern: pathPattern(route), answer }));
  return async (request) => {
    const { pathname, searchParams: query } = new URL(request.url);
    const asked = `${request.method} ${decodeURIComponent(pathname)}`;
    for (const { pattern, answer } of routes) {
      const match = pattern.exec(asked);
      if (!match) continue;
      try {
        return await answer({ request, query, values: match.slice(1) });
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        return Response.json({ error: error.message }, { status: error instanceof NotFoundError ? 404 : 400 });
      }
    }
    return Response.json({ error: "This needs a server; this editor runs in your browser alone." }, { status: 400 });
  };
}

/** @param {string} route */
function pathPattern(route) {
  return new RegExp(`^${route.replaceAll(".", "\\.").replaceAll("*", "([^/]+?)")}$`);
}

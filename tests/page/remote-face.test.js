import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { gunzipSync } from "node:zlib";

import { ApiError } from "../../src/maskgan/server/page/remote/api.js";
import { RemoteFace } from "../../src/maskgan/server/page/remote/remote-face.js";
import { defaultSettings } from "../../src/maskgan/server/page/state/settings.js";

/** A server that forgets its sessions when told to, and writes down what it was asked. */
class Server {
  /** @type {string[]} */
  asked = [];
  /** @type {Uint8Array | null} */
  rendered = null;
  /** @type {FormData | null} the last that was sent */
  form = null;
  #sessions = new Set();
  #begun = 0;
  /** @type {(() => Response) | null} instead of the next rendering */
  instead = null;
  /** @type {import("../../src/maskgan/server/page/remote/remote-face.js").MaskWarning[]} of style references */
  warnings = [];
  /** @type {string | null} the state of a refinement that was begun before */
  refining = null;

  forgetAll() {
    this.#sessions.clear();
  }

  /**
   * @param {string} path
   * @param {RequestInit} init
   */
  async answer(path, { method = "GET", body } = {}) {
    this.asked.push(`${method} ${path}`);
    if (body instanceof FormData) this.form = body;
    if (path === "/api/sessions") {
      const id = `s${++this.#begun}`;
      this.#sessions.add(id);
      return Response.json({ id, width: 2, height: 2, parsed: false, project: null }, { status: 201 });
    }
    const [, , , id, rest = ""] = path.split("/");
    if (!this.#sessions.has(id)) return Response.json({ error: "no such session" }, { status: 404 });
    if (rest === "style" && body instanceof FormData) return Response.json({ parsed: false, warnings: this.warnings });
    if (rest.startsWith("style") || method === "DELETE") return new Response(null, { status: 204 });
    if (rest === "refinement" && method === "POST" && this.refining) return Response.json({ error: "already" }, { status: 409 });
    if (rest === "refinement") return Response.json({ state: this.refining ?? "running", step: 4, steps: 40, error: null });
    const { instead } = this;
    this.instead = null;
    if (instead) return instead();
    if (body instanceof ArrayBuffer) this.rendered = gunzipSync(new Uint8Array(body));
    return new Response("picture");
  }
}

const labels = Uint8Array.of(1, 2, 3, 18);
const { signal } = new AbortController();
/** @type {Server} */
let server;

beforeEach(() => {
  server = new Server();
  globalThis.fetch = (path, init) => server.answer(String(path), init ?? {});
});

const begin = () => new RemoteFace({ kind: "portrait", number: 7 }, () => undefined);

test("labels go compressed and arrive whole, with the settings", async () => {
  const blob = await begin().render(labels, { ...defaultSettings(), blend: "full" }, "preview", signal);
  assert.equal(await blob?.text(), "picture");
  assert.deepEqual([...(server.rendered ?? [])], [...labels]);
  assert.equal(server.asked[1], "POST /api/sessions/s1/render?quality=preview&blend=full&style_strength=0");
  const edits = [{ name: "smile", amount: 0.5 }, { name: "hair-colour", amount: "#8e3a1f" }];
  await begin().render(labels, { ...defaultSettings(), edits, lock: true }, "full", signal);
  const query = "quality=full&blend=region&style_strength=0&edits=smile%3D0.5%2Chair-colour%3D%238e3a1f&lock=true";
  assert.equal(server.asked.at(-1), `POST /api/sessions/s2/render?${query}`);
});

test("a forgotten session is begun again with its style, and the request is answered", async () => {
  const face = begin();
  /** @type {import("../../src/maskgan/server/page/state/settings.js").Settings} */
  const settings = { ...defaultSettings(), style: { kind: "portrait", number: 3 }, strength: 0.5 };
  await face.render(labels, settings, "full", signal);
  server.forgetAll();
  server.asked = [];
  const blob = await face.render(labels, settings, "full", signal);
  assert.equal(await blob?.text(), "picture");
  assert.deepEqual(server.asked, [
    "POST /api/sessions/s1/render?quality=full&blend=region&style_strength=0.5",
    "POST /api/sessions",
    "POST /api/sessions/s2/style",
    "POST /api/sessions/s2/render?quality=full&blend=region&style_strength=0.5",
  ]);
});

test("several requests that find the session gone begin one new one", async () => {
  const face = begin();
  await face.session;
  server.forgetAll();
  await Promise.all([face.picture("lossless"), face.maskFile(labels), face.move(labels, { random: 1, amount: 1 }, null)]);
  assert.equal(server.asked.filter((line) => line === "POST /api/sessions").length, 2);
});

test("a style is sent once, and taken back when it is no longer wanted", async () => {
  const face = begin();
  /** @type {import("../../src/maskgan/server/page/state/settings.js").Settings} */
  const styled = { ...defaultSettings(), style: { kind: "portrait", number: 2 } };
  await face.render(labels, styled, "preview", signal);
  await face.render(labels, styled, "full", signal);
  await face.render(labels, defaultSettings(), "full", signal);
  assert.deepEqual(
    server.asked.filter((line) => line.endsWith("style")),
    ["POST /api/sessions/s1/style", "DELETE /api/sessions/s1/style"],
  );
});

test("what seems wrong with a style's mask is told once, and its label order is sent", async () => {
  server.warnings = [{ kind: "other-order", text: "looks like another order", order: "face-parsing" }];
  const style = { picture: new Blob(["style"]), mask: new Blob(["mask"]) };
  const styles = new Map(Object.entries({ own: style, ordered: { ...style, order: "face-parsing" } }));
  const face = new RemoteFace({ kind: "portrait", number: 7 }, (key) => styles.get(key));
  /** @type {[string, string | null][]} */
  const told = [];
  face.styleWarned = (key, warnings) => told.push([key, warnings[0].order]);
  /** @param {string} key */
  const render = (key) => face.render(labels, { ...defaultSettings(), style: { kind: "picture", key } }, "full", signal);
  await render("own");
  assert.deepEqual([...(server.form?.keys() ?? [])], ["picture", "mask"]);
  server.forgetAll();
  await render("own");
  assert.deepEqual(told, [["own", "face-parsing"]]);
  server.warnings = [];
  await render("ordered");
  assert.equal(server.form?.get("order"), "face-parsing");
  assert.equal(told.length, 1);
});

test("parts of a style are asked for by name, where there is a style", async () => {
  const face = begin();
  const settings = { ...defaultSettings(), styleParts: [11, 12, 13] };
  await face.render(labels, settings, "full", signal);
  assert.ok(!server.asked.some((line) => line.includes("style_parts")));
  await face.result(labels, { ...settings, style: { kind: "portrait", number: 2 } }, "png");
  const query = "format=png&blend=region&style_strength=1&style_parts=u_lip,l_lip,hair";
  assert.equal(server.asked.at(-1), `POST /api/sessions/s1/result?${query}`);
});

test("a face cut out of a photograph is put back into it, and no other", async () => {
  const picture = new Blob(["photograph"]);
  const crop = { x: 10, y: 20, side: 30, angle: 0 };
  const cut = new RemoteFace({ kind: "picture", picture, mask: null, crop }, () => undefined);
  assert.ok(cut.isCropped);
  await cut.photograph(labels, { ...defaultSettings(), blend: "full" });
  assert.equal(server.asked.at(-1), "POST /api/sessions/s1/photograph?format=jpeg&blend=full&style_strength=0");
  assert.deepEqual([...(server.form?.keys() ?? [])], ["mask", "picture", "crop"]);
  assert.equal(server.form?.get("crop"), JSON.stringify(crop));
  const whole = new RemoteFace({ kind: "picture", picture, mask: null, crop: null }, () => undefined);
  assert.deepEqual([whole.isCropped, begin().isCropped], [false, false]);
});

test("a rendering that was overtaken gives nothing", async () => {
  server.instead = () => new Response(null, { status: 204 });
  assert.equal(await begin().render(labels, defaultSettings(), "preview", signal), null);
});

test("errors carry the server's words, and when to try again", async () => {
  const face = begin();
  server.instead = () => Response.json({ error: "too busy" }, { status: 503, headers: { "Retry-After": "2" } });
  await assert.rejects(face.render(labels, defaultSettings(), "full", signal), { message: "too busy", retryAfter: 2 });
  server.instead = () => new Response("<html>", { status: 400, statusText: "Bad Request" });
  await assert.rejects(face.render(labels, defaultSettings(), "full", signal), (error) => {
    assert.ok(error instanceof ApiError && error.status === 400 && error.retryAfter === null);
    return /400 Bad Request/.test(error.message);
  });
});

test("without a server: an error that asks to be tried again, and the next try begins the session", async () => {
  globalThis.fetch = () => Promise.reject(new TypeError("network"));
  const face = begin();
  await assert.rejects(face.session, ApiError);
  await assert.rejects(face.render(labels, defaultSettings(), "full", signal), (error) => {
    return error instanceof ApiError && error.status === 0 && (error.retryAfter ?? 0) > 0;
  });
  globalThis.fetch = (path, init) => server.answer(String(path), init ?? {});
  assert.equal(await (await face.render(labels, defaultSettings(), "full", signal))?.text(), "picture");
});

test("a fitted face is asked for once it is there, and no longer where the session was begun again", async () => {
  const face = begin();
  const settings = { ...defaultSettings(), refined: true };
  const rendered = async () => {
    await face.render(labels, settings, "full", signal);
    return server.asked.at(-1)?.includes("refined=true");
  };
  assert.equal((await face.startRefinement()).state, "running");
  assert.equal((await face.refinementStatus()).step, 4);
  assert.equal(await rendered(), false);
  server.refining = "done";
  assert.equal((await face.startRefinement()).state, "done", "what runs already is watched");
  assert.ok(face.isRefined && (await rendered()));
  await face.render(labels, defaultSettings(), "full", signal);
  assert.ok(!server.asked.at(-1)?.includes("refined"));
  server.forgetAll();
  assert.equal(await rendered(), false);
  assert.equal(face.isRefined, false);
  await face.close();
  server.forgetAll();
  const asked = server.asked.length;
  await assert.rejects(face.refinementStatus(), ApiError, "a face that was left is not begun again");
  assert.equal(server.asked.length, asked + 1);
});

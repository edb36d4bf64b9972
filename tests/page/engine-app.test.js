/** The engine with the networks that ship, in ONNX Runtime Web, against the server's own functions. */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { createApp } from "../../src/maskgan/server/page/engine/app.js";
import { planes } from "../../src/maskgan/server/page/engine/arrays.js";
import { readPixels } from "../../src/maskgan/server/page/engine/files/png.js";
import { DIGITAL_SOURCE_TYPE } from "../../src/maskgan/server/page/engine/files/provenance.js";
import { Networks } from "../../src/maskgan/server/page/engine/networks.js";
import { Runtime } from "../../src/maskgan/server/page/engine/runtime.js";
import { maskOfArray, maximumDifference, python, shareBeyond } from "./reference.js";

const PYTHON = process.env.PYTHON ?? "python3";
const hasRuntime = existsSync(new URL("node_modules/onnxruntime-web", import.meta.url));
const hasExporter = spawnSync(PYTHON, ["-c", "import onnx"]).status === 0;
const missing = hasRuntime ? "NO LIBRARY onnx: pip install 'maskgan[export]'" : "NO NPM PACKAGES: run tests/page/setup.sh";
const options = { skip: hasRuntime && hasExporter ? false : missing };

const CODE = `
from dataclasses import asdict
from io import BytesIO
from PIL import Image
from maskgan import __version__
from maskgan.assets import portrait, shipped_directions, shipped_weights
from maskgan.editing.face_detection import FaceDetector
from maskgan.editing.framing import Frame, paste_back
from maskgan.editing.mask_manifold import MaskManifold
from maskgan.editing.parsing import Parser
from maskgan.editing.pipeline import Edit
from maskgan.editing.renderer import Renderer
from maskgan.images import decode_source, encode_label_map, read_label_map, read_picture, resize_picture
from maskgan.editing.framing import crop_source
from maskgan.labels import CLASSES, MIRROR
from maskgan.server.applied_edits import EditsInForce
from maskgan.server.inference_service import InferenceService, RenderCache, RenderRequest
from maskgan.server.limits import MAP_SIDE, Limits
from maskgan.server.projects import write_project

def png(picture):
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()

limits = Limits()
service = InferenceService(
    Renderer.from_weights(shipped_weights("edit")),
    Parser(shipped_weights("parser")),
    MaskManifold.from_weights(shipped_weights("mask-vae"), directions=shipped_directions()),
    FaceDetector.from_weights(shipped_weights("face-detector")),
)
results["info"] = {
    "version": __version__, "weights": {},
    "classes": [{"index": c.index, "name": c.name, "title": c.title, "colour": c.colour, "mirror": int(MIRROR[c.index])} for c in CLASSES],
    "portraits": [{"number": 5}], "directions": [], "style_parts": True, "refinement": False,
    "limits": {"upload_bytes": limits.upload_bytes, "project_bytes": limits.project_bytes, "pixels": limits.pixels, "side": MAP_SIDE},
}
for kind, data in (("jpg", png(read_picture(portrait(5)[0]))), ("png", encode_label_map(read_label_map(portrait(5)[1])))):
    results["portrait-" + kind] = data

# A photograph in which the face is turned.
face = resize_picture(read_picture(portrait(3)[0]), (440, 440))
photograph = np.full((600, 700, 3), 120, np.uint8)
photograph[60:500, 130:570] = np.asarray(Image.fromarray(face).rotate(12, Image.Resampling.BICUBIC, fillcolor=(120, 120, 120)))
results["photograph"] = png(photograph)
source = decode_source(BytesIO(png(photograph)), "photograph")
found = service.detector.detect(photograph)
results["faces"] = [asdict(one) for one in found]
frame = found[0].frame
results["crop"] = asdict(frame)
cut = crop_source(source, frame)
opened = service.face(cut, None)
results["mask"], results["maskFile"] = opened.label_map, encode_label_map(opened.label_map)
results["display"] = opened.display

reference = service.reference(read_picture(portrait(5)[0]), read_label_map(portrait(5)[1]))
smiling = EditsInForce.parse("smile=0.8,hair-colour=#8e3a1f", True)
edited = smiling.apply(opened.label_map)
results["edited"] = edited
def render(style, blend, canvas, label_map=edited):
    edit = Edit(opened.model, label_map, style, blend)
    return service.render([RenderRequest(edit, canvas, RenderCache())])[0]
stroke = opened.label_map.copy()
stroke[40:70, 200:330] = 13
results["stroke"] = stroke
results["plain"] = render(None, "region", opened.display, stroke)
results["smiling"] = smiling.finish(opened.display, render(None, "region", opened.display), opened.label_map, edited)
results["whole"] = render(None, "full", opened.display)
results["styled"] = render(service.style_copy(reference, 0.7), "region", opened.display)
results["hair"] = render(service.style_copy(reference, 1.0, (13,)), "region", opened.display, opened.label_map)
results["pasted"] = paste_back(photograph, frame, opened.picture, render(None, "region", opened.picture, stroke))
manifold = service.manifold
results["direction"] = manifold.move_direction(opened.label_map, manifold.directions[0], 0.8)
results["directionName"] = manifold.directions[0]
results["random"] = manifold.towards_random(opened.label_map, 31337, 0.6)
results["towards"] = manifold.move_towards(opened.label_map, read_label_map(portrait(5)[1]), 0.5)
results["project"] = write_project(opened, stroke, reference, b'{"version": 1, "mine": true}')
`;

const READ_PROJECT = `
from maskgan.server.limits import Limits
from maskgan.server.projects import read_project
project = read_project(data.tobytes(), Limits())
results |= {"picture": project.source.picture, "mask": project.label_map, "edited": project.edited, "editor": project.editor.decode()}
results["style"] = project.style[0]
`;

/** @param {string} url @param {BodyInit | null} [body] @param {Record<string, string>} [headers] */
const request = (url, body = null, headers = {}) =>
  new Request(`http://localhost${url}`, { method: body === null ? "GET" : "POST", body, headers });

/** @param {Record<string, Blob | string>} parts */
function formOf(parts) {
  const form = new FormData();
  for (const [name, part] of Object.entries(parts)) form.append(name, part);
  return form;
}

/** @param {Uint8Array} bytes */
const blobOf = (bytes) => new Blob([Uint8Array.from(bytes)], { type: "image/png" });

/** @param {Blob} file */
async function decodePng(file) {
  const { width, height, data } = await readPixels(new Uint8Array(await file.arrayBuffer()), 1e8);
  return { width, height, data: new Uint8ClampedArray(data) };
}

/** Pixels of a BMP file as the engine sends pictures. @param {Response} response */
async function pixelsOf(response) {
  assert.equal(response.status, 200, await response.clone().text());
  const bytes = new Uint8Array(await response.arrayBuffer());
  const view = new DataView(bytes.buffer);
  const [width, height] = [view.getInt32(18, true), view.getInt32(22, true)];
  const stride = (3 * width + 3) & ~3;
  return Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const [y, x, c] = [Math.floor(i / (3 * width)), Math.floor(i / 3) % width, i % 3];
    return bytes[54 + (height - 1 - y) * stride + 3 * x + 2 - c];
  });
}

/** @param {ArrayLike<number>} picture @param {{data: ArrayLike<number>}} reference @param {string} what */
function assertClose(picture, reference, what) {
  const share = shareBeyond(picture, reference.data, 2);
  assert.ok(share <= 0.01, `${what}: ${(100 * share).toFixed(2)} % of the values are more than 2 levels off`);
}

const folder = process.env.ONNX_FOLDER ?? mkdtempSync(join(tmpdir(), "maskgan-onnx-"));
after(() => {
  if (!process.env.ONNX_FOLDER) rmSync(folder, { recursive: true, force: true });
});

test("a photograph is opened, edited and saved as by the server, within 2 levels on 99 % of the values", options, async (t) => {
  if (!process.env.ONNX_FOLDER) execFileSync(PYTHON, ["-m", "maskgan", "export-onnx", folder]);
  const expected = python(CODE);
  const manifest = { ...JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")), info: expected.info };
  const ort = /** @type {any} */ (await import("onnxruntime-web"));
  ort.env.wasm.numThreads = 1;
  const runtime = new Runtime(ort, manifest, async (file) => readFileSync(join(folder, file)));
  const asset = async (/** @type {string} */ path) => blobOf(expected[`portrait-${path.endsWith("jpg") ? "jpg" : "png"}`].data);
  const app = createApp(runtime, manifest, asset, decodePng);
  const photograph = blobOf(expected.photograph.data);
  const crop = JSON.stringify(expected.crop);

  await t.test("a hole is drawn as in the whole picture, within 1e-4", async () => {
    const mask = maskOfArray(expected.mask);
    const image = planes(3, 512, 512, Float32Array.from({ length: 3 * 512 * 512 }, (_, i) => Math.sin(i / 99)));
    const hole = planes(1, 512, 512);
    for (let y = 300; y < 390; y++) hole.data.fill(1, 512 * y + 200, 512 * y + 330);
    const style = await new Networks(runtime, manifest).encodeStyle(image, mask);
    const draw = async (/** @type {number} */ margin) => {
      const networks = new Networks(runtime, { ...manifest, window: { ...manifest.window, margin } });
      return networks.addDetail(await networks.drawCoarse(mask, style, { image, hole }), mask, style, { image, hole });
    };
    const [part, whole] = [await draw(manifest.window.margin), await draw(512)];
    assert.ok(maximumDifference(part.data, whole.data) < 1e-4);
    assert.ok(shareBeyond(part.data, image.data, 0.05) > 0.02, "the hole is drawn");
  });

  await t.test("the face is found", async () => {
    const { faces } = await (await app(request("/api/faces", formOf({ picture: photograph })))).json();
    assert.equal(faces.length, expected.faces.length);
    for (const key of ["x", "y", "side", "angle"]) assert.ok(Math.abs(faces[0].frame[key] - expected.faces[0].frame[key]) < 0.1, key);
  });

  await t.test("the mask is parsed", async () => {
    const opened = await (await app(request("/api/sessions", formOf({ picture: photograph, crop })))).json();
    assert.equal(opened.parsed, true);
    const mask = new Uint8Array(await (await app(request(`/api/sessions/${opened.id}/mask`))).arrayBuffer());
    assert.ok(shareBeyond(mask, expected.mask.data) < 1e-3);
    assert.equal((await app(new Request(`http://localhost/api/sessions/${opened.id}`, { method: "DELETE" }))).status, 204);
    assert.equal((await app(request(`/api/sessions/${opened.id}/mask`))).status, 404);
  });

  // With Python's mask, so that differences of single labels do not add up.
  const { id } = await (
    await app(request("/api/sessions", formOf({ picture: new Blob([await photograph.arrayBuffer()]), crop })))
  ).json();
  const session = `/api/sessions/${id}`;
  const parsed = new Uint8Array(await (await app(request(`${session}/mask`))).arrayBuffer());
  /** Labels that Python edited, on the mask that was parsed here. @param {{data: Uint8Array}} edited */
  const onParsed = ({ data }) => parsed.map((label, i) => (data[i] === expected.mask.data[i] ? label : data[i]));
  /** @param {string} query @param {{data: Uint8Array}} labels */
  const render = async (query, labels) => pixelsOf(await app(request(`${session}/render?quality=full&${query}`, onParsed(labels))));

  await t.test("the photograph is shown as it is", async () => {
    assert.deepEqual(await pixelsOf(await app(request(`${session}/picture.png`))), expected.display.data);
    assert.deepEqual(await render("blend=region", expected.mask), expected.display.data);
  });

  await t.test("a stroke, named edits and styles are rendered", async () => {
    assertClose(await render("blend=region", expected.stroke), expected.plain, "stroke");
    assertClose(await render("blend=region&lock=true&edits=smile%3D0.8%2Chair-colour%3D%238e3a1f", expected.edited), expected.smiling, "smile");
    assertClose(await render("blend=full", expected.edited), expected.whole, "the network's picture");
    const body = JSON.stringify({ portrait: 5 });
    await app(request(`${session}/style`, body, { "Content-Type": "application/json" }));
    assertClose(await render("blend=region&style_strength=0.7", expected.edited), expected.styled, "style");
    assertClose(await render("blend=region&style_strength=1&style_parts=hair", expected.mask), expected.hair, "style of the hair");
    const thumbnail = await app(request(`${session}/style.jpg`));
    assert.equal(thumbnail.headers.get("Content-Type"), "image/jpeg");
    const edit = await app(request(`${session}/edits/hat.jpg?choice=cap`));
    assert.deepEqual([...new Uint8Array(await edit.arrayBuffer()).subarray(0, 2)], [0xff, 0xd8]);
    const preview = await pixelsOf(await app(request(`${session}/render?quality=preview&blend=region`, onParsed(expected.stroke))));
    assert.equal(preview.length, expected.display.data.length);
    const smiling = await pixelsOf(await app(request(`${session}/render?quality=preview&blend=region`, onParsed(expected.edited))));
    const inFull = await render("blend=region", expected.edited);
    assert.ok(shareBeyond(smiling, inFull, 8) < 0.003, "previews are close to what they become");
    assert.ok(shareBeyond(smiling, expected.display.data, 8) > 0.02, "they show the edit");
  });

  await t.test("named edits are applied to a mask that is sent packed", async () => {
    const packed = new Blob([expected.mask.data]).stream().pipeThrough(new CompressionStream("gzip"));
    const body = await new Response(packed).blob();
    const answer = await app(request(`${session}/edits?edits=smile%3D0.8`, body, { "Content-Encoding": "gzip" }));
    assert.deepEqual(new Uint8Array(await answer.arrayBuffer()), expected.edited.data);
  });

  await t.test("masks are moved", async () => {
    for (const [name, move] of Object.entries({
      direction: { direction: expected.directionName, amount: 0.8 },
      random: { random: 31337, amount: 0.6 },
      towards: { towards: { portrait: 5 }, amount: 0.5 },
    })) {
      const form = formOf({ mask: new Blob([expected.mask.data]), move: JSON.stringify(move) });
      const moved = new Uint8Array(await (await app(request(`${session}/move`, form))).arrayBuffer());
      assert.ok(shareBeyond(moved, expected[name].data) < 3e-3, `${name}: ${shareBeyond(moved, expected[name].data)}`);
      assert.ok(shareBeyond(moved, expected.mask.data) > 0.01);
    }
  });

  await t.test("the edited face is put back into the photograph and saved", async () => {
    const form = formOf({ mask: new Blob([onParsed(expected.stroke)]), picture: photograph, crop });
    const saved = await (await app(request(`${session}/photograph?format=png&blend=region`, form))).blob();
    assertClose((await decodePng(saved)).data, expected.pasted, "photograph");
    assert.ok((await saved.text()).includes(DIGITAL_SOURCE_TYPE));
    const jpeg = await (await app(request(`${session}/result?format=jpeg&blend=region`, onParsed(expected.stroke)))).text();
    assert.ok(jpeg.includes(DIGITAL_SOURCE_TYPE));
  });

  await t.test("projects go from here to the server and back", async () => {
    const editor = '{"version": 1, "mine": [1, 2]}';
    const form = formOf({ mask: new Blob([expected.stroke.data]), editor });
    const written = new Uint8Array(await (await app(request(`${session}/project`, form))).arrayBuffer());
    const read = python(READ_PROJECT, { data: { shape: [written.length], data: written } });
    assert.deepEqual(read.edited.data, expected.stroke.data);
    assert.deepEqual(read.mask.data, parsed);
    assert.deepEqual(JSON.parse(read.editor), JSON.parse(editor));
    assert.equal(read.style.shape[0], 512);
    const opened = await (await app(request("/api/sessions", formOf({ project: blobOf(expected.project.data) })))).json();
    assert.deepEqual(opened.project, { style: true, editor: { version: 1, mine: true } });
    const edited = new Uint8Array(await (await app(request(`/api/sessions/${opened.id}/edited`))).arrayBuffer());
    assert.deepEqual(edited, expected.stroke.data);
  });

  await t.test("what cannot be done is said", async () => {
    const turned = JSON.stringify({ ...expected.crop, angle: expected.crop.angle + 5 });
    for (const [url, body] of /** @type {[string, BodyInit | null][]} */ ([
      [`${session}/refinement`, "{}"],
      [`${session}/render?quality=full`, new Uint8Array(5)],
      [`${session}/render?quality=full`, new Uint8Array(512 * 512).fill(19)],
      ["/api/sessions", formOf({ picture: blobOf(Uint8Array.of(1, 2, 3)) })],
      ["/api/sessions", formOf({ project: blobOf(Uint8Array.of(1, 2, 3)) })],
      ["/api/sessions", formOf({ picture: photograph, crop: '{"x": 1, "y": 1, "side": 9}' })],
      [`${session}/photograph`, formOf({ mask: new Blob([parsed]), picture: photograph, crop: turned })],
    ])) {
      const answer = await app(request(url, body));
      assert.equal(answer.status, 400, url);
      assert.match((await answer.json()).error, /\w/);
    }
    const gone = new AbortController();
    gone.abort();
    const aborted = new Request(`http://localhost${session}/render`, { method: "POST", body: expected.stroke.data, signal: gone.signal });
    await assert.rejects(async () => app(aborted), { name: "AbortError" });
  });
  await runtime.release();
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { EngineError } from "../../src/maskgan/server/page/engine/arrays.js";
import { detectFaces } from "../../src/maskgan/server/page/engine/face-detection.js";
import { celebahqFrame, cropFace, pasteBack } from "../../src/maskgan/server/page/engine/framing.js";
import { maximumDifference, pictureOf, python } from "./reference.js";

const CODE = `
from dataclasses import asdict
from PIL import Image
from maskgan.assets import portrait, shipped_weights
from maskgan.editing.face_detection import FaceDetector
from maskgan.editing.framing import Frame, celebahq_frame, crop_face, paste_back
from maskgan.images import read_picture, resize_picture

face = resize_picture(read_picture(portrait(1)[0]), (330, 330))
photograph = np.full((400, 480, 3), 90, np.uint8)
turned = np.asarray(Image.fromarray(face).rotate(25, Image.Resampling.BICUBIC, expand=True, fillcolor=(90, 90, 90)))
photograph[:, 20:460] = turned[10:410, :440]
photograph = resize_picture(photograph, (300, 360))
results["photograph"] = photograph
for i, (frame, side) in enumerate(frames):
    frame = Frame(**frame)
    crop = crop_face(photograph, frame, side)
    edited = crop.copy()
    edited[10:, : crop.shape[1] // 2] //= 2
    results[f"crop{i}"], results[f"edited{i}"] = crop, edited
    results[f"pasted{i}"] = paste_back(photograph, frame, crop, edited)
results["frame"] = asdict(celebahq_frame((100.5, 90.25), (150.75, 99.5), (118.0, 150.0)))

detector = FaceDetector.from_weights(shipped_weights("face-detector"))
network, calls = detector._network, []
class Recorder:
    size_multiple = network.size_multiple
    def __call__(self, image):
        (found,) = network(image)
        calls.append((image, found))
        return [found]
detector._network = Recorder()
results["faces"] = [asdict(one) for one in detector.detect(photograph)]
results["calls"] = len(calls)
for i, (image, found) in enumerate(calls):
    results[f"image{i}"] = image[0].numpy()
    for name in ("scores", "boxes", "landmarks"):
        results[f"{name}{i}"] = getattr(found, name).numpy()
`;
/** @type {[import("../../src/maskgan/server/page/engine/framing.js").Frame, number | null][]} */
const FRAMES = [
  [{ x: 180, y: 150, side: 120, angle: 0 }, null],
  [{ x: 181.3, y: 140.9, side: 203.7, angle: -24.6 }, 128],
  [{ x: 30.2, y: 20.4, side: 150.1, angle: 100 }, 220],
  [{ x: 350, y: 290, side: 900.5, angle: 45 }, null],
];
const expected = python(CODE, { frames: FRAMES });
const photograph = pictureOf(expected.photograph);

test("frames are cut out as in Python, bit for bit", () => {
  for (const [i, [frame, side]] of FRAMES.entries()) {
    assert.deepEqual(cropFace(photograph, frame, side ?? undefined).data, new Uint8ClampedArray(expected[`crop${i}`].data));
  }
});

test("edited frames are put back as in Python, bit for bit", () => {
  for (const [i, [frame]] of FRAMES.entries()) {
    const pasted = pasteBack(photograph, frame, pictureOf(expected[`crop${i}`]), pictureOf(expected[`edited${i}`]));
    assert.deepEqual(pasted.data, new Uint8ClampedArray(expected[`pasted${i}`].data));
  }
});

test("frames that cannot be cut out are refused", () => {
  assert.throws(() => cropFace(photograph, { x: 100, y: 100, side: 15, angle: 0 }), EngineError);
  assert.throws(() => cropFace(photograph, { x: 100, y: 100, side: 1500, angle: 0 }), EngineError);
  assert.throws(() => cropFace(photograph, { x: 500, y: 100, side: 100, angle: 0 }), EngineError);
});

test("the frame of a face's landmarks", () => {
  const frame = celebahqFrame([100.5, 90.25], [150.75, 99.5], [118, 150]);
  assert.ok(maximumDifference(Object.values(frame), Object.values(expected.frame)) < 1e-9);
});

test("a turned face is found where Python finds it, with the same calls of the network", async () => {
  let call = 0;
  const faces = await detectFaces(photograph, async (image) => {
    assert.ok(maximumDifference(image.data, expected[`image${call}`].data) < 0.02, `call ${call}`);
    const [scores, boxes, landmarks] = ["scores", "boxes", "landmarks"].map((name) => expected[`${name}${call}`].data);
    call++;
    return { scores, boxes, landmarks };
  });
  assert.equal(call, expected.calls);
  assert.equal(faces.length, 1);
  assert.equal(expected.faces.length, 1);
  const [face] = faces;
  const [reference] = expected.faces;
  assert.ok(maximumDifference([face.score, ...face.box], [reference.score, ...reference.box]) < 1e-3);
  assert.ok(maximumDifference(Object.values(face.frame), Object.values(reference.frame)) < 1e-3);
  assert.ok(Math.abs(face.frame.angle + 25) < 8);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { toImage, toPicture } from "../../src/maskgan/server/page/engine/arrays.js";
import {
  BICUBIC,
  BILINEAR,
  BOX,
  interpolate,
  resizeLabels,
  resizePicture,
  resizePlanes,
} from "../../src/maskgan/server/page/engine/resampling.js";
import { transformPicture } from "../../src/maskgan/server/page/engine/affine.js";
import { averagePool, blur, dilate } from "../../src/maskgan/server/page/engine/filters.js";
import { maskOfArray, maximumDifference, pictureOf, planesOf, python } from "./reference.js";

const CODE = `
import torch
import torch.nn.functional as F
from PIL import Image
from maskgan.assets import portrait
from maskgan.editing.edit_region import blur, dilate
from maskgan.images import read_label_map, read_picture, resize_label_map, resize_picture
from maskgan.pixels import to_picture, to_tensor

random = np.random.default_rng(7)
picture = np.ascontiguousarray(read_picture(portrait(2)[0])[:301, 100:387])
mask = np.ascontiguousarray(read_label_map(portrait(2)[1])[:, 30:])
results["picture"], results["mask"] = picture, mask
for i, size in enumerate(sizes):
    results[f"resized{i}"] = resize_picture(picture, tuple(size))
    results[f"mask{i}"] = resize_label_map(mask, tuple(size))
plane = random.standard_normal((37, 53)).astype(np.float32)
results["plane"] = plane
for name in ("BOX", "BILINEAR", "BICUBIC"):
    method = Image.Resampling[name]
    results[f"whole{name}"] = np.asarray(Image.fromarray(plane).resize((80, 21), method))
    results[f"part{name}"] = np.asarray(Image.fromarray(plane).resize((64, 64), method, box=(3.25, 7.5, 41.0, 30.75)))
matrix = (0.83, 0.31, -12.4, -0.31, 0.83, 40.2)
results["turned"] = np.asarray(
    Image.fromarray(picture).transform((350, 340), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
)
image = to_tensor(picture)
results["image"] = image.numpy()
noise = torch.from_numpy(random.standard_normal((1, 3, 40, 44)).astype(np.float32) * 1.2)
results["noise"] = noise.numpy()
results["noisePicture"] = to_picture(noise)
results["blurred"] = blur(noise, 2.3).numpy()
results["dilated"] = dilate(noise, 3).numpy()
results["pooled"] = F.avg_pool2d(noise, 4).numpy()
results["grown"] = F.interpolate(noise, size=(90, 71), mode="bilinear", align_corners=False).numpy()
`;
const SIZES = [[301, 500], [150, 287], [77, 91], [512, 512], [33, 33]];
const expected = python(CODE, { sizes: SIZES });
const picture = pictureOf(expected.picture);
const mask = maskOfArray(expected.mask);
const noise = planesOf(expected.noise);

test("pictures and masks are resized as Pillow does, bit for bit", () => {
  for (const [i, [height, width]] of SIZES.entries()) {
    assert.deepEqual(resizePicture(picture, { width, height }).data, new Uint8ClampedArray(expected[`resized${i}`].data));
    assert.deepEqual(resizeLabels(mask, { width, height }).data, expected[`mask${i}`].data);
  }
  assert.equal(resizePicture(picture, picture), picture);
});

test("planes are resized as Pillow does, parts of them as well", () => {
  const plane = planesOf(expected.plane);
  const box = { left: 3.25, top: 7.5, right: 41, bottom: 30.75 };
  for (const [name, filter] of Object.entries({ BOX, BILINEAR, BICUBIC })) {
    const whole = resizePlanes(plane, { width: 80, height: 21 }, filter);
    assert.ok(maximumDifference(whole.data, expected[`whole${name}`].data) < 1e-6);
    const part = resizePlanes(plane, { width: 64, height: 64 }, filter, box);
    assert.ok(maximumDifference(part.data, expected[`part${name}`].data) < 1e-6);
  }
});

test("pictures are turned as Pillow does, bit for bit", () => {
  const turned = transformPicture(picture, { width: 350, height: 340 }, [0.83, 0.31, -12.4, -0.31, 0.83, 40.2]);
  assert.deepEqual(turned.data, new Uint8ClampedArray(expected.turned.data));
});

test("pictures become images and images pictures, bit for bit", () => {
  assert.deepEqual(toImage(picture).data, expected.image.data);
  assert.deepEqual(toPicture(noise).data, new Uint8ClampedArray(expected.noisePicture.data));
});

test("planes are filtered as by torch, within 1e-6 (interpolated: 2e-5)", () => {
  assert.ok(maximumDifference(blur(noise, 2.3).data, expected.blurred.data) < 1e-6);
  assert.deepEqual(dilate(noise, 3).data, expected.dilated.data);
  assert.ok(maximumDifference(averagePool(noise, 4).data, expected.pooled.data) < 1e-6);
  // torch computes coordinates in single precision.
  assert.ok(maximumDifference(interpolate(noise, { width: 71, height: 90 }).data, expected.grown.data) < 2e-5);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { standardOrder } from "../../src/maskgan/server/page/engine/label-orders.js";
import { maskWarnings } from "../../src/maskgan/server/page/engine/mask-check.js";
import { maskOfArray, python } from "./reference.js";

const CODE = `
from PIL import Image
from maskgan.assets import portrait
from maskgan.images import read_label_map
from maskgan.labels import CLASSES, INDEX, MIRROR, convert_order
from maskgan.mask_check import mask_issues, swap_red_and_blue
from maskgan.server.routes.responses import mask_warnings

results["classes"] = [{"index": c.index, "name": c.name, "title": c.title, "colour": c.colour, "mirror": int(MIRROR[c.index])} for c in CLASSES]
cases = []
for number in (1, 2, 5, 9):
    mask = read_label_map(portrait(number)[1])
    smooth = np.asarray(Image.fromarray(mask).resize((300, 300), Image.Resampling.BILINEAR))
    cases += [
        mask, convert_order(mask, "celebamask-hq", "face-parsing"), MIRROR[mask], np.minimum(mask + 1, 18).astype(np.uint8),
        np.where(mask > 0, np.minimum(mask + 1, 18), 0).astype(np.uint8), (mask.clip(1) - 1).astype(np.uint8),
        np.array(swap_red_and_blue(), np.uint8)[mask], smooth, (mask > 0).astype(np.uint8), mask[:, ::-1].copy(),
        np.where(np.isin(mask, (1, 2, 4, 5, 10, 11, 12)), 13, np.where(mask == 13, 1, 0)).astype(np.uint8), mask.repeat(5, 0).repeat(5, 1),
    ]
for i, case in enumerate(cases):
    results[f"mask{i}"], results[f"warnings{i}"] = case, mask_warnings(mask_issues(case[:: -(-max(case.shape) // 2048), :: -(-max(case.shape) // 2048)]))
results["count"] = len(cases)
results["converted"] = convert_order(cases[1], "face-parsing")
`;
const expected = python(CODE);

test("masks that look wrong are warned of as by the server", () => {
  const kinds = new Set();
  for (let i = 0; i < expected.count; i++) {
    const warnings = maskWarnings(maskOfArray(expected[`mask${i}`]), expected.classes, false);
    assert.deepEqual(warnings, expected[`warnings${i}`], `case ${i}`);
    for (const { kind } of warnings) kinds.add(kind);
  }
  const all = ["blended", "foreground-only", "labels-too-high", "labels-too-low", "other-order", "red-blue-swapped", "sides-swapped"];
  assert.deepEqual([...kinds].sort(), all);
});

test("a mask in another order is converted, and no other order suggested then", () => {
  const converted = standardOrder(maskOfArray(expected.mask1), "face-parsing");
  assert.deepEqual(converted.data, expected.converted.data);
  assert.deepEqual(maskWarnings(maskOfArray(expected.mask1), expected.classes, true), []);
  assert.throws(() => standardOrder(converted, "mine"), /label order/);
});

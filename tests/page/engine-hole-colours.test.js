import assert from "node:assert/strict";
import { test } from "node:test";

import { EditRegion } from "../../src/maskgan/server/page/engine/edit-region.js";
import { matchHoleColours } from "../../src/maskgan/server/page/engine/hole-colours.js";
import { maskOfArray, maximumDifference, planesOf, python } from "./reference.js";

const CODE = `
import torch
from maskgan.assets import portrait
from maskgan.editing.edit_region import EditRegion
from maskgan.editing.hole_colours import match_hole_colours
from maskgan.editing.named_edits import EDITS
from maskgan.images import read_label_map, read_picture, resize_picture
from maskgan.pixels import to_tensor

mask = read_label_map(portrait(7)[1])
image = to_tensor(resize_picture(read_picture(portrait(7)[0]), (256, 256)))
results |= {"mask": mask, "image": image[0].numpy()}
for name, styled in (("bald", ()), ("smile", ()), ("brows-raised", ()), ("hat", (13, 14))):
    after = EDITS[name].apply(mask)
    region = EditRegion(mask, after, styled)
    drawn = 0.8 * image + 0.1 * torch.sin(torch.arange(256.0) / 9)
    generated = torch.where(region.hole((256, 256)) > 0, drawn, image)
    results[f"{name}After"], results[f"{name}Generated"] = after, generated[0].numpy()
    results[f"{name}Matched"] = match_hole_colours(image, generated, region)[0].numpy()
`;
const expected = python(CODE);

test("holes are brought to the photograph's colours as in Python, within 1e-5", () => {
  for (const [name, styled] of /** @type {const} */ ([["bald", []], ["smile", []], ["brows-raised", []], ["hat", [13, 14]]])) {
    const region = new EditRegion(maskOfArray(expected.mask), maskOfArray(expected[`${name}After`]), styled);
    const generated = planesOf(expected[`${name}Generated`]);
    const { data } = matchHoleColours(planesOf(expected.image), generated, region, styled);
    const difference = maximumDifference(data, expected[`${name}Matched`].data);
    assert.ok(difference < 1e-5, `${name}: ${difference}`);
    // The skin around a mouth moves with it.
    assert.equal(maximumDifference(data, generated.data) > 0.01, name !== "smile", name);
  }
});

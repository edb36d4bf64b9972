import assert from "node:assert/strict";
import { test } from "node:test";

import { toImage } from "../../src/maskgan/server/page/engine/arrays.js";
import { composite, paste } from "../../src/maskgan/server/page/engine/compositing.js";
import { EditRegion, faceAroundMouth } from "../../src/maskgan/server/page/engine/edit-region.js";
import { keepFaceDetail } from "../../src/maskgan/server/page/engine/face-detail.js";
import { matchRevealedBackground } from "../../src/maskgan/server/page/engine/revealed-background.js";
import { analyseSource, classColours } from "../../src/maskgan/server/page/engine/source-analysis.js";
import { maskOfArray, maximumDifference, pictureOf, planesOf, python, shareBeyond } from "./reference.js";

// The network's picture is the photograph, blurred and tinted: what composites do with it does not depend on who drew it.
const CODE = `
import torch
from PIL import Image, ImageFilter
from maskgan.assets import portrait
from maskgan.editing.compositing import Detail, PartStyle, analyse_source, class_colours, composite, paste
from maskgan.editing.edit_region import EditRegion, face_around_mouth
from maskgan.editing.face_detail import keep_face_detail
from maskgan.editing.accessories import glasses
from maskgan.editing.mask_edits import add_hat, smile
from maskgan.editing.named_edits import EDITS
from maskgan.editing.revealed_background import match_revealed_background
from maskgan.images import read_label_map, read_picture, resize_label_map, resize_picture
from maskgan.pixels import to_tensor

picture = resize_picture(read_picture(portrait(3)[0]), (300, 300))
mask = read_label_map(portrait(3)[1])
def drawn(label_map, seed):
    small = resize_picture(picture, (256, 256))
    blurred = np.asarray(Image.fromarray(small).filter(ImageFilter.GaussianBlur(2)))
    image = to_tensor(blurred) * 0.9 + 0.05
    labels = torch.from_numpy(resize_label_map(label_map, (256, 256)).astype(np.float32))
    return (image + labels[None, None] / 90 + 0.02 * torch.sin(torch.arange(256.0) * seed)).clamp(-1, 1)

reconstruction = drawn(mask, 0.3)
analysis = analyse_source(picture, mask, reconstruction)
colours = class_colours(read_picture(portrait(5)[0]), read_label_map(portrait(5)[1]))
results |= {"picture": picture, "mask": mask, "reconstruction": reconstruction[0].numpy()}
results["style"] = resize_picture(read_picture(portrait(5)[0]), (512, 512))
results["styleMask"], results["colours"] = read_label_map(portrait(5)[1]), colours.numpy()
for name in ("residual", "class_residuals", "local_residuals"):
    results[name] = getattr(analysis, name).numpy()
small = resize_picture(picture, (256, 256))
cases = {
    "smile": (smile(mask), (), None), "hat": (add_hat(mask), (), None), "clear": (glasses(mask, "clear"), (), None),
    "smiling": (glasses(smile(mask), "clear"), (), None),
    "closing": (glasses(EDITS["eyes-closed"].apply(mask, 0.4), "clear"), (), None),
    "narrower": (EDITS["face-narrower"].apply(mask, 1.0), (), None),
    "wider": (EDITS["face-narrower"].apply(mask, -1.0), (), None),
    "styledEyes": (glasses(mask, "clear"), (4, 5), PartStyle((4, 5), 0.8, colours)),
    "styled": (smile(mask, 0.5), (11, 12, 13), PartStyle((11, 12, 13), 0.8, colours)),
}
for name, (after, classes, part_style) in cases.items():
    region = EditRegion(mask, after, classes)
    generated = drawn(after, 0.5)
    hole = region.hole((256, 256))
    results[f"{name}After"], results[f"{name}Generated"] = after, generated[0].numpy()
    results[f"{name}Alpha"], results[f"{name}Face"] = region.alpha(), region.face_alpha((256, 256))
    results[f"{name}Hole"] = hole[0].numpy()
    results[f"{name}Result"] = composite(picture, analysis, region, generated, part_style)
    background = region.revealed_background((256, 256))
    if background is not None:
        results[f"{name}Matched"] = match_revealed_background(generated, *background)[0].numpy()
    results[f"{name}Pasted"] = paste(picture, generated, hole)
    results[f"{name}Same"] = paste(small, generated, hole)
    moving = region.moving_face((256, 256))
    if moving is not None:
        results[f"{name}Share"], results[f"{name}Kept"] = moving.share[0].numpy(), moving.kept[0].numpy()
        detailed = keep_face_detail(generated, reconstruction, to_tensor(small), moving)
        results[f"{name}Detailed"] = detailed[0].numpy()
        for kind, onto in {"Pasted": picture, "Same": small}.items():
            results[f"{name}Detailed{kind}"] = paste(onto, detailed, hole, Detail(to_tensor(small), moving.kept))
clear, dark = glasses(mask, "clear"), glasses(mask, "sun")
results["clear"], results["dark"] = clear, dark
results["turnedDark"], results["turnedClear"] = (
    EditRegion(*masks).hole((256, 256))[0].numpy() for masks in ((clear, dark), (dark, clear))
)
results["lensesOff"] = EditRegion(clear, EDITS["remove-glasses"].apply(clear, 1.0)).hole((256, 256))[0].numpy()
results["tintedOff"] = EditRegion(clear, EDITS["remove-glasses"].apply(clear, 1.0), tinted=True).hole((256, 256))[0].numpy()
results["bare"] = EDITS["remove-glasses"].apply(clear, 1.0)
wide = np.full((256, 256), 1, np.uint8)
wide[90:170, 30:226] = 3
wide[100:160, 50:110] = wide[100:160, 146:206] = 4
half = wide.copy()
half[100:115] = np.where(wide[100:115] == 4, 3, wide[100:115])
results["wideEyes"], results["halfClosed"] = wide, half
results["halfClosedHole"] = EditRegion(wide, half).hole((256, 256))[0].numpy()
hats = [EDITS["hat"].apply(mask, kind) for kind in ("beanie", "brim")]
results["beanie"], results["brim"] = hats
results["otherHat"] = EditRegion(*hats).hole((256, 256))[0].numpy()
results["small"], results["around"] = small, face_around_mouth(mask, (256, 192))[0].numpy()
`;
const expected = python(CODE);
const picture = pictureOf(expected.picture);
const mask = maskOfArray(expected.mask);
const reconstruction = planesOf(expected.reconstruction);
const analysis = analyseSource(picture, mask, reconstruction);
const CASES = /** @type {const} */ ([["smile", []], ["hat", []], ["clear", []], ["smiling", []], ["closing", []], ["narrower", []], ["wider", []], ["styledEyes", [4, 5]], ["styled", [11, 12, 13]]]);

/**
 * @param {string} name
 * @param {readonly number[]} classes
 */
function caseOf(name, classes) {
  return {
    region: new EditRegion(mask, maskOfArray(expected[`${name}After`]), classes),
    generated: planesOf(expected[`${name}Generated`]),
    partStyle: classes.length ? { classes, strength: 0.8, colours: expected.colours.data } : null,
  };
}

test("a photograph is analysed as in Python, within 1e-5", () => {
  assert.ok(maximumDifference(analysis.residual.data, expected.residual.data) < 1e-6);
  assert.ok(maximumDifference(analysis.classResiduals, expected.class_residuals.data) < 1e-5);
  const size = 3 * 64 * 64;
  for (const [label, { data }] of analysis.localResiduals.entries()) {
    assert.ok(maximumDifference(data, expected.local_residuals.data.subarray(label * size, (label + 1) * size)) < 1e-5);
  }
  const colours = classColours(pictureOf(expected.style), maskOfArray(expected.styleMask));
  assert.ok(maximumDifference(colours, expected.colours.data) < 1e-5);
});

test("edit regions are those of Python, within 1e-6", () => {
  for (const [name, classes] of CASES) {
    const { region } = caseOf(name, classes);
    assert.ok(maximumDifference(region.alpha.data, expected[`${name}Alpha`].data) < 1e-6);
    assert.ok(maximumDifference(region.faceAlpha({ width: 256, height: 256 }).data, expected[`${name}Face`].data) < 1e-6);
    assert.deepEqual(region.hole({ width: 256, height: 256 }).data, expected[`${name}Hole`].data);
    assert.ok(!region.isEmpty);
  }
  const [clear, dark] = [maskOfArray(expected.clear), maskOfArray(expected.dark)];
  for (const [name, before, after] of /** @type {const} */ ([["Dark", clear, dark], ["Clear", dark, clear]])) {
    assert.deepEqual(new EditRegion(before, after).hole({ width: 256, height: 256 }).data, expected[`turned${name}`].data);
  }
  const removal = new EditRegion(clear, maskOfArray(expected.bare));
  assert.deepEqual(removal.hole({ width: 256, height: 256 }).data, expected.lensesOff.data);
  const tinted = new EditRegion(clear, maskOfArray(expected.bare), [], false, true);
  assert.deepEqual(tinted.hole({ width: 256, height: 256 }).data, expected.tintedOff.data);
  assert.notDeepEqual(expected.tintedOff.data, expected.lensesOff.data);
  const closing = new EditRegion(maskOfArray(expected.wideEyes), maskOfArray(expected.halfClosed));
  assert.deepEqual(closing.hole({ width: 256, height: 256 }).data, expected.halfClosedHole.data, "glasses that stay on");
  const hats = new EditRegion(maskOfArray(expected.beanie), maskOfArray(expected.brim));
  assert.deepEqual(hats.hole({ width: 256, height: 256 }).data, expected.otherHat.data);
  assert.ok(new EditRegion(mask, mask).isEmpty);
  assert.ok(!new EditRegion(mask, mask, [], true).isEmpty);
});

test("composites are those of Python: at most a level apart, on under 1 % of the values", () => {
  for (const [name, classes] of CASES) {
    const { region, generated, partStyle } = caseOf(name, classes);
    const { data } = composite(picture, analysis, region, generated, partStyle);
    const reference = expected[`${name}Result`].data;
    assert.ok(maximumDifference(data, reference) <= 1, `${name}: ${maximumDifference(data, reference)}`);
    assert.ok(shareBeyond(data, reference) < 0.01);
    assert.ok(shareBeyond(data, picture.data, 8) > 0.001, "the edit shows");
  }
});

test("revealed background continues what is around it as in Python, within 1e-5", () => {
  const names = CASES.map(([name]) => name).filter((name) => expected[`${name}Matched`]);
  assert.ok(names.includes("narrower"));
  for (const [name, classes] of CASES) {
    const { region, generated } = caseOf(name, classes);
    const background = region.revealedBackground(region.hole(generated));
    assert.equal(background !== null, names.includes(name), name);
    if (!background) continue;
    const { data } = matchRevealedBackground(generated, background.revealed, background.known);
    assert.ok(maximumDifference(data, expected[`${name}Matched`].data) < 1e-5, name);
  }
  const { generated } = caseOf("narrower", []);
  assert.ok(shareBeyond(expected.narrowerMatched.data, generated.data, 0.05) > 0.01, "it matters");
});

test("holes are pasted as in Python: at most a level apart, on under 1 % of the values", () => {
  for (const [name, classes] of CASES) {
    const { region, generated } = caseOf(name, classes);
    const hole = region.hole(generated);
    for (const [kind, onto] of /** @type {const} */ ([["Pasted", picture], ["Same", pictureOf(expected.small)]])) {
      const { data } = paste(onto, generated, hole);
      assert.ok(maximumDifference(data, expected[name + kind].data) <= 1, `${name} ${kind}`);
      assert.ok(shareBeyond(data, expected[name + kind].data) < 0.01);
    }
  }
});

/** The face that moves with a changed mouth. @param {string} name @param {EditRegion} region */
function movingFaceOf(name, region) {
  const moving = region.movingFace({ width: 256, height: 256 });
  assert.ok(moving, name);
  return moving;
}

test("the face that moves with a changed mouth is that of Python, within 1e-6", () => {
  const around = faceAroundMouth(mask, { width: 192, height: 256 });
  assert.ok(around && maximumDifference(around.data, expected.around.data) < 1e-6);
  const names = CASES.map(([name]) => name).filter((name) => expected[`${name}Share`]);
  assert.ok(names.includes("smile") && names.includes("styled"));
  for (const [name, classes] of CASES) {
    const { region } = caseOf(name, classes);
    if (!names.includes(name)) {
      assert.equal(region.movingFace({ width: 256, height: 256 }), null, name);
      continue;
    }
    const { share, kept } = movingFaceOf(name, region);
    assert.ok(maximumDifference(share.data, expected[`${name}Share`].data) < 1e-6, name);
    assert.ok(maximumDifference(kept.data, expected[`${name}Kept`].data) < 1e-6, name);
    const hole = region.hole({ width: 256, height: 256 }).data;
    assert.ok(share.data.every((value, i) => value === 0 || hole[i] === 1), "it lies in the hole");
  }
  const smiling = maskOfArray(expected.smileAfter);
  assert.equal(new EditRegion(mask, smiling, [], true).movingFace({ width: 64, height: 64 }), null);
  const toothless = { ...mask, data: mask.data.map((label) => (label >= 10 && label <= 12 ? 1 : label)) };
  assert.equal(faceAroundMouth(toothless, { width: 64, height: 64 }), null);
  assert.equal(new EditRegion(toothless, mask).movingFace({ width: 64, height: 64 }), null);
});

test("the photograph's detail stays around a changed mouth as in Python, within 1e-5", () => {
  const small = pictureOf(expected.small);
  const image = toImage(small);
  for (const name of /** @type {const} */ (["smile", "styled"])) {
    const { region, generated } = caseOf(name, name === "styled" ? [11, 12, 13] : []);
    const moving = movingFaceOf(name, region);
    const before = [generated, reconstruction, image].map(({ data }) => data.slice());
    const detailed = keepFaceDetail(generated, reconstruction, image, moving);
    assert.ok(maximumDifference(detailed.data, expected[`${name}Detailed`].data) < 1e-5, name);
    assert.deepEqual([generated, reconstruction, image].map(({ data }) => data), before, "nothing is changed in place");
    assert.ok(shareBeyond(detailed.data, generated.data, 0.02) > 0.01, "it matters");
    const hole = region.hole(generated);
    for (const [kind, onto] of /** @type {const} */ ([["Pasted", picture], ["Same", small]])) {
      const { data } = paste(onto, detailed, hole, { image, kept: moving.kept });
      assert.ok(maximumDifference(data, expected[`${name}Detailed${kind}`].data) <= 1, `${name} ${kind}`);
      assert.ok(shareBeyond(data, expected[`${name}Detailed${kind}`].data) < 0.01);
    }
    const plain = paste(picture, detailed, hole).data;
    assert.ok(shareBeyond(plain, expected[`${name}DetailedPasted`].data) > 0.03, "what is finer is kept");
  }
});

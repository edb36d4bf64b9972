import assert from "node:assert/strict";
import { test } from "node:test";

import { openedMouth } from "../../src/maskgan/server/page/engine/accessory-styles.js";
import { AppliedEdits, closeUp } from "../../src/maskgan/server/page/engine/applied-edits.js";
import { EngineError } from "../../src/maskgan/server/page/engine/arrays.js";
import { COLOURS, LOOKS, paintLook } from "../../src/maskgan/server/page/engine/edits/looks.js";
import { EDITS, describeEdit } from "../../src/maskgan/server/page/engine/edits/named-edits.js";
import { lensesAreTinted } from "../../src/maskgan/server/page/engine/lenses.js";
import { resizeLabels, resizePicture } from "../../src/maskgan/server/page/engine/resampling.js";
import { maskOfArray, maximumDifference, pictureOf, python, shareBeyond } from "./reference.js";

const PORTRAITS = [4, 1, 6, 8]; // the first at full size
const CODE = `
import numpy as np
from maskgan.assets import portrait
from maskgan.editing.accessory_styles import _opened as opened_mouth
from maskgan.editing.lenses import lenses_are_tinted
from maskgan.editing.looks import COLOURS, LOOKS
from maskgan.editing.named_edits import EDITS
from maskgan.errors import UserError
from maskgan.images import read_label_map, read_picture, resize_label_map, resize_picture
from maskgan.labels import INDEX
from maskgan.server.applied_edits import EditsInForce, close_up, one_click

results["tinted"] = []
for number in portraits:
    seen = resize_picture(read_picture(portrait(number)[0]), (256, 256))
    results[f"seen{number}"] = seen
    results["tinted"].append(lenses_are_tinted(seen, resize_label_map(read_label_map(portrait(number)[1]), (256, 256))))
    mask = read_label_map(portrait(number)[1])
    if number != portraits[0]:
        mask = resize_label_map(mask, (256, 256))
    results[f"mask{number}"] = mask
    for name, edit in EDITS.items():
        for amount in edit.choices or (0.35, 1.0, *([-0.5, -1.0] if edit.low < 0 else [])):
            # What is taken off is put on first.
            worn = {"remove-glasses": "glasses", "remove-hat": "hat", "remove-earrings": "earrings"}.get(name)
            key = f"{number} {name}={amount if isinstance(amount, str) else format(amount, 'g')}"
            try:
                results[key] = edit.apply(EDITS[worn].apply(mask) if worn else mask, amount)
            except UserError:
                results[key] = "refused"
    for name, first, second in (("glasses", "sun", "clear"), ("glasses", "clear", "sun"), ("hat", "brim", "beanie"), ("hat", "beanie", "cap")):
        worn = EDITS[name].apply(mask, first)
        results[f"{number} {name}={first} then {second}"] = EDITS[name].apply(worn, second)
mask = read_label_map(portrait(4)[1])
opened = [mask, *(EDITS["open-mouth"].apply(mask, amount) for amount in (0.4, 0.5, 0.6, 1.0))]
results["opened"] = [[opened_mouth(before, after) for after in opened] for before in opened]
speckled = read_label_map(portrait(8)[1])
hair = np.flatnonzero(speckled == INDEX["hair"])
for start, end, name in ((0, 400, "hat"), (400, 500, "eye_g"), (500, 900, "ear_r")):
    speckled.ravel()[hair[start:end]] = INDEX[name]
results["speckled"] = speckled
for name in ("hat", "glasses", "earrings"):
    results[f"without {name}"] = EDITS[f"remove-{name}"].apply(speckled, 1.0)
picture = resize_picture(read_picture(portrait(4)[0]), (512, 512))
mask = read_label_map(portrait(4)[1])
results["picture"] = picture
for name, look in LOOKS.items():
    for colour in ("#8e3a1f", "#e3c893"):
        results[f"{name}={colour}"] = look.paint(picture, mask, colour)
force = EditsInForce.parse("smile=0.8,hat=cap,lip-colour=red", True)
after = force.apply(mask)
rendered = 255 - picture
results["after"], results["finished"] = after, force.finish(picture, rendered, mask, after)
results["closeUp"] = close_up(picture, mask, after, EDITS["smile"].part, 144)
results["catalogue"] = [
    {"name": e.name, "summary": e.summary, "low": e.low, "high": e.high, "choices": list(e.choices), "switch": e.switch,
     "one_click": one_click(e), "part": list(e.part), "classes": list(e.classes)} for e in EDITS.values()]
results["looks"] = [{"name": l.name, "summary": l.summary, "classes": list(l.classes)} for l in LOOKS.values()]
results["colours"] = dict(COLOURS)
`;
const expected = python(CODE, { portraits: PORTRAITS });
const picture = pictureOf(expected.picture);
const portrait = maskOfArray(expected.mask4);
/** Lines of the bridge and the temples may differ by single pixels. */
const DRAWN = new Map([["glasses", 3e-4], ["remove-glasses", 3e-4]]);

/** @param {string} edits */
const parse = (edits, lock = false) => AppliedEdits.parse(new URLSearchParams({ edits, lock: String(lock) }));

test("named edits give the masks of Python", () => {
  let compared = 0;
  for (const [key, reference] of Object.entries(expected)) {
    const match = /^(\d) (([a-z-]+)=\S+)$/.exec(key);
    if (!match) continue;
    const [, number, text, name] = match;
    const mask = maskOfArray(expected[`mask${number}`]);
    const apply = () => parse(text).apply(name.startsWith("remove-") ? parse(name.slice("remove-".length)).apply(mask) : mask);
    if (reference === "refused") {
      assert.throws(apply, EngineError);
      continue;
    }
    const share = shareBeyond(apply().data, reference.data);
    assert.ok(share <= (DRAWN.get(name) ?? 0), `${key}: ${share}`);
    compared++;
  }
  assert.ok(compared > 150);
});

test("new hats and glasses come in place of others as in Python", () => {
  let compared = 0;
  for (const [key, reference] of Object.entries(expected)) {
    const match = /^(\d) (([a-z]+)=\w+) then (\w+)$/.exec(key);
    if (!match) continue;
    const [, number, first, name, second] = match;
    const worn = parse(first).apply(maskOfArray(expected[`mask${number}`]));
    const share = shareBeyond(parse(`${name}=${second}`).apply(worn).data, reference.data);
    assert.ok(share <= 2 * (DRAWN.get(name) ?? 0), `${key}: ${share}`);
    compared++;
  }
  assert.equal(compared, 4 * PORTRAITS.length);
});

test("lenses are tinted where they are in Python", () => {
  const tinted = PORTRAITS.map((number) => {
    const seen = pictureOf(expected[`seen${number}`]);
    return lensesAreTinted(seen, resizeLabels(maskOfArray(expected[`mask${number}`]), seen));
  });
  assert.deepEqual(tinted, expected.tinted);
  assert.ok(tinted.includes(true) && tinted.includes(false));
});

test("mouths count as opened as in Python", () => {
  const opened = [portrait, ...[0.4, 0.5, 0.6, 1].map((amount) => parse(`open-mouth=${amount}`).apply(portrait))];
  const shares = opened.map((before) => opened.map((after) => openedMouth(before, after)));
  assert.deepEqual(shares, expected.opened);
  assert.ok(new Set(shares[0]).size > 2 && shares[0][0] === 0 && shares[0][4] === 1);
});

test("specks are no hat and no glasses, as in Python", () => {
  const speckled = maskOfArray(expected.speckled);
  for (const [name, stays] of /** @type {const} */ ([["hat", true], ["glasses", true], ["earrings", false]])) {
    const { data } = parse(`remove-${name}=1`).apply(speckled);
    assert.deepEqual(data, expected[`without ${name}`].data);
    assert.equal(maximumDifference(data, speckled.data) === 0, stays, name);
  }
});

test("the same edits, colours and amounts are offered", () => {
  assert.deepEqual(JSON.parse(JSON.stringify([...EDITS.values()].map(describeEdit))), expected.catalogue);
  assert.deepEqual([...LOOKS.values()].map(({ name, summary, classes }) => ({ name, summary, classes })), expected.looks);
  assert.deepEqual(COLOURS, expected.colours);
});

test("parts are coloured as in Python, within one level", () => {
  for (const look of LOOKS.values()) {
    for (const colour of ["#8e3a1f", "#e3c893"]) {
      const painted = paintLook(look, picture, portrait, colour);
      const reference = expected[`${look.name}=${colour}`].data;
      assert.ok(maximumDifference(painted.data, reference) <= 1, look.name);
      assert.ok(shareBeyond(painted.data, reference) < 1e-3);
      assert.ok(shareBeyond(painted.data, picture.data) > 1e-4);
    }
  }
});

test("edits in force lock and colour a rendered picture as in Python", () => {
  const edits = parse("smile=0.8,hat=cap,lip-colour=red", true);
  const after = edits.apply(portrait);
  assert.deepEqual(after.data, expected.after.data);
  const rendered = { ...picture, data: picture.data.map((value) => 255 - value) };
  const finished = edits.finish(picture, rendered, portrait, after);
  assert.ok(shareBeyond(finished.data, expected.finished.data, 1) === 0);
  const small = closeUp(picture, portrait, after, EDITS.get("smile")?.part ?? [], 144);
  assert.deepEqual(small.data, new Uint8ClampedArray(expected.closeUp.data));
  assert.deepEqual(resizePicture(small, small), small);
});

test("what is no edit is refused", () => {
  for (const text of ["smile=2", "smile=", "smile=a", "glasses=round", "beard=1", "hair-colour=", "hair-colour=#12345"]) {
    assert.throws(() => parse(text), EngineError, text);
  }
  assert.deepEqual(parse("smile=0").apply(portrait).data, portrait.data);
});

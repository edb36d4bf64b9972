"""Named edits: each does what its name says, and nothing else."""

from typing import Any

import numpy as np
import pytest

from maskgan.assets import portrait
from maskgan.editing.face_detection import DetectedFace
from maskgan.editing.framing import Frame
from maskgan.editing.looks import LOOKS, Look
from maskgan.editing.mask_warps import fill_from_nearest, grow_part, scale_part
from maskgan.editing.named_edits import EDITS, Amount, NamedEdit, parse_edit
from maskgan.editing.photographs import PhotographEditor, apply_edits, choose_faces, frame_of_edits, lock_pixels
from maskgan.errors import UserError
from maskgan.face_parts import BROWS, EYES, FACE, HAIR, MOUTH, NECK, bounding_box, centroid
from maskgan.images import read_label_map, read_picture
from maskgan.labels import INDEX, LabelMap
from maskgan.metrics.face_geometry import shape_of

PORTRAITS = (2, 4, 5, 7)


@pytest.fixture(scope="module")
def masks() -> dict[int, LabelMap]:
    return {number: read_label_map(portrait(number)[1]) for number in PORTRAITS}


def extremes(edit: NamedEdit) -> tuple[Amount, ...]:
    if edit.choices:
        return edit.choices
    return (edit.low, edit.high) if edit.low < 0 else (edit.high,)


@pytest.mark.parametrize("name", [name for name, edit in EDITS.items() if not edit.choices])
def test_amount_0_changes_nothing(name: str, masks: dict[int, LabelMap]) -> None:
    for mask in masks.values():
        np.testing.assert_array_equal(EDITS[name].apply(mask, 0.0), mask)


@pytest.mark.parametrize("name", EDITS)
def test_only_the_edits_own_classes_change(name: str, masks: dict[int, LabelMap]) -> None:
    edit = EDITS[name]
    for mask in masks.values():
        before = mask.copy()
        for amount in extremes(edit):
            try:
                after = edit.apply(mask, amount)
            except UserError:
                assert name == "earrings"  # portrait 2 shows no ears
                continue
            changed = after != mask
            assert set(np.unique(mask[changed])) <= set(edit.classes)
            assert set(np.unique(after[changed])) <= set(edit.classes)
            # A face may have nothing to take away.
            if not name.startswith("remove-") and (name, amount) != ("fringe", -1.0):
                assert changed.any()
        np.testing.assert_array_equal(mask, before)


def test_a_smile_lifts_the_corners_and_a_frown_lowers_them(masks: dict[int, LabelMap]) -> None:
    for mask in masks.values():
        frown, neutral, smile = (shape_of(EDITS["smile"].apply(mask, a)).lift for a in (-1.0, 0.0, 1.0))
        assert frown < neutral < smile


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("lips-fuller", MOUTH),
        ("eyes-wider", EYES),
        ("brows-thicker", BROWS),
        ("nose-wider", (INDEX["nose"],)),
        ("hair-fuller", (HAIR,)),
    ],
)
def test_parts_grow_and_shrink_with_the_amount(name: str, part: tuple[int, ...], masks: dict[int, LabelMap]) -> None:
    for mask in masks.values():
        areas = [int(np.isin(EDITS[name].apply(mask, a), part).sum()) for a in (-1.0, -0.5, 0.0, 0.5, 1.0)]
        assert areas == sorted(areas) and areas[0] < 0.85 * areas[2] < 0.85 * 0.95 * areas[4]


def test_eyes_close_to_a_line(masks: dict[int, LabelMap]) -> None:
    for mask in masks.values():
        closed = EDITS["eyes-closed"].apply(mask, 1.0)
        for eye in EYES:
            heights = [(m == eye).sum(axis=0).max() for m in (mask, closed)]
            assert 0 < heights[1] < 0.4 * heights[0]


def test_brows_rise_and_keep_their_size(masks: dict[int, LabelMap]) -> None:
    mask = masks[5]
    low, middle, high = (EDITS["brows-raised"].apply(mask, a) for a in (-1.0, 0.0, 1.0))
    rows = [centroid(np.isin(m, BROWS)) for m in (low, middle, high)]
    assert rows[0] is not None and rows[1] is not None and rows[2] is not None
    assert rows[2][0] < rows[1][0] - 5 < rows[0][0] - 10
    assert np.isin(high, BROWS).sum() == pytest.approx(np.isin(middle, BROWS).sum(), rel=0.02)


def test_a_face_gets_narrower_and_wider_and_its_features_stay(masks: dict[int, LabelMap]) -> None:
    for mask in masks.values():
        narrow, wide = (EDITS["face-narrower"].apply(mask, a) for a in (1.0, -1.0))
        skin = [int((m == INDEX["skin"]).sum()) for m in (narrow, mask, wide)]
        assert skin[0] < skin[1] < skin[2]
        for name in ("nose", "l_eye", "u_lip"):
            np.testing.assert_array_equal(narrow == INDEX[name], mask == INDEX[name])


def test_a_narrower_face_uncovers_the_neck_only_above_the_neck(masks: dict[int, LabelMap]) -> None:
    for mask in masks.values():
        came_out = (EDITS["face-narrower"].apply(mask, 1.0) == NECK) & (mask != NECK)
        rows, columns = np.nonzero(came_out)
        assert len(rows) and rows.max() < len(mask) - 1
        for row, column in zip(rows, columns, strict=True):
            assert came_out[row + 1, column] or mask[row + 1, column] == NECK
        assert rows.min() > np.nonzero(np.isin(mask, EYES))[0].max()


def test_an_uncovered_neck_begins_narrow(masks: dict[int, LabelMap]) -> None:
    """Its upper edge slants: a straight one would look like the corner of a jaw."""
    for number in (5, 7):
        came_out = (EDITS["face-narrower"].apply(masks[number], 1.0) == NECK) & (masks[number] != NECK)
        left = came_out[:, : came_out.shape[1] // 2].sum(axis=1)
        first = int(np.flatnonzero(left)[0])
        assert left[first] < 6 and left[first + 30] > 14


@pytest.mark.parametrize(("label", "comes_out"), [("cloth", "cloth"), ("neck_l", "neck")])
def test_a_narrower_face_uncovers_a_collar_or_the_neck_above_a_necklace(
    masks: dict[int, LabelMap], label: str, comes_out: str
) -> None:
    mask = masks[7].copy()
    mask[mask == NECK] = INDEX[label]
    narrow = EDITS["face-narrower"].apply(mask, 1.0)
    new = ((narrow == INDEX[comes_out]) & (mask != INDEX[comes_out])).sum()
    plain = ((EDITS["face-narrower"].apply(masks[7], 1.0) == NECK) & (masks[7] != NECK)).sum()
    assert new == plain


def test_hair_reaches_lower_and_higher(masks: dict[int, LabelMap]) -> None:
    mask = masks[7]
    lowest = [np.flatnonzero((EDITS["hair-longer"].apply(mask, a) == HAIR).any(axis=1))[-1] for a in (-1.0, 0.0, 1.0)]
    assert lowest[0] < lowest[1] < lowest[2]


def test_short_hair_ends_round(masks: dict[int, LabelMap]) -> None:
    """Cut straight it would be a helmet."""
    for number in (2, 5, 7):
        hair = EDITS["hair-longer"].apply(masks[number], -1.0) == HAIR
        last = int(np.flatnonzero(hair.any(axis=1))[-1])
        width = [np.ptp(np.flatnonzero(hair[last - above])) for above in (2, 30)]
        assert width[0] < 0.96 * width[1]


def test_bald_leaves_no_hair(masks: dict[int, LabelMap]) -> None:
    for mask in masks.values():
        assert not (EDITS["bald"].apply(mask, 1.0) == HAIR).any()


def test_clear_glasses_keep_the_eyes_and_sunglasses_hide_them(masks: dict[int, LabelMap]) -> None:
    for mask in masks.values():
        clear, sun = (EDITS["glasses"].apply(mask, kind) for kind in ("clear", "sun"))
        np.testing.assert_array_equal(np.isin(clear, EYES), np.isin(mask, EYES))
        assert not np.isin(sun, EYES).any()
        assert (clear == INDEX["eye_g"]).sum() > 0.6 * (sun == INDEX["eye_g"]).sum()


@pytest.mark.parametrize("kind", ["beanie", "cap", "brim"])
def test_hats_tuck_hair_in_and_come_in_place_of_those_that_are_worn(kind: str, masks: dict[int, LabelMap]) -> None:
    hat = INDEX["hat"]
    for mask in masks.values():
        worn = EDITS["hat"].apply(mask, kind)
        rows, columns = np.nonzero(worn == hat)
        above = rows.min() + (np.isin(worn, BROWS).nonzero()[0].min() - rows.min()) // 2
        assert not (worn[: above + 1] == HAIR).any()
        for other in ("beanie", "cap", "brim"):
            again = EDITS["hat"].apply(EDITS["hat"].apply(mask, other), kind)
            shared, either = ((again == hat) & (worn == hat)).sum(), ((again == hat) | (worn == hat)).sum()
            assert shared > 0.7 * either, (other, kind)
        assert np.ptp(columns) > np.ptp(np.nonzero(np.isin(mask, FACE))[1])


def test_new_glasses_come_in_place_of_those_that_are_worn(masks: dict[int, LabelMap]) -> None:
    for mask in masks.values():
        clear, sun = (EDITS["glasses"].apply(mask, kind) for kind in ("clear", "sun"))
        large = clear.copy()
        box = bounding_box(clear == INDEX["eye_g"])
        assert box is not None
        below = large[box[1] : box[1] + 8, box[2] : box[3]]
        below[np.isin(below, FACE)] = INDEX["eye_g"]
        again = EDITS["glasses"].apply(large, "sun")
        assert ((again == INDEX["eye_g"]) != (sun == INDEX["eye_g"])).sum() < 0.1 * (sun == INDEX["eye_g"]).sum()
        assert not (again[box[1] + 2 :] == INDEX["eye_g"]).any(), "the larger lenses are gone"
        eyes = np.isin(EDITS["glasses"].apply(sun, "clear"), EYES)
        assert eyes.sum() > 0.3 * np.isin(mask, EYES).sum()


def test_without_a_fringe_brows_come_out_that_it_hid(masks: dict[int, LabelMap]) -> None:
    for mask in masks.values():
        low = EDITS["fringe"].apply(mask, 1.0)
        eyes = bounding_box(np.isin(mask, EYES))
        assert eyes is not None
        over = low[: eyes[0] - 2]
        over[np.isin(over, (*BROWS, INDEX["skin"]))] = HAIR
        free = EDITS["fringe"].apply(low, -1.0)
        for eye, brow in zip(EYES, BROWS, strict=True):
            at, above = centroid(free == eye), centroid(free == brow)
            assert at is not None and above is not None and above[0] < at[0]
        middle = slice(eyes[2], eyes[3])
        assert not (free[eyes[0] - 10 : eyes[0], middle] == HAIR).any(), "no bar of hair stays above the eyes"
        seen = EDITS["fringe"].apply(mask, -1.0)
        np.testing.assert_array_equal(np.isin(seen, BROWS), np.isin(mask, BROWS), "brows that show stay")


def test_a_little_less_fringe_draws_no_brows() -> None:
    for number in (6, 9):
        mask = read_label_map(portrait(number)[1])
        little = EDITS["fringe"].apply(mask, -0.05)
        assert 0 < (little != mask).sum() < 0.3 * (EDITS["fringe"].apply(mask, -1.0) != mask).sum()
        assert np.isin(little, BROWS).sum() < 1.1 * np.isin(mask, BROWS).sum()


def test_the_same_earrings_stay_where_they_are(masks: dict[int, LabelMap]) -> None:
    worn = EDITS["earrings"].apply(masks[4], 1.0)
    again = EDITS["earrings"].apply(worn, 1.0)
    assert (again != worn).sum() < 0.1 * (worn == INDEX["ear_r"]).sum()


def test_brows_behind_dark_lenses_come_out_and_hair_does_not(masks: dict[int, LabelMap]) -> None:
    for mask in masks.values():
        dark = EDITS["glasses"].apply(mask, "sun")
        box = bounding_box(dark == INDEX["eye_g"])
        assert box is not None
        large = dark[box[0] - 30 : box[1], box[2] : box[3]]
        large[np.isin(large, FACE)] = INDEX["eye_g"]
        dark[np.isin(dark, BROWS)] = INDEX["skin"]
        bare = EDITS["remove-glasses"].apply(dark, 1.0)
        for eye, brow in zip(EYES, BROWS, strict=True):
            at, above = centroid(bare == eye), centroid(bare == brow)
            assert at is not None and above is not None
            assert above[0] < at[0] and abs(above[1] - at[1]) < 0.1 * (box[3] - box[2])
        assert (bare == HAIR).sum() <= (dark == HAIR).sum() + 0.02 * (dark == INDEX["eye_g"]).sum()


@pytest.mark.parametrize("kind", ["clear", "sun"])
def test_glasses_can_be_taken_off_again(kind: str, masks: dict[int, LabelMap]) -> None:
    for mask in masks.values():
        bare = EDITS["remove-glasses"].apply(EDITS["glasses"].apply(mask, kind), 1.0)
        assert not (bare == INDEX["eye_g"]).any()
        # Eyes are there again, about where they were.
        for eye in EYES:
            before, after = centroid(mask == eye), centroid(bare == eye)
            assert before is not None and after is not None
            assert np.hypot(before[0] - after[0], before[1] - after[1]) < 0.05 * mask.shape[0]


def test_earrings_are_studs_to_hoops_below_the_ear_lobes() -> None:
    mask = np.zeros((200, 200), np.uint8)
    mask[40:160, 50:150] = INDEX["skin"]
    mask[80:110, 40:50] = INDEX["r_ear"]
    mask[105:110, 40:44] = 0  # the lobe is nearer to the face
    stud, hoop = (EDITS["earrings"].apply(mask, amount) == INDEX["ear_r"] for amount in (0.01, 1.0))
    assert stud[109, 47] and stud.sum() == pytest.approx(np.pi * (0.018 * 120) ** 2, rel=0.2)
    top, bottom, left, right = bounding_box(hoop) or (0, 0, 0, 0)
    assert bottom - top == pytest.approx(2 * 0.065 * 120, abs=1) and (left + right - 1) / 2 == pytest.approx(46, abs=1)
    assert not hoop[(top + bottom) // 2, 46] and hoop[bottom - 1, 46]


def test_a_necklace_lies_on_the_neck_alone() -> None:
    mask = np.zeros((200, 200), np.uint8)
    mask[100:200, 40:160] = NECK
    mask[20:170, 70:100] = INDEX["skin"]  # a chin in front of it
    mask[100:200, 140:160] = INDEX["cloth"]
    thin, broad = (EDITS["necklace"].apply(mask, amount) for amount in (0.1, 1.0))
    for worn in (thin, broad):
        assert set(np.unique(mask[worn != mask])) == {NECK}
    assert 0 < (thin != mask).sum() < 0.7 * (broad != mask).sum()


def test_hats_and_earrings_can_be_taken_off_again(masks: dict[int, LabelMap]) -> None:
    mask = masks[7]
    for name, take_off in (("hat", "remove-hat"), ("earrings", "remove-earrings")):
        worn = EDITS[name].apply(mask)
        thing = EDITS[name].part[0]
        assert (worn == thing).any()
        assert not (EDITS[take_off].apply(worn) == thing).any()


@pytest.mark.parametrize(("take_off", "share"), [("hat", 0.04), ("glasses", 0.005), ("earrings", 0.0002)])
def test_specks_of_a_parser_are_not_taken_off(take_off: str, share: float, masks: dict[int, LabelMap]) -> None:
    mask = masks[7]
    edit = EDITS[f"remove-{take_off}"]
    box = bounding_box(np.isin(mask, FACE))
    assert box is not None
    least = int(np.ceil(share * (box[1] - box[0]) * (box[3] - box[2])))
    hair = np.flatnonzero(mask == INDEX["hair"])
    for count, stays in ((least - 1, True), (least, False)):
        worn = mask.copy()
        worn.ravel()[hair[:count]] = edit.part[0]
        done = edit.apply(worn, 1.0)
        assert np.array_equal(done, worn) == stays and (done == edit.part[0]).any() == stays


def test_edits_combine_in_turn(masks: dict[int, LabelMap]) -> None:
    mask = masks[7]
    both = apply_edits(mask, [parse_edit("smile=0.5"), parse_edit("glasses=clear")])
    np.testing.assert_array_equal(both, EDITS["glasses"].apply(EDITS["smile"].apply(mask, 0.5), "clear"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("smirk", "'smirk' is no edit"),
        ("smile=2", r"smile: takes -1..1, not 2"),
        ("smile=nan", r"smile: takes -1..1"),
        ("smile=", r"smile: takes -1..1"),
        ("smile=much", r"smile: takes -1..1, not 'much'"),
        ("glasses=0.5", r"glasses: takes clear\|sun"),
        ("open-mouth=-0.1", r"open-mouth: takes 0..1"),
    ],
)
def test_what_is_no_edit_is_said(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_edit(text)


def test_a_name_alone_is_the_whole_edit() -> None:
    assert parse_edit("smile")[1] == 1.0
    assert parse_edit("hat")[1] == "beanie"


@pytest.mark.parametrize("name", [name for name in EDITS if not name.startswith(("remove-", "bald"))])
def test_a_mask_without_a_face_is_refused_or_stays(name: str) -> None:
    empty = np.zeros((64, 64), dtype=np.uint8)
    edit = EDITS[name]
    try:
        assert (edit.apply(empty, extremes(edit)[-1]) == 0).all()
    except UserError as error:
        assert "the mask shows no" in str(error)


def test_holes_take_the_nearest_label_of_the_given_classes() -> None:
    row = np.array([[1, 1, 0, 0, 0, 0, 2, 3]], dtype=np.uint8)
    filled = fill_from_nearest(row, row == 0, (1, 3))
    assert filled.tolist() == [[1, 1, 1, 1, 1, 3, 2, 3]]
    np.testing.assert_array_equal(fill_from_nearest(row, row == 0, (9,)), row)


def test_a_scaled_square_has_the_expected_size() -> None:
    square = np.ones((40, 40), dtype=np.uint8)
    square[15:25, 15:25] = 2
    assert (scale_part(square, [2], [1], height=2, width=1.5) == 2).sum() == pytest.approx(300, rel=0.12)
    assert (scale_part(square, [2], [1], height=0.5) == 2).sum() == pytest.approx(50, rel=0.2)


def test_growing_and_shrinking_keep_to_the_ground() -> None:
    stripes = np.repeat(np.array([0, 5, 7], dtype=np.uint8), 10)[None].repeat(5, axis=0)
    grown, shrunk = (grow_part(stripes, 5, (0,), radius) for radius in (3, -3))
    assert (grown == 5).sum(axis=1).tolist() == [13] * 5
    assert (shrunk == 5).sum(axis=1).tolist() == [7] * 5
    np.testing.assert_array_equal(grown == 7, stripes == 7)


def test_pixels_of_other_classes_are_locked(masks: dict[int, LabelMap]) -> None:
    mask = masks[7]
    edits = [parse_edit("smile=0.5")]
    after = apply_edits(mask, edits)
    picture = np.zeros((*mask.shape, 3), dtype=np.uint8)
    result = lock_pixels(picture, picture + 9, (mask, after), edits)
    changed = (result == 9).all(axis=2)
    free = np.isin(mask, EDITS["smile"].classes)
    assert changed[mask != after].all() and not changed[~free].any()


def face(x: float, y: float, side: float) -> DetectedFace:
    return DetectedFace(0.9, (x - side / 4, y - side / 4, side / 2, side / 2), Frame(x, y, side))


def test_faces_are_chosen_by_size_number_and_place() -> None:
    found = [face(100, 100, 80), face(300, 100, 60), face(500, 100, 40)]
    assert choose_faces(found, "largest", "a.png") == found[:1]
    assert choose_faces(found, "all", "a.png") == found
    assert choose_faces(found, "2", "a.png") == found[1:2]
    assert choose_faces(found, "505,95", "a.png") == found[2:]


@pytest.mark.parametrize(
    ("which", "message"),
    [
        ("4", "face 4 was asked for, 3 found"),
        ("0", "a number from 1"),
        ("9,9", "no face was found at 9,9"),
        ("left", "--face"),
    ],
)
def test_a_face_that_is_not_there_is_said(which: str, message: str) -> None:
    found = [face(100, 100, 80), face(300, 100, 60), face(500, 100, 40)]
    with pytest.raises(UserError, match=message):
        choose_faces(found, which, "a.png")
    with pytest.raises(UserError, match=r"a\.png: no face was found"):
        choose_faces([], which, "a.png")


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_paints_its_own_part_alone(name: str, masks: dict[int, LabelMap]) -> None:
    for number in (5, 7):
        picture, mask = read_picture(portrait(number)[0]), masks[number]
        look, colour = parse_edit(f"{name}=#2040e0")
        assert isinstance(look, Look)
        painted = look.paint(picture, mask, str(colour))
        changed = (painted != picture).any(axis=2)
        assert changed.any() and set(np.unique(mask[changed])) <= set(look.classes)
        np.testing.assert_array_equal(look.apply(mask), mask)
        # What was painted is bluer than red or green.
        mean = painted[changed].mean(axis=0)
        assert mean[2] > mean[0] + 10 and mean[2] > mean[1] + 10


def test_a_look_keeps_light_and_texture(masks: dict[int, LabelMap]) -> None:
    picture, mask = read_picture(portrait(7)[0]), masks[7]
    painted = LOOKS["hair-colour"].paint(picture, mask, "#8e3a1f")
    inside = mask == HAIR
    before, after = (p[inside].astype(float).mean(axis=1) for p in (picture, painted))
    assert np.corrcoef(before, after)[0, 1] > 0.9


@pytest.mark.parametrize("text", ["hair-colour", "hair-colour=", "hair-colour=#12", "lip-colour=loud"])
def test_what_is_no_colour_is_said(text: str) -> None:
    with pytest.raises(UserError, match="takes #RRGGBB or a name"):
        parse_edit(text)


def test_colours_have_names() -> None:
    assert parse_edit("hair-colour=blond")[1] == "#c9a468"
    assert parse_edit("lip-colour=crimson")[1] == "#dc143c"


@pytest.mark.parametrize(
    ("texts", "side"),
    [
        (["smile", "fringe", "glasses"], 80.0),
        (["lip-colour=red"], 80.0),
        (["hair-longer"], 112.0),
        (["smile", "hat"], 112.0),
        (["hair-colour=red"], 112.0),
    ],
)
def test_what_reaches_beyond_a_face_is_edited_in_a_wider_frame(texts: list[str], side: float) -> None:
    frame = frame_of_edits(face(100, 120, 80), [parse_edit(text) for text in texts])
    assert (frame.x, frame.y, frame.angle) == (100, 120, 0) and frame.side == pytest.approx(side)


@pytest.mark.parametrize(("texts", "parses"), [(["hair-colour=red"], 1), (["lip-colour=red", "eye-colour=blue"], 1)])
def test_colours_parse_a_face_once(texts: list[str], parses: int, masks: dict[int, LabelMap]) -> None:
    shapes = []

    def parser(crop: np.ndarray) -> LabelMap:
        shapes.append(crop.shape)
        return masks[7]

    picture = read_picture(portrait(7)[0])
    side = picture.shape[0]
    unused: Any = None
    stub: Any = parser
    found = face(side / 2, side / 2, side if texts[0] != "hair-colour=red" else side / 1.4)
    edited, done = PhotographEditor(unused, unused, stub).edit(picture, [found], [parse_edit(text) for text in texts])
    assert len(shapes) == parses and (edited != picture).any()
    np.testing.assert_array_equal(done[0].before, done[0].after)

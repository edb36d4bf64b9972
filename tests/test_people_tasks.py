"""Style copy and smile transfer: who is asked what, and what the measures say of systems whose answers are known.

Faces here are coloured masks; the classifier reads Male from the corner's brightness, and Smiling from the open mouth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from maskgan.assets import portrait
from maskgan.data.annotations import ATTRIBUTES
from maskgan.data.pairs import FacePair
from maskgan.editing.mask_edits import open_mouth, smile
from maskgan.errors import UserError
from maskgan.evaluation import smile as smile_task
from maskgan.evaluation import style_copy
from maskgan.evaluation.attributes import classify
from maskgan.evaluation.cases import Case, load_cases, save_cases
from maskgan.evaluation.grids import request_grid
from maskgan.evaluation.systems import IdentityBaseline, Request, StoredOutputs, case_requests, resize_square
from maskgan.face_parts import MOUTH
from maskgan.images import Picture, read_label_map, read_picture, resize_picture, write_picture
from maskgan.labels import INDEX, LabelMap, colourise, from_colours
from maskgan.metrics.face_geometry import pose_of
from maskgan.part_transfer import transfer_mouth
from measuring import measuring

SIDE = 128
MALE, SMILING = ATTRIBUTES.index("Male"), ATTRIBUTES.index("Smiling")


class Painted:
    """Six portraits as coloured masks; in the first three a dark bar tells the classifier that they are men."""

    keys = ("4", "2", "3", "5", "7", "9")

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> FacePair:
        picture, mask = portrait(int(self.keys[index]))
        label_map = read_label_map(mask)
        if index % 2:  # these smile
            label_map = open_mouth(label_map, 0.9)
        pair = resize_square(FacePair(self.keys[index], read_picture(picture), label_map), SIDE)
        return replace(pair, picture=paint(pair.label_map, man=index < 3))


def paint(label_map: LabelMap, man: bool) -> Picture:
    picture = colourise(label_map).copy()
    picture[0] = 0 if man else 255  # the first row is no part of the face
    return picture


def read_mask(picture: Picture) -> LabelMap:
    picture = picture.copy()
    picture[0] = picture[1]
    return from_colours(picture)


def classifier(picture: Picture) -> np.ndarray:
    found = np.zeros(40, np.uint8)
    found[MALE] = picture[0].mean() < 100
    found[SMILING] = (read_mask(picture) == INDEX["mouth"]).sum() > 60
    return found


class Embedding:
    """Where the picture is bright: equal pictures have the cosine 1."""

    name = "brightness"

    def __call__(self, pictures: Sequence[Picture], aligned: bool = True) -> np.ndarray:
        assert all(aligned == (len(picture) == SIDE) for picture in pictures)
        rows = [resize_picture(picture, (16, 16)).astype(float).mean((1, 2)) for picture in pictures]
        return np.stack([row / np.linalg.norm(row) for row in rows])


class Obedient:
    """Paints the mask asked for, in the style's sex."""

    name = "obedient"

    def __call__(self, requests: Sequence[Request]) -> list[Picture]:
        return [paint(r.target, man=bool(classifier(r.style.picture)[MALE])) for r in requests]


PAIRS = Painted()
NETWORKS = measuring(read_mask, classifier, Embedding())
LABELS = {key: classifier(PAIRS[i].picture) for i, key in enumerate(PAIRS.keys)}


def test_style_pairs_are_random_or_differ_in_the_attribute() -> None:
    cases = style_copy.sample_cases(LABELS, seed=0, count=10)
    assert (
        cases == style_copy.sample_cases(LABELS, seed=0, count=10) != style_copy.sample_cases(LABELS, seed=1, count=10)
    )
    groups = {group: [c for c in cases if c.group == group] for group in ("random", *style_copy.COPIED_ATTRIBUTES)}
    assert len(groups["random"]) == 10 and all(c.source != c.style for c in groups["random"])
    assert len(groups["Male"]) == 6  # three either way
    assert all(LABELS[c.source][MALE] != LABELS[c.style][MALE] for c in groups["Male"])
    assert groups["Heavy_Makeup"] == []  # nobody wears any
    assert len({c.name for c in cases}) == len(cases)


def test_style_copy_tells_obedience_from_doing_nothing() -> None:
    cases = style_copy.sample_cases(LABELS, 0, 6)
    result = style_copy.style_copy(PAIRS, cases, LABELS, [Obedient()], NETWORKS, SIDE)
    real, nothing, obedient = (result.systems[name] for name in ("real", "identity baseline", "obedient"))
    assert real.random["Male"] == real.differing["Male"] == 1.0 and real.pixel_accuracy > 0.99
    assert nothing.differing["Male"] == 0.0 and nothing.frechet is None
    assert obedient.random["Male"] == obedient.differing["Male"] == 1.0
    assert obedient.pixel_accuracy > 0.99 and obedient.frechet is not None
    expected = np.mean([LABELS[c.source][MALE] == LABELS[c.style][MALE] for c in cases if c.group == "random"])
    assert nothing.random["Male"] == pytest.approx(expected)
    table = style_copy.to_markdown(result)
    assert "| *published:* MaskGAN, SFT | 67.7% | 67.1% | 89.0% | 92.5% | - |" in table
    assert "Male (6)" in table


def test_smiles_come_from_the_face_of_the_nearest_pose() -> None:
    cases = smile_task.sample_cases(PAIRS, LABELS, 10)
    smiling = [key for key in PAIRS.keys if LABELS[key][SMILING]]
    assert [c.source for c in cases] == [key for key in PAIRS.keys if key not in smiling] and len(cases) >= 2
    for case in cases:

        def distance(key: str, case: Case = case) -> float:
            poses = [np.array(pose_of(PAIRS[PAIRS.keys.index(k)].label_map)) for k in (case.source, key)]
            return float((((poses[0] - poses[1]) / [0.15, 0.1, 0.1]) ** 2).sum())

        assert distance(case.donor) == min(distance(key) for key in smiling)


def test_smile_transfer_tells_obedience_from_doing_nothing() -> None:
    cases = smile_task.sample_cases(PAIRS, LABELS, 10)
    result = smile_task.smile(PAIRS, cases, [Obedient()], NETWORKS, SIDE)
    nothing, obedient = result.systems["identity baseline"], result.systems["obedient"]
    assert result.real.smiling == 1.0 and result.real.identity is None and result.count == len(cases)
    opened = [smile_task.is_open(request.target) for request in case_requests(PAIRS, cases, SIDE)]
    assert result.count_open == sum(opened)
    for scores, share in ((nothing, 0.0), (obedient, 1.0)):
        assert scores.smiling_open == (share if any(opened) else None)
        assert scores.smiling_closed == (None if all(opened) else share)
    assert (nothing.smiling, obedient.smiling) == (0.0, 1.0)
    assert nothing.identity == pytest.approx(1.0) and nothing.identity_crop == pytest.approx(1.0)
    assert 0.9 < obedient.identity < 1.0 and obedient.identity_crop < obedient.identity
    assert obedient.pixel_accuracy > 0.99 > nothing.pixel_accuracy
    assert "| *published:* MaskGAN | 77.3% |" in smile_task.to_markdown(result)


def test_smiles_are_counted_by_the_mouth_that_was_asked_for() -> None:
    sums = smile_task._Sums(4)
    for smiling, opened in (([1, 1, 0], [True, False, False]), ([1, 0], [True, False])):
        sums.update(np.array(smiling, np.uint8), np.array(opened))
    scores = sums.scores(None)
    assert (scores.smiling, scores.smiling_open) == (pytest.approx(3 / 5), 1.0)
    assert scores.smiling_closed == pytest.approx(1 / 3)


def test_a_mouth_is_open_where_teeth_can_show() -> None:
    mask = np.ones((20, 20), np.uint8)
    mask[5:15, 5:15] = INDEX["l_lip"]
    assert not smile_task.is_open(mask)
    mask[8:10, 6:14] = INDEX["mouth"]
    assert smile_task.is_open(mask)
    mask[9:10] = INDEX["skin"]
    assert not smile_task.is_open(mask) and not smile_task.is_open(np.ones((4, 4), np.uint8))


def test_a_mouth_goes_to_the_same_place_and_leaves_skin() -> None:
    own, donor = PAIRS[0].label_map, smile(PAIRS[1].label_map)
    edited = transfer_mouth(own, donor)
    changed = edited != own
    assert changed.any() and set(np.unique(edited[changed])) <= {*MOUTH, INDEX["skin"]}
    assert set(np.unique(own[changed])) <= {*MOUTH, INDEX["skin"]}
    middles = [np.argwhere(np.isin(m, MOUTH)).mean(0) for m in (own, edited)]
    assert np.abs(middles[0] - middles[1]).max() < 6
    assert np.array_equal(transfer_mouth(own, own), own)
    larger = np.kron(donor, np.ones((2, 2), np.uint8))
    assert (transfer_mouth(own, larger) != edited).mean() < 0.01
    with pytest.raises(UserError, match="no mouth"):
        transfer_mouth(own, np.ones((8, 8), np.uint8))


def test_poses_turn_with_the_head() -> None:
    mask = PAIRS[4].label_map
    yaw, pitch, roll = pose_of(mask)
    turned = pose_of(mirrored_with_sides(mask))
    assert turned[0] == pytest.approx(-yaw, abs=0.02) and turned[1] == pytest.approx(pitch, abs=0.02)
    assert turned[2] == pytest.approx(-roll, abs=0.02)
    with pytest.raises(UserError, match="pose is unknown"):
        pose_of(np.ones((8, 8), np.uint8))


def mirrored_with_sides(mask: LabelMap) -> LabelMap:
    from maskgan.labels import mirrored

    return mirrored(mask)


def test_cases_come_back_as_they_were_saved(tmp_path: Path) -> None:
    cases = style_copy.sample_cases(LABELS, 0, 6)
    save_cases(tmp_path / "cases.json", "style-copy", SIDE, cases)
    assert load_cases(tmp_path / "cases.json", "style-copy", SIDE, PAIRS.keys) == cases
    with pytest.raises(UserError, match="is a list of the task 'style-copy'"):
        load_cases(tmp_path / "cases.json", "smile", SIDE, PAIRS.keys)
    with pytest.raises(UserError, match="is not in the data"):
        load_cases(tmp_path / "cases.json", "style-copy", SIDE, ["4", "2"])
    (tmp_path / "odd.json").write_text("[1, 2]")
    with pytest.raises(UserError, match=r"odd\.json: is no list of cases"):
        load_cases(tmp_path / "odd.json", "smile", SIDE, [])
    save_cases(tmp_path / "out.json", "smile", SIDE, [Case("../out", "smile", "4", "4", "2")])
    with pytest.raises(UserError, match="cannot be the name of a file"):
        load_cases(tmp_path / "out.json", "smile", SIDE, PAIRS.keys)


def test_another_programs_pictures_enter_the_same_table(tmp_path: Path) -> None:
    cases = style_copy.sample_cases(LABELS, 0, 4)
    for case, request in zip(cases, case_requests(PAIRS, cases, SIDE), strict=True):
        write_picture(tmp_path / f"{case.name}.png", Obedient()([request])[0])
    stored = StoredOutputs("other", tmp_path)
    result = style_copy.style_copy(PAIRS, cases, LABELS, [Obedient(), stored], NETWORKS, SIDE)
    assert result.systems["other"] == result.systems["obedient"]
    first = next(case_requests(PAIRS, cases, SIDE))
    write_picture(tmp_path / f"{first.name}.png", np.zeros((16, 16, 3), np.uint8))
    with pytest.raises(UserError, match="is 16x16, but 128x128 was requested"):
        stored([first])
    (tmp_path / f"{first.name}.png").unlink()
    with pytest.raises(UserError, match=first.name):
        stored([first])


def test_a_grid_has_a_row_a_request() -> None:
    cases = smile_task.sample_cases(PAIRS, LABELS, 2)
    grid = request_grid(list(case_requests(PAIRS, cases, SIDE)), [IdentityBaseline(), Obedient()])
    assert grid.shape == (2 * SIDE, 5 * SIDE, 3)
    assert np.array_equal(grid[:, :SIDE], grid[:, 3 * SIDE : 4 * SIDE])


def test_the_classifiers_accuracy_by_hand() -> None:
    from maskgan.data.labelled import open_labelled

    faces = open_labelled("synthetic:8:64", None)

    def all_yes(_: Picture) -> np.ndarray:
        return np.ones(40, np.uint8)

    result = classify(faces, measuring(classify=all_yes, batch_size=3))
    truth = np.stack([faces[i].attributes for i in range(8)])
    for i, name in enumerate(ATTRIBUTES):
        assert result.accuracy[name] == pytest.approx(truth[:, i].mean())
        assert result.majority[name] == pytest.approx(max(truth[:, i].mean(), 1 - truth[:, i].mean()))
        assert result.balanced[name] in (None, 0.5)

"""Edits of masks do what their names say and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from maskgan.assets import portrait
from maskgan.editing.mask_edits import add_glasses, add_hat, long_hair, open_mouth, raise_brows, smile
from maskgan.errors import UserError
from maskgan.images import read_label_map
from maskgan.labels import INDEX, LabelMap

MOUTH = [INDEX["mouth"], INDEX["u_lip"], INDEX["l_lip"]]


@pytest.fixture(params=[2, 5, 7, 9], ids=lambda n: f"portrait-{n}")
def label_map(request: pytest.FixtureRequest) -> LabelMap:
    return read_label_map(portrait(request.param)[1])


def corner_height(points: np.ndarray) -> float:
    """Rows by which the corners stand above the mouth's middle."""
    left, right = points[:, 1].min(), points[:, 1].max()
    corners = points[(points[:, 1] < left + 4) | (points[:, 1] > right - 4), 0].mean()
    middle = points[np.abs(points[:, 1] - (left + right) / 2) < 4, 0].mean()
    return float(middle - corners)


def test_a_smile_is_wider_and_its_corners_higher(label_map: LabelMap) -> None:
    edited = smile(label_map)
    before, after = (np.argwhere(np.isin(m, MOUTH)) for m in (label_map, edited))
    assert np.ptp(after[:, 1]) > 1.15 * np.ptp(before[:, 1])

    assert corner_height(after) > corner_height(before) + 3
    assert (edited == INDEX["mouth"]).sum() > 0
    # Lips give way to skin and take its place; nothing else moves.
    assert set(np.unique(label_map[edited != label_map])) <= {*MOUTH, INDEX["skin"]}
    assert set(np.unique(edited[edited != label_map])) <= {*MOUTH, INDEX["skin"]}


def test_a_frown_keeps_the_size_of_the_mouth_and_its_corners_sink(label_map: LabelMap) -> None:
    edited = smile(label_map, -1.0)
    before, after = (np.argwhere(np.isin(m, MOUTH)) for m in (label_map, edited))
    assert 0.85 * np.ptp(before[:, 1]) < np.ptp(after[:, 1]) < np.ptp(before[:, 1])
    assert corner_height(after) < corner_height(before) - 3
    for lip in MOUTH[1:]:
        assert (edited == lip).sum() == pytest.approx((label_map == lip).sum(), rel=0.15)


def test_a_frown_closes_a_smile(label_map: LabelMap) -> None:
    smiling = smile(label_map)
    frown = smile(smiling, -1.0)
    assert (frown == INDEX["mouth"]).sum() < 0.2 * (smiling == INDEX["mouth"]).sum()


def test_no_smile_changes_almost_nothing(label_map: LabelMap) -> None:
    assert (smile(label_map, 0.0) != label_map).mean() < 1e-3


def test_glasses_cover_both_eyes(label_map: LabelMap) -> None:
    edited = add_glasses(label_map)
    eyes = np.isin(label_map, [INDEX["l_eye"], INDEX["r_eye"]])
    assert (edited[eyes] == INDEX["eye_g"]).mean() > 0.9
    assert set(np.unique(edited[edited != label_map])) == {INDEX["eye_g"]}


def test_hair_falls_over_the_temples_of_glasses() -> None:
    mask = _drawn_face()
    mask[:, :45] = mask[:, 155:] = INDEX["hair"]
    worn = add_glasses(mask) == INDEX["eye_g"]
    columns = np.flatnonzero(worn.any(axis=0))
    assert columns[0] == 45 and columns[-1] == 154
    assert (add_glasses(_drawn_face()) == INDEX["eye_g"])[:, :45].any()


@pytest.mark.parametrize("bridge", [80, 100, 120])
def test_lenses_are_foreshortened_as_the_face_is_turned(bridge: int) -> None:
    mask = _drawn_face()
    mask[100:130, bridge - 4 : bridge + 4] = INDEX["nose"]
    worn = add_glasses(mask) == INDEX["eye_g"]
    left, right = (np.flatnonzero(worn[105:110, columns].any(axis=0)).size for columns in (np.s_[:100], np.s_[100:]))
    assert np.sign(right - left) == np.sign(100 - bridge)
    assert left + right == pytest.approx(4 * 0.42 * 50, abs=4)


def _drawn_face() -> LabelMap:
    """A face of 200 x 200 with eyes at columns 75 and 125 and row 100, and no nose."""
    mask = np.full((200, 200), INDEX["skin"], np.uint8)
    mask[97:104, 68:83], mask[97:104, 118:133] = INDEX["r_eye"], INDEX["l_eye"]
    return mask


def test_long_hair_grows_and_spares_the_face(label_map: LabelMap) -> None:
    edited = long_hair(label_map)
    hair_before, hair_after = ((m == INDEX["hair"]).sum() for m in (label_map, edited))
    assert hair_after > 1.05 * hair_before
    features = [INDEX[n] for n in ("nose", "l_eye", "r_eye", "l_brow", "r_brow", *("mouth", "u_lip", "l_lip"))]
    spared = np.isin(label_map, features)
    assert (edited[spared] == label_map[spared]).all()


def test_an_open_mouth_shows_its_inside_between_the_lips(label_map: LabelMap) -> None:
    edited = open_mouth(label_map)
    inside_before, inside_after = ((m == INDEX["mouth"]).sum() for m in (label_map, edited))
    assert inside_after > inside_before + 0.3 * (label_map == INDEX["l_lip"]).sum()
    assert (edited == INDEX["l_lip"]).sum() == (label_map == INDEX["l_lip"]).sum()
    assert (
        np.argwhere(edited == INDEX["l_lip"])[:, 0].mean() > np.argwhere(label_map == INDEX["l_lip"])[:, 0].mean() + 3
    )
    assert set(np.unique(label_map[edited != label_map])) <= {*MOUTH, INDEX["skin"]}


@pytest.mark.parametrize("label_map", [2, 5, 7], indirect=True)  # portrait 9's fringe hides a raised brow
def test_raised_brows_move_up_and_keep_their_shape(label_map: LabelMap) -> None:
    edited = raise_brows(label_map)
    for brow in (INDEX["l_brow"], INDEX["r_brow"]):
        before, after = (np.argwhere(m == brow) for m in (label_map, edited))
        assert len(after) > 0.8 * len(before)
        assert after[:, 0].max() < before[:, 0].max()
    assert set(np.unique(edited[edited != label_map])) <= {INDEX["l_brow"], INDEX["r_brow"], INDEX["skin"]}


def test_a_hat_covers_the_head_above_the_brows(label_map: LabelMap) -> None:
    edited = add_hat(label_map)
    hat = edited == INDEX["hat"]
    brows = np.isin(label_map, [INDEX["l_brow"], INDEX["r_brow"]])
    assert hat.mean() > 0.05 and not (hat & brows).any()
    assert np.flatnonzero(hat.any(1))[0] <= np.flatnonzero((label_map == INDEX["hair"]).any(1))[0]
    assert (edited[~hat] == label_map[~hat]).all()


def test_edits_leave_their_argument_alone(label_map: LabelMap) -> None:
    kept = label_map.copy()
    for edit in (smile, open_mouth, raise_brows, add_glasses, add_hat, long_hair):
        edit(label_map)
    assert (label_map == kept).all()


def test_a_face_without_the_part_is_refused() -> None:
    bare = np.ones((64, 64), dtype=np.uint8)
    with pytest.raises(UserError, match="no mouth"):
        smile(bare)
    with pytest.raises(UserError, match="no eyes"):
        add_glasses(bare)
    with pytest.raises(UserError, match="no lips"):
        open_mouth(bare)
    with pytest.raises(UserError, match="no brows"):
        raise_brows(bare)
    with pytest.raises(UserError, match="no face"):
        add_hat(np.zeros((64, 64), dtype=np.uint8))
    with pytest.raises(UserError, match="no face"):
        long_hair(np.zeros((64, 64), dtype=np.uint8))

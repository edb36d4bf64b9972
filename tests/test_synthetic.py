"""Synthetic faces: the same every time, exact, and shaped as faces are."""

from __future__ import annotations

import numpy as np
import pytest

from maskgan.data.synthetic.dataset import SyntheticPairs, sample_traits, synthetic_face, visible_attributes
from maskgan.data.synthetic.export import ATTRIBUTES
from maskgan.errors import UserError
from maskgan.label_order import guess_order
from maskgan.labels import INDEX, NUM_CLASSES


def _centre(label_map: np.ndarray, name: str) -> tuple[float, float]:
    rows, columns = np.nonzero(label_map == INDEX[name])
    return float(columns.mean()) / label_map.shape[1], float(rows.mean()) / label_map.shape[0]


def test_a_face_depends_on_seed_and_index_alone() -> None:
    first, again = synthetic_face(5, 64, 3), SyntheticPairs(9, 64, seed=5)[3]
    np.testing.assert_array_equal(first.picture, again.picture)
    np.testing.assert_array_equal(first.label_map, again.label_map)
    for other in (synthetic_face(5, 64, 4), synthetic_face(6, 64, 3)):
        assert (other.picture != first.picture).any() and (other.label_map != first.label_map).any()


@pytest.mark.parametrize("size", [16, 50, 64, 200])
def test_any_size(size: int) -> None:
    pair = synthetic_face(0, size)
    assert pair.picture.shape == (size, size, 3) and pair.picture.dtype == np.uint8
    assert pair.label_map.shape == (size, size) and pair.label_map.dtype == np.uint8


def test_a_face_at_another_size_is_the_same_face() -> None:
    small, large = synthetic_face(0, 64, 2).label_map, synthetic_face(0, 192, 2).label_map
    assert (small == large[1::3, 1::3]).mean() > 0.97


def test_all_classes_occur() -> None:
    seen = np.zeros(NUM_CLASSES, int)
    for pair in SyntheticPairs(40, 64, seed=1):
        seen[np.unique(pair.label_map)] += 1
    assert (seen > 0).all()
    always = ("background", "skin", "nose", "u_lip", "l_lip", "cloth")
    assert all(seen[INDEX[name]] == 40 for name in always)


def test_left_is_the_person_s_left_and_features_lie_where_they_do_in_faces() -> None:
    eyes = []
    for index, pair in enumerate(SyntheticPairs(30, 80)):
        if sample_traits(0, index).glasses and sample_traits(0, index).sunglasses:
            continue  # they hide the eyes
        at = {name: _centre(pair.label_map, name) for name in ("l_eye", "r_eye", "nose", "u_lip", "l_lip")}
        assert at["l_eye"][0] > at["nose"][0] > at["r_eye"][0]
        assert max(at["l_eye"][1], at["r_eye"][1]) < at["nose"][1] < at["u_lip"][1] < at["l_lip"][1]
        assert guess_order(pair.label_map).order == "celebamask-hq"
        eyes.append([at["l_eye"], at["r_eye"]])
    # Where they lie on average in CelebAMask-HQ.
    np.testing.assert_allclose(np.mean(eyes, axis=0), [[0.62, 0.48], [0.37, 0.48]], atol=0.03)


def test_the_mask_fits_the_picture_best_where_it_lies() -> None:
    """Shifted by two pixels either way, its classes are less uniform in colour."""

    def spread(picture: np.ndarray, label_map: np.ndarray) -> float:
        total = 0.0
        for label in np.unique(label_map):
            pixels = picture[label_map == label].astype(float)
            total += float(((pixels - pixels.mean(axis=0)) ** 2).sum())
        return total

    for pair in SyntheticPairs(4, 96, seed=2):
        here = spread(pair.picture, pair.label_map)
        for axis in (0, 1):
            for step in (-2, 2):
                assert spread(pair.picture, np.roll(pair.label_map, step, axis)) > here


def test_attributes_agree_with_the_mask() -> None:
    for index in range(25):
        label_map, attributes = synthetic_face(2, 96, index).label_map, visible_attributes(sample_traits(2, index))
        assert attributes <= set(ATTRIBUTES)
        for name, label in (("Eyeglasses", "eye_g"), ("Wearing_Hat", "hat"), ("Mouth_Slightly_Open", "mouth")):
            assert (name in attributes) == bool((label_map == INDEX[label]).any())


def test_indices_work_as_in_a_list() -> None:
    pairs = SyntheticPairs(3, 32)
    assert pairs[-1].key == "00002" and [pair.key for pair in pairs] == ["00000", "00001", "00002"]
    with pytest.raises(IndexError):
        pairs[3]


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(UserError):
        SyntheticPairs(0)
    with pytest.raises(UserError):
        synthetic_face(0, 8)

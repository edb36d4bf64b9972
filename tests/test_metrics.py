"""Metrics against independent calculations."""

from __future__ import annotations

import numpy as np
import pytest

from maskgan.labels import INDEX
from maskgan.metrics.colour import ColourTransfer, class_colour, ita, to_lab
from maskgan.metrics.mean import Estimate, Mean
from maskgan.metrics.outlier_pixels import hair_outlier_pixels
from maskgan.metrics.segmentation import ConfusionMatrix


def test_agreement_against_counting_pixels() -> None:
    wanted, found = np.random.default_rng(0).integers(0, 19, (2, 64, 64), dtype=np.uint8)
    found[:40] = wanted[:40]
    measured = ConfusionMatrix()
    for rows in (slice(0, 10), slice(10, 64)):  # any split into pictures gives the same
        measured.update(wanted[rows], found[rows])
    assert measured.pixel_accuracy == pytest.approx((wanted == found).mean())
    for label in range(19):
        hit = ((wanted == label) & (found == label)).sum()
        either = ((wanted == label) | (found == label)).sum()
        assert measured.iou[label] == pytest.approx(hit / either)
        total = (wanted == label).sum() + (found == label).sum()
        assert measured.f1[label] == pytest.approx(2 * hit / total)
    assert measured.mean_iou == pytest.approx(measured.iou.mean())


def test_absent_classes_do_not_count() -> None:
    measured = ConfusionMatrix()
    measured.update(np.zeros((4, 4), dtype=np.uint8), np.zeros((4, 4), dtype=np.uint8))
    assert measured.mean_iou == 1.0 and np.isnan(measured.iou[1:]).all()
    with pytest.raises(ValueError, match="cannot be compared"):
        measured.update(np.zeros((4, 4), dtype=np.uint8), np.zeros((4, 5), dtype=np.uint8))


def test_lab_of_known_colours() -> None:
    colours = np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 0, 255]], dtype=np.uint8)
    known = np.array([[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86]])  # of colour tables
    np.testing.assert_allclose(to_lab(colours), known, atol=0.05)


def test_lighter_skins_have_larger_angles() -> None:
    label_map = np.zeros((20, 20), dtype=np.uint8)
    label_map[:10] = 1

    def angle(*colour: int) -> float:
        picture = np.zeros((20, 20, 3), dtype=np.uint8)
        picture[:10] = colour
        picture[0, :8] = 255  # highlights do not count
        measured = ita(picture, label_map)
        assert measured is not None
        return measured

    light, middle, dark = angle(241, 214, 192), angle(198, 154, 118), angle(95, 58, 38)
    assert light > 41 > middle > 10 > -30 > dark  # in Chardon's scale light above 41, dark below -30
    lightness, _, yellow = to_lab(np.array([198, 154, 118], dtype=np.uint8))
    assert middle == pytest.approx(np.degrees(np.arctan((lightness - 50) / yellow)))
    assert ita(np.zeros((20, 20, 3), np.uint8), np.zeros((20, 20), np.uint8)) is None


def test_colours_of_a_class() -> None:
    picture = np.zeros((20, 20, 3), dtype=np.uint8)
    label_map = np.zeros((20, 20), dtype=np.uint8)
    label_map[:10] = 13
    picture[:10] = (10, 20, 30)
    assert class_colour(picture, label_map, 13).tolist() == [10, 20, 30]  # type: ignore[union-attr]
    assert class_colour(picture, label_map, 5) is None


def test_following_by_hand() -> None:
    following = ColourTransfer()
    for level in (10.0, 90.0, 200.0):
        style, owner = np.full(3, level), np.zeros(3)
        following.update(style * 0.5, style, owner)
        following.update(None, style, owner)
    assert following.count == 3
    to_style, to_owner, apart = (
        mean.compute() for mean in (following.result_to_style, following.result_to_owner, following.owner_to_style)
    )
    assert apart is not None and to_style == pytest.approx(to_owner) == pytest.approx(apart / 2)
    assert apart == pytest.approx(100 * 3**0.5)
    assert following.correlation() == pytest.approx(1.0)


def test_specks_are_counted_in_hair_alone() -> None:
    picture = np.full((20, 20, 3), 90, dtype=np.uint8)
    label_map = np.full((20, 20), INDEX["hair"], dtype=np.uint8)
    label_map[:, 10:] = INDEX["skin"]
    picture[4, 4, 1] = picture[12, 14, 1] = 141  # one in hair, one in skin
    picture[8, 4] = 140  # not far enough from what surrounds it
    picture[15:] = 250  # where light begins, nothing stands out
    assert hair_outlier_pixels(picture, label_map) == (1, 200)


def test_means_do_not_depend_on_batches_and_can_be_added() -> None:
    values = np.random.default_rng(0).normal(1e6, 1e-3, 50)  # sums about zero would lose the deviation
    whole = Mean()
    whole.update(values)
    expected = (values.mean(), values.std(ddof=1) / 50**0.5)
    for size in (1, 7, 49):
        batched, total = Mean(), Mean()
        for start in range(0, 50, size):
            part = Mean()
            for state in (batched, part):
                state.update(values[start : start + size])
            total = total + part
        for state in (whole, batched, total):
            estimate = state.estimate()
            assert estimate is not None and state.count == 50
            assert (estimate.mean, estimate.error) == pytest.approx(expected, rel=1e-6)
    assert Mean().compute() is None and Mean().estimate() is None
    single = Mean()
    single.update(3.0)
    assert single.estimate() == Estimate(3.0, None)


def test_states_of_parts_can_be_added() -> None:
    rng = np.random.default_rng(1)
    target, prediction = rng.integers(0, 19, (2, 4, 8, 8), dtype=np.uint8)
    colours = rng.uniform(0, 255, (6, 3, 3))
    whole, parts = ConfusionMatrix(), [ConfusionMatrix(), ConfusionMatrix()]
    for i in range(4):
        whole.update(target[i], prediction[i])
        parts[i % 2].update(target[i], prediction[i])
    assert ((parts[0] + parts[1]).confusion == whole.confusion).all()
    everything, halves = ColourTransfer(), [ColourTransfer(), ColourTransfer()]
    for i, (result, style, owner) in enumerate(colours):
        everything.update(result, style, owner)
        halves[i % 2].update(result, style, owner)
    total = halves[0] + halves[1]
    assert total.correlation() == pytest.approx(everything.correlation(), rel=1e-9)
    expected = np.corrcoef(colours[:, 0].mean(1), colours[:, 1].mean(1))[0, 1]
    assert everything.correlation() == pytest.approx(expected, rel=1e-9)
    assert total.owner_to_style.compute() == pytest.approx(everything.owner_to_style.compute(), rel=1e-12)


def test_without_samples_there_is_no_number() -> None:
    assert ConfusionMatrix().pixel_accuracy is None and ConfusionMatrix().mean_iou is None
    assert ColourTransfer().correlation() is None and ColourTransfer().result_to_style.compute() is None

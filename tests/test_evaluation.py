"""Comparing systems: what is asked, who answers, and what the measures say of systems whose answers are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from maskgan.assets import portrait
from maskgan.data.pairs import FacePair
from maskgan.editing.parsing import Parser
from maskgan.evaluation.features import EfficientNetFeatures
from maskgan.evaluation.interactive import EDITS, edit_grid, interactive, to_markdown
from maskgan.evaluation.masks import measure_masks
from maskgan.evaluation.reconstruct import reconstruct
from maskgan.evaluation.reconstruct import to_markdown as reconstruction_table
from maskgan.evaluation.systems import IdentityBaseline, RenderOptions, Request, TrainedSystem, resize_square
from maskgan.images import Picture, read_label_map, read_picture
from maskgan.labels import INDEX, LabelMap, colourise, from_colours
from maskgan.metrics.mask_shape import broken_rules
from measuring import measuring

SIDE = 64


class Portraits:
    """The sample portraits as a collection."""

    keys = ("2", "5", "7")

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> FacePair:
        picture, mask = portrait(int(self.keys[index]))
        return FacePair(self.keys[index], read_picture(picture), read_label_map(mask))


class Painted:
    """Pairs whose picture is the mask in colours, so that a colour reader is a parser without faults."""

    keys = Portraits.keys

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> FacePair:
        pair = resize_square(Portraits()[index], SIDE)
        return replace(pair, picture=colourise(pair.label_map))


class Obedient:
    """Paints what is asked and leaves everything else."""

    name = "obedient"

    def __call__(self, requests: Sequence[Request]) -> list[Picture]:
        return [colourise(request.target) for request in requests]


class Careless:
    """As obedient, but paints the last row, where nothing is asked, as background."""

    name = "careless"

    def __call__(self, requests: Sequence[Request]) -> list[Picture]:
        pictures = [colourise(request.target) for request in requests]
        for picture in pictures:
            picture[-1] = 0
        return pictures


def test_a_system_that_does_what_is_asked_scores_full_marks() -> None:
    result = interactive(Painted(), [Obedient(), Careless()], measuring(from_colours), SIDE)
    assert result.real == (1.0, 1.0) and result.count == 3
    assert set(result.requests) == set(EDITS) and all(n == 3 for n in result.requests.values())
    nothing, obedient, careless = (result.systems[name] for name in ("identity baseline", "obedient", "careless"))
    assert obedient.pixel_accuracy == 1.0 and obedient.mean_iou == 1.0
    assert all(share == 1.0 for share in obedient.edit_accuracy.values())
    assert all(share == 0.0 for share in nothing.edit_accuracy.values()) and nothing.pixel_accuracy < 1
    assert (nothing.preservation_error, obedient.preservation_error) == (0.0, 0.0)
    assert 0.9 < careless.pixel_accuracy < 1.0 and careless.preservation_error > 0
    assert nothing.frechet is None and obedient.frechet is not None and obedient.frechet > 0
    table = to_markdown(result)
    assert "| real, own mask | 100.0% | 1.000 |" in table and "| obedient | 100.0% | 1.000 | 0.0 |" in table


def test_reconstruction_measures_systems_side_by_side() -> None:
    result = reconstruct(Painted(), [Obedient(), Careless()], measuring(from_colours), SIDE, seed=0)
    assert set(result.agreement) == {"real"} | {
        f"{name}, {style} style" for name in ("obedient", "careless") for style in ("own", "reference")
    }
    assert result.agreement["real"].pixel_accuracy == result.agreement["obedient, own style"].pixel_accuracy == 1.0
    careless = result.agreement["careless, own style"]
    assert careless.pixel_accuracy < 1.0
    for name, iou in careless.iou.items():
        f1 = careless.f1[name]
        assert (iou is None) == (f1 is None)
        assert iou is None or f1 == pytest.approx(2 * iou / (1 + iou))
    # Painted faces all have one skin, so a result lies nowhere from style and owner.
    assert result.colours["obedient"]["skin"].result_to_style == 0.0
    assert "| obedient, own style | 100.0% | 1.000 |" in reconstruction_table(result)


def test_features_do_not_depend_on_the_batch() -> None:
    pictures = [Portraits()[i].picture for i in range(3)]
    features = EfficientNetFeatures()
    together = features(pictures)
    assert together.shape == (3, features.size)
    alone = np.concatenate([features([picture]) for picture in pictures])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-4)
    assert np.abs(together[0] - together[1]).max() > 0.1


def test_a_trained_system_answers_each_face_in_its_own_style(tiny_weights: Path) -> None:
    system = TrainedSystem("tiny", tiny_weights, RenderOptions())
    faces = [resize_square(Portraits()[i], SIDE) for i in range(2)]
    requests = [Request(face.key, face, face, face.label_map) for face in faces]
    first, second = system(requests)
    assert first.shape == (SIDE, SIDE, 3)
    assert not np.array_equal(first, second)
    assert np.array_equal(system(requests)[0], first)
    assert np.abs(system(requests[:1])[0].astype(int) - first).max() <= 2  # convolutions of a batch round otherwise
    (copied,) = system([Request("reference", faces[0], faces[1], faces[0].label_map)])
    assert not np.array_equal(copied, first)
    assert np.array_equal(IdentityBaseline()(requests)[0], faces[0].picture)


def test_the_grid_shows_a_row_of_masks_and_one_a_system() -> None:
    shown = edit_grid(Painted(), [Obedient(), Careless()], SIDE, count=2)
    assert shown.shape == (2 * 3 * SIDE, (1 + len(EDITS)) * SIDE, 3)
    masks, answers = shown[:SIDE, SIDE:], shown[SIDE : 2 * SIDE, SIDE:]
    assert np.array_equal(masks, answers)


def test_the_shipped_parser_reads_the_portraits() -> None:
    from maskgan.assets import shipped_weights

    pair = resize_square(Portraits()[2], 256)
    assert (Parser(shipped_weights("parser"))(pair.picture) == pair.label_map).mean() > 0.8


class KnownWay:
    """A manifold of two sorts of ways: row by row in even steps, or all in one jump with a detour over class 3."""

    def __init__(self, jump: bool) -> None:
        self.jump = jump

    def interpolate(self, first: LabelMap, last: LabelMap, count: int) -> list[LabelMap]:
        if self.jump:
            return [first, np.full_like(first, 3), *[last] * (count - 2)]
        steps = [np.where(np.arange(SIDE)[:, None] < i * SIDE / (count - 1), last, first) for i in range(count)]
        return [np.asarray(step, dtype=np.uint8) for step in steps]

    def sample(self, count: int, _seed: int, _size: tuple[int, int]) -> Iterator[LabelMap]:
        mask = resize_square(Portraits()[0], SIDE).label_map
        for i in range(count):
            yield mask if i % 2 else np.zeros_like(mask)


class Plain:
    """Two masks that differ in every pixel."""

    keys = ("a", "b")

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> FacePair:
        return FacePair(
            self.keys[index], np.zeros((SIDE, SIDE, 3), np.uint8), np.full((SIDE, SIDE), 1 + index, np.uint8)
        )


def test_smoothness_and_validity_are_measured() -> None:
    even = measure_masks(Plain(), KnownWay(jump=False), SIDE, 0)  # type: ignore[arg-type]
    jump = measure_masks(Plain(), KnownWay(jump=True), SIDE, 0)  # type: ignore[arg-type]
    assert even.largest_step == pytest.approx(1 / 8) and even.path_length_ratio == 1.0
    assert jump.largest_step == pytest.approx(1 / 2) and jump.path_length_ratio == 2.0
    assert even.pixel_accuracy == 1.0 and even.valid["real"] == 0.0  # masks without a face
    assert even.valid["random"] == 0.5 and even.violations["no skin"] == 1


@pytest.mark.parametrize("number", range(1, 10))
def test_the_portraits_masks_are_valid(number: int) -> None:
    assert broken_rules(read_label_map(portrait(number)[1])) == []


def test_broken_masks_are_found() -> None:
    mask = read_label_map(portrait(7)[1])

    def without(*names: str) -> LabelMap:
        changed = mask.copy()
        changed[np.isin(mask, [INDEX[name] for name in names])] = INDEX["skin"]
        return changed

    assert broken_rules(without("nose")) == ["no nose"]
    assert broken_rules(without("l_eye", "r_eye")) == ["no eyes"]
    assert set(broken_rules(mask[::-1])) >= {"l_eye below nose", "nose below mouth", "lips exchanged"}
    assert broken_rules(mask[:, ::-1]) == ["eyes exchanged"]
    torn = mask.copy()
    torn[np.roll(mask == INDEX["nose"], (-40, 120), (0, 1))] = INDEX["nose"]
    assert broken_rules(torn) == ["nose in pieces"]
    assert "no skin" in broken_rules(np.zeros((32, 32), np.uint8))

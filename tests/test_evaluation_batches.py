"""Evaluation in batches: every network gives the same numbers for one face at a time and for several."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskgan.assets import portrait, shipped_weights
from maskgan.data.pairs import FacePair
from maskgan.editing.mask_edits import smile
from maskgan.editing.parsing import Parser
from maskgan.editing.session import Blend, FaceEditor
from maskgan.evaluation.attribute_predictor import AttributePredictor
from maskgan.evaluation.batching import batched
from maskgan.evaluation.features import EfficientNetFeatures
from maskgan.evaluation.identity import OwnEmbedding
from maskgan.evaluation.interactive import interactive
from maskgan.evaluation.systems import RenderOptions, Request, TrainedSystem, resize_square
from maskgan.images import Picture, read_label_map, read_picture
from maskgan.labels import colourise, from_colours
from measuring import measuring

SIDE = 128


def face(number: int) -> FacePair:
    picture, mask = portrait(number)
    return resize_square(FacePair(str(number), read_picture(picture), read_label_map(mask)), SIDE)


@pytest.fixture(scope="module")
def faces() -> list[FacePair]:
    return [face(number) for number in (2, 5, 7)]


def test_batches_read_no_further_than_needed() -> None:
    items = iter(range(7))
    batches = batched(items, 3, "test")
    assert next(batches) == [0, 1, 2] and next(items) == 3
    assert list(batches) == [[4, 5, 6]]


def test_measuring_networks_give_the_same_in_batches(faces: list[FacePair]) -> None:
    pictures: list[Picture] = [pair.picture for pair in faces]
    parser = Parser(shipped_weights("parser"))
    for together, picture in zip(parser.parse(pictures), pictures, strict=True):
        assert (together == parser(picture)).mean() > 0.999
    classifier = AttributePredictor(shipped_weights("attributes"))
    assert (classifier(pictures) == np.concatenate([classifier([p]) for p in pictures])).mean() > 0.99
    embedding = OwnEmbedding(shipped_weights("identity"))
    mixed = [pictures[0], pictures[1][:50], pictures[2][20:, :60]]  # of any sizes
    alone = np.concatenate([embedding([p]) for p in mixed])
    np.testing.assert_allclose(embedding(mixed), alone, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(alone, axis=1), 1, rtol=1e-5)
    features = EfficientNetFeatures()
    np.testing.assert_allclose(features(pictures), np.concatenate([features([p]) for p in pictures]), atol=1e-4)


@pytest.mark.parametrize("blend", ["full", "region"])
def test_a_system_renders_batches_as_an_editor_renders_faces(
    faces: list[FacePair], tiny_weights: Path, blend: Blend
) -> None:
    requests = [Request(f"{pair.key}-own", pair, pair, smile(pair.label_map)) for pair in faces]
    requests += [Request(f"{pair.key}-same", pair, pair, pair.label_map) for pair in faces]
    requests += [Request(f"{pair.key}-style", pair, faces[0], pair.label_map) for pair in faces[1:]]
    outputs = TrainedSystem("tiny", tiny_weights, RenderOptions(blend=blend))(requests)
    editor = FaceEditor.from_weights(tiny_weights)
    for request, output in zip(requests, outputs, strict=True):
        editor.set_source(request.source.picture, request.source.label_map)
        if request.style.key != request.source.key:
            editor.set_style(request.style.picture, request.style.label_map)
        editor.set_mask(request.target)
        difference = np.abs(output.astype(int) - editor.render(blend))
        assert difference.max() <= 2 and difference.mean() < 0.02, request.name


class Painted:
    """Portraits as coloured masks."""

    keys = ("2", "5", "7")

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> FacePair:
        pair = face(int(self.keys[index]))
        return FacePair(pair.key, colourise(pair.label_map), pair.label_map)


class Careless:
    """Paints the requested mask, but for the last row."""

    name = "careless"

    def __call__(self, requests: list[Request]) -> list[Picture]:
        pictures = [colourise(request.target) for request in requests]
        for picture in pictures:
            picture[-1] = 0
        return pictures


def test_the_numbers_of_a_task_do_not_depend_on_the_batch_size() -> None:
    one, four = (
        interactive(Painted(), [Careless()], measuring(from_colours, batch_size=size), SIDE) for size in (1, 4)
    )
    assert one.requests == four.requests and one.real == four.real
    first, second = one.systems["careless"], four.systems["careless"]
    assert first.edit_accuracy == second.edit_accuracy and first.mean_iou == second.mean_iou
    assert first.preservation_error == pytest.approx(second.preservation_error, rel=1e-12)
    assert (first.frechet, first.kernel) == pytest.approx((second.frechet, second.kernel), rel=1e-6)

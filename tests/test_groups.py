"""Measuring group by group: systems that treat groups differently, by known amounts.

Faces are a square of skin on a dark ground. Every second one is a man, which a white first row tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from maskgan.data.annotations import ATTRIBUTES
from maskgan.data.pairs import FacePair
from maskgan.errors import UserError
from maskgan.evaluation.groups import (
    Group,
    GroupsResult,
    Labelling,
    Source,
    measure_groups,
    parse_attributes,
    to_markdown,
)
from maskgan.evaluation.systems import Request
from maskgan.images import Picture
from maskgan.labels import LabelMap
from measuring import measuring

SIDE = 20
COUNT = 36
MALE = ATTRIBUTES.index("Male")


class Faces:
    """The first third is dark, the last one light."""

    keys = tuple(f"{i:02d}" for i in range(COUNT))

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, index: int) -> FacePair:
        label_map = np.zeros((SIDE, SIDE), np.uint8)
        label_map[5:] = 1
        picture = np.zeros((SIDE, SIDE, 3), np.uint8)
        picture[5:] = (100 + 4 * index, 70 + 4 * index, 50 + 4 * index)
        picture[0] = 255 if index % 2 else 0
        return FacePair(self.keys[index], picture, label_map)


def read_mask(picture: Picture) -> LabelMap:
    found = (picture[..., 0] > 0).astype(np.uint8)
    found[0] = 0
    return found


def classifier(picture: Picture) -> np.ndarray:
    found = np.zeros(40, np.uint8)
    found[MALE] = picture[0].mean() > 100
    return found


class Embedding:
    """Whether the last row shows."""

    name = "last row"

    def __call__(self, pictures: Sequence[Picture], aligned: bool = True) -> np.ndarray:
        return np.array([[1.0, 0.0] if picture[-1].any() else [0.6, 0.8] for picture in pictures])


class Partial:
    """Makes all faces light in their own style, paints a third of the women's skin away, and makes them men."""

    name = "partial"

    def __call__(self, requests: Sequence[Request]) -> list[Picture]:
        return [self._render(request) for request in requests]

    def _render(self, request: Request) -> Picture:
        picture = request.source.picture.copy()
        if request.style.key != request.source.key:
            return picture
        picture[5:] = Faces()[COUNT - 1].picture[5:]
        if not classifier(picture)[MALE]:
            picture[15:] = 0
            picture[0] = 255
        return picture


LABELS = {key: classifier(Faces()[i].picture) for i, key in enumerate(Faces.keys)}


def measured(labels: dict[str, np.ndarray], source: Source = "table") -> tuple[GroupsResult, Callable[..., Group]]:
    networks = measuring(read_mask, classifier, Embedding(), batch_size=5)
    labelling = Labelling(labels, source, ("Male", "Bald"))
    result = measure_groups(Faces(), labelling, [Partial()], networks, SIDE, seed=0)
    found = {(group.by, group.row): group for group in result.groups}
    return result, lambda *name: found[name]


def test_groups_that_a_system_serves_worse_stand_out() -> None:
    result, group = measured(LABELS)
    men, women, everyone = group("Male", "with"), group("Male", "without"), group("all faces", "all faces")
    assert (men.faces, women.faces, everyone.faces) == (18, 18, 36) and men.note is None
    for some, accuracy, identity, kept in ((men, 1.0, 1.0, 1.0), (women, 0.75, 0.6, 0.0)):
        own = some.pictures["partial, own style"]
        assert own.pixel_accuracy is not None and own.identity is not None and own.retention is not None
        assert (own.pixel_accuracy.mean, own.pixel_accuracy.error) == pytest.approx((accuracy, 0.0))
        assert (own.identity.mean, own.retention.mean) == pytest.approx((identity, kept))
        for condition in ("real", "partial, reference style"):
            assert some.pictures[condition].mean_iou == 1.0
    assert women.pictures["partial, own style"].mean_iou == pytest.approx((5 / 10 + 10 / 15) / 2)
    mean = everyone.pictures["partial, own style"].pixel_accuracy
    assert mean is not None and mean.mean == pytest.approx(0.875)
    assert mean.error == pytest.approx(np.std([1.0, 0.75] * 18, ddof=1) / 6)
    assert everyone.pictures["real"].retention is None
    table = to_markdown(result)
    assert "the table, which knows 36 of the faces" in table
    assert "| Male, without | 18 | 100.0% ± 0.0 | 75.0% ± 0.0 | 100.0% ± 0.0 | 1.000 | 0.583 | 1.000 | 0.600" in table
    assert "| Bald, with | 0 (few) | - |" in table


def test_skin_tones_are_thirds_and_a_system_that_lightens_keeps_one() -> None:
    result, group = measured(LABELS)
    low, high = result.tone_bounds or (0.0, 0.0)
    assert low < high
    for tone, kept in (("dark", 0.0), ("medium", 0.0), ("light", 1.0)):
        shown = group("skin tone", tone)
        own, real = shown.pictures["partial, own style"].retention, shown.pictures["real"].retention
        assert own is not None and real is not None
        assert shown.faces == 12 and (own.mean, real.mean) == (kept, 1.0)


def test_faces_that_the_table_does_not_know_count_for_skin_tones_alone() -> None:
    result, group = measured({key: LABELS[key] for key in Faces.keys[:5]})
    assert result.known == 5 and group("all faces", "all faces").faces == 36 and group("skin tone", "dark").faces == 12
    men = group("Male", "with")
    assert men.faces == 2 and men.note is not None and group("Bald", "with").pictures["real"].pixel_accuracy is None


def test_attributes_are_named_as_in_celeba() -> None:
    assert parse_attributes("Young, Male,Young") == ("Young", "Male")
    for text, hint in (("male", "write Male$"), ("Hat", "write Wearing_Hat$"), ("", "write Male, ")):
        with pytest.raises(UserError, match=hint):
            parse_attributes(text)

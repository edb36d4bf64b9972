"""What is measured of an edit: who it shows before and after, its attributes, and whether the parser finds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from maskgan.assets import shipped_weights
from maskgan.data.annotations import ATTRIBUTES
from maskgan.editing.framing import Frame, crop_face
from maskgan.editing.parsing import Parser
from maskgan.evaluation.attribute_predictor import AttributePredictor
from maskgan.evaluation.identity import OwnEmbedding
from maskgan.images import Picture
from maskgan.labels import LabelMap

if TYPE_CHECKING:
    from maskgan.bulk.batch_editor import EditedPhotograph

MODELS = ("attributes", "identity")
"""Model types of the weights that measure."""

_FOUND = 0.5  # agreement from which an edit counts as found


@dataclass(frozen=True)
class FaceMeasures:
    """Of one face."""

    identity: float
    """Cosine of the embeddings before and after, -1..1."""
    agreement: float | None
    """Share of the changed labels that the parser reads in the result, 0..1; ``None``: no label was to change."""
    found: bool | None
    """Whether the edit is found in the result: most changed labels are read, or else pixels were recoloured; ``None``:
    nothing was to change."""
    attributes_before: tuple[str, ...]
    """CelebA's attributes that the classifier finds."""
    attributes_after: tuple[str, ...]


class Measures:
    """The networks that measure."""

    def __init__(self, device: str) -> None:
        """Load them.

        Raises:
            UserError: weights are missing or damaged.
        """
        self._embedding = OwnEmbedding(shipped_weights("identity"), device)
        self._classifier = AttributePredictor(shipped_weights("attributes"), device)

    def measure(self, results: Sequence[EditedPhotograph], batched: Callable[..., list[Any]], parser: Parser) -> None:
        """Set the ``measures`` of results.

        Args:
            results: edited photographs.
            batched: calls a network on batches of a list.
            parser: reads the masks of the results.
        """
        views = _Views()
        places = [
            (views.add(one.photograph.picture, face.face.frame), views.add(one.picture, face.face.frame))
            for one in results
            for face in one.faces
        ]
        vectors = batched(self._embedding, views.crops)
        signs = batched(self._classifier, views.crops)
        edited = [(one, face) for one in results for face in one.faces if not np.array_equal(face.before, face.after)]
        read = batched(parser.parse, [crop_face(one.picture, face.frame) for one, face in edited])
        agreements = {
            id(face): _agreement(face.before, face.after, label_map)
            for (_, face), label_map in zip(edited, read, strict=True)
        }
        position = iter(places)
        for one in results:
            recoloured = bool(one.looks) and bool(one.changed.any())
            for face in one.faces:
                before, after = next(position)
                agreement = agreements.get(id(face))
                found = (True if recoloured else None) if agreement is None else agreement >= _FOUND
                identity = 1.0 if before == after else float(vectors[before] @ vectors[after])
                one.measures.append(
                    FaceMeasures(identity, agreement, found, _names(signs[before]), _names(signs[after]))
                )


class _Views:
    """Framed faces, each cut out once."""

    def __init__(self) -> None:
        self.crops: list[Picture] = []
        self._places: dict[tuple[int, Frame], int] = {}

    def add(self, picture: Picture, frame: Frame) -> int:
        """The place among ``crops`` of what a frame shows."""
        key = (id(picture), frame)
        if key not in self._places:
            self._places[key] = len(self.crops)
            self.crops.append(crop_face(picture, frame))
        return self._places[key]


def _agreement(before: LabelMap, after: LabelMap, read: LabelMap) -> float:
    changed = before != after
    return float((read[changed] == after[changed]).mean())


def _names(signs: np.ndarray) -> tuple[str, ...]:
    return tuple(name for name, sign in zip(ATTRIBUTES, signs, strict=True) if sign)

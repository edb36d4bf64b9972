"""What is compared: systems that answer requests for faces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from maskgan.checkpoints.weights import fingerprint
from maskgan.data.pairs import FacePair
from maskgan.editing.session import Blend, FaceEditor
from maskgan.images import Picture, resize_label_map, resize_picture
from maskgan.labels import LabelMap


@dataclass(frozen=True)
class Request:
    """A face that is asked for.

    Attributes:
        name: of its own among all requests, fit for a file.
        source: the face that is edited; square.
        style: whose look is asked for; the source itself in edits.
        asked: the mask asked for, H x W uint8, of the source's size.
    """

    name: str
    source: FacePair
    style: FacePair
    asked: LabelMap


class System(Protocol):
    """Something that makes faces."""

    name: str
    """As shown in tables."""

    def __call__(self, request: Request) -> Picture:
        """H x W x 3 uint8, of the source's size."""
        ...


class TrainedSystem:
    """A dense mapping network."""

    def __init__(self, name: str, weights: Path, blend: Blend, device: str, precision: str) -> None:
        """Load the network.

        Args:
            name: as shown in tables.
            weights: its file.
            blend: see ``FaceEditor.render``.
            device: cpu, cuda or mps.
            precision: fp32 or bf16.

        Raises:
            UserError: the file is missing, damaged or of another kind.
        """
        self.name = name
        self.fingerprint = fingerprint(weights)
        self._editor = FaceEditor.from_weights(weights, device, "bf16" if precision == "bf16" else "fp32")
        self._blend: Blend = blend
        self._faces: tuple[str, str] | None = None

    def __call__(self, request: Request) -> Picture:
        """See ``System``. Requests for the same face one after another cost one encoding."""
        faces = (request.source.key, request.style.key)
        if faces != self._faces:
            self._editor.set_source(request.source.picture, request.source.label_map)
            if request.style.key != request.source.key:
                self._editor.set_style(request.style.picture, request.style.label_map)
            self._faces = faces
        self._editor.set_mask(request.asked)
        return self._editor.render(self._blend)


class NothingDone:
    """The source as it is: what a number is worth shows beside it."""

    name = "nothing done"

    def __call__(self, request: Request) -> Picture:
        """See ``System``."""
        return request.source.picture


def squared(pair: FacePair, side: int) -> FacePair:
    """The pair at ``side`` x ``side`` pixels."""
    return FacePair(
        pair.key, resize_picture(pair.picture, (side, side)), resize_label_map(pair.label_map, (side, side))
    )

"""What is compared: systems that answer requests for faces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from maskgan.checkpoints.weights import fingerprint
from maskgan.data.pairs import PICTURE_SUFFIXES, FacePair, PairCollection
from maskgan.editing.session import Blend, FaceEditor
from maskgan.errors import UserError
from maskgan.evaluation.cases import Case, safe_name
from maskgan.images import Picture, read_picture, resize_label_map, resize_picture
from maskgan.labels import LabelMap
from maskgan.part_transfer import transfer_mouth


@dataclass(frozen=True)
class Request:
    """A face that is asked for.

    Attributes:
        name: of its own among all requests, fit for a file.
        source: the face that is edited; square.
        style: whose look is asked for; the source itself in edits.
        target: the mask asked for, H x W uint8, of the source's size.
        donor: the face that a part of the mask comes from, if any.
    """

    name: str
    source: FacePair
    style: FacePair
    target: LabelMap
    donor: FacePair | None = None


def case_requests(pairs: PairCollection, cases: Sequence[Case], side: int) -> Iterator[Request]:
    """Read the faces of each case: a donor's mouth goes onto the mask asked for."""
    place = {key: index for index, key in enumerate(pairs.keys)}

    def face(key: str) -> FacePair:
        return resize_square(pairs[place[key]], side)

    for case in cases:
        source = face(case.source)
        style = source if case.style == case.source else face(case.style)
        donor = face(case.donor) if case.donor else None
        target = source.label_map if donor is None else transfer_mouth(source.label_map, donor.label_map)
        yield Request(case.name, source, style, target, donor)


def shuffled_requests(pairs: PairCollection, side: int, seed: int) -> Iterator[tuple[Request, Request]]:
    """Every face's own mask, asked for in its own style and in that of its neighbour in a ring shuffled by ``seed``."""
    ring = np.random.default_rng(seed).permutation(len(pairs))
    neighbour = resize_square(pairs[int(ring[-1])], side)
    for index in ring:
        pair = resize_square(pairs[int(index)], side)
        own, borrowed = (
            Request(safe_name(pair.key, "as", style.key), pair, style, pair.label_map) for style in (pair, neighbour)
        )
        yield own, borrowed
        neighbour = pair


class System(Protocol):
    """Something that makes faces."""

    name: str
    """As shown in tables."""

    def __call__(self, request: Request) -> Picture:
        """H x W x 3 uint8, of the source's size."""
        ...


class ComparedSystem(System, Protocol):
    """A system that can be told apart from others of the same name."""

    fingerprint: str
    """Of its weights, or what stands in for it."""


class TrainedSystem:
    """A dense mapping network."""

    def __init__(
        self, name: str, weights: Path, blend: Blend, device: str, precision: str, refine: int = 0, enhance: bool = True
    ) -> None:
        """Load the network.

        Args:
            name: as shown in tables.
            weights: its file.
            blend: see ``FaceEditor.render``.
            device: cpu, cuda or mps.
            precision: fp32 or bf16.
            refine: steps in which it is fitted to each source that is asked for in its own style.
            enhance: whether pictures over the network's size get detail, see ``Renderer.from_weights``.

        Raises:
            UserError: the file is missing, damaged or of another model type.
        """
        self.name = name
        self.fingerprint = fingerprint(weights)
        self._refine = refine
        self._editor = FaceEditor.from_weights(weights, device, "bf16" if precision == "bf16" else "fp32", enhance)
        self._blend: Blend = blend
        self._faces: tuple[str, str] | None = None

    def __call__(self, request: Request) -> Picture:
        """See ``System``. Requests for the same face one after another cost one encoding, and one refinement."""
        faces = (request.source.key, request.style.key)
        if faces != self._faces:
            self._editor.set_source(request.source.picture, request.source.label_map)
            if request.style.key != request.source.key:
                self._editor.set_style(request.style.picture, request.style.label_map)
            else:
                self._editor.refine(self._refine)
            self._faces = faces
        self._editor.set_mask(request.target)
        return self._editor.render(self._blend)


class StoredOutputs:
    """Another program's answers to a saved list of cases: a folder of pictures named like the cases."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.fingerprint = f"pictures in {folder.name}"
        self._folder = folder

    def __call__(self, request: Request) -> Picture:
        """See ``System``.

        Raises:
            UserError: the picture is missing, damaged or of another size.
        """
        found = [self._folder / f"{request.name}{suffix}" for suffix in PICTURE_SUFFIXES]
        path = next((path for path in found if path.is_file()), found[0])
        picture = read_picture(path)
        if picture.shape != request.source.picture.shape:
            height, width = request.source.picture.shape[:2]
            raise UserError(
                f"{path}: is {picture.shape[1]}x{picture.shape[0]}, but {width}x{height} was asked for; see --side"
            )
        return picture


class IdentityBaseline:
    """The source as it is: what a number is worth shows beside it."""

    name = "identity baseline"

    def __call__(self, request: Request) -> Picture:
        """See ``System``."""
        return request.source.picture


def resize_square(pair: FacePair, side: int) -> FacePair:
    """The pair at ``side`` x ``side`` pixels."""
    return FacePair(
        pair.key, resize_picture(pair.picture, (side, side)), resize_label_map(pair.label_map, (side, side))
    )

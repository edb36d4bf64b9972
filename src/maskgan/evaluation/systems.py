"""What is compared: systems that answer requests for faces, in batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from torch import Tensor

from maskgan.checkpoints.weights import fingerprint, read_info
from maskgan.data.pairs import PICTURE_SUFFIXES, FacePair, PairCollection
from maskgan.editing.compositing import class_colours
from maskgan.editing.face_model import FaceModel
from maskgan.editing.pipeline import Blend, Edit, StyleCopy, StyleReference, finish, generate
from maskgan.editing.renderer import Precision, Renderer
from maskgan.editing.session import FaceEditor
from maskgan.errors import UserError
from maskgan.evaluation.cases import Case, safe_name
from maskgan.images import Picture, read_picture, resize_label_map, resize_picture
from maskgan.labels import LabelMap
from maskgan.part_transfer import transfer_mouth


@dataclass(frozen=True)
class Request:
    """A face to render.

    Attributes:
        name: unique among all requests, usable as a file name.
        source: the face that is edited; square.
        style: the face that gives the style; the source itself in edits.
        target: the requested mask, H x W uint8 0..18, of the source's size.
        donor: the face whose mouth is in the requested mask, if any.
    """

    name: str
    source: FacePair
    style: FacePair
    target: LabelMap
    donor: FacePair | None = None


def case_requests(pairs: PairCollection, cases: Sequence[Case], side: int) -> Iterator[Request]:
    """Read the faces of each case at ``side`` x ``side`` pixels; a donor's mouth goes into the requested mask."""
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
    """Each face's own mask in its own style, and in that of its neighbour in a ring shuffled by ``seed``."""
    ring = np.random.default_rng(seed).permutation(len(pairs))
    neighbour = resize_square(pairs[int(ring[-1])], side)
    for index in ring:
        pair = resize_square(pairs[int(index)], side)
        own, reference = (
            Request(safe_name(pair.key, "as", style.key), pair, style, pair.label_map) for style in (pair, neighbour)
        )
        yield own, reference
        neighbour = pair


class System(Protocol):
    """Answers requests with faces."""

    name: str
    """As shown in tables."""

    def __call__(self, requests: Sequence[Request]) -> list[Picture]:
        """Answer a batch of requests of one size.

        Returns:
            For each an H x W x 3 uint8 image of the source's size.
        """
        ...


class ComparedSystem(System, Protocol):
    """A system that can be told apart from others of the same name."""

    fingerprint: str
    """Of its weights, or what stands in for it."""
    teachers: str
    """Networks in its training losses (see ``WeightsInfo.teachers``); empty if none are known."""


@dataclass(frozen=True)
class RenderOptions:
    """How networks render.

    Attributes:
        blend: see ``FaceEditor.render``.
        device: cpu, cuda or mps.
        precision: fp32 or bf16.
    """

    blend: Blend = "full"
    device: str = "cpu"
    precision: Precision = "fp32"


class TrainedSystem:
    """A network that renders in batches."""

    def __init__(self, name: str, weights: Path, options: RenderOptions) -> None:
        """Load the network.

        Raises:
            UserError: the file is missing, damaged or of another model type.
        """
        self.name = name
        self.fingerprint, self.teachers = fingerprint(weights), read_info(weights).teachers
        self._renderer = Renderer.from_weights(weights, options.device, options.precision)
        self._blend = options.blend

    def __call__(self, requests: Sequence[Request]) -> list[Picture]:
        """See ``System``."""
        faces = {face.key: face for request in requests for face in (request.source, request.style)}
        codes = self._renderer.encode_batch(
            [face.picture for face in faces.values()], [face.label_map for face in faces.values()]
        )
        code_of = {key: codes[i : i + 1] for i, key in enumerate(faces)}
        models = {
            key: FaceModel(face.picture, face.label_map, self._renderer, code_of[key]) for key, face in faces.items()
        }
        edits = [
            Edit(models[request.source.key], request.target, _style_copy(request, code_of), self._blend)
            for request in requests
        ]
        rendered = [edit for edit in edits if not edit.region.is_empty]
        generated = dict(zip(map(id, rendered), generate(rendered), strict=True))
        return [finish(edit, generated.get(id(edit))) for edit in edits]


def _style_copy(request: Request, code_of: Mapping[str, Tensor]) -> StyleCopy | None:
    """The style of the request's other face; ``None`` for the source's own."""
    style = request.style
    if style.key == request.source.key:
        return None
    colours = class_colours(style.picture, style.label_map)
    return StyleCopy(StyleReference(style.picture, style.label_map, code_of[style.key], colours))


class RefinedSystem:
    """A network that is refined to each source first, one after another.

    A request in another face's style is rendered without it: nothing of the source's own style is left in it.
    """

    def __init__(self, name: str, weights: Path, options: RenderOptions, steps: int) -> None:
        """Load the network.

        Args:
            name: as shown in tables.
            weights: its file.
            options: how it renders.
            steps: of refinement, 1 to 1000.

        Raises:
            UserError: the file is missing, damaged or of another kind.
        """
        self.name = name
        self.fingerprint, self.teachers = fingerprint(weights), read_info(weights).teachers
        self._editor = FaceEditor.from_weights(weights, options.device, options.precision)
        self._blend = options.blend
        self._steps = steps
        self._faces: tuple[str, str] | None = None

    def __call__(self, requests: Sequence[Request]) -> list[Picture]:
        """See ``System``. Requests for the same face one after another cost one refinement."""
        return [self._render(request) for request in requests]

    def _render(self, request: Request) -> Picture:
        faces = (request.source.key, request.style.key)
        if faces != self._faces:
            self._editor.set_source(request.source.picture, request.source.label_map)
            if request.style.key != request.source.key:
                self._editor.set_style(request.style.picture, request.style.label_map)
            else:
                self._editor.refine(self._steps)
            self._faces = faces
        self._editor.set_mask(request.target)
        return self._editor.render(self._blend)


class StoredOutputs:
    """Another program's answers to a saved list of cases: a folder of images named like the cases."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.fingerprint, self.teachers = f"images in {folder.name}", ""
        self._folder = folder

    def __call__(self, requests: Sequence[Request]) -> list[Picture]:
        """See ``System``.

        Raises:
            UserError: an image is missing, damaged or of another size.
        """
        return [self._read(request) for request in requests]

    def _read(self, request: Request) -> Picture:
        candidates = [self._folder / f"{request.name}{suffix}" for suffix in PICTURE_SUFFIXES]
        path = next((path for path in candidates if path.is_file()), candidates[0])
        picture = read_picture(path)
        if picture.shape != request.source.picture.shape:
            height, width = request.source.picture.shape[:2]
            raise UserError(
                f"{path}: is {picture.shape[1]}x{picture.shape[0]}, but {width}x{height} was requested; see --side"
            )
        return picture


class IdentityBaseline:
    """The source unchanged: a score means little without its row."""

    name = "identity baseline"

    def __call__(self, requests: Sequence[Request]) -> list[Picture]:
        """See ``System``."""
        return [request.source.picture for request in requests]


def resize_square(pair: FacePair, side: int) -> FacePair:
    """The pair at ``side`` x ``side`` pixels."""
    return FacePair(
        pair.key, resize_picture(pair.picture, (side, side)), resize_label_map(pair.label_map, (side, side))
    )

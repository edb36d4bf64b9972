"""Edits the faces of several photographs by several recipes, each network on batches of faces.

What is done to one face is what ``editing.photographs.PhotographEditor`` does; a test compares both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from maskgan.assets import shipped_weights
from maskgan.bulk.batching import batches, grouped
from maskgan.bulk.job import BulkOptions, NamedRecipe
from maskgan.bulk.measures import FaceMeasures, Measures
from maskgan.editing.anonymise import Anonymise, AnonymiseOptions
from maskgan.editing.anonymiser import Anonymised, Anonymiser
from maskgan.editing.face_detection import DetectedFace, FaceDetector
from maskgan.editing.face_model import FaceModel
from maskgan.editing.framing import Frame, crop_face, paste_back
from maskgan.editing.looks import Look
from maskgan.editing.parsing import Parser
from maskgan.editing.photographs import (
    AppliedEdit,
    apply_edits,
    choose_faces,
    frame_of_edits,
    lock_pixels,
    paint_looks,
)
from maskgan.editing.pipeline import Edit, finish, generate
from maskgan.editing.recognition import open_recogniser
from maskgan.editing.renderer import Renderer
from maskgan.errors import UserError, errors_of
from maskgan.images import Picture, SourceImage
from maskgan.labels import LabelMap

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")
_SQUARE = 0.01  # by which a framed face's sides may differ


@dataclass(frozen=True, eq=False)
class Photograph:
    """A decoded picture of a shard."""

    key: str
    source: SourceImage
    faces: list[DetectedFace]
    """The largest first."""
    is_jpeg: bool = False
    """Whether it came as a JPEG."""

    @property
    def picture(self) -> Picture:
        """H x W x 3 uint8."""
        return self.source.picture


@dataclass(frozen=True)
class Failure:
    """A picture that could not be edited."""

    key: str
    recipe: str | None
    """``None``: not by any."""
    error: str


@dataclass(eq=False)
class FaceEdit:
    """What is done to one face by one recipe."""

    face: DetectedFace
    frame: Frame
    """Where its mask is edited."""
    crop: Picture
    """What the frame shows, S x S x 3 uint8."""
    before: LabelMap
    """Its mask as parsed, S x S uint8."""
    after: LabelMap
    """The edited mask, S x S uint8."""
    anonymised: Anonymised | None = None
    """How it was drawn anew, in the face's own frame, before all else."""
    rendered: Picture | None = None


@dataclass(eq=False)
class EditedPhotograph:
    """A photograph after a recipe."""

    photograph: Photograph
    recipe: NamedRecipe
    picture: Picture
    """H x W x 3 uint8."""
    faces: list[FaceEdit]
    measures: list[FaceMeasures] = field(default_factory=list)
    """Of each face."""
    failed: bool = False
    """Whether a face could not be drawn anew."""

    def name_of(self, face: DetectedFace) -> str:
        """What messages call a face."""
        return f"face {self.photograph.faces.index(face) + 1}"

    @property
    def is_drawn(self) -> bool:
        """Whether faces were drawn anew and nothing else is to be done."""
        return bool(self.anonymise) and not self.mask_edits and not self.looks

    @property
    def changed(self) -> NDArray[np.bool_]:
        """Pixels that differ from the photograph's, H x W."""
        changed: NDArray[np.bool_] = (self.picture != self.photograph.picture).any(axis=-1)
        return changed

    @property
    def looks(self) -> list[AppliedEdit]:
        """The colours among the edits."""
        return [pair for pair in self.recipe.recipe.edits if isinstance(pair[0], Look)]

    @property
    def mask_edits(self) -> list[AppliedEdit]:
        """The edits of the mask."""
        return [pair for pair in self.recipe.recipe.edits if not isinstance(pair[0], Look | Anonymise)]

    @property
    def anonymise(self) -> list[AnonymiseOptions]:
        """How faces are drawn anew, before all else."""
        edits = self.recipe.recipe.edits
        return [AnonymiseOptions.parse(str(amount)) for edit, amount in edits if isinstance(edit, Anonymise)]


class BatchEditor:
    """The networks, loaded once."""

    def __init__(self, options: BulkOptions) -> None:
        """Load them.

        Raises:
            UserError: weights are missing, damaged or of another model type.
        """
        self._options = options
        device = options.device
        self._renderer = Renderer.from_weights(options.weights, device, options.precision)
        self._parser = Parser(shipped_weights("parser"), device)
        self._detector = FaceDetector.from_weights(shipped_weights("face-detector"), device)
        self._measures = Measures(device)

    def find_faces(self, picture: Picture) -> list[DetectedFace]:
        """The faces of a picture, H x W x 3 uint8, the largest first.

        Raises:
            UserError: it is said to be framed and not square.
        """
        if not self._options.framed:
            return self._detector.detect(picture)
        height, width = picture.shape[:2]
        if abs(width / height - 1) > _SQUARE:
            raise UserError(f"is {width}x{height}, so it is no framed face; leave out --framed")
        return [DetectedFace(1.0, (0.0, 0.0, width, height), Frame(width / 2, height / 2, min(height, width)))]

    def edit(
        self, photographs: Sequence[Photograph], recipes: Sequence[NamedRecipe]
    ) -> tuple[list[EditedPhotograph], list[Failure]]:
        """Every photograph by every recipe.

        Returns:
            Results, photograph by photograph, and what could not be done.
        """
        crops = _Crops(lambda pictures: self._batched(self._parser.parse, pictures))
        failures: list[Failure] = []
        planned: list[tuple[EditedPhotograph, list[DetectedFace]]] = []
        for photograph in photographs:
            for recipe in recipes:
                one = EditedPhotograph(photograph, recipe, photograph.picture, [])
                with _failing(one, failures):
                    planned.append((one, choose_faces(photograph.faces, recipe.recipe.face, photograph.key)))
        self._anonymise(crops, [(one, faces) for one, faces in planned if one.anonymise], failures)
        planned = [(one, faces) for one, faces in planned if not one.failed]
        for stage in (self._cut, self._edit_masks):
            done = []
            for one, faces in planned:
                with _failing(one, failures):
                    stage(crops, one, faces)
                    done.append((one, faces))
            crops.parse()
            planned = done
        results = [one for one, _ in planned]
        self._render(results)
        results = self._paint(results, failures)
        self._measures.measure(results, self._batched, self._parser)
        return results, failures

    def _anonymise(
        self, crops: _Crops, planned: list[tuple[EditedPhotograph, list[DetectedFace]]], failures: list[Failure]
    ) -> None:
        """Draw faces anew, one by one: how often the network is asked depends on the face."""
        for one, faces in planned:
            with _failing(one, failures):
                for face in faces:
                    crops.add(one.picture, face.frame)
        crops.parse()
        for one, faces in planned:
            picture = one.picture
            with _failing(one, failures):
                for number, face in enumerate(faces):
                    crop, before = crops.get(one.photograph.picture, face.frame)
                    for options in one.anonymise:
                        with errors_of(one.name_of(face)):
                            drawn = self._anonymiser(crop, before, options, number)
                    picture = paste_back(picture, face.frame, crop, drawn.picture)
                    one.faces.append(FaceEdit(face, face.frame, crop, before, drawn.label_map, drawn))
                one.picture = picture
            one.failed = len(one.faces) < len(faces)

    @cached_property
    def _anonymiser(self) -> Anonymiser:
        return Anonymiser(self._renderer, open_recogniser())

    def _cut(self, crops: _Crops, one: EditedPhotograph, faces: Sequence[DetectedFace]) -> None:
        if not one.is_drawn:
            for face in faces:
                crops.add(one.picture, frame_of_edits(face, one.mask_edits or one.looks))

    def _edit_masks(self, crops: _Crops, one: EditedPhotograph, faces: Sequence[DetectedFace]) -> None:
        if one.is_drawn:
            return
        anonymised = [face.anonymised for face in one.faces] or [None] * len(faces)
        one.faces = []
        for face, drawn in zip(faces, anonymised, strict=True):
            frame = frame_of_edits(face, one.mask_edits or one.looks)
            crop, before = crops.get(one.picture, frame)
            with errors_of(one.name_of(face)):
                after = apply_edits(before, one.mask_edits, frame.side / face.frame.side)
            one.faces.append(FaceEdit(face, frame, crop, before, after, drawn))

    def _render(self, results: Sequence[EditedPhotograph]) -> None:
        """Render the faces whose masks changed, and put them back."""
        changed = [
            (one, face)
            for one in results
            for face in one.faces
            if not one.is_drawn and not np.array_equal(face.before, face.after)
        ]
        # Recipes share crops, and so the network's view of them.
        sharing = grouped(changed, lambda entry: id(entry[1].crop))
        for same_size in grouped(sharing, lambda entries: self._renderer.working_size(entries[0][1].before)):
            for crops in batches(same_size, self._options.batch_size):
                self._render_crops(crops)
        for one, face in changed:
            assert face.rendered is not None
            one.picture = paste_back(one.picture, face.frame, face.crop, face.rendered)

    def _render_crops(self, crops: Sequence[Sequence[tuple[EditedPhotograph, FaceEdit]]]) -> None:
        """Render all edits of some crops of one size; what the network knows of these is dropped with them."""
        firsts = [entries[0][1] for entries in crops]
        styles = self._renderer.encode_batch([face.crop for face in firsts], [face.before for face in firsts])
        edits = []
        for number, (entries, first) in enumerate(zip(crops, firsts, strict=True)):
            model = FaceModel(first.crop, first.before, self._renderer, styles[number : number + 1])
            edits += [(one, face, Edit(model, face.after)) for one, face in entries]
        for together in batches(edits, self._options.batch_size):
            images = generate([edit for _, _, edit in together])
            for (one, face, edit), image in zip(together, images, strict=True):
                rendered = finish(edit, image)
                face.rendered = lock_pixels(face.crop, rendered, (face.before, face.after), one.mask_edits)

    def _paint(self, results: list[EditedPhotograph], failures: list[Failure]) -> list[EditedPhotograph]:
        """Paint the colours; results that lack what is to be coloured become failures."""
        frames = {
            id(face): frame
            for one in results
            for face in one.faces
            if one.looks and (frame := frame_of_edits(face.face, one.looks)) != face.frame
        }
        # In another frame than that of the other edits, the face is parsed again.
        again = [
            (face, crop_face(one.picture, frames[id(face)]))
            for one in results
            for face in one.faces
            if id(face) in frames
        ]
        parsed = self._batched(self._parser.parse, [crop for _, crop in again])
        masks = {id(face): label_map for (face, _), label_map in zip(again, parsed, strict=True)}
        kept = []
        for one in results:
            with _failing(one, failures):
                for face in one.faces if one.looks else ():
                    frame = frames.get(id(face), face.frame)
                    crop = crop_face(one.picture, frame)
                    with errors_of(one.name_of(face.face)):
                        painted = paint_looks(crop, masks.get(id(face), face.after), one.looks)
                    one.picture = paste_back(one.picture, frame, crop, painted)
                kept.append(one)
        return kept

    def _batched(self, network: Callable[[list[ItemT]], Iterable[ResultT]], items: Sequence[ItemT]) -> list[ResultT]:
        return [result for batch in batches(items, self._options.batch_size) for result in network(batch)]


class _Crops:
    """What frames show of pictures, and the masks there; each cut and parsed once, whatever recipes need it."""

    def __init__(self, parse: Callable[[list[Picture]], list[LabelMap]]) -> None:
        self._parse = parse
        self._pictures: dict[int, Picture] = {}  # held, so that no other gets their ids
        self._crops: dict[tuple[int, Frame], Picture] = {}
        self._masks: dict[tuple[int, Frame], LabelMap] = {}

    def add(self, picture: Picture, frame: Frame) -> None:
        """Cut out what a frame shows.

        Raises:
            UserError: as for ``crop_face``.
        """
        place = (id(picture), frame)
        if place not in self._crops:
            self._crops[place] = crop_face(picture, frame)
            self._pictures[id(picture)] = picture

    def parse(self) -> None:
        """Parse what was added since the last time."""
        places = [place for place in self._crops if place not in self._masks]
        self._masks |= zip(places, self._parse([self._crops[place] for place in places]), strict=True)

    def get(self, picture: Picture, frame: Frame) -> tuple[Picture, LabelMap]:
        """Crop and mask, S x S x 3 and S x S uint8."""
        place = (id(picture), frame)
        return self._crops[place], self._masks[place]


@contextmanager
def _failing(one: EditedPhotograph, failures: list[Failure]) -> Iterator[None]:
    """Note what cannot be done in the block, and go on."""
    try:
        yield
    except UserError as error:
        key = one.photograph.key
        failures.append(Failure(key, one.recipe.name, str(error).removeprefix(f"{key}: ")))

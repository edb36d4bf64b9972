"""A photograph in, a photograph out: faces found, framed, parsed, edited by name and put back in their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite
from typing import Literal

import numpy as np

from maskgan.editing.anonymise import Anonymise, AnonymiseOptions
from maskgan.editing.anonymiser import Anonymised, Anonymiser
from maskgan.editing.face_detection import DetectedFace, FaceDetector
from maskgan.editing.framing import Frame, crop_face, paste_back
from maskgan.editing.label_patch import LabelPatch
from maskgan.editing.looks import Look
from maskgan.editing.named_edits import Amount, NamedEdit
from maskgan.editing.parsing import Parser
from maskgan.editing.recognition import open_recogniser
from maskgan.editing.session import FaceEditor
from maskgan.errors import UserError, errors_of
from maskgan.face_parts import BACKGROUND, HAIR, HAT
from maskgan.images import Picture
from maskgan.labels import LabelMap

WIDE = 1.4
"""Side of the frame for hair and hats, in sides of a face's frame."""

AppliedEdit = tuple[NamedEdit | Look | LabelPatch | Anonymise, Amount]
"""A named edit and how much of it, a look and its colour, painted labels, or how a face is drawn anew."""


@dataclass(frozen=True, eq=False)
class EditedFace:
    """What was done to one face."""

    face: DetectedFace
    before: LabelMap
    """Its mask as parsed, S x S uint8, in ``frame``."""
    after: LabelMap
    """The edited mask, S x S uint8."""
    frame: Frame
    """Where it was parsed, see ``frame_of_edits``."""
    anonymised: Anonymised | None = None
    """How it was drawn anew, in the face's own frame, before all else."""


class PhotographEditor:
    """Edits faces in whole photographs by name."""

    def __init__(self, editor: FaceEditor, detector: FaceDetector, parser: Parser) -> None:
        self._editor = editor
        self._detector = detector
        self._parser = parser

    def faces(self, picture: Picture) -> list[DetectedFace]:
        """The faces of a photograph (H x W x 3 uint8), the largest first."""
        return self._detector.detect(picture)

    def edit(
        self,
        picture: Picture,
        faces: Sequence[DetectedFace],
        edits: Sequence[AppliedEdit],
        numbers: Sequence[int] | None = None,
    ) -> tuple[Picture, list[EditedFace]]:
        """Edit faces, and put them back.

        Args:
            picture: H x W x 3 uint8.
            faces: which of those that ``faces`` found.
            edits: those that draw faces anew first, then others of the mask in turn, then colours.
            numbers: what messages call each of ``faces``; ``None``: 1, 2, ...

        Returns:
            The photograph, H x W x 3 uint8, with every pixel as it was that no edit may change; and what was done.

        Raises:
            UserError: a face lacks what an edit needs; the message begins with the face's number.
        """
        mask_edits = [pair for pair in edits if not isinstance(pair[0], Look | Anonymise)]
        looks = [pair for pair in edits if isinstance(pair[0], Look)]
        anonymise = [amount for edit, amount in edits if isinstance(edit, Anonymise)]
        edited = []
        for number, face in enumerate(faces):
            with errors_of(f"face {number + 1 if numbers is None else numbers[number]}"):
                picture, done = self._edit_face(picture, face, number, (anonymise, mask_edits, looks))
            edited.append(done)
        return picture, edited

    def _edit_face(
        self,
        picture: Picture,
        face: DetectedFace,
        number: int,
        edits: tuple[Sequence[Amount], Sequence[AppliedEdit], Sequence[AppliedEdit]],
    ) -> tuple[Picture, EditedFace]:
        anonymise, mask_edits, looks = edits
        anonymised = None
        for amount in anonymise:
            crop = crop_face(picture, face.frame)
            before = self._parser(crop)
            anonymised = self._anonymiser(crop, before, AnonymiseOptions.parse(str(amount)), number)
            picture = paste_back(picture, face.frame, crop, anonymised.picture)
        if anonymised is not None and not mask_edits and not looks:
            return picture, EditedFace(face, before, anonymised.label_map, face.frame, anonymised)
        frame = frame_of_edits(face, mask_edits or looks)
        crop = crop_face(picture, frame)
        before = self._parser(crop)
        after = apply_edits(before, mask_edits, frame.side / face.frame.side)
        if not np.array_equal(before, after):
            picture = paste_back(picture, frame, crop, self._render(crop, before, after, mask_edits))
        picture = self._paint_looks(picture, EditedFace(face, before, after, frame), looks)
        return picture, EditedFace(face, before, after, frame, anonymised)

    @cached_property
    def _anonymiser(self) -> Anonymiser:
        return Anonymiser(self._editor.renderer, open_recogniser())

    def _render(self, crop: Picture, before: LabelMap, after: LabelMap, edits: Sequence[AppliedEdit]) -> Picture:
        self._editor.set_source(crop, before)
        self._editor.set_mask(after)
        return lock_pixels(crop, self._editor.render(), (before, after), edits)

    def _paint_looks(self, picture: Picture, edited: EditedFace, looks: Sequence[AppliedEdit]) -> Picture:
        if not looks:
            return picture
        frame = frame_of_edits(edited.face, looks)
        crop = crop_face(picture, frame)
        # In another frame than that of the other edits, the face is parsed again.
        label_map = edited.after if frame == edited.frame else self._parser(crop)
        return paste_back(picture, frame, crop, paint_looks(crop, label_map, looks))


def frame_of_edits(face: DetectedFace, edits: Sequence[AppliedEdit]) -> Frame:
    """The frame in which edits of a face are made: a wider one where hair or a hat may reach beyond the face's own."""
    wide = any(_reaches_out(edit) for edit, _ in edits)
    return replace(face.frame, side=WIDE * face.frame.side) if wide else face.frame


def _reaches_out(edit: NamedEdit | Look | LabelPatch | Anonymise) -> bool:
    if isinstance(edit, LabelPatch | Anonymise):
        return False  # made in the face's own frame
    if isinstance(edit, Look):
        return HAIR in edit.classes
    return BACKGROUND in edit.ground and bool({HAIR, HAT} & set(edit.part))


def apply_edits(label_map: LabelMap, edits: Sequence[AppliedEdit], frame_side: float = 1.0) -> LabelMap:
    """A mask after named edits and painted labels, one after the other.

    Args:
        label_map: H x W uint8.
        edits: what to do.
        frame_side: side of the mask's frame, in sides of the face's own, in whose middle labels are painted.

    Returns:
        H x W uint8.

    Raises:
        UserError: the face lacks what an edit needs.
    """
    for edit, amount in edits:
        if isinstance(edit, LabelPatch):
            label_map = edit.apply(label_map, frame_side=frame_side)
        else:
            label_map = edit.apply(label_map, amount)
    return label_map


def paint_looks(picture: Picture, label_map: LabelMap, edits: Sequence[AppliedEdit]) -> Picture:
    """A face in the colours of the looks among edits; H x W x 3 uint8 in and out, under its edited mask.

    Raises:
        UserError: the face lacks what is to be coloured.
    """
    for edit, colour in edits:
        if isinstance(edit, Look):
            picture = edit.paint(picture, label_map, str(colour))
    return picture


def lock_pixels(
    picture: Picture, rendered: Picture, masks: tuple[LabelMap, LabelMap], edits: Sequence[AppliedEdit]
) -> Picture:
    """What was rendered, with the pixels of the picture wherever no edit may change them.

    Args:
        picture: H x W x 3 uint8.
        rendered: the same face edited, H x W x 3 uint8.
        masks: before and after, H x W uint8 each.
        edits: what was applied.
    """
    before, after = masks
    classes = sorted({label for edit, amount in edits if amount != 0 for label in edit.classes})
    free = (before != after) | (np.isin(before, classes) & np.isin(after, classes))
    return np.where(free[..., None], rendered, picture)


def choose_faces(faces: Sequence[DetectedFace], which: str, name: str) -> list[DetectedFace]:
    """The faces that ``--face`` names.

    Args:
        faces: those found, the largest first.
        which: ``largest``, ``all``, a number from 1, or ``X,Y``, a place in the photograph.
        name: of the photograph, for messages.

    Raises:
        UserError: there is no face, none of that number, or none at that place.
    """
    if not faces:
        raise UserError(f"{name}: no face was found")
    choice = parse_face_choice(which)
    if choice == "all":
        return list(faces)
    if isinstance(choice, int):
        if choice > len(faces):
            raise UserError(f"{name}: face {which} was asked for, {len(faces)} found; 'maskgan faces' lists them")
        return [faces[choice - 1]]
    x, y = choice
    for face in faces:
        left, top, width, height = face.box
        if left <= x <= left + width and top <= y <= top + height:
            return [face]
    raise UserError(f"{name}: no face was found at {which}; 'maskgan faces' lists their places")


def parse_face_choice(which: str, option: str = "--face") -> Literal["all"] | int | tuple[float, float]:
    """``largest`` (which is number 1), ``all``, a number from 1, or ``X,Y``.

    Raises:
        UserError: it is none of these; ``option`` names what was given.
    """
    if which == "all":
        return "all"
    if which == "largest":
        return 1
    try:
        values = [float(number) for number in which.split(",")]
    except ValueError:
        values = []
    if len(values) == 1 and values[0].is_integer() and values[0] >= 1:
        return int(values[0])
    if len(values) == 2 and all(map(isfinite, values)):
        return values[0], values[1]
    raise UserError(f"{option} takes largest, all, a number from 1, or X,Y, not {which[:40]!r}")

"""Named edits that the page has in force: read from requests, applied to masks and pictures, shown as thumbnails."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from maskgan.editing.framing import crop_face, paste_back
from maskgan.editing.looks import Look
from maskgan.editing.named_edits import Amount, NamedEdit, parse_edit
from maskgan.editing.photographs import WIDE, AppliedEdit, lock_pixels
from maskgan.errors import UserError
from maskgan.face_parts import HAIR, bounding_box
from maskgan.images import Picture, resize_label_map, resize_picture
from maskgan.labels import LabelMap
from maskgan.server.uploads import Photograph

MAX_TEXT = 2048
"""Characters of the edits in a request."""

_DEFAULT = 0.7  # of the greatest amount: what one click applies
_CLOSE_UP = 1.7  # side of a thumbnail's frame, in sizes of what changes
_LEAST_FRAME = 0.34  # of the mask's shorter side


@dataclass(frozen=True)
class EditsInForce:
    """The named edits that led to a mask, and whether they alone did."""

    edits: tuple[AppliedEdit, ...] = ()
    locked: bool = False
    """Whether pixels of classes that no edit changes keep the photograph's."""

    @classmethod
    def parse(cls, text: str | None, locked: bool = False) -> EditsInForce:
        """Edits as ``NAME=AMOUNT``, separated by commas.

        Raises:
            UserError: there is no such edit, or an amount is out of range.
        """
        return cls(tuple(parse_edit(part) for part in text.split(",")) if text else (), locked)

    @property
    def has_looks(self) -> bool:
        """Whether something is coloured."""
        return any(isinstance(edit, Look) for edit, _ in self.edits)

    @property
    def reach_out(self) -> bool:
        """Whether hair is coloured, which may reach beyond the face's frame."""
        return any(isinstance(edit, Look) and HAIR in edit.classes for edit, _ in self.edits)

    @property
    def changes_picture(self) -> bool:
        """Whether a rendered picture still has to be changed."""
        return self.locked or self.has_looks

    def apply(self, label_map: LabelMap) -> LabelMap:
        """A mask after the edits, one after the other.

        Args:
            label_map: H x W uint8; it stays as it is.

        Raises:
            UserError: the face lacks what an edit needs; the message begins with the edit's name.
        """
        for edit, amount in self.edits:
            try:
                label_map = edit.apply(label_map, amount)
            except UserError as error:
                text = str(error)
                raise UserError(text if text.startswith(edit.name) else f"{edit.name}: {text}") from None
        return label_map

    def lock(self, picture: Picture, rendered: Picture, before: LabelMap, after: LabelMap) -> Picture:
        """What was rendered, with the photograph's pixels where no edit may change them.

        Args:
            picture: H x W x 3 uint8, the photograph.
            rendered: the same size.
            before: the photograph's mask, h x w uint8.
            after: the edited mask, h x w uint8.
        """
        if not self.locked:
            return rendered
        size = picture.shape[0], picture.shape[1]
        masks = resize_label_map(before, size), resize_label_map(after, size)
        return lock_pixels(picture, rendered, masks, self.edits)

    def paint(self, picture: Picture, label_map: LabelMap) -> Picture:
        """The picture in the colours that were chosen; a part that the mask does not show has none.

        Args:
            picture: H x W x 3 uint8.
            label_map: its mask, h x w uint8 of the same proportions.
        """
        looks = [(edit, colour) for edit, colour in self.edits if isinstance(edit, Look)]
        if not looks:
            return picture
        fitting = resize_label_map(label_map, (picture.shape[0], picture.shape[1]))
        for look, colour in looks:
            if np.isin(fitting, look.classes).any():
                picture = look.paint(picture, fitting, str(colour))
        return picture

    def finish(self, picture: Picture, rendered: Picture, before: LabelMap, after: LabelMap) -> Picture:
        """``lock`` and ``paint``."""
        return self.paint(self.lock(picture, rendered, before, after), after)


def one_click(edit: NamedEdit, choice: str | None = None) -> Amount:
    """The amount that a click applies, and that a thumbnail shows.

    Raises:
        UserError: the edit has no such choice.
    """
    if choice is not None:
        return edit.check(choice)
    return edit.check(None) if edit.choices or edit.switch else round(_DEFAULT * edit.high, 2)


def close_up(picture: Picture, before: LabelMap, after: LabelMap, part: tuple[int, ...], side: int) -> Picture:
    """A thumbnail of what an edit changes.

    Args:
        picture: H x W x 3 uint8, edited.
        before: its mask before the edit, h x w uint8 of the same proportions.
        after: its mask after the edit.
        part: classes that the edit moves.
        side: of the thumbnail.

    Returns:
        side x side x 3 uint8.
    """
    height, width = before.shape
    box = bounding_box((before != after) | np.isin(after, part)) or (0, height, 0, width)
    top, bottom, left, right = box
    wanted = max(_CLOSE_UP * max(bottom - top, right - left), _LEAST_FRAME * min(height, width))
    frame = min(wanted, min(height, width))
    row = min(max((top + bottom - frame) / 2, 0), height - frame)
    column = min(max((left + right - frame) / 2, 0), width - frame)
    scale = picture.shape[0] / height
    first_row, first_column, length = round(row * scale), round(column * scale), max(round(frame * scale), 1)
    cut = picture[first_row : first_row + length, first_column : first_column + length]
    return resize_picture(np.ascontiguousarray(cut), (side, side))


def wide_crop(photograph: Photograph, changed: Picture) -> Photograph:
    """A wider frame of a changed photograph: hair reaches beyond the one that the network knows."""
    frame = replace(photograph.frame, side=WIDE * photograph.frame.side)
    return Photograph(photograph.source, frame, crop_face(changed, frame))


def paint_wide(edits: EditsInForce, wide: Photograph, parsed: LabelMap, inner: LabelMap, changed: Picture) -> Picture:
    """A photograph in the colours that were chosen, also beyond the face's frame.

    Args:
        edits: what is in force.
        wide: as ``wide_crop`` gives it.
        parsed: the mask of ``wide.cut``, h x w uint8 of the same proportions.
        inner: the face's edited mask, S x S uint8, the middle of the wide one.
        changed: H x W x 3 uint8, the photograph with all other edits.

    Returns:
        H x W x 3 uint8.
    """
    side = round(WIDE * inner.shape[0])
    label_map = resize_label_map(parsed, (side, side)).copy()
    start = (side - inner.shape[0]) // 2
    label_map[start : start + inner.shape[0], start : start + inner.shape[0]] = inner
    return paste_back(changed, wide.frame, wide.cut, edits.paint(wide.cut, label_map))

"""What a session holds of a face: the photograph at the sizes that are asked for, and what was computed from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from torch import Tensor

from maskgan.editing.compositing import Unedited
from maskgan.images import Picture, resize_picture
from maskgan.labels import LabelMap


@dataclass(frozen=True)
class Face:
    """A face to edit; sessions may share it, so nothing in it changes."""

    picture: Picture
    """The photograph, as large as results are to be."""
    display: Picture
    """The same as the page shows it."""
    preview: Picture
    """The same as previews show it."""
    label_map: LabelMap
    """Its own mask, of the size that page and server exchange."""
    style: Tensor
    """Its style code, 1 x style_size."""
    unedited: Unedited
    """What compositing needs to know of it."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of its label maps."""
        return self.label_map.shape[0], self.label_map.shape[1]

    @cached_property
    def nbytes(self) -> int:
        """Memory that it takes."""
        arrays = (self.picture, self.display, self.preview, self.label_map, self.unedited.small_label_map)
        return _nbytes(arrays) + _nbytes(
            getattr(self.unedited, f.name).numpy()
            for f in fields(self.unedited)
            if isinstance(getattr(self.unedited, f.name), Tensor)
        )


@dataclass(frozen=True)
class StyleReference:
    """A face whose look is borrowed."""

    picture: Picture
    label_map: LabelMap
    code: Tensor  # 1 x style_size

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return _nbytes((self.picture, self.label_map))


def shrunk(picture: Picture, side: int) -> Picture:
    """The picture, its longer side ``side`` at most; itself if it is small enough."""
    longer = max(picture.shape[:2])
    if longer <= side:
        return picture
    height, width = (max(round(length * side / longer), 1) for length in picture.shape[:2])
    return resize_picture(picture, (height, width))


def _nbytes(arrays: Iterable[np.ndarray]) -> int:
    return sum({id(array): array.nbytes for array in arrays}.values())

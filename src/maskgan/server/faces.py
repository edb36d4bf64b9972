"""What a session holds of a face: the photograph at the sizes that are asked for, and what was computed from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from torch import Tensor

from maskgan.editing.compositing import SourceAnalysis
from maskgan.editing.renderer import Renderer
from maskgan.images import Picture, resize_picture
from maskgan.labels import LabelMap


@dataclass(frozen=True)
class FaceModel:
    """What makes a face's pictures: the server's network, or one that was fitted to its photograph."""

    renderer: Renderer
    style: Tensor
    """The face's style code for this renderer, 1 x style_size."""
    analysis: SourceAnalysis
    """What compositing needs to know of the face and of the renderer's picture of it."""
    private_bytes: int = 0
    """Memory of those layers of the network that are this face's alone."""

    @cached_property
    def nbytes(self) -> int:
        """Memory that it takes, but for the face's own mask."""
        tensors = (getattr(self.analysis, f.name) for f in fields(self.analysis))
        arrays = [tensor.numpy() for tensor in tensors if isinstance(tensor, Tensor)]
        return self.private_bytes + self.style.nbytes + _nbytes([self.analysis.small_label_map, *arrays])


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
    model: FaceModel
    """What makes its pictures where it was not fitted."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of its label maps."""
        return self.label_map.shape[0], self.label_map.shape[1]

    @cached_property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return _nbytes((self.picture, self.display, self.preview, self.label_map)) + self.model.nbytes


@dataclass(frozen=True)
class StyleReference:
    """A face whose look is borrowed."""

    picture: Picture
    label_map: LabelMap
    code: Tensor  # 1 x style_size; fitted renderers read it too, for they share the encoder
    colours: Tensor  # of its classes, as compositing's class_colours gives them

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return _nbytes((self.picture, self.label_map))


def downscale(picture: Picture, side: int) -> Picture:
    """The picture, its longer side ``side`` at most; itself if it is small enough."""
    longer = max(picture.shape[:2])
    if longer <= side:
        return picture
    height, width = (max(round(length * side / longer), 1) for length in picture.shape[:2])
    return resize_picture(picture, (height, width))


def _nbytes(arrays: Iterable[np.ndarray]) -> int:
    return sum({id(array): array.nbytes for array in arrays}.values())

"""What a session holds of a face: the photograph at the sizes that are asked for, and the network's view of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from maskgan.editing.face_model import FaceModel
from maskgan.images import Picture, SourceImage, resize_picture
from maskgan.labels import LabelMap


@dataclass(frozen=True, eq=False)
class Face:
    """A face to edit; sessions may share it, so nothing in it changes but for what is kept of it."""

    source: SourceImage
    """The photograph, as large as results are to be, with what its file carries."""
    model: FaceModel
    """Its picture, and the network that is not refined."""
    display: Picture
    """The photograph as the page shows it."""
    preview: Picture
    """The photograph as previews show it."""
    thumbnails: dict[str, bytes] = field(default_factory=dict)
    """JPEGs of the face with each named edit, by what was applied; made when they are asked for."""

    @property
    def picture(self) -> Picture:
        """The photograph, H x W x 3 uint8."""
        return self.model.picture

    @property
    def label_map(self) -> LabelMap:
        """Its own mask, of the size that page and server exchange."""
        return self.model.label_map

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of its label maps."""
        return self.label_map.shape[0], self.label_map.shape[1]

    @cached_property
    def nbytes(self) -> int:
        """Memory that it takes; a picture that is small enough is its own preview."""
        pictures = {id(picture): picture.nbytes for picture in (self.display, self.preview)}
        pictures.pop(id(self.picture), None)
        return self.source.nbytes + sum(pictures.values()) + self.label_map.nbytes + self.model.nbytes


def downscale(picture: Picture, side: int) -> Picture:
    """The picture, its longer side ``side`` at most; itself if it is small enough."""
    longer = max(picture.shape[:2])
    if longer <= side:
        return picture
    height, width = (max(round(length * side / longer), 1) for length in picture.shape[:2])
    return resize_picture(picture, (height, width))

"""The networks behind a server. Its methods take long and are called on the inference thread alone.

The detector of faces is small and stays on the CPU; it is called on the threads that decode.

What an edit means is said in ``maskgan.editing.pipeline``; here results are kept, and renders of several people share
a pass of the network.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from maskgan.editing.face_detection import FaceDetector
from maskgan.editing.face_model import FaceModel, analyse_face
from maskgan.editing.mask_manifold import MaskManifold
from maskgan.editing.parsing import Parser
from maskgan.editing.pipeline import (
    Edit,
    StyleCopy,
    StyleReference,
    encode_reference,
    finish,
    generate,
    refined_model,
    style_copy,
)
from maskgan.editing.refinement import Refinement
from maskgan.editing.renderer import Renderer, require_same_proportions
from maskgan.face_parts import SKIN
from maskgan.images import Picture, SourceImage, resize_label_map, resize_picture
from maskgan.labels import LabelMap
from maskgan.server.faces import Face, downscale
from maskgan.server.limits import DISPLAY_SIDE, MAP_SIDE, PREVIEW_SIDE

_WARM_UP_SIDE = 32  # pixels of a label map that the edit which warms up paints


class RenderCache:
    """The network's last picture of a session's face: when the pen rests, only its size and exactness change."""

    def __init__(self) -> None:
        self._last: tuple[Edit, Tensor] | None = None

    def get(self, edit: Edit) -> Tensor | None:
        """The picture, 1 x 3 x h x w, if it is of this edit."""
        return self._last[1] if self._last is not None and self._last[0].same_network_input(edit) else None

    def put(self, edit: Edit, generated: Tensor) -> None:
        """Remember a picture in place of the one before."""
        self._last = (edit, generated)


@dataclass(frozen=True)
class RenderRequest:
    """One picture to render."""

    edit: Edit
    canvas: Picture
    """The photograph at the size of the result, H x W x 3 uint8."""
    cache: RenderCache


class InferenceService:
    """Parses, encodes and renders faces, and moves masks."""

    def __init__(self, renderer: Renderer, parser: Parser, manifold: MaskManifold, detector: FaceDetector) -> None:
        self._renderer = renderer
        self.detector = detector
        self.parser = parser
        self.manifold = manifold

    def face(self, source: SourceImage, label_map: LabelMap | None) -> Face:
        """Compute once what every edit of a face needs.

        Args:
            source: the photograph.
            label_map: its own mask, of the same proportions; ``None``: it is parsed.

        Raises:
            UserError: mask and picture have other proportions, or a label is over 18.
        """
        picture = source.picture
        model = analyse_face(self._renderer, picture, self.fit_label_map(picture, label_map))
        model.prepare()
        return Face(source, model, downscale(picture, DISPLAY_SIDE), downscale(picture, PREVIEW_SIDE))

    def start_refinement(self, face: Face, steps: int) -> Refinement:
        """What refines the network, or its style of a face, to the photograph, step by step.

        Raises:
            UserError: the number of steps is out of range.
        """
        return self._renderer.start_refinement(face.picture, face.label_map, steps, self.parser.network)

    def refined_model(self, face: Face, refinement: Refinement) -> FaceModel:
        """The face with what a refinement gave, which ends with this."""
        model = refined_model(face.model, refinement)
        model.prepare()
        return model

    def reference(self, picture: Picture, label_map: LabelMap | None) -> StyleReference:
        """Encode a style, kept and encoded at the size of the display, so that a saved project gives the same code.

        Args:
            picture: H x W x 3 uint8.
            label_map: its own mask, of the same proportions; ``None``: it is parsed.

        Raises:
            UserError: mask and picture have other proportions, or a label is over 18.
        """
        picture = downscale(picture, DISPLAY_SIDE)
        return encode_reference(self._renderer, picture, self.fit_label_map(picture, label_map))

    @property
    def has_part_styles(self) -> bool:
        """Whether styles of single parts can be copied."""
        return self._renderer.has_part_styles

    def style_parts(self, names: Iterable[str]) -> tuple[int, ...]:
        """The classes of these names, whose styles can be copied alone; errors as for ``Renderer.style_parts``."""
        return self._renderer.style_parts(names)

    def style_copy(
        self, reference: StyleReference, strength: float, parts: Iterable[int] | None = None
    ) -> StyleCopy | None:
        """A checked style copy; arguments and errors as for ``pipeline.style_copy``."""
        return style_copy(self._renderer, reference, strength, parts)

    def render(self, requests: Sequence[RenderRequest]) -> list[Picture]:
        """A picture for each request, of the size of its canvas; all have one ``batch_key``."""
        generated = {id(request): request.cache.get(request.edit) for request in requests}
        missing = [r for r in requests if generated[id(r)] is None and not r.edit.region.is_empty]
        for request, image in zip(missing, generate([request.edit for request in missing]), strict=True):
            generated[id(request)] = image
            request.cache.put(request.edit, image)
        return [finish(r.edit, generated[id(r)], r.canvas) for r in requests]

    def batch_key(self, request: RenderRequest) -> Hashable:
        """Requests with one key can be rendered together."""
        return request.edit.batch_key

    def warm_up(self) -> None:
        """Render an edit and its preview, so that the first person's stroke does not wait for the libraries."""
        blank = np.zeros((MAP_SIDE, MAP_SIDE), dtype=np.uint8)
        face = self.face(SourceImage.plain(np.zeros((MAP_SIDE, MAP_SIDE, 3), dtype=np.uint8)), blank)
        edited, middle = blank.copy(), MAP_SIDE // 2
        edited[middle : middle + _WARM_UP_SIDE, middle : middle + _WARM_UP_SIDE] = SKIN
        cache = RenderCache()
        for model, canvas in ((face.model.preview, face.preview), (face.model, face.display)):
            self.render([RenderRequest(Edit(model, edited), canvas, cache)])

    def fit_label_map(self, picture: Picture, label_map: LabelMap | None) -> LabelMap:
        """The mask given, or else parsed, at the size that page and server exchange."""
        size = map_size(picture)
        if label_map is None:
            return self.parser(resize_picture(picture, size))
        require_same_proportions(picture, label_map)
        return resize_label_map(label_map, size)


def map_size(picture: Picture) -> tuple[int, int]:
    """Height and width of a picture's label map."""
    scale = MAP_SIDE / max(picture.shape[:2])
    return max(round(picture.shape[0] * scale), 1), max(round(picture.shape[1] * scale), 1)

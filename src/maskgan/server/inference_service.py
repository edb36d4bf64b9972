"""The networks behind a server. Its methods take long and are called on the inference thread alone."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from maskgan.editing.compositing import PartStyle, analyse_source, class_colours, composite
from maskgan.editing.mask_manifold import MaskManifold
from maskgan.editing.parsing import Parser
from maskgan.editing.refinement import Refinement
from maskgan.editing.renderer import Renderer, require_same_proportions
from maskgan.editing.session import Blend
from maskgan.images import Picture, resize_label_map, resize_picture
from maskgan.labels import LabelMap
from maskgan.server.faces import Face, FaceModel, StyleReference, downscale
from maskgan.server.limits import DISPLAY_SIDE, MAP_SIDE, PREVIEW_SIDE


@dataclass(frozen=True)
class Edit:
    """What a person did to a face; it decides the network's picture."""

    label_map: LabelMap
    model: FaceModel
    reference: StyleReference | None
    strength: float  # how much of the reference's style is mixed in, 0..1
    parts: tuple[int, ...] | None = None  # classes whose style alone it is; None: the style of everything

    @property
    def part_style(self) -> PartStyle | None:
        """What has the reference's look, where that is not everything."""
        if self.reference is None or self.strength == 0 or self.parts is None:
            return None
        return PartStyle(self.parts, self.strength, self.reference.colours)

    @property
    def changes_everything(self) -> bool:
        """Whether all of the face gets something of the reference's look."""
        return self.reference is not None and self.strength > 0 and self.parts is None

    def same_as(self, other: Edit) -> bool:
        """Whether both give one picture."""
        return (
            self.model is other.model
            and self.reference is other.reference
            and self.strength == other.strength
            and self.parts == other.parts
            and np.array_equal(self.label_map, other.label_map)
        )


class RenderCache:
    """The network's last picture of a session's face: when the pen rests, only its size and exactness change."""

    def __init__(self) -> None:
        self._last: tuple[Edit, Tensor] | None = None

    def get(self, edit: Edit) -> Tensor | None:
        """The picture, 1 x 3 x h x w, if it is of this edit."""
        last = self._last
        return last[1] if last is not None and last[0].same_as(edit) else None

    def keep(self, edit: Edit, made: Tensor) -> None:
        """Remember a picture in place of the one before."""
        self._last = (edit, made)


@dataclass(frozen=True)
class RenderRequest:
    """One picture to make."""

    face: Face
    edit: Edit
    blend: Blend
    canvas: Picture  # the photograph at the size that the result is to have
    enhance: bool  # whether it is worth the time to give it detail
    recent: RenderCache


class InferenceService:
    """Parses, encodes and renders faces, and moves masks."""

    def __init__(self, renderer: Renderer, parser: Parser, manifold: MaskManifold) -> None:
        self._renderer = renderer
        self.parser = parser
        self.manifold = manifold

    def face(self, picture: Picture, label_map: LabelMap | None) -> Face:
        """Compute once what every edit of a face needs.

        Args:
            picture: H x W x 3 uint8.
            label_map: its own mask, of the same proportions; ``None``: it is parsed.

        Raises:
            UserError: mask and picture have other proportions, or a label is over 18.
        """
        label_map = self.fitted(picture, label_map)
        style = self._renderer.encode(picture, label_map)
        model = _face_model(picture, label_map, self._renderer, style)
        return Face(picture, downscale(picture, DISPLAY_SIDE), downscale(picture, PREVIEW_SIDE), label_map, model)

    def refinement(self, face: Face, steps: int) -> Refinement:
        """What fits the network to a face's photograph, step by step.

        Raises:
            UserError: the number of steps is out of range.
        """
        return self._renderer.refinement(face.picture, face.label_map, steps, self.parser.network)

    def refined_model(self, face: Face, refinement: Refinement) -> FaceModel:
        """What makes a face's pictures after a refinement, which ends with this."""
        refined = refinement.result()
        renderer = self._renderer.fitted(refined)
        return _face_model(face.picture, face.label_map, renderer, refined.style, refined.nbytes)

    def reference(self, picture: Picture, label_map: LabelMap | None) -> StyleReference:
        """Encode a style; arguments and errors as for ``face``.

        Kept and encoded at the size of the display, so that a saved project gives the same code again.
        """
        picture = downscale(picture, DISPLAY_SIDE)
        label_map = self.fitted(picture, label_map)
        code = self._renderer.encode(picture, label_map)
        return StyleReference(picture, label_map, code, class_colours(picture, label_map))

    @property
    def has_part_styles(self) -> bool:
        """Whether styles of single parts can be borrowed."""
        return self._renderer.has_part_styles

    def style_parts(self, names: Iterable[str]) -> tuple[int, ...]:
        """The classes of these names, whose styles can be borrowed alone.

        Raises:
            UserError: one is no class, there is none, or the network has no styles of parts.
        """
        return self._renderer.style_parts(names)

    def render(self, requests: Sequence[RenderRequest]) -> list[Picture]:
        """A picture for each request, of the size of its canvas; all are of one ``group``."""
        needed = [request for request in requests if _needs_network(request)]
        known = {id(request): request.recent.get(request.edit) for request in needed}
        unknown = [request for request in needed if known[id(request)] is None]
        if unknown:
            codes = torch.cat([_code(request) for request in unknown])
            made = _renderer(unknown[0]).synthesise([request.edit.label_map for request in unknown], codes)
            for request, image in zip(unknown, made.unsqueeze(1), strict=True):
                known[id(request)] = own = image.clone()  # what is kept must not keep the whole batch
                request.recent.keep(request.edit, own)
        return [_finished(request, known.get(id(request))) for request in requests]

    def batch_key(self, request: RenderRequest) -> Hashable:
        """Requests of one group can be rendered together: they have one renderer and one working size."""
        return _renderer(request), self._renderer.working_size(request.edit.label_map)

    def warm_up(self) -> None:
        """Render once, so that the first person does not wait for the libraries to prepare themselves."""
        blank = np.zeros((MAP_SIDE, MAP_SIDE), dtype=np.uint8)
        self.face(np.zeros((MAP_SIDE, MAP_SIDE, 3), dtype=np.uint8), blank)

    def fitted(self, picture: Picture, label_map: LabelMap | None) -> LabelMap:
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


def _face_model(
    picture: Picture, label_map: LabelMap, renderer: Renderer, style: Tensor, private_bytes: int = 0
) -> FaceModel:
    reconstruction = renderer.synthesise([label_map], style)
    return FaceModel(renderer, style, analyse_source(picture, label_map, reconstruction), private_bytes)


def _renderer(request: RenderRequest) -> Renderer:
    # Where nothing of the face's own style is left, what was fitted knows no other.
    foreign = request.edit.changes_everything and request.edit.strength == 1
    return (request.face if foreign else request.edit).model.renderer


def _code(request: RenderRequest) -> Tensor:
    edit = request.edit
    own = edit.model.style
    if edit.reference is None:
        return own
    return edit.model.renderer.mixed(own, edit.reference.code, edit.strength, edit.parts)


def _is_full(request: RenderRequest) -> bool:
    return request.blend == "full" or request.edit.changes_everything


def _needs_network(request: RenderRequest) -> bool:
    edit = request.edit
    as_it_was = edit.part_style is None and np.array_equal(edit.label_map, request.face.label_map)
    return _is_full(request) or not as_it_was


def _finished(request: RenderRequest, made: Tensor | None) -> Picture:
    if made is None:
        return request.canvas
    edit, renderer = request.edit, _renderer(request)
    if _is_full(request):
        size = (request.canvas.shape[0], request.canvas.shape[1])
        return renderer.picture(made, edit.label_map, size, request.enhance)
    enhance = renderer.enhance if request.enhance else None
    return composite(request.canvas, edit.model.analysis, edit.label_map, made, edit.part_style, enhance)

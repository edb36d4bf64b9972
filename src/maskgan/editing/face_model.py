"""A photograph as a network sees it: what all edits of a face have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import torch
from torch import Tensor

from maskgan.editing.compositing import SourceAnalysis, analyse_source
from maskgan.editing.edit_region import hole_around_mouth
from maskgan.editing.face_network import Context, KnownSources
from maskgan.editing.lenses import lenses_are_tinted
from maskgan.editing.renderer import Renderer
from maskgan.face_parts import GLASSES
from maskgan.images import Picture, resize_picture
from maskgan.labels import LabelMap
from maskgan.pixels import is_grey

# Cached properties that do not depend on the style.
_OF_PHOTOGRAPH = ("working_image", "known_levels", "has_tinted_lenses", "is_grey")


@dataclass(frozen=True, eq=False)
class FaceModel:
    """A photograph, its style, and the network that renders it: the shared one, or one refined to it."""

    picture: Picture
    """H x W x 3 uint8."""
    label_map: LabelMap
    """Its own mask, h x w uint8, of the same proportions."""
    renderer: Renderer
    style: Tensor
    """The face's style code for this renderer, 1 x style_size."""
    private_bytes: int = 0
    """Memory of those layers of the network that belong to this face alone."""
    shares_photograph: bool = False
    """Whether what the network makes of the photograph is another model's memory; see ``with_style``."""

    @cached_property
    def analysis(self) -> SourceAnalysis:
        """How the network reproduces the photograph; costs a pass of the network once."""
        reconstruction = self.renderer.synthesise([self.label_map], self.style)
        return analyse_source(self.picture, self.label_map, reconstruction)

    @cached_property
    def working_image(self) -> Tensor:
        """The photograph at the network's size, 1 x 3 x h x w in [-1, 1]."""
        return self.renderer.image(self.picture, self.label_map)

    @cached_property
    def is_grey(self) -> bool:
        """Whether the photograph is black and white."""
        return is_grey(self.picture)

    @cached_property
    def has_tinted_lenses(self) -> bool:
        """Whether glasses that the face wears change the colour of what is seen through them."""
        if not (self.label_map == GLASSES).any():
            return False
        height, width = self.label_map.shape
        return lenses_are_tinted(resize_picture(self.picture, (height, width)), self.label_map)

    @cached_property
    def known_levels(self) -> Sequence[Tensor]:
        """What the network's encoder makes of the photograph, 1 x C x h x w each; see ``Renderer.known_levels``."""
        return self.renderer.known_levels(self.working_image, self.label_map)

    @property
    def has_known_levels(self) -> bool:
        """Whether ``known_levels`` are computed, so that edits begin with them; for a single edit they do not pay."""
        return "known_levels" in self.__dict__

    @cached_property
    def unedited(self) -> Tensor:
        """What the network draws into ``face_around_mouth`` with the face's own mask, 1 x 3 x h x w in [-1, 1].

        Edits of the mouth tell by it what they change; it is computed with the first of them.
        """
        return _draw_unedited([self])[0]

    @cached_property
    def preview(self) -> FaceModel:
        """The same face for a smaller and faster network that reads the same styles; itself if there is none."""
        if self.renderer.preview is self.renderer:
            return self
        return replace(self, renderer=self.renderer.preview)

    def with_style(self, style: Tensor) -> FaceModel:
        """The same face in another style, 1 x style_size; what does not depend on the style is shared."""
        model = replace(self, style=style, shares_photograph=True)
        vars(model).update({name: vars(self)[name] for name in _OF_PHOTOGRAPH if name in vars(self)})
        if "preview" in vars(self) and self.preview is not self:
            vars(model)["preview"] = self.preview.with_style(style)
        return model

    def prepare(self, preview: bool = True) -> None:
        """Compute now what all edits begin with; ``preview``: for previews of them, too."""
        _ = self.known_levels if self.renderer.uses_context else self.analysis
        if preview and self.preview is not self:
            self.preview.prepare()

    @property
    def generated_bytes(self) -> int:
        """Memory of the network's picture of an edit: float32 RGB."""
        height, width = self.renderer.working_size(self.label_map)
        return 3 * 4 * height * width

    @cached_property
    def nbytes(self) -> int:
        """Memory that it takes once it is prepared and its mouth edited, apart from picture and label map."""
        total = self.private_bytes + self.style.nbytes
        if self.renderer.uses_context:
            models = (self,) if self.preview is self else (self, self.preview)
            # ``unedited`` is as large as the working image.
            total += sum(m.working_image.nbytes for m in models)
            if self.shares_photograph:
                return total
            return total + sum(x.nbytes for m in models for x in (m.working_image, *m.known_levels))
        held = [getattr(self.analysis, f.name) for f in fields(self.analysis)]
        return total + sum(value.nbytes for value in held)


def analyse_face(renderer: Renderer, picture: Picture, label_map: LabelMap) -> FaceModel:
    """Encode a face to edit.

    Args:
        renderer: not refined.
        picture: H x W x 3 uint8 RGB.
        label_map: its own mask, h x w uint8 0..18, of the same proportions.

    Raises:
        UserError: the proportions differ, or a label is over 18.
    """
    return FaceModel(picture, label_map, renderer, renderer.encode(picture, label_map))


def prepare_unedited(models: Iterable[FaceModel]) -> None:
    """Compute ``FaceModel.unedited`` of several faces in one pass of the network.

    Args:
        models: of one renderer that sees the photograph, and of one working size; those that have it are passed over.
            They belong to the calling thread.
    """
    fresh = [model for model in dict.fromkeys(models) if "unedited" not in vars(model)]
    if fresh:
        for model, unedited in zip(fresh, _draw_unedited(fresh), strict=True):
            vars(model)["unedited"] = unedited  # where cached_property keeps it


def _draw_unedited(models: Sequence[FaceModel]) -> list[Tensor]:
    renderer = models[0].renderer
    size = renderer.working_size(models[0].label_map)
    hole = joined([hole_around_mouth(model.label_map, size) for model in models])
    styles = joined([model.style for model in models])
    return separate(renderer.synthesise([model.label_map for model in models], styles, context_of(models, hole, hole)))


def context_of(models: Sequence[FaceModel], hole: Tensor, changed: Tensor) -> Context:
    """What the network sees of several faces.

    Args:
        models: N faces of one working size.
        hole: N x 1 x H x W, see ``Context``.
        changed: see ``KnownSources``; what is known of the photographs is used if it is known of all.
    """
    known = None
    if all(model.has_known_levels for model in models):
        levels = zip(*(model.known_levels for model in models), strict=True)
        known = KnownSources([joined(level) for level in levels], changed)
    return Context(joined([model.working_image for model in models]), hole, known)


def joined(faces: Sequence[Tensor]) -> Tensor:
    """Tensors of faces, 1 x C x h x w each, as N x C x h x w; that of a single one without a copy."""
    return faces[0] if len(faces) == 1 else torch.cat(list(faces))


def separate(images: Tensor) -> list[Tensor]:
    """N pictures by themselves: cloned, for what is kept of one must not keep the whole batch."""
    return [image.clone() for image in images.unsqueeze(1)]

"""The editing pipeline: what an edit means, once for the library and the server.

A ``FaceModel`` is a photograph as a network sees it, a ``StyleReference`` another face's style. An ``Edit`` puts them
together with an edited mask; its properties are the rules: which pixels may change, which network renders it, in which
style. ``generate`` runs the network over a batch of edits, ``finish`` brings one result into the photograph.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from maskgan.editing.accessory_styles import add_accessory_styles
from maskgan.editing.compositing import Detail, PartStyle, class_colours, composite, paste
from maskgan.editing.edit_region import EditRegion
from maskgan.editing.face_detail import keep_face_detail
from maskgan.editing.face_model import FaceModel, context_of, joined, prepare_unedited, separate
from maskgan.editing.refinement import Progress, Refinement
from maskgan.editing.renderer import Renderer, check_strength
from maskgan.editing.revealed_background import match_revealed_background
from maskgan.images import Picture, resize_picture
from maskgan.labels import LabelMap
from maskgan.pixels import to_picture, without_colour

Blend = Literal["full", "region"]


@dataclass(frozen=True, eq=False)
class StyleReference:
    """A face whose style is copied."""

    picture: Picture
    """H x W x 3 uint8."""
    label_map: LabelMap
    """Its own mask, h x w uint8."""
    code: Tensor
    """Its style code, 1 x style_size; refined renderers read it too, for they share the encoder."""
    colours: Tensor
    """Its class colours, 19 x 4, see ``class_colours``."""

    @property
    def nbytes(self) -> int:
        """Memory of picture and label map."""
        return self.picture.nbytes + self.label_map.nbytes


@dataclass(frozen=True)
class StyleCopy:
    """How much of a reference's style is copied, and for which parts."""

    reference: StyleReference
    strength: float = 1.0
    """Over 0, at most 1."""
    parts: tuple[int, ...] | None = None
    """Classes whose style alone is copied; ``None``: everything."""

    @property
    def replaces_own(self) -> bool:
        """Whether nothing of the own style is left."""
        return self.strength == 1 and self.parts is None


@dataclass(frozen=True, eq=False)
class Edit:
    """An edit of a face."""

    model: FaceModel
    label_map: LabelMap
    """The edited mask, of the size of the face's own."""
    style: StyleCopy | None = None
    """``None``: the face's own style."""
    blend: Blend = "region"
    """``region``: only the edit region changes; ``full``: the network's whole picture."""

    @cached_property
    def region(self) -> EditRegion:
        """Which pixels may change. A style copied for everything changes all of the face."""
        parts = () if self.style is None else self.style.parts
        everything = self.blend == "full" or parts is None
        return EditRegion(self.model.label_map, self.label_map, parts or (), everything, self.model.has_tinted_lenses)

    @property
    def renderer(self) -> Renderer:
        """The network: one refined to a face knows no style but that face's."""
        if self.style is not None and self.style.replaces_own:
            return self.model.renderer.unrefined
        return self.model.renderer

    @property
    def style_code(self) -> Tensor:
        """The style in which the network renders, 1 x style_size; accessories that the face lacks have typical ones."""
        code = mix_style(self.model, self.style)
        if not self.renderer.accessory_styles or (self.style is not None and self.style.parts is None):
            return code
        copied = () if self.style is None else self.style.parts or ()
        return add_accessory_styles(self.renderer, code, self.model.label_map, self.label_map, copied)

    @property
    def stays_grey(self) -> bool:
        """Whether what is drawn is black and white, as the photograph is; the style of another face has its colours."""
        return self.model.is_grey and (self.style is None or self.style.parts is not None)

    @property
    def part_style(self) -> PartStyle | None:
        """The parts of the face with a copied style, where that is not everything."""
        if self.style is None or self.style.parts is None:
            return None
        return PartStyle(self.style.parts, self.style.strength, self.style.reference.colours)

    def same_network_input(self, other: Edit) -> bool:
        """Whether the network's picture of both is the same."""
        return (
            self.model is other.model
            and self.style == other.style
            and (not self.renderer.uses_context or self.blend == other.blend)
            and np.array_equal(self.label_map, other.label_map)
        )

    @property
    def batch_key(self) -> Hashable:
        """Edits with one key can be rendered in one pass of the network."""
        return self.renderer, self.renderer.working_size(self.label_map)


def mix_style(model: FaceModel, style: StyleCopy | None) -> Tensor:
    """The style code of a face with a copied style, 1 x style_size."""
    if style is None:
        return model.style
    return model.renderer.mix_styles(model.style, style.reference.code, style.strength, style.parts)


def refined_model(model: FaceModel, refinement: Refinement) -> FaceModel:
    """The face with the style, and the network if it is another, that a refinement gave; ends the refinement."""
    refined = refinement.result()
    if refined.network is None:
        return model.with_style(refined.style)
    renderer = model.renderer.unrefined.refined_with(refined.network)
    return FaceModel(model.picture, model.label_map, renderer, refined.style, refined.nbytes)


def refine(model: FaceModel, steps: int, progress: Progress | None = None) -> FaceModel:
    """Refine what the network knows to a face's photograph.

    Args:
        model: the face; it and its network stay as they are.
        steps: 0 to 1000.
        progress: called after each step with the steps done and their number.

    Raises:
        UserError: the number of steps is out of range.
    """
    refinement = model.renderer.unrefined.start_refinement(model.picture, model.label_map, steps)
    done = 0
    while refinement.step():
        done += 1
        if progress is not None:
            progress(done, steps)
    return refined_model(model, refinement)


def encode_reference(renderer: Renderer, picture: Picture, label_map: LabelMap) -> StyleReference:
    """Encode another face's style; arguments and errors as for ``analyse_face``."""
    code = renderer.encode(picture, label_map)
    return StyleReference(picture, label_map, code, class_colours(picture, label_map))


def style_copy(
    renderer: Renderer, reference: StyleReference, strength: float, parts: Iterable[int | str] | None
) -> StyleCopy | None:
    """A checked style copy; ``None`` at strength 0.

    Args:
        renderer: of the face that gets the style.
        reference: whose style.
        strength: 0..1.
        parts: classes by index, name or title; ``None``: everything.

    Raises:
        UserError: ``strength`` is not within 0..1, a part is no class, or the network has no styles of parts.
    """
    check_strength(strength)
    classes = None if parts is None else renderer.style_parts(parts)
    return StyleCopy(reference, strength, classes) if strength > 0 else None


def generate(edits: Sequence[Edit]) -> list[Tensor]:
    """The network's pictures of edits with one ``batch_key``, 1 x 3 x h x w in [-1, 1] each."""
    if not edits:
        return []
    renderer = edits[0].renderer
    if not renderer.uses_context:
        codes = torch.cat([edit.style_code for edit in edits])
        generated = renderer.synthesise([edit.label_map for edit in edits], codes)
        return separate(generated)
    size = renderer.working_size(edits[0].label_map)
    models, regions = [edit.model for edit in edits], [edit.region for edit in edits]
    hole = joined([region.hole(size) for region in regions])
    context = context_of(models, hole, joined([region.changed_input(size) for region in regions]))
    codes = joined([edit.style_code for edit in edits])
    drawn = separate(renderer.synthesise([edit.label_map for edit in edits], codes, context))
    prepare_unedited(edit.model for edit in edits if edit.region.moving_face(size) is not None)
    return [_with_face_detail(edit, image, size) for edit, image in zip(edits, drawn, strict=True)]


def _with_face_detail(edit: Edit, drawn: Tensor, size: tuple[int, int]) -> Tensor:
    """The network's picture, with the photograph's detail in the face around a changed mouth."""
    moving = edit.region.moving_face(size)
    if moving is None:
        return drawn
    unedited, image = edit.model.unedited.cpu(), edit.model.working_image.cpu()
    return keep_face_detail(drawn.cpu(), unedited, image, moving)


def finish(edit: Edit, generated: Tensor | None, canvas: Picture | None = None) -> Picture:
    """The picture of an edit.

    Args:
        edit: what was asked for.
        generated: the network's picture of it, 1 x 3 x h x w in [-1, 1]; not needed where its region is empty.
        canvas: the photograph at the size of the result, H x W x 3 uint8; ``None``: as it was opened.

    Returns:
        H x W x 3 uint8; exactly the canvas where nothing may change.
    """
    canvas = edit.model.picture if canvas is None else canvas
    if edit.region.is_empty:
        return canvas.copy()
    assert generated is not None
    if edit.stays_grey:
        generated = without_colour(generated)
    if edit.region.everything:
        return resize_picture(to_picture(generated), (canvas.shape[0], canvas.shape[1]))
    if edit.renderer.uses_context:
        size = (generated.shape[2], generated.shape[3])
        generated, background = generated.cpu(), edit.region.revealed_background(size)
        if background is not None:
            generated = match_revealed_background(generated, *background)
        moving = edit.region.moving_face(size)
        detail = None if moving is None else Detail(edit.model.working_image.cpu(), moving.kept)
        return paste(canvas, generated, edit.region.hole(size), detail)
    return composite(canvas, edit.model.analysis, edit.region, generated, edit.part_style)


def render(edit: Edit) -> Picture:
    """The picture of one edit, of the photograph's size: ``generate`` and ``finish``."""
    return finish(edit, None if edit.region.is_empty else generate([edit])[0])

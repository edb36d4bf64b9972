"""An editing session: numpy arrays outside, tensors inside, the costly half computed once.

editor = FaceEditor.from_weights(shipped_weights("edit"))
editor.set_source(picture, label_map)     # encodes the style, once
editor.refine(40)                         # optional, takes seconds: generated faces are nearer to the person
editor.set_mask(edited)                   # cheap
face = editor.render()                    # one pass of the backbone
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from maskgan.editing.face_model import FaceModel, analyse_face
from maskgan.editing.pipeline import (
    Blend,
    Edit,
    StyleCopy,
    encode_reference,
    mix_style,
    refine,
    render,
    style_copy,
)
from maskgan.editing.refinement import Progress, check_steps
from maskgan.editing.renderer import Precision, Renderer, check_strength, size_text
from maskgan.errors import UserError
from maskgan.images import Picture, resize_picture
from maskgan.labels import LabelMap, check_labels
from maskgan.pixels import to_picture

__all__ = ["Blend", "FaceEditor"]


class FaceEditor:
    """Edits one face at a time."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._unrefined: FaceModel | None = None  # the source with the network as it is
        self._model: FaceModel | None = None  # the source with the network that renders it
        self._mask: LabelMap | None = None
        self._style: StyleCopy | None = None
        self._drew_hole = False  # in the source, whose levels are worth keeping from the second time on

    @classmethod
    def from_weights(cls, path: Path, device: str = "cpu", precision: Precision = "fp32") -> FaceEditor:
        """An editor with the network of a weights file; arguments and errors as for ``Renderer.from_weights``."""
        return cls(Renderer.from_weights(path, device, precision))

    @property
    def renderer(self) -> Renderer:
        """The network, as it is before any refinement."""
        return self._renderer

    def set_source(self, picture: Picture, label_map: LabelMap) -> None:
        """Begin with a face: encode its style, forget earlier masks and styles.

        Args:
            picture: H x W x 3 uint8 RGB.
            label_map: h x w uint8 0..18, of the same proportions; the picture's own mask.

        Raises:
            UserError: the proportions differ, or a label is over 18.
        """
        self._model = self._unrefined = analyse_face(self._renderer, picture, label_map)
        self._mask = None
        self._style = None
        self._drew_hole = False

    def refine(self, steps: int, progress: Progress | None = None) -> None:
        """Fit what the network knows to the source, so that generated faces look more like the person.

        An edit network gets other style codes of the face's regions, which whole pictures need most; a dense mapping
        network another style code and last layers. What is fitted belongs to this source alone and lasts until the next
        one; edits cost what they did before, and a style copied at full strength, which leaves nothing of the source's,
        is rendered as without it. It begins anew each time, and on a CPU gives the same result each time.

        Args:
            steps: 0 to 1000; 0 goes back to what the network knew. Each takes as long as one or two pictures.
            progress: called after each step with the steps done and their number.

        Raises:
            UserError: no source is set, or the number of steps is out of range.
        """
        self._require_source()
        check_steps(steps)
        model = self._unrefined
        assert model is not None
        if steps:
            model = refine(model, steps, progress)
        self._model = model

    def set_mask(self, label_map: LabelMap) -> None:
        """Replace the mask that the face is to follow.

        Args:
            label_map: h x w uint8 0..18, of the size of the source's own mask.

        Raises:
            UserError: no source is set, the size differs, or a label is over 18.
        """
        source = self._require_source()
        check_labels(label_map, "edited mask")
        if label_map.shape != source.label_map.shape:
            raise UserError(
                f"edited mask: {size_text(label_map)}, but the face's own mask is {size_text(source.label_map)}; "
                "both must have one size"
            )
        self._mask = label_map

    def set_style(
        self,
        picture: Picture,
        label_map: LabelMap,
        strength: float = 1.0,
        parts: Iterable[int | str] | None = None,
    ) -> None:
        """Copy the style of another face; ``reset_style`` returns to the source's own.

        Args:
            picture: H x W x 3 uint8 RGB.
            label_map: its own mask, as in ``set_source``.
            strength: how much of it is mixed into the source's style, 0..1; at 0 the style is the own one.
            parts: classes whose style alone is copied, by index, name or title, such as ``["hair", "u_lip"]``; skin
                includes the skin around mouth and eyes. ``None``: the style of everything.

        Raises:
            UserError: the proportions differ, a label is over 18, ``strength`` is not within 0..1, a part is no class,
                the network has no styles of parts, or something of the own style is to stay and no source is set.
        """
        check_strength(strength)
        classes = None if parts is None else self._renderer.style_parts(parts)
        reference = encode_reference(self._renderer, picture, label_map)
        if strength < 1 or classes is not None:
            self._require_source()
        self._style = style_copy(self._renderer, reference, strength, classes)

    def reset_style(self) -> None:
        """Go back to the source's own style."""
        self._style = None

    def render(self, blend: Blend = "region") -> Picture:
        """Render the face that follows the present mask and style.

        The second render of a source with an edit network keeps what the network makes of the photograph, which saves
        time from then on and changes no more than rounding.

        Args:
            blend: ``full`` gives the network's picture; ``region`` keeps the original's pixels far from the edit, and
                from parts with a copied style, blends softly across the border, and adds to the face around the edit
                what changes there. A style copied for everything changes all of the face, so it is always ``full``.

        Returns:
            H x W x 3 uint8 RGB, of the source's size.

        Raises:
            UserError: no source is set.
        """
        model = self._require_source()
        mask = model.label_map if self._mask is None else self._mask
        edit = Edit(model, mask, self._style, blend)
        if model.renderer.uses_context and not (edit.region.everything or edit.region.is_empty):
            if self._drew_hole:
                model.prepare(preview=False)
            self._drew_hole = True
        return render(edit)

    def render_style_onto(self, label_map: LabelMap) -> Picture:
        """The copied style, or else the source's, on any mask; no source is needed.

        Args:
            label_map: h x w uint8 0..18.

        Returns:
            h x w x 3 uint8 RGB, of the mask's size.

        Raises:
            UserError: neither a style nor a source is set, or a label is over 18.
        """
        check_labels(label_map)
        if self._style is not None and self._style.replaces_own:
            renderer, code = self._renderer, self._style.reference.code
        else:
            model = self._require_source()
            renderer, code = model.renderer, mix_style(model, self._style)
        generated = renderer.synthesise([label_map], code)
        return resize_picture(to_picture(generated), (label_map.shape[0], label_map.shape[1]))

    def _require_source(self) -> FaceModel:
        if self._model is None:
            raise UserError("no face is set; call set_source first")
        return self._model

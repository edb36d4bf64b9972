"""Faces drawn anew: shapes moved and styles drawn until a recogniser does not know the person.

The photograph's hair, clothes and background stay, so whoever knows those can still guess who it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from maskgan.assets import portrait
from maskgan.editing.anonymise import ANONYMISE, KEPT_PARTS, AnonymiseOptions
from maskgan.editing.compositing import class_colours
from maskgan.editing.face_model import FaceModel, analyse_face
from maskgan.editing.mask_warps import face_box, warp_part
from maskgan.editing.named_edits import EDITS
from maskgan.editing.pipeline import Edit, StyleCopy, StyleReference, encode_reference, render
from maskgan.editing.recognition import Recogniser, ShippedRecogniser
from maskgan.editing.renderer import Renderer
from maskgan.editing.soft_region import soft_region
from maskgan.errors import UserError
from maskgan.face_parts import BROWS, EARS, EYES, FACE, GLASSES, LIPS, MOUTH, NOSE, SKIN
from maskgan.images import Picture, read_label_map, read_picture, resize_label_map, resize_picture
from maskgan.labels import LabelMap
from maskgan.seeding import stream_seed

_PORTRAITS = range(1, 10)
_DRAWS = 32  # faces drawn before it is given up
_PATIENCE = 8  # draws over which shapes move further and further, so that they move no further than is needed
_GENTLE = 0.3  # strength of the first draw
_NEAR, _FAR = 4, 9  # portraits nearest in skin between which a style lies, at first, and where that is not enough
_STYLED = (SKIN, NOSE, *EYES, *BROWS, *LIPS)  # teeth keep their own style: portraits that smile are few
_LEAST_EYES = -0.2  # amount of ``eyes-wider``: narrower ones have no pupils
_AMOUNTS = {
    "eyes": ("eyes-wider",),
    "brows": ("brows-raised", "brows-thicker"),
    "nose": ("nose-wider",),
    "mouth": ("lips-fuller",),
    "face": ("face-narrower",),
}
_SHIFTS = {"eyes": EYES, "brows": BROWS, "nose": (NOSE,), "mouth": MOUTH}
_FARTHEST = 0.05  # of the face's height that a part moves up or down
_APART = 0.03  # of its width that eyes and brows move apart or together
_KEPT_GROW, _KEPT_SOFT = 0.012, 0.008  # of the side: border of parts that are kept
_SKIN_SOFT = 0.006  # of the side: border of the skin whose colour is matched
_SOFT_SIDE = 512  # pixels on the longer side of soft borders
_SEARCH_SIDE = 256  # pixels on the side of the faces that are drawn until one is found


@dataclass(frozen=True, eq=False)
class Anonymised:
    """A face drawn anew."""

    picture: Picture
    """S x S x 3 uint8."""
    label_map: LabelMap
    """Its mask, S x S uint8."""
    recogniser: str
    before: float
    """Cosine of the photograph's embedding with itself, drawn by the network without any edit."""
    after: float
    """Cosine with the face drawn anew."""
    threshold: float
    """Below which ``after`` lies."""

    def __str__(self) -> str:
        return (
            f"likeness to the photograph {self.after:.2f}, of the face redrawn without edits {self.before:.2f}; "
            f"{self.recogniser} knows a person from {self.threshold:g}"
        )


class Anonymiser:
    """Draws faces anew."""

    def __init__(self, renderer: Renderer, recogniser: Recogniser) -> None:
        self._renderer = renderer
        self._recogniser = recogniser

    @cached_property
    def _references(self) -> list[StyleReference]:
        """Styles of the sample portraits, which show no real person."""
        files = [portrait(number) for number in _PORTRAITS]
        return [encode_reference(self._renderer, read_picture(image), read_label_map(mask)) for image, mask in files]

    def __call__(self, picture: Picture, label_map: LabelMap, options: AnonymiseOptions, number: int = 0) -> Anonymised:
        """Draw a face anew.

        Args:
            picture: S x S x 3 uint8, a face in its frame.
            label_map: its mask, S x S uint8.
            options: seed, parts to keep, threshold.
            number: of the face among those of one photograph, so that each gets another face.

        Raises:
            UserError: the mask shows no face, the network has no styles of parts, or the recogniser still knows every
                face that was drawn.
        """
        face_box(label_map)
        self._renderer.style_parts(_STYLED)
        model = analyse_face(self._renderer, picture, label_map)
        small = model.preview
        if max(label_map.shape) > _SEARCH_SIDE:
            size = (_SEARCH_SIDE, _SEARCH_SIDE)
            resized = resize_picture(picture, size), resize_label_map(label_map, size)
            small = analyse_face(self._renderer, *resized).preview
        known = self._recogniser(picture, label_map)
        threshold = self._recogniser.threshold if options.threshold is None else options.threshold
        lowest = 1.0
        for draw in range(_DRAWS):
            for face in (small, model) if small is not model else (model,):
                strength = min(_GENTLE + (1 - _GENTLE) * draw / _PATIENCE, 1.0)
                seed = stream_seed(options.seed, "anonymise", rank=number, step=draw)
                drawn, after = self._draw(face, options, seed, strength)
                cosine = float(known @ self._recogniser(drawn, after))
                lowest = min(lowest, cosine)
                if cosine >= threshold:
                    break
            else:
                unedited = render(Edit(model, label_map, blend="full"))
                before = float(known @ self._recogniser(unedited, label_map))
                return Anonymised(drawn, after, self._recogniser.name, before, cosine, threshold)
        advice = ["give another seed", "set a higher --anonymise-threshold"]
        if options.keep:
            advice.insert(1, f"keep fewer parts than {', '.join(options.keep)}")
        if isinstance(self._recogniser, ShippedRecogniser):
            advice.append("install SFace, which tells people apart better: pip install 'maskgan[train]'")
        raise UserError(
            f"anonymise: {self._recogniser.name} still knows the face ({lowest:.2f} at best, wanted below "
            f"{threshold:g}); {', '.join(advice[:-1])}, or {advice[-1]}"
        )

    def _draw(
        self, model: FaceModel, options: AnonymiseOptions, seed: int, strength: float
    ) -> tuple[Picture, LabelMap]:
        """A face, its parts moved with ``strength``, and its mask; at 1 in the style of any portraits."""
        after = move_parts(model.label_map, np.random.default_rng([seed, 0]), strength, options.keep)
        rng = np.random.default_rng([seed, 1])
        kept = [label for part in options.keep for label in KEPT_PARTS[part]]
        parts = tuple(label for label in sorted(_STYLED) if label not in kept)
        rendered = render(
            Edit(model, after, StyleCopy(self._mixed_style(model, rng, _NEAR if strength < 1 else _FAR), 1.0, parts))
        )
        rendered = _match_skin(model.picture, rendered, model.label_map, after)
        if kept:
            share = _soft(np.isin(model.label_map, kept), _KEPT_GROW, _KEPT_SOFT)[..., None]
            rendered = np.rint(share * model.picture + (1 - share) * rendered).astype(np.uint8)
        before = model.label_map
        free = (before != after) | (np.isin(before, ANONYMISE.classes) & np.isin(after, ANONYMISE.classes))
        return np.where(free[..., None], rendered, model.picture), after

    def _mixed_style(self, model: FaceModel, rng: np.random.Generator, count: int) -> StyleReference:
        """A style between those of the ``count`` portraits whose skin is nearest in colour, in random shares."""
        own = class_colours(model.picture, model.label_map)[SKIN, :3]
        distances = [float((other.colours[SKIN, :3] - own).norm()) for other in self._references]
        # The very same portrait would give the face back.
        near = [int(i) for i in np.argsort(distances) if distances[i] > 1e-3][:count]
        shares = torch.from_numpy(rng.dirichlet(np.full(len(near), 2 / len(near)))).float()
        chosen = [self._references[i] for i in near]
        code = torch.stack([other.code for other in chosen], dim=-1) @ shares.to(chosen[0].code.device)
        colours = torch.stack([other.colours for other in chosen], dim=-1) @ shares
        return StyleReference(chosen[0].picture, chosen[0].label_map, code, colours)


def move_parts(
    label_map: LabelMap, rng: np.random.Generator, strength: float = 1.0, keep: Sequence[str] = ()
) -> LabelMap:
    """Move the parts of a face and its outline at random.

    Args:
        label_map: H x W uint8.
        rng: draws how.
        strength: 0..1; 0 moves nothing.
        keep: parts that stay, keys of ``anonymise.KEPT_PARTS``.

    Returns:
        H x W uint8.

    Raises:
        UserError: the mask shows no face.
    """
    top, bottom, left, right = face_box(label_map)
    middle = (left + right - 1) / 2
    draws = {part: (rng.uniform(-1, 1), rng.uniform(-1, 1)) for part in _SHIFTS}
    amounts = {name: _large(rng) * strength for names in _AMOUNTS.values() for name in names}
    amounts["eyes-wider"] = max(amounts["eyes-wider"], _LEAST_EYES)
    moved = label_map
    for part, labels in _SHIFTS.items():
        if part in keep or not np.isin(moved, labels).any():
            continue
        up = draws[part][0] * strength * _FARTHEST * (bottom - top)
        apart = draws[part][1] * strength * _APART * (right - left) if part in ("eyes", "brows") else 0.0
        # Left and right by themselves where they move apart; of a face in profile one may be missing.
        groups: list[tuple[int, ...]] = [(label,) for label in labels] if apart else [labels]
        for group in groups:
            if np.isin(moved, group).any():
                moved = _shifted(moved, group, up, apart, middle)
    for part, names in _AMOUNTS.items():
        for name in names:
            if part not in keep and (part == "face" or np.isin(moved, _SHIFTS[part]).any()):
                moved = EDITS[name].apply(moved, amounts[name])
    return moved


def _shifted(label_map: LabelMap, part: tuple[int, ...], up: float, apart: float, middle: float) -> LabelMap:
    """A part moved over skin: up, and away from the middle of the face."""
    columns = np.nonzero(np.isin(label_map, part))[1]
    side = apart if columns.mean() > middle else -apart
    return warp_part(label_map, part, (SKIN,), lambda rows, columns: (rows + up, columns - side))


def _large(rng: np.random.Generator) -> float:
    """A number far from 0: 0.5..1, or its negative."""
    return float(rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 1.0))


def _match_skin(picture: Picture, rendered: Picture, before: LabelMap, after: LabelMap) -> Picture:
    """What was rendered, its skin in the mean colour that the photograph's has, so that it fits neck and ears."""
    old, new = picture[before == SKIN], rendered[after == SKIN]
    if not len(old) or not len(new):
        return rendered
    shift = old.astype(np.float64).mean(axis=0) - new.astype(np.float64).mean(axis=0)
    face = np.isin(after, (*FACE, GLASSES)) & np.isin(before, (*FACE, GLASSES, *EARS))
    share = _soft(face, 0.0, _SKIN_SOFT) * (rendered != picture).any(axis=2)
    result: Picture = np.rint(rendered + share[..., None] * shift).clip(0, 255).astype(np.uint8)
    return result


def _soft(where: NDArray[np.bool_], growth: float, softness: float) -> NDArray[np.float32]:
    """``soft_region`` at the size of ``where``, H x W."""
    region = soft_region(where, growth, softness, _SOFT_SIDE)
    if region.shape != where.shape:
        region = np.asarray(Image.fromarray(region).resize(where.shape[::-1], Image.Resampling.BILINEAR))
    return region

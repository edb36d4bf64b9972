"""The edit region: which pixels an edit may change, from the masks before and after and copied styles.

All that renders an edit asks here: compositing for a soft border, networks that see the photograph for its hole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from maskgan.editing.accessory_styles import keeps_kind
from maskgan.editing.lenses import inside_new_rims, seen_through
from maskgan.editing.soft_region import blur, blur_radius, covered, dilate, soft_region, surroundings
from maskgan.face_parts import (
    BACKGROUND,
    BROWS,
    CLOTH,
    EARRING,
    EYES,
    FACE,
    FEATURES,
    GLASSES,
    HAIR,
    HAT,
    MOUTH,
    NECK,
    NECKLACE,
    SKIN,
    bounding_box,
)
from maskgan.images import resize_label_map
from maskgan.labels import LabelMap

# Lengths are fractions of the longer side.
_GROW = 0.020  # how far the region reaches beyond the changed labels
_SOFT = 0.012  # standard deviation of its soft border
# The same for copied styles: eyes within the skin keep their pixels.
_STYLE_GROW, _STYLE_SOFT = 0.004, 0.004
_FACE_GROW, _FACE_SOFT = 0.08, 0.04  # the same for the face that changes with the edit
_HOLE_GROW = 0.030  # how far a hole reaches beyond the labels, about the middle of what the edit network learns
_HOLE_GROW_NEAR = 0.012  # the same on unchanged background and around new glasses and jewellery, which cast little
_HOLE_GROW_SKIN = 0.050  # the same on skin where a face grows sideways: its old edge is darker
_FEATURE_MARGIN = 0.020  # how far from features and glasses the hole of a growing face ends
_MOUTH_GROW, _MOUTH_SOFT = 0.12, 0.03  # the same for the face around a mouth that moves with it
_SAME_OUTLINE = 0.75  # intersection over union from which a hat counts as the one that was worn before,
_ADDED_OUTLINE = 0.05  # and the share of it that may be new whatever was taken away
_THIN = (GLASSES, EARRING, NECKLACE)
_BESIDE_FACE = (BACKGROUND, HAIR, NECK, CLOTH)  # what a face covers that grows sideways
_KEPT_MARGIN, _KEPT_SOFT = 0.006, 0.012  # how far its detail reaches into what is drawn anew, and its soft border
_GLASSES_RIM = 0.014  # thickness of the rims that are drawn for clear glasses,
_REMOVED_RIM = 0.028  # and of those that go with them: frames, and what they cast
_ALPHA_SIDE = 512  # pixels on the longer side of the soft region
_FACE_SIDE = 128  # the same for the face around it, which is softer


class MovingFace(NamedTuple):
    """The face around a changed mouth, 1 x 1 x H x W in [0, 1] each."""

    share: Tensor
    """How much of the network's change the photograph takes over; 0 outside of the hole."""
    kept: Tensor
    """How much of its detail the photograph keeps; 1 outside of the hole."""


class _Hole(NamedTuple):
    """What is drawn at one size."""

    hole: Tensor
    moving: MovingFace | None


@dataclass(frozen=True, eq=False)
class EditRegion:
    """The pixels that an edit may change."""

    before: LabelMap
    """The face's own mask, H x W uint8."""
    after: LabelMap
    """The edited mask, H x W uint8."""
    style_classes: tuple[int, ...] = ()
    """Classes with another face's style, wherever ``after`` shows them."""
    everything: bool = False
    """Whether all pixels may change, as in style copy and reconstruction."""
    tinted: bool = False
    """Whether glasses worn before are tinted: what is seen through them has not its own colour."""

    @cached_property
    def changed(self) -> NDArray[np.bool_]:
        """Where the labels differ, H x W."""
        return self.before != self.after

    @cached_property
    def style_changed(self) -> NDArray[np.bool_]:
        """Where classes with another style lie, H x W."""
        return np.isin(self.after, self._restyled)

    @cached_property
    def _restyled(self) -> tuple[int, ...]:
        """Classes with another style: those with a copied one, and glasses or a hat that are not those worn before."""
        replaced = [
            label for label, keeps in ((GLASSES, keeps_kind), (HAT, _keeps_outline)) if self._replaces(label, keeps)
        ]
        return (*self.style_classes, *replaced)

    def _replaces(self, label: int, keeps: Callable[[int, LabelMap, LabelMap], bool]) -> bool:
        both = (self.before == label).any() and (self.after == label).any()
        return bool(both) and not keeps(label, self.before, self.after)

    @property
    def is_empty(self) -> bool:
        """Whether no pixel may change."""
        return not (self.everything or self.changed.any() or self.style_changed.any())

    def alpha(self) -> NDArray[np.float32]:
        """Opacity of the new pixels, h x w in [0, 1] with h and w at most 512: 1 on the labels, falling softly to 0.

        Where ``everything`` may change it is 1.
        """
        if self.everything:
            return np.ones((1, 1), dtype=np.float32)
        region = soft_region(self.changed, _GROW, _SOFT, _ALPHA_SIDE)
        if self._restyled:
            style_changed = soft_region(self.style_changed, _STYLE_GROW, _STYLE_SOFT, _ALPHA_SIDE)
            region = np.maximum(region, style_changed)
        return region

    def face_alpha(self, size: tuple[int, int]) -> NDArray[np.float32]:
        """How much of the network's change the face around the edit takes over, H x W of ``size`` in [0, 1].

        Backgrounds, hair and clothes take over nothing: there the network redraws texture.
        """
        near = _resized(soft_region(self.changed, _FACE_GROW, _FACE_SOFT, _FACE_SIDE), size)
        face = np.isin(resize_label_map(self.before, size), FACE) & np.isin(resize_label_map(self.after, size), FACE)
        share: NDArray[np.float32] = near * face * blur(torch.from_numpy(face).float()[None, None], 1.0)[0, 0].numpy()
        return share

    def hole(self, size: tuple[int, int]) -> Tensor:
        """What a network that sees the photograph is to fill, 1 x 1 x H x W of ``size``: 1 inside, 0 outside.

        Computed once for each size: the network and the paste after it ask for the same one.
        """
        return self._at(size).hole

    def moving_face(self, size: tuple[int, int]) -> MovingFace | None:
        """The face that moves with a changed mouth; ``None`` if the mouth did not change, or everything may."""
        return self._at(size).moving

    def revealed_background(self, size: tuple[int, int]) -> tuple[Tensor, Tensor] | None:
        """Background in and around what the edit uncovers of it; ``None`` if it uncovers none.

        Returns:
            Two of 1 x 1 x H x W of ``size``, 1 there: what is drawn anew, and all that is the photograph's.
        """
        if self.everything or not _uncovered(self.before, self.after).any():
            return None
        before, after = (resize_label_map(label_map, size) for label_map in (self.before, self.after))
        background = torch.from_numpy(after == BACKGROUND).float()[None, None]
        near = dilate(_uncovered(before, after), _pixels(_HOLE_GROW, size))
        hole = self.hole(size)
        return background * hole * near, background * (1 - hole)

    def changed_input(self, size: tuple[int, int]) -> Tensor:
        """Where a network that sees the photograph sees a hole or other labels, 1 x 1 x H x W of ``size``: 1 there."""
        labels = torch.from_numpy(covered(self.changed, size)).float()
        return torch.maximum(self.hole(size), labels)

    def _at(self, size: tuple[int, int]) -> _Hole:
        if size not in self._holes:
            hole = self._drawn_anew(size)
            moving = self._moving_face(size, hole)
            if moving is not None:
                hole = torch.maximum(hole, (moving.share > 0).float())
            self._holes[size] = _Hole(hole, moving)
        return self._holes[size]

    @cached_property
    def _holes(self) -> dict[tuple[int, int], _Hole]:
        return {}

    def _moving_face(self, size: tuple[int, int], anew: Tensor) -> MovingFace | None:
        mouth = np.zeros_like(self.changed)
        mouth[self.changed] = np.isin(self.before[self.changed], MOUTH) | np.isin(self.after[self.changed], MOUTH)
        around = None if self.everything or not mouth.any() else face_around_mouth(self.before, size)
        if around is None:
            return None
        share = around * torch.from_numpy(np.isin(resize_label_map(self.after, size), FACE))
        return MovingFace(share, _kept_detail(share, anew, covered(mouth, size)))

    def _drawn_anew(self, size: tuple[int, int]) -> Tensor:
        """The hole without the face that moves with a mouth, 1 x 1 x H x W of ``size``: 1 inside, 0 outside."""
        if self.everything:
            return torch.ones(1, 1, *size)
        touched = covered(self.changed | self.style_changed, size)
        if not touched.any():
            return torch.zeros(1, 1, *size)
        # Only what lies within the farthest reach is computed, and what features there must be kept away from.
        place = surroundings(touched, _pixels(_HOLE_GROW_SKIN, size) + _pixels(_FEATURE_MARGIN, size))
        whole = [resize_label_map(label_map, size) for label_map in (self.before, self.after)]
        before, after = (label_map[place] for label_map in whole)
        brows = bounding_box(np.isin(whole[0], BROWS))
        below_brows = np.arange(size[0])[place[0], None] >= (0 if brows is None else brows[0])
        thin = self.changed & np.isin(self.after, _THIN) & ~np.isin(self.before, EYES)
        casting = covered(self.changed & ~thin | self.style_changed, size)
        wide, narrow = (
            dilate(torch.from_numpy(where[place]).float()[None, None], _pixels(grow, size))
            for where, grow in ((casting, _HOLE_GROW), (touched, _HOLE_GROW_NEAR))
        )
        wide = torch.maximum(wide, narrow)
        # Around what uncovers background, what it cast on it goes as well: single hairs, shadows.
        around = dilate(_uncovered(before, after), _pixels(_HOLE_GROW, size))
        grown = (after == SKIN) & np.isin(before, _BESIDE_FACE) & below_brows
        wide = torch.maximum(wide, _old_edge_of_skin(before, grown, size))
        kept = torch.from_numpy((before == BACKGROUND) & ~touched[place]) * (around == 0)
        # A copied style may be seen through lenses.
        styled = bool(set(self.style_classes) & set(FACE))
        clear = torch.zeros_like(wide)
        if not styled:
            clear = inside_new_rims(before, after, _pixels(_GLASSES_RIM, size))
        if not styled and not self.tinted:
            rest = torch.from_numpy(~seen_through(*whole)[place]).float()[None, None]
            clear = torch.maximum(clear, 1 - dilate(rest, _pixels(_REMOVED_RIM, size)))
        hole = torch.zeros(1, 1, *size)
        hole[0, 0, place[0], place[1]] = (torch.where(kept, narrow, wide) * (1 - clear))[0, 0]
        return hole


def face_around_mouth(label_map: LabelMap, size: tuple[int, int]) -> Tensor | None:
    """The face that moves with its mouth, 1 x 1 x H x W of ``size``: 1 near the mouth, falling softly to 0.

    ``None`` if the mask shows no mouth.
    """
    mouth = np.isin(label_map, MOUTH)
    if not mouth.any():
        return None
    near = torch.from_numpy(_resized(soft_region(mouth, _MOUTH_GROW, _MOUTH_SOFT, _FACE_SIDE), size))[None, None]
    face = torch.from_numpy(np.isin(resize_label_map(label_map, size), FACE)).float()[None, None]
    return near * face * blur(face, 1.0)


def hole_around_mouth(label_map: LabelMap, size: tuple[int, int]) -> Tensor:
    """Where ``face_around_mouth`` is over 0, 1 x 1 x H x W of ``size``: 1 there; empty if the mask shows no mouth."""
    around = face_around_mouth(label_map, size)
    return torch.zeros(1, 1, *size) if around is None else (around > 0).float()


def _kept_detail(share: Tensor, anew: Tensor, mouth: NDArray[np.bool_]) -> Tensor:
    """``MovingFace.kept``, from its ``share``, what is drawn anew, and where the mouth changed, H x W."""
    longer = max(share.shape[2:])
    margin, sigma = max(round(_KEPT_MARGIN * longer), 1), _KEPT_SOFT * longer
    kept = torch.ones_like(share)
    rows, columns = surroundings(anew[0, 0].numpy() > 0, 2 * blur_radius(sigma))
    share, anew = share[:, :, rows, columns], anew[:, :, rows, columns]
    near = torch.from_numpy(mouth[rows, columns]).float()[None, None]
    by_mouth = anew * dilate(near, max(round(_HOLE_GROW * longer), 1))
    around_mouth = blur(dilate(1 - by_mouth, margin), sigma)
    # What else is drawn may be as thin as the rim of glasses: its border is as sharp as without a moving face.
    around_others = torch.minimum(around_mouth, blur(dilate(1 - anew, margin), margin / 2)) * (share > 0)
    inside = torch.where((anew > 0) & (by_mouth == 0), around_others, around_mouth)
    kept[:, :, rows, columns] = torch.where((anew > 0) | (share > 0), inside, 1.0)
    return kept


def _resized(plane: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    return np.array(Image.fromarray(plane).resize((size[1], size[0]), Image.Resampling.BILINEAR))


def _uncovered(before: LabelMap, after: LabelMap) -> Tensor:
    """Where background shows that did not before, 1 x 1 x H x W: 1 there."""
    return torch.from_numpy((before != BACKGROUND) & (after == BACKGROUND)).float()[None, None]


def _keeps_outline(label: int, before: LabelMap, after: LabelMap) -> bool:
    """Whether a hat that both masks show is the same one, changed a little."""
    was, worn = before == label, after == label
    added, shared = (worn & ~was).sum(), (worn & was).sum()
    return bool(added <= _ADDED_OUTLINE * worn.sum() or shared >= _SAME_OUTLINE * (was | worn).sum())


def _old_edge_of_skin(before: LabelMap, grown: NDArray[np.bool_], size: tuple[int, int]) -> Tensor:
    """Skin beside which a face grows, but not its features, 1 x 1 x H x W: 1 there.

    Args:
        before: the face's own mask, H x W.
        grown: what becomes skin, H x W.
        size: of the whole mask.
    """
    if not grown.any():
        return torch.zeros(1, 1, *before.shape)
    near, features = (
        dilate(torch.from_numpy(where).float()[None, None], _pixels(grow, size))
        for where, grow in ((grown, _HOLE_GROW_SKIN), (np.isin(before, FEATURES), _FEATURE_MARGIN))
    )
    return near * (1 - features) * torch.from_numpy(before == SKIN)


def _pixels(length: float, size: tuple[int, int]) -> int:
    """A length in pixels, at least one."""
    return max(round(length * max(size)), 1)

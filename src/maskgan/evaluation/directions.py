"""What a direction of MaskVAE's codes changes: the property that it is named for, and what else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskgan.editing.mask_manifold import MaskManifold
from maskgan.errors import UserError
from maskgan.labels import LabelMap
from maskgan.metrics.face_geometry import FaceShape, shape_of, shapes_of
from maskgan.metrics.mask_shape import broken_rules


@dataclass(frozen=True)
class DirectionEffect:
    """What a whole step along a direction does, on average.

    Attributes:
        change: of each property in ``FaceShape``, in standard deviations among faces.
        pixels: share of the mask's pixels that change, 0..1.
        violations: share of masks that violate a rule of a face's mask that they kept before, 0..1.
    """

    change: FaceShape
    pixels: float
    violations: float


@dataclass(frozen=True)
class DirectionsResult:
    """What ``measure_directions`` measured, for ``count`` faces."""

    count: int
    effects: dict[str, DirectionEffect]

    def to_markdown(self) -> str:
        """A table, a row a direction."""
        heads = ["direction", *(name.replace("_", " ") for name in FaceShape._fields), "pixels", "violations"]
        lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
        for name, effect in self.effects.items():
            change = " | ".join(f"{value:+.2f}" for value in effect.change)
            lines.append(f"| {name} | {change} | {effect.pixels:.1%} | {effect.violations:.1%} |")
        return "\n".join(lines)


def measure_directions(
    manifold: MaskManifold, label_maps: Iterable[LabelMap], spread: NDArray[np.float64]
) -> DirectionsResult:
    """Move each mask a whole step along each direction, forwards and backwards.

    Args:
        manifold: with directions.
        label_maps: H x W uint8; those without eyes, nose or mouth are left out.
        spread: len(FaceShape) standard deviations, the unit of the changes.

    Raises:
        UserError: no mask has a shape.
    """
    whole, _ = shapes_of(label_maps)
    if not whole:
        raise UserError("no mask shows eyes, nose and mouth, so directions cannot be measured")
    effects = {}
    for direction in manifold.directions:
        for sign, name in ((1, direction), (-1, f"{direction}, backwards")):
            moved = [(mask, manifold.move_direction(mask, direction, sign)) for mask in whole]
            effects[name] = _effect(moved, spread)
    return DirectionsResult(len(whole), effects)


def _effect(moved: list[tuple[LabelMap, LabelMap]], spread: NDArray[np.float64]) -> DirectionEffect:
    changes, violations, pixels = [], [], []
    for before, after in moved:
        violations.append(bool(set(broken_rules(after)) - set(broken_rules(before))))
        pixels.append(float((before != after).mean()))
        try:
            changes.append((np.array(shape_of(after)) - np.array(shape_of(before))) / spread)
        except UserError:
            continue  # a part vanished; counted among the violations
    mean = np.mean(changes, axis=0) if changes else np.full(len(spread), np.nan)
    return DirectionEffect(FaceShape(*mean.tolist()), float(np.mean(pixels)), float(np.mean(violations)))

"""Painted labels apart from the mask that they were painted on, so that they can be painted on another face's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from maskgan.errors import UserError
from maskgan.images import resize_label_map
from maskgan.labels import NUM_CLASSES, LabelMap

MAX_SIDE = 4096
"""Pixels on a side of the mask that a patch was painted on, at most."""
MAX_RUNS = 100_000
"""Runs of a patch, at most."""

_BARE = 255  # where nothing is painted
_ASPECT_TOLERANCE = 0.01

Run = tuple[int, int, int]
"""Pixels since the end of the run before, pixels of this run, and their class; rows follow each other."""


@dataclass(frozen=True)
class LabelPatch:
    """What strokes painted, on a mask of ``height`` x ``width`` in a face's frame."""

    height: int
    width: int
    runs: tuple[Run, ...]

    name = "patch"
    classes = tuple(range(NUM_CLASSES))
    """Classes whose pixels may change: all, for the border of a stroke is soft."""

    def __post_init__(self) -> None:
        """Check it.

        Raises:
            UserError: a number is out of range, or the runs reach beyond the mask.
        """
        for side in (self.height, self.width):
            if not 1 <= side <= MAX_SIDE:
                raise UserError(f"a patch is 1 to {MAX_SIDE} px high and wide, not {self.width}x{self.height}")
        if len(self.runs) > MAX_RUNS:
            raise UserError(f"a patch has {len(self.runs)} runs; at most {MAX_RUNS} are read")
        end = 0
        for gap, count, label in self.runs:
            if gap < 0 or count < 1 or not 0 <= label < NUM_CLASSES:
                raise UserError(f"a patch has the run {gap}, {count}, {label}; a run is gap >= 0, length >= 1, class")
            end += gap + count
        if end > self.height * self.width:
            raise UserError(f"the runs of a patch reach beyond its {self.width}x{self.height} px")

    @classmethod
    def between(cls, before: LabelMap, after: LabelMap) -> LabelPatch | None:
        """What turns one mask into another, H x W uint8 each; ``None`` if they are equal.

        Raises:
            UserError: a mask is too large, or the difference has too many runs.
        """
        changed = before != after
        if not changed.any():
            return None
        # Ends of runs are where the painted label, or bare, changes from one pixel to the next.
        painted = np.where(changed, after, _BARE).ravel()
        starts = np.concatenate([[0], np.flatnonzero(np.diff(painted)) + 1])
        counts = np.diff(np.concatenate([starts, [painted.size]]))
        runs: list[Run] = []
        gap = 0
        for label, count in zip(painted[starts].tolist(), counts.tolist(), strict=True):
            if label == _BARE:
                gap = count
            else:
                runs.append((gap, count, label))
                gap = 0
        return cls(before.shape[0], before.shape[1], tuple(runs))

    @cached_property
    def labels(self) -> NDArray[np.uint8]:
        """Height x width uint8: the class painted, 255 where nothing is."""
        flat = np.full(self.height * self.width, _BARE, dtype=np.uint8)
        end = 0
        for gap, count, label in self.runs:
            flat[end + gap : end + gap + count] = label
            end += gap + count
        return flat.reshape(self.height, self.width)

    def apply(self, label_map: LabelMap, amount: object = None, frame_side: float = 1.0) -> LabelMap:
        """Paint a mask.

        Args:
            label_map: H x W uint8.
            amount: not used; a patch is painted whole.
            frame_side: side of its frame, in sides of the frame that the patch was painted in; both have one middle.

        Returns:
            H x W uint8; the patch is resized by nearest neighbour.

        Raises:
            UserError: the proportions differ from those of the mask that the patch was painted on.
        """
        del amount
        height, width = label_map.shape
        if abs(width * self.height / (height * self.width) - 1) > _ASPECT_TOLERANCE:
            raise UserError(
                f"labels painted on a mask of {self.width}x{self.height} do not fit one of {width}x{height}: "
                "other proportions; paint them on a mask of this one's proportions"
            )
        size = (max(round(height / frame_side), 1), max(round(width / frame_side), 1))
        top, left = (height - size[0]) // 2, (width - size[1]) // 2
        labels = resize_label_map(self.labels, size)
        painted = label_map.copy()
        middle = painted[top : top + size[0], left : left + size[1]]
        middle[labels != _BARE] = labels[labels != _BARE]
        return painted

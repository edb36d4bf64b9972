"""Does MaskVAE give masks back? Measured on real masks, class by class."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from maskgan.data.pairs import PairCollection
from maskgan.editing.mask_manifold import MaskManifold
from maskgan.images import resize_label_map
from maskgan.labels import CLASSES
from maskgan.metrics.segmentation import SegmentationAgreement


@dataclass(frozen=True)
class MasksResult:
    """What ``reconstruct_masks`` measured.

    Attributes:
        count: masks.
        side: of the masks compared, in pixels.
        pixel_accuracy: share of pixels that keep their class, 0..1.
        mean_iou: over the classes that occur, 0..1.
        iou: of each class; ``None`` if it does not occur.
    """

    count: int
    side: int
    pixel_accuracy: float
    mean_iou: float
    iou: dict[str, float | None]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)


def reconstruct_masks(pairs: PairCollection, manifold: MaskManifold, side: int) -> MasksResult:
    """Measure how well masks survive the way through their codes.

    Args:
        pairs: faces with masks; each mask is resized to ``side``.
        manifold: the MaskVAE measured.
        side: in pixels.
    """
    measured = SegmentationAgreement()
    for index in tqdm(range(len(pairs)), "masks", unit="mask", disable=None, leave=False):
        label_map = resize_label_map(pairs[index].label_map, (side, side))
        measured.update(label_map, manifold.give_back(label_map))
    iou = {c.name: None if np.isnan(v) else float(v) for c, v in zip(CLASSES, measured.iou, strict=True)}
    return MasksResult(len(pairs), side, measured.pixel_accuracy, measured.mean_iou, iou)


def to_markdown(result: MasksResult) -> str:
    """The result as a Markdown table."""
    lines = [
        f"{result.count} masks at {result.side} px: pixel accuracy {result.pixel_accuracy:.1%}, "
        f"mean IoU {result.mean_iou:.3f}",
        "",
        "| class | IoU |",
        "|---|---|",
    ]
    lines += [f"| {name} | {'-' if iou is None else f'{iou:.3f}'} |" for name, iou in result.iou.items()]
    return "\n".join(lines)

"""Is MaskVAE's manifold one of masks? Masks reconstructed, drawn at random, and on the way from one to another."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskgan.data.pairs import PairCollection
from maskgan.editing.mask_manifold import MaskManifold
from maskgan.errors import UserError
from maskgan.evaluation.batching import batched
from maskgan.evaluation.tables import number, percent
from maskgan.images import resize_label_map
from maskgan.labels import CLASSES, LabelMap
from maskgan.metrics.mask_shape import broken_rules
from maskgan.metrics.segmentation import ConfusionMatrix

_STEPS = 8


@dataclass(frozen=True)
class MasksResult:
    """What ``measure_masks`` measured.

    Attributes:
        count: masks, and as many random ones, and ways between two.
        side: of the masks compared, in pixels.
        seed: of the random masks.
        pixel_accuracy: share of pixels that keep their class when a mask is reconstructed, 0..1.
        mean_iou: mean intersection over union, over the classes that occur, 0..1.
        iou: of each class; ``None`` if it does not occur.
        valid: share of masks that break no rule of a face's mask, 0..1: ``real`` ones, those ``reconstructed``, those
            ``interpolated`` to another, and those drawn at ``random``.
        violations: how often the random masks violate each rule.
        largest_step: of 8 steps from a mask to another, the share of all changed pixels that change in the largest;
            1/8 if every step is alike, 1 if the mask jumps. A mean over all ways.
        path_length_ratio: pixels changed in all steps, over those that differ between the ends; 1 on the shortest way.
    """

    count: int
    side: int
    seed: int
    pixel_accuracy: float | None
    mean_iou: float | None
    iou: dict[str, float | None]
    valid: dict[str, float]
    violations: dict[str, int]
    largest_step: float
    path_length_ratio: float

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)


def measure_masks(pairs: PairCollection, manifold: MaskManifold, side: int, seed: int) -> MasksResult:
    """Measure reconstruction, validity and smoothness.

    Args:
        pairs: faces with masks, at least 2; each mask is resized to ``side``.
        manifold: the MaskVAE measured.
        side: in pixels.
        seed: of the random masks.

    Raises:
        UserError: there are fewer than 2 masks.
    """
    if len(pairs) < 2:
        raise UserError("masks on the way between two are measured, so at least 2 are needed")
    agreement = ConfusionMatrix()
    valid: Counter[str] = Counter()
    violations: Counter[str] = Counter()
    largest, ratios = [], []
    before = resize_label_map(pairs[len(pairs) - 1].label_map, (side, side))
    random_masks = manifold.sample(len(pairs), seed, (side, side))
    for (index,) in batched(range(len(pairs)), 1, "masks", len(pairs)):
        label_map = resize_label_map(pairs[index].label_map, (side, side))
        way = manifold.interpolate(before, label_map, _STEPS + 1)
        before = label_map
        agreement.update(label_map, way[-1])
        rules = broken_rules(next(random_masks))
        violations.update(rules)
        valid["random"] += not rules
        for name, mask in (("real", label_map), ("reconstructed", way[-1]), ("interpolated", way[_STEPS // 2])):
            valid[name] += not broken_rules(mask)
        steps = _changes(way)
        if steps.sum():
            largest.append(float(steps.max() / steps.sum()))
            ratios.append(float(steps.sum() / max((way[0] != way[-1]).sum(), 1)))
    return MasksResult(
        count=len(pairs),
        side=side,
        seed=seed,
        pixel_accuracy=agreement.pixel_accuracy,
        mean_iou=agreement.mean_iou,
        iou={c.name: None if np.isnan(v) else float(v) for c, v in zip(CLASSES, agreement.iou, strict=True)},
        valid={name: valid[name] / len(pairs) for name in ("real", "reconstructed", "interpolated", "random")},
        violations=dict(violations.most_common()),
        largest_step=float(np.mean(largest)) if largest else 0.0,
        path_length_ratio=float(np.mean(ratios)) if ratios else 1.0,
    )


def _changes(way: list[LabelMap]) -> NDArray[np.int64]:
    """Pixels that change in each step."""
    return np.array([(a != b).sum() for a, b in pairwise(way)])


def to_markdown(result: MasksResult) -> str:
    """The result as Markdown tables."""
    lines = [
        f"{result.count} masks at {result.side} px, seed {result.seed}: pixel accuracy "
        f"{percent(result.pixel_accuracy)}, mean IoU {number(result.mean_iou, 3)}",
        "",
        f"Between two masks, {_STEPS} steps: the largest takes {result.largest_step:.1%} of the change "
        f"(even: {1 / _STEPS:.1%}); {result.path_length_ratio:.2f} times the pixels that differ change on the way.",
        "",
        "| valid masks | " + " | ".join(result.valid) + " |",
        "|---" * (len(result.valid) + 1) + "|",
        "| share | " + " | ".join(f"{share:.1%}" for share in result.valid.values()) + " |",
        "",
        "| class | IoU |",
        "|---|---|",
    ]
    lines += [f"| {name} | {number(iou, 3)} |" for name, iou in result.iou.items()]
    return "\n".join(lines)

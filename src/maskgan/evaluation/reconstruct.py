"""Does the picture follow its mask, and its style? Measured on real pairs.

Each mask is rendered twice: in its own face's style, and in the style of the next face in a shuffled ring. A parser
reads masks from the results and from the real pictures; the latter's row says what the parser itself gets wrong.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from maskgan.data.pairs import PairCollection
from maskgan.editing.parsing import Parser
from maskgan.editing.session import FaceEditor
from maskgan.evaluation.systems import squared
from maskgan.labels import CLASSES, INDEX
from maskgan.metrics.colour import ColourFollowing, class_colour
from maskgan.metrics.segmentation import SegmentationAgreement

_COLOURED = ("skin", "hair", "background")


@dataclass(frozen=True)
class Agreement:
    """How well the parser's masks of one kind of picture agree with the masks asked for."""

    pixel_accuracy: float
    mean_iou: float
    iou: dict[str, float | None]


@dataclass(frozen=True)
class Following:
    """Mean RGB distances (0..441) of one class's colour when the style is borrowed, and brightness correlation."""

    result_to_style: float
    result_to_owner: float
    owner_to_style: float
    correlation: float
    count: int


@dataclass(frozen=True)
class ReconstructResult:
    """What ``reconstruct`` measured.

    Attributes:
        count: pairs.
        seed: of the shuffled ring.
        side: of the pictures compared, in pixels.
        agreement: for ``real``, ``own style`` and ``borrowed style``.
        colours: for skin, hair and background.
    """

    count: int
    seed: int
    side: int
    agreement: dict[str, Agreement]
    colours: dict[str, Following]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)


def reconstruct(pairs: PairCollection, editor: FaceEditor, parser: Parser, side: int, seed: int) -> ReconstructResult:
    """Measure agreement with masks and following of styles.

    Args:
        pairs: real faces with masks; each is resized to ``side``.
        editor: the system measured.
        parser: reads masks from pictures.
        side: in pixels.
        seed: chooses who borrows whose style.
    """
    agreement = {name: SegmentationAgreement() for name in ("real", "own style", "borrowed style")}
    colours = {name: ColourFollowing() for name in _COLOURED}
    ring = np.random.default_rng(seed).permutation(len(pairs))
    last = squared(pairs[int(ring[-1])], side)
    for index in tqdm(ring, "rendering", unit="pair", disable=None, leave=False):
        pair, style = squared(pairs[int(index)], side), last
        last = pair
        editor.set_source(pair.picture, pair.label_map)
        own = editor.render("full")
        editor.set_style(style.picture, style.label_map)
        borrowed = editor.render("full")
        for name, picture in (("real", pair.picture), ("own style", own), ("borrowed style", borrowed)):
            agreement[name].update(pair.label_map, parser(picture))
        for name, following in colours.items():
            label = INDEX[name]
            following.update(
                class_colour(borrowed, pair.label_map, label),
                class_colour(style.picture, style.label_map, label),
                class_colour(pair.picture, pair.label_map, label),
            )
    return ReconstructResult(
        count=len(pairs),
        seed=seed,
        side=side,
        agreement={name: _agreement(measured) for name, measured in agreement.items()},
        colours={
            name: Following(*measured.distances(), measured.correlation(), measured.count)
            for name, measured in colours.items()
        },
    )


def _agreement(measured: SegmentationAgreement) -> Agreement:
    iou = {c.name: None if np.isnan(v) else float(v) for c, v in zip(CLASSES, measured.iou, strict=True)}
    return Agreement(measured.pixel_accuracy, measured.mean_iou, iou)


def to_markdown(result: ReconstructResult) -> str:
    """The result as Markdown tables: agreement, colours, and each class."""
    lines = [
        f"{result.count} pairs at {result.side} px, seed {result.seed}",
        "",
        "| pictures | pixel accuracy | mean IoU |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {a.pixel_accuracy:.1%} | {a.mean_iou:.3f} |" for name, a in result.agreement.items()]
    lines += [
        "",
        "| colour of | result to style | result to mask's owner | owner to style | brightness correlation with style |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} ({f.count}) | {f.result_to_style:.1f} | {f.result_to_owner:.1f} | {f.owner_to_style:.1f} "
        f"| {f.correlation:.2f} |"
        for name, f in result.colours.items()
    ]
    lines += ["", "| IoU of | " + " | ".join(result.agreement) + " |", "|---" * (len(result.agreement) + 1) + "|"]
    for c in CLASSES:
        values = [agreement.iou[c.name] for agreement in result.agreement.values()]
        lines.append(f"| {c.title} | " + " | ".join("-" if v is None else f"{v:.2f}" for v in values) + " |")
    return "\n".join(lines)

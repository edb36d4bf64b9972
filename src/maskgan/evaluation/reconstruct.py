"""Does the picture follow its mask, and its style? Measured on real pairs.

Each system renders each mask twice: in its own face's style, and in the style of the next face in a shuffled ring. A
parser reads masks from the results and from the real pictures; the latter's row says what the parser itself gets wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from maskgan.data.pairs import PairCollection
from maskgan.editing.parsing import Parser
from maskgan.evaluation.systems import System, shuffled_requests
from maskgan.labels import CLASSES, INDEX
from maskgan.metrics.colour import ColourTransfer, class_colour
from maskgan.metrics.segmentation import ConfusionMatrix

_COLOURED = ("skin", "hair", "background")


@dataclass(frozen=True)
class Agreement:
    """How well the parser's masks of one kind of picture agree with the masks asked for."""

    pixel_accuracy: float
    mean_iou: float
    iou: dict[str, float | None]
    f1: dict[str, float | None]


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
        agreement: for ``real``, and for each system ``NAME, own style`` and ``NAME, borrowed style``.
        colours: for each system, for skin, hair and background.
    """

    count: int
    seed: int
    side: int
    agreement: dict[str, Agreement]
    colours: dict[str, dict[str, Following]]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)


class _Measures:
    """What is counted of one system."""

    def __init__(self) -> None:
        self.own = ConfusionMatrix()
        self.borrowed = ConfusionMatrix()
        self.colours = {name: ColourTransfer() for name in _COLOURED}


def reconstruct(
    pairs: PairCollection, systems: Sequence[System], parser: Parser, side: int, seed: int
) -> ReconstructResult:
    """Measure agreement with masks and following of styles.

    Args:
        pairs: real faces with masks; each is resized to ``side``.
        systems: those measured; they render whole pictures.
        parser: reads masks from pictures.
        side: in pixels.
        seed: chooses who borrows whose style.
    """
    real = ConfusionMatrix()
    measures = {system.name: _Measures() for system in systems}
    requests = shuffled_requests(pairs, side, seed)
    for in_own, in_borrowed in tqdm(requests, "rendering", len(pairs), unit="pair", disable=None, leave=False):
        pair, style = in_borrowed.source, in_borrowed.style
        real.update(pair.label_map, parser(pair.picture))
        for system in systems:
            measured = measures[system.name]
            own = system(in_own)
            borrowed = system(in_borrowed)
            measured.own.update(pair.label_map, parser(own))
            measured.borrowed.update(pair.label_map, parser(borrowed))
            for name, following in measured.colours.items():
                label = INDEX[name]
                following.update(
                    class_colour(borrowed, pair.label_map, label),
                    class_colour(style.picture, style.label_map, label),
                    class_colour(pair.picture, pair.label_map, label),
                )
    agreement = {"real": _agreement(real)}
    for name, measured in measures.items():
        agreement[f"{name}, own style"] = _agreement(measured.own)
        agreement[f"{name}, borrowed style"] = _agreement(measured.borrowed)
    return ReconstructResult(
        count=len(pairs),
        seed=seed,
        side=side,
        agreement=agreement,
        colours={
            name: {
                part: Following(*following.distances(), following.correlation(), following.count)
                for part, following in measured.colours.items()
            }
            for name, measured in measures.items()
        },
    )


def _agreement(measured: ConfusionMatrix) -> Agreement:
    iou = {c.name: None if np.isnan(v) else float(v) for c, v in zip(CLASSES, measured.iou, strict=True)}
    f1 = {name: None if value is None else 2 * value / (1 + value) for name, value in iou.items()}
    return Agreement(measured.pixel_accuracy, measured.mean_iou, iou, f1)


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
        "| system | colour of | result to style | result to mask's owner | owner to style "
        "| brightness correlation with style |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {system} | {part} ({f.count}) | {f.result_to_style:.1f} | {f.result_to_owner:.1f} | {f.owner_to_style:.1f} "
        f"| {f.correlation:.2f} |"
        for system, parts in result.colours.items()
        for part, f in parts.items()
    ]
    lines += ["", "| IoU / F1 of | " + " | ".join(result.agreement) + " |", "|---" * (len(result.agreement) + 1) + "|"]
    for c in CLASSES:
        values = [_shown(agreement.iou[c.name], agreement.f1[c.name]) for agreement in result.agreement.values()]
        lines.append(f"| {c.title} | " + " | ".join(values) + " |")
    return "\n".join(lines)


def _shown(iou: float | None, f1: float | None) -> str:
    return "-" if iou is None or f1 is None else f"{iou:.2f} / {f1:.2f}"

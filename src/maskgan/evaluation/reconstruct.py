"""Do rendered faces follow their masks and styles? Measured on real pairs.

Each system renders each mask twice: in its own face's style, and in the style of the next face in a shuffled ring. A
face parser predicts masks from the results and from the real images; the latter's row shows the parser's own errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from maskgan.data.pairs import PairCollection
from maskgan.evaluation.batching import batched
from maskgan.evaluation.networks import MeasuringNetworks
from maskgan.evaluation.systems import Request, System, shuffled_requests
from maskgan.evaluation.tables import number, percent
from maskgan.images import Picture
from maskgan.labels import CLASSES, INDEX, LabelMap
from maskgan.metrics.colour import ColourTransfer, class_colour
from maskgan.metrics.segmentation import ConfusionMatrix

_COLOURED = ("skin", "hair", "background")


@dataclass(frozen=True)
class Agreement:
    """Agreement of the parser's masks with the requested masks; ``None`` without faces.

    Attributes:
        pixel_accuracy: 0..1.
        mean_iou: over the classes that occur, 0..1.
        iou: by class, 0..1; ``None`` for a class that does not occur.
        f1: by class, 0..1; ``None`` for a class that does not occur.
    """

    pixel_accuracy: float | None
    mean_iou: float | None
    iou: dict[str, float | None]
    f1: dict[str, float | None]


@dataclass(frozen=True)
class ColourScores:
    """Transfer of one class's colour in the reference style; ``None`` where no face shows the class.

    Attributes:
        result_to_style: mean RGB distance between result and style face, 0..441.
        result_to_owner: mean RGB distance between result and the mask's owner, 0..441.
        owner_to_style: mean RGB distance between the mask's owner and the style face, 0..441.
        correlation: of the brightness of results and style faces, -1..1.
        count: results in which all three show the class.
    """

    result_to_style: float | None
    result_to_owner: float | None
    owner_to_style: float | None
    correlation: float | None
    count: int


@dataclass(frozen=True)
class ReconstructResult:
    """What ``reconstruct`` measured.

    Attributes:
        count: pairs.
        seed: of the shuffled ring.
        side: of the pictures compared, in pixels.
        agreement: for ``real``, and for each system ``NAME, own style`` and ``NAME, reference style``.
        colours: for each system, for skin, hair and background.
    """

    count: int
    seed: int
    side: int
    agreement: dict[str, Agreement]
    colours: dict[str, dict[str, ColourScores]]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)


class _Sums:
    """The state of one system's metrics."""

    def __init__(self) -> None:
        self.own = ConfusionMatrix()
        self.reference = ConfusionMatrix()
        self.colours = {name: ColourTransfer() for name in _COLOURED}

    def update(self, request: Request, own: LabelMap, reference: LabelMap, output: Picture) -> None:
        """Add the parsed masks of one face in both styles, and its image in the reference style."""
        pair, style = request.source, request.style
        self.own.update(pair.label_map, own)
        self.reference.update(pair.label_map, reference)
        for name, transfer in self.colours.items():
            label = INDEX[name]
            transfer.update(
                class_colour(output, pair.label_map, label),
                class_colour(style.picture, style.label_map, label),
                class_colour(pair.picture, pair.label_map, label),
            )


def reconstruct(
    pairs: PairCollection, systems: Sequence[System], networks: MeasuringNetworks, side: int, seed: int
) -> ReconstructResult:
    """Measure agreement with masks and transfer of colours.

    Args:
        pairs: real faces with masks; each is resized to ``side``.
        systems: those measured; they render whole images.
        networks: the parser measures.
        side: in pixels.
        seed: of the ring in which each face gets the style of the next.
    """
    parse, real = networks.parser.parse, ConfusionMatrix()
    sums = {system.name: _Sums() for system in systems}
    for batch in batched(shuffled_requests(pairs, side, seed), networks.batch_size, "rendering", len(pairs)):
        own_requests, reference_requests = zip(*batch, strict=True)
        for request, parsed in zip(own_requests, parse([r.source.picture for r in own_requests]), strict=True):
            real.update(request.source.label_map, parsed)
        for system in systems:
            own, reference = system(own_requests), system(reference_requests)
            rows = zip(reference_requests, parse(own), parse(reference), reference, strict=True)
            for request, own_mask, reference_mask, output in rows:
                sums[system.name].update(request, own_mask, reference_mask, output)
    agreement = {"real": _agreement(real)}
    for name, measured in sums.items():
        agreement[f"{name}, own style"] = _agreement(measured.own)
        agreement[f"{name}, reference style"] = _agreement(measured.reference)
    return ReconstructResult(
        count=len(pairs),
        seed=seed,
        side=side,
        agreement=agreement,
        colours={
            name: {part: _colour_scores(transfer) for part, transfer in measured.colours.items()}
            for name, measured in sums.items()
        },
    )


def _colour_scores(transfer: ColourTransfer) -> ColourScores:
    return ColourScores(
        result_to_style=transfer.result_to_style.compute(),
        result_to_owner=transfer.result_to_owner.compute(),
        owner_to_style=transfer.owner_to_style.compute(),
        correlation=transfer.correlation(),
        count=transfer.count,
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
    lines += [
        f"| {name} | {percent(a.pixel_accuracy)} | {number(a.mean_iou, 3)} |" for name, a in result.agreement.items()
    ]
    lines += [
        "",
        "| system | colour of | result to style | result to mask's owner | owner to style "
        "| brightness correlation with style |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {system} | {part} ({f.count}) | {number(f.result_to_style, 1)} | {number(f.result_to_owner, 1)} "
        f"| {number(f.owner_to_style, 1)} | {number(f.correlation, 2)} |"
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

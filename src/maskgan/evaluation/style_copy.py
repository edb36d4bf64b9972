"""Style copy: another face's look on a face's mask, measured as in the supplement's Table 1.

An attribute is copied if a classifier finds in the result what the style's face has. Who owns the mask matters too: if
both faces are women, a system that does nothing scores. So there are two sets of pairs, random ones and such that
differ in the attribute asked about, and a row of *identity baseline* beside every system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from tqdm import tqdm

from maskgan.data.pairs import PairCollection
from maskgan.editing.parsing import Parser
from maskgan.errors import UserError
from maskgan.evaluation.attribute_predictor import AttributePredictor, attribute_index
from maskgan.evaluation.cases import Case, Labels, safe_name
from maskgan.evaluation.features import Distances, FeatureExtractor, FeatureSet
from maskgan.evaluation.grids import distance_cell, distance_column
from maskgan.evaluation.systems import IdentityBaseline, Request, System, case_requests
from maskgan.images import Picture
from maskgan.labels import LabelMap
from maskgan.metrics.outlier_pixels import hair_outlier_pixels
from maskgan.metrics.segmentation import ConfusionMatrix

COPIED_ATTRIBUTES = ("Male", "Heavy_Makeup", "No_Beard")
RANDOM = "random"

PUBLISHED: Mapping[str, tuple[float, float, float, float]] = MappingProxyType(
    {
        "MaskGAN, concat": (63.1, 61.3, 84.8, 90.8),
        "MaskGAN, SFT": (67.7, 67.1, 89.0, 92.5),
        "real images": (96.9, 88.1, 95.4, 93.4),
    }
)
"""Per cent of the three attributes and of the segmentation, from the supplement's Table 1."""


@dataclass(frozen=True)
class StyleCopyScores:
    """What was measured of one system.

    Attributes:
        random: share of random pairs whose result shows what the style's face has, for each attribute, 0..1.
        differing: likewise, of pairs whose faces differ in that attribute.
        pixel_accuracy: of the results of random pairs against the masks asked for, 0..1.
        outlier_pixels: share of hair pixels in the results of random pairs that differ strongly from their
            surroundings, 0..1; not comparable between sizes.
        frechet: distance of these results from the photographs; ``None`` for photographs.
        kernel: likewise.
    """

    random: dict[str, float]
    differing: dict[str, float]
    pixel_accuracy: float
    outlier_pixels: float
    frechet: float | None
    kernel: float | None


@dataclass(frozen=True)
class StyleCopyResult:
    """What ``style_copy`` measured.

    Attributes:
        side: of the pictures, in pixels.
        counts: cases in each group: ``random``, and the differing pairs of each attribute.
        distance: what the Fréchet distance is called; FID in Inception's features alone.
        systems: by name, ``real`` (the style's own picture) and ``identity baseline`` (the mask owner's) among them.
    """

    side: int
    counts: dict[str, int]
    distance: str
    systems: dict[str, StyleCopyScores]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)


def sample_cases(labels: Labels, seed: int, count: int) -> list[Case]:
    """Random pairs, and for each attribute as many that differ in it, half in either direction.

    Args:
        labels: of the faces to draw from.
        seed: draws.
        count: of each group, at most; fewer where the faces do not allow it.

    Raises:
        UserError: there are fewer than 2 faces.
    """
    if len(labels) < 2:
        raise UserError("style copy needs at least 2 faces with known attributes")
    rng = np.random.default_rng(seed)
    keys = np.array(sorted(labels))
    cases = []
    for turn in range(-(-count // len(keys))):
        ring = rng.permutation(keys)
        for source, style in list(zip(ring, np.roll(ring, 1), strict=True))[: count - turn * len(keys)]:
            cases.append(Case(safe_name(RANDOM, str(turn), source, style), RANDOM, str(source), str(style)))
    for name in COPIED_ATTRIBUTES:
        index = attribute_index(name)
        has = [[key for key in keys if labels[key][index] == value] for value in (0, 1)]
        half = min(count // 2, len(has[0]), len(has[1])) if has[0] and has[1] else 0
        for owners, styles in (has, has[::-1]):
            chosen = zip(rng.permutation(owners)[:half], rng.permutation(styles)[:half], strict=True)
            cases += [Case(safe_name(name, a, b), name, str(a), str(b)) for a, b in chosen]
    return cases


class _RealStyle:
    """The style's own picture: what the classifier itself gets wrong."""

    name = "real"

    def __call__(self, request: Request) -> Picture:
        return request.style.picture


class _Measures:
    """Sums of one system."""

    def __init__(self, reader: FeatureExtractor) -> None:
        self.right = {group: dict.fromkeys(COPIED_ATTRIBUTES, 0) for group in ("random", "differing")}
        self.agreement = ConfusionMatrix()
        self.outlier_pixels, self.hair = 0, 0
        self.pictures = FeatureSet(reader)

    def update(self, made: Picture, mask: LabelMap, parsed: LabelMap) -> None:
        """Count one of the random pairs."""
        outlier_pixels, hair = hair_outlier_pixels(made, mask)
        self.outlier_pixels, self.hair = self.outlier_pixels + outlier_pixels, self.hair + hair
        self.agreement.update(mask, parsed)
        self.pictures.add([made])


def style_copy(
    pairs: PairCollection,
    cases: Sequence[Case],
    labels: Labels,
    systems: Sequence[System],
    classifier: AttributePredictor,
    parser: Parser,
    reader: FeatureExtractor,
    side: int,
) -> StyleCopyResult:
    """Put all cases to every system.

    Args:
        pairs: real faces with masks; each is resized to ``side``.
        cases: see ``sample_cases``.
        labels: attributes of their faces.
        systems: those compared.
        classifier: reads attributes from pictures.
        parser: reads masks from pictures.
        reader: for the distances from photographs.
        side: in pixels.
    """
    real, nothing = _RealStyle(), IdentityBaseline()
    compared: tuple[System, ...] = (real, nothing, *systems)
    measures = {system.name: _Measures(reader) for system in compared}
    counts = dict.fromkeys((RANDOM, *COPIED_ATTRIBUTES), 0)
    for case, request in tqdm(
        zip(cases, case_requests(pairs, cases, side), strict=True), "copying", len(cases), disable=None, leave=False
    ):
        counts[case.group] += 1
        wanted = labels[case.style]
        for system in compared:
            made = system(request)
            measured, found = measures[system.name], classifier(made)
            asked = COPIED_ATTRIBUTES if case.group == RANDOM else (case.group,)
            for name in asked:
                index = attribute_index(name)
                group = "random" if case.group == RANDOM else "differing"
                measured.right[group][name] += int(found[index] == wanted[index])
            if case.group == RANDOM:
                # The real picture is asked for its own mask.
                mask = request.style.label_map if system is real else request.source.label_map
                measured.update(made, mask, parser(made))
    photographs = measures[nothing.name].pictures
    return StyleCopyResult(
        side=side,
        counts=counts,
        distance=reader.distance_name,
        systems={
            name: _scores(measured, counts, None if name in (real.name, nothing.name) else photographs)
            for name, measured in measures.items()
        },
    )


def _scores(measured: _Measures, counts: Mapping[str, int], photographs: FeatureSet | None) -> StyleCopyScores:
    distances: Distances | None = None if photographs is None else measured.pictures.distances(photographs)
    return StyleCopyScores(
        random={a: measured.right["random"][a] / max(counts[RANDOM], 1) for a in COPIED_ATTRIBUTES},
        differing={a: measured.right["differing"][a] / max(counts[a], 1) for a in COPIED_ATTRIBUTES},
        pixel_accuracy=measured.agreement.pixel_accuracy,
        outlier_pixels=measured.outlier_pixels / max(measured.hair, 1),
        frechet=None if distances is None else distances.frechet,
        kernel=None if distances is None else distances.kernel,
    )


def to_markdown(result: StyleCopyResult) -> str:
    """The result as Markdown tables, the published rows beside it."""
    lines = [
        f"Style copy at {result.side} px, {result.counts[RANDOM]} random pairs",
        "",
        "| system | "
        + " | ".join(COPIED_ATTRIBUTES)
        + f" | Seg | outlier pixels | {distance_column(result.distance)} |",
        "|---" * (len(COPIED_ATTRIBUTES) + 4) + "|",
    ]
    for name, scores in result.systems.items():
        values = [f"{scores.random[a]:.1%}" for a in COPIED_ATTRIBUTES]
        lines.append(
            f"| {name} | " + " | ".join(values) + f" | {scores.pixel_accuracy:.1%} | {scores.outlier_pixels:.2%} "
            f"| {distance_cell(result.distance, scores.frechet, scores.kernel)} |"
        )
    for name, row in PUBLISHED.items():
        lines.append(f"| *published:* {name} | " + " | ".join(f"{value}%" for value in row) + " | - | - |")
    lines += [
        "",
        "| pairs that differ in it | " + " | ".join(f"{a} ({result.counts[a]})" for a in COPIED_ATTRIBUTES) + " |",
        "|---" * (len(COPIED_ATTRIBUTES) + 1) + "|",
    ]
    for name, scores in result.systems.items():
        lines.append(f"| {name} | " + " | ".join(f"{scores.differing[a]:.1%}" for a in COPIED_ATTRIBUTES) + " |")
    return "\n".join(lines)

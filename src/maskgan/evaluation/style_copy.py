"""Style copy: another face's style on a face's mask, measured as in the supplement's Table 1.

An attribute is copied if the classifier predicts for the result what the style's face has. The mask's owner matters
too: if both faces are women, a system that copies nothing scores. So there are random pairs, pairs that differ in the
attribute measured, and the row of the identity baseline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskgan.data.pairs import PairCollection
from maskgan.errors import UserError
from maskgan.evaluation.attribute_predictor import attribute_index
from maskgan.evaluation.batching import batched
from maskgan.evaluation.cases import Case, Labels, safe_name
from maskgan.evaluation.features import FeatureSet
from maskgan.evaluation.networks import MeasuringNetworks
from maskgan.evaluation.systems import IdentityBaseline, Request, System, case_requests
from maskgan.evaluation.tables import distance_cell, distance_column, few_images_note, percent
from maskgan.images import Picture
from maskgan.labels import LabelMap
from maskgan.metrics.mean import Mean
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
    """Scores of one system; ``None`` where there are no cases.

    Attributes:
        random: attribute accuracy by attribute in random pairs, 0..1: whether the result shows what the style's face
            shows.
        differing: attribute accuracy by attribute in pairs that differ in it, 0..1.
        pixel_accuracy: of the results of random pairs against the requested masks, 0..1.
        outlier_pixels: share of hair pixels in the results of random pairs that differ strongly from their
            surroundings, 0..1; not comparable between sizes.
        frechet: Fréchet distance of these results from the photographs; ``None`` for photographs.
        kernel: kernel distance of these results from the photographs; ``None`` for photographs.
    """

    random: dict[str, float | None]
    differing: dict[str, float | None]
    pixel_accuracy: float | None
    outlier_pixels: float | None
    frechet: float | None
    kernel: float | None


@dataclass(frozen=True)
class StyleCopyResult:
    """What ``style_copy`` measured.

    Attributes:
        side: of the pictures, in pixels.
        counts: cases in each group: ``random``, and the differing pairs of each attribute.
        distance: name of the Fréchet distance; FID for Inception-v3 only.
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
    """The style's own image: its row shows the classifier's own errors."""

    name = "real"

    def __call__(self, requests: Sequence[Request]) -> list[Picture]:
        return [request.style.picture for request in requests]


class _Sums:
    """The state of one system's metrics."""

    def __init__(self, feature_size: int) -> None:
        self.random = {name: Mean() for name in COPIED_ATTRIBUTES}
        self.differing = {name: Mean() for name in COPIED_ATTRIBUTES}
        self.confusion = ConfusionMatrix()
        self.outlier_pixels, self.hair_pixels = 0, 0
        self.features = FeatureSet(feature_size)

    def update_attributes(self, group: str, target: NDArray[np.uint8], prediction: NDArray[np.uint8]) -> None:
        """Add 40 predicted attributes of a result of a case in ``group``."""
        means = self.random if group == RANDOM else self.differing
        for name in COPIED_ATTRIBUTES if group == RANDOM else (group,):
            index = attribute_index(name)
            means[name].update(float(prediction[index] == target[index]))

    def update_image(self, output: Picture, mask: LabelMap, parsed: LabelMap) -> None:
        """Add a result of a random pair."""
        outliers, hair = hair_outlier_pixels(output, mask)
        self.outlier_pixels, self.hair_pixels = self.outlier_pixels + outliers, self.hair_pixels + hair
        self.confusion.update(mask, parsed)

    def scores(self, photographs: FeatureSet | None) -> StyleCopyScores:
        """The scores, with distances from ``photographs`` if there are any."""
        distances = None if photographs is None else self.features.distances(photographs)
        return StyleCopyScores(
            random={name: mean.compute() for name, mean in self.random.items()},
            differing={name: mean.compute() for name, mean in self.differing.items()},
            pixel_accuracy=self.confusion.pixel_accuracy,
            outlier_pixels=self.outlier_pixels / self.hair_pixels if self.hair_pixels else None,
            frechet=None if distances is None else distances.frechet,
            kernel=None if distances is None else distances.kernel,
        )


def style_copy(
    pairs: PairCollection,
    cases: Sequence[Case],
    labels: Labels,
    systems: Sequence[System],
    networks: MeasuringNetworks,
    side: int,
) -> StyleCopyResult:
    """Put all cases to every system.

    Args:
        pairs: real faces with masks; each is resized to ``side``.
        cases: see ``sample_cases``.
        labels: attributes of their faces.
        systems: those compared.
        networks: classifier, parser and features measure.
        side: in pixels.
    """
    real, baseline = _RealStyle(), IdentityBaseline()
    compared: tuple[System, ...] = (real, baseline, *systems)
    sums = {system.name: _Sums(networks.features.size) for system in compared}
    counts = dict.fromkeys((RANDOM, *COPIED_ATTRIBUTES), 0)
    items = zip(cases, case_requests(pairs, cases, side), strict=True)
    for batch in batched(items, networks.batch_size, "copying styles", len(cases)):
        for case, _ in batch:
            counts[case.group] += 1
        for system in compared:
            _measure_batch(system, batch, labels, networks, sums[system.name])
    photographs = sums[baseline.name].features
    return StyleCopyResult(
        side=side,
        counts=counts,
        distance=networks.features.distance_name,
        systems={
            name: measured.scores(None if name in (real.name, baseline.name) else photographs)
            for name, measured in sums.items()
        },
    )


def _measure_batch(
    system: System, batch: Sequence[tuple[Case, Request]], labels: Labels, networks: MeasuringNetworks, sums: _Sums
) -> None:
    """Render a batch with a system and add it to the system's state."""
    outputs = system([request for _, request in batch])
    for (case, _), prediction in zip(batch, networks.classifier(outputs), strict=True):
        sums.update_attributes(case.group, labels[case.style], prediction)
    random = [i for i, (case, _) in enumerate(batch) if case.group == RANDOM]
    if not random:
        return
    images = [outputs[i] for i in random]
    sums.features.update(networks.features(images))
    for i, image, parsed in zip(random, images, networks.parser.parse(images), strict=True):
        request = batch[i][1]
        # The real image of the style's face has that face's mask.
        mask = request.style.label_map if isinstance(system, _RealStyle) else request.source.label_map
        sums.update_image(image, mask, parsed)


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
        values = [percent(scores.random[a]) for a in COPIED_ATTRIBUTES]
        lines.append(
            f"| {name} | "
            + " | ".join(values)
            + f" | {percent(scores.pixel_accuracy)} | {percent(scores.outlier_pixels, 2)} "
            f"| {distance_cell(result.distance, scores.frechet, scores.kernel)} |"
        )
    for name, row in PUBLISHED.items():
        lines.append(f"| *published:* {name} | " + " | ".join(f"{value}%" for value in row) + " | - | - |")
    lines += few_images_note(result.distance, result.counts[RANDOM])
    lines += [
        "",
        "| pairs that differ in it | " + " | ".join(f"{a} ({result.counts[a]})" for a in COPIED_ATTRIBUTES) + " |",
        "|---" * (len(COPIED_ATTRIBUTES) + 1) + "|",
    ]
    for name, scores in result.systems.items():
        lines.append(f"| {name} | " + " | ".join(percent(scores.differing[a]) for a in COPIED_ATTRIBUTES) + " |")
    return "\n".join(lines)

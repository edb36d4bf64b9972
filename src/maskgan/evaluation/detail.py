"""How sharp are pictures of twice the network's size? Faces reconstructed from their own masks and styles.

Every picture is also seen in four quarters, so that a feature network that shrinks what it is shown sees their detail.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

from maskgan.data.pairs import PairCollection
from maskgan.evaluation.batching import batched
from maskgan.evaluation.features import FeatureExtractor, FeatureSet
from maskgan.evaluation.networks import MeasuringNetworks
from maskgan.evaluation.systems import Request, System, resize_square
from maskgan.evaluation.tables import distance_cell, distance_column, few_images_note, number
from maskgan.images import Picture, resize_picture
from maskgan.labels import INDEX, LabelMap
from maskgan.metrics.detail import finest_octave
from maskgan.metrics.mean import Mean

_PARTS = ("skin", "hair", "background")


class Downsampled:
    """The photograph downsampled by 2 and upsampled again: what a perfect network gives without an enhancer."""

    name = "photographs, 2x downsampled"

    def __call__(self, requests: Sequence[Request]) -> list[Picture]:
        """See ``System``."""
        return [_downsampled(request.source.picture) for request in requests]


def _downsampled(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    return resize_picture(resize_picture(picture, (height // 2, width // 2)), (height, width))


@dataclass(frozen=True)
class DetailScores:
    """Scores of one kind of image.

    Attributes:
        octave: standard deviation of the finest octave in grey levels, over all pixels (``all``) and over those of
            classes; ``None`` for a class that does not occur.
        frechet: Fréchet distance of the quarters from those of the photographs; ``None`` for photographs.
        kernel: kernel distance of the quarters from those of the photographs; ``None`` for photographs.
    """

    octave: dict[str, float | None]
    frechet: float | None
    kernel: float | None


@dataclass(frozen=True)
class DetailResult:
    """What ``detail`` measured.

    Attributes:
        count: faces.
        side: of the pictures, in pixels.
        distance: name of the Fréchet distance; FID for Inception-v3 only.
        scores: of ``photographs``, and of each system by name.
    """

    count: int
    side: int
    distance: str
    scores: dict[str, DetailScores]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)


class _Sums:
    """The state of one kind of image."""

    def __init__(self, feature_size: int) -> None:
        self.squares = {part: Mean() for part in ("all", *_PARTS)}
        self.quarters = FeatureSet(feature_size)

    def update(self, pictures: Sequence[Picture], label_maps: Sequence[LabelMap], features: FeatureExtractor) -> None:
        """Add a batch of images with the masks of their faces."""
        for picture, label_map in zip(pictures, label_maps, strict=True):
            octave, cells = finest_octave(picture), label_map[::2, ::2]
            for part, mean in self.squares.items():
                mean.update(octave if part == "all" else octave[cells == INDEX[part]])
        self.quarters.update(features([quarter for picture in pictures for quarter in _quarters(picture)]))

    def scores(self, photographs: FeatureSet | None) -> DetailScores:
        """The scores, with distances from ``photographs`` if there are any."""
        distances = None if photographs is None else self.quarters.distances(photographs)
        return DetailScores(
            octave={part: None if (m := mean.compute()) is None else sqrt(m) for part, mean in self.squares.items()},
            frechet=None if distances is None else distances.frechet,
            kernel=None if distances is None else distances.kernel,
        )


def detail(pairs: PairCollection, systems: Sequence[System], networks: MeasuringNetworks, side: int) -> DetailResult:
    """Measure the detail of reconstructed faces.

    Args:
        pairs: real faces with masks, as large as ``side``; each is resized to it.
        systems: those measured; they render whole images.
        networks: the features measure.
        side: in pixels, even.
    """
    features = networks.features
    compared: tuple[System, ...] = (Downsampled(), *systems)
    photographs = _Sums(features.size)
    sums = {system.name: _Sums(features.size) for system in compared}
    for indices in batched(range(len(pairs)), networks.batch_size, "rendering", len(pairs)):
        faces = [resize_square(pairs[index], side) for index in indices]
        requests = [Request(face.key, face, face, face.label_map) for face in faces]
        label_maps = [face.label_map for face in faces]
        photographs.update([face.picture for face in faces], label_maps, features)
        for system in compared:
            sums[system.name].update(system(requests), label_maps, features)
    return DetailResult(
        count=len(pairs),
        side=side,
        distance=features.distance_name,
        scores={
            "photographs": photographs.scores(None),
            **{name: state.scores(photographs.quarters) for name, state in sums.items()},
        },
    )


def _quarters(picture: Picture) -> Iterator[Picture]:
    height, width = (length // 2 for length in picture.shape[:2])
    for top in (0, height):
        for left in (0, width):
            yield picture[top : top + height, left : left + width]


def to_markdown(result: DetailResult) -> str:
    """The result as a Markdown table."""
    heading = f"{' | '.join(_PARTS)} | quarters: {distance_column(result.distance)}"
    lines = [
        f"{result.count} faces at {result.side} px",
        "",
        f"| pictures | finest octave, grey levels | {heading} |",
        "|---|---|" + "---|" * len(_PARTS) + "---|",
    ]
    for name, scores in result.scores.items():
        octave = " | ".join(number(strength, 2) for strength in scores.octave.values())
        lines.append(f"| {name} | {octave} | {distance_cell(result.distance, scores.frechet, scores.kernel)} |")
    return "\n".join([*lines, *few_images_note(result.distance, 4 * result.count)])

"""How sharp are pictures of twice the network's size? Faces reconstructed from their own masks and styles.

Every picture is also seen in four quarters, so that a feature network that shrinks what it is shown sees their detail.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from maskgan.data.pairs import PairCollection
from maskgan.evaluation.features import Distances, FeatureExtractor, FeatureSet
from maskgan.evaluation.grids import distance_cell, distance_column
from maskgan.evaluation.systems import Request, System, resize_square
from maskgan.images import Picture, resize_picture
from maskgan.labels import INDEX
from maskgan.metrics.detail import finest_octave

_PARTS = ("skin", "hair", "background")


class Downsampled:
    """The photograph at half its size, interpolated: what a network without fault would give without an enhancer."""

    name = "photographs, 2x downsampled"

    def __call__(self, request: Request) -> Picture:
        """See ``System``."""
        height, width = request.source.picture.shape[:2]
        return resize_picture(resize_picture(request.source.picture, (height // 2, width // 2)), (height, width))


@dataclass(frozen=True)
class DetailScores:
    """What was measured of one kind of picture.

    Attributes:
        octave: strength of the finest octave in grey levels, of all pixels (``all``) and of the pixels of parts.
        frechet: distance of the quarters from those of the photographs; ``None`` for photographs.
        kernel: likewise.
    """

    octave: dict[str, float]
    frechet: float | None
    kernel: float | None


@dataclass(frozen=True)
class DetailResult:
    """What ``detail`` measured.

    Attributes:
        count: faces.
        side: of the pictures, in pixels.
        distance: what the Fréchet distance is called; FID in Inception's features alone.
        scores: of ``photographs``, and of each system by name.
    """

    count: int
    side: int
    distance: str
    scores: dict[str, DetailScores]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)


class _Measures:
    """Sums over one kind of picture."""

    def __init__(self, reader: FeatureExtractor) -> None:
        self.squares = dict.fromkeys(("all", *_PARTS), 0.0)
        self.counts = dict.fromkeys(self.squares, 0)
        self.quarters = FeatureSet(reader)

    def update(self, picture: Picture, cells: NDArray[np.uint8]) -> None:
        octave = finest_octave(picture)
        for part in self.squares:
            chosen = octave if part == "all" else octave[cells == INDEX[part]]
            self.squares[part] += float(chosen.sum())
            self.counts[part] += chosen.size
        self.quarters.add(list(_quarters(picture)))

    def scores(self, photographs: _Measures) -> DetailScores:
        distances: Distances | None = None if self is photographs else self.quarters.distances(photographs.quarters)
        return DetailScores(
            octave={part: float(np.sqrt(s / max(self.counts[part], 1))) for part, s in self.squares.items()},
            frechet=None if distances is None else distances.frechet,
            kernel=None if distances is None else distances.kernel,
        )


def detail(pairs: PairCollection, systems: Sequence[System], reader: FeatureExtractor, side: int) -> DetailResult:
    """Measure the detail of faces reconstructed.

    Args:
        pairs: real faces with masks; each is resized to ``side``, so they should be as large.
        systems: those measured; they render whole pictures.
        reader: for the distances from photographs.
        side: in pixels, even.
    """
    compared: tuple[System, ...] = (Downsampled(), *systems)
    photographs = _Measures(reader)
    measures = {system.name: _Measures(reader) for system in compared}
    for i in tqdm(range(len(pairs)), "rendering", unit="face", disable=None, leave=False):
        pair = resize_square(pairs[i], side)
        cells = pair.label_map[::2, ::2]
        photographs.update(pair.picture, cells)
        for system in compared:
            measures[system.name].update(system(Request(pair.key, pair, pair, pair.label_map)), cells)
    return DetailResult(
        count=len(pairs),
        side=side,
        distance=reader.distance_name,
        scores={
            "photographs": photographs.scores(photographs),
            **{name: measured.scores(photographs) for name, measured in measures.items()},
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
        octave = " | ".join(f"{strength:.2f}" for strength in scores.octave.values())
        lines.append(f"| {name} | {octave} | {distance_cell(result.distance, scores.frechet, scores.kernel)} |")
    return "\n".join(lines)

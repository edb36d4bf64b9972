"""How a system bears edits that people draw: each face gets six scripted edits, and every system answers them.

*Edit accuracy* is the share of changed pixels that a parser finds to be as asked; *preservation error* is
the mean distance from the photograph outside the edit. The Fréchet distance tells whether results look like
photographs of faces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from tqdm import tqdm

from maskgan.data.pairs import FacePair, PairCollection
from maskgan.editing import mask_edits
from maskgan.editing.parsing import Parser
from maskgan.errors import UserError
from maskgan.evaluation.cases import safe_name
from maskgan.evaluation.features import FeatureExtractor, FeatureSet
from maskgan.evaluation.grids import distance_cell, distance_column
from maskgan.evaluation.systems import IdentityBaseline, Request, System, resize_square
from maskgan.images import Picture
from maskgan.labels import LabelMap, colourise
from maskgan.metrics.segmentation import ConfusionMatrix

EDITS: Mapping[str, Callable[[LabelMap], LabelMap]] = MappingProxyType(
    {
        "smile": mask_edits.smile,
        "open mouth": mask_edits.open_mouth,
        "raised brows": mask_edits.raise_brows,
        "glasses": mask_edits.add_glasses,
        "hat": mask_edits.add_hat,
        "longer hair": mask_edits.long_hair,
    }
)
_MARGIN = 1 / 32  # of the side: so near to an edit nobody can say whether a pixel should move


@dataclass(frozen=True)
class SystemScores:
    """What was measured of one system.

    Attributes:
        edit_accuracy: for each edit the share of changed pixels that the parser finds to be what was asked, 0..1.
        pixel_accuracy: of the whole results against the masks asked for, 0..1.
        mean_iou: likewise.
        preservation_error: mean distance from the photograph where nothing was asked, in grey levels, 0..255.
        frechet: distance of the results from the photographs; ``None`` for the photographs themselves.
        kernel: likewise.
    """

    edit_accuracy: dict[str, float]
    pixel_accuracy: float
    mean_iou: float
    preservation_error: float
    frechet: float | None
    kernel: float | None


@dataclass(frozen=True)
class InteractiveResult:
    """What ``interactive`` measured.

    Attributes:
        count: faces.
        side: of the pictures compared, in pixels.
        requests: how often each edit was possible (a face without brows cannot raise them).
        distance: what the Fréchet distance is called; FID in Inception's features alone.
        real: pixel accuracy and mean IoU of the photographs against their own masks: the parser's own faults.
        systems: by name; ``identity baseline`` among them.
    """

    count: int
    side: int
    requests: dict[str, int]
    distance: str
    real: tuple[float, float]
    systems: dict[str, SystemScores]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)


class _Measures:
    """Sums of one system."""

    def __init__(self, reader: FeatureExtractor) -> None:
        self.agreement = ConfusionMatrix()
        self.in_edit = {name: ConfusionMatrix() for name in EDITS}
        self.moved, self.still = 0.0, 0
        self.pictures = FeatureSet(reader)

    def update(self, edit: str, request: Request, made: Picture, found: LabelMap) -> None:
        self.agreement.update(request.target, found)
        changed = request.target != request.source.label_map
        self.in_edit[edit].update(request.target[changed][None], found[changed][None])
        outside = ~_widened(changed)
        difference = np.abs(made.astype(np.float64) - request.source.picture).mean(axis=2)
        self.moved += float(difference[outside].sum())
        self.still += int(outside.sum())
        if made is not request.source.picture:  # photographs are no answers to be likened to photographs
            self.pictures.add([made])

    def scores(self, real: FeatureSet | None) -> SystemScores:
        distances = None if real is None else self.pictures.distances(real)
        return SystemScores(
            edit_accuracy={name: agreement.pixel_accuracy for name, agreement in self.in_edit.items()},
            pixel_accuracy=self.agreement.pixel_accuracy,
            mean_iou=self.agreement.mean_iou,
            preservation_error=self.moved / max(self.still, 1),
            frechet=None if distances is None else distances.frechet,
            kernel=None if distances is None else distances.kernel,
        )


def interactive(
    pairs: PairCollection, systems: Sequence[System], parser: Parser, reader: FeatureExtractor, side: int
) -> InteractiveResult:
    """Put all edits of all faces to every system.

    Args:
        pairs: real faces with masks, at least 2; each is resized to ``side``.
        systems: those compared.
        parser: reads masks from pictures.
        reader: for the distances from photographs.
        side: in pixels.

    Raises:
        UserError: there are fewer than 2 faces.
    """
    if len(pairs) < 2:
        raise UserError("a comparison of systems needs at least 2 faces")
    nothing = IdentityBaseline()
    measures = {system.name: _Measures(reader) for system in (nothing, *systems)}
    requests = dict.fromkeys(EDITS, 0)
    real, photographs = ConfusionMatrix(), FeatureSet(reader)
    for index in tqdm(range(len(pairs)), "editing", unit="face", disable=None, leave=False):
        source = resize_square(pairs[index], side)
        seen = parser(source.picture)
        real.update(source.label_map, seen)
        photographs.add([source.picture])
        for edit, request in _edits_of(source):
            requests[edit] += 1
            for system in (nothing, *systems):
                made = system(request)
                found = seen if made is source.picture else parser(made)
                measures[system.name].update(edit, request, made, found)
    return InteractiveResult(
        count=len(pairs),
        side=side,
        requests=requests,
        distance=reader.distance_name,
        real=(real.pixel_accuracy, real.mean_iou),
        systems={
            name: measured.scores(None if name == nothing.name else photographs) for name, measured in measures.items()
        },
    )


def edit_grid(pairs: PairCollection, systems: Sequence[System], side: int, count: int) -> Picture:
    """The first ``count`` faces, two rows an edit: masks asked for, then each system's answers; H x W x 3 uint8."""
    faces = []
    for index in range(min(count, len(pairs))):
        source = resize_square(pairs[index], side)
        rows = [[source.picture], *([np.full_like(source.picture, 255)] for _ in systems)]
        for _, request in _edits_of(source):
            rows[0].append(colourise(request.target))
            for row, system in zip(rows[1:], systems, strict=True):
                row.append(system(request))
        faces += [np.concatenate(row, axis=1) for row in rows]
    width = max(face.shape[1] for face in faces)
    return np.concatenate(
        [np.pad(face, ((0, 0), (0, width - face.shape[1]), (0, 0)), constant_values=255) for face in faces]
    )


def _edits_of(source: FacePair) -> Iterator[tuple[str, Request]]:
    for name, edit in EDITS.items():
        try:
            target = edit(source.label_map)
        except UserError:  # the face lacks what the edit moves
            continue
        if not np.array_equal(target, source.label_map):
            yield name, Request(safe_name(source.key, name), source, source, target)


def _widened(changed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    margin = 2 * round(changed.shape[0] * _MARGIN) + 1
    return np.asarray(Image.fromarray(changed.astype(np.uint8)).filter(ImageFilter.MaxFilter(margin))) > 0


def to_markdown(result: InteractiveResult) -> str:
    """The result as Markdown tables."""
    lines = [
        f"{result.count} faces at {result.side} px, {sum(result.requests.values())} edits",
        "",
        f"| system | pixel accuracy | mean IoU | preservation error | {distance_column(result.distance)} |",
        "|---|---|---|---|---|",
        f"| real, own mask | {result.real[0]:.1%} | {result.real[1]:.3f} | - | - |",
    ]
    for name, scores in result.systems.items():
        lines.append(
            f"| {name} | {scores.pixel_accuracy:.1%} | {scores.mean_iou:.3f} | {scores.preservation_error:.1f} "
            f"| {distance_cell(result.distance, scores.frechet, scores.kernel)} |"
        )
    lines += ["", "| edit accuracy | " + " | ".join(f"{e} ({n})" for e, n in result.requests.items()) + " |"]
    lines.append("|---" * (len(EDITS) + 1) + "|")
    for name, scores in result.systems.items():
        lines.append(f"| {name} | " + " | ".join(f"{scores.edit_accuracy[e]:.1%}" for e in EDITS) + " |")
    return "\n".join(lines)

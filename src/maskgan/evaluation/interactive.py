"""Scripted edits like those that people draw: six for each face, put to every system.

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

from maskgan.data.pairs import FacePair, PairCollection
from maskgan.editing import mask_edits
from maskgan.errors import UserError
from maskgan.evaluation.batching import batched
from maskgan.evaluation.cases import safe_name
from maskgan.evaluation.features import FeatureSet
from maskgan.evaluation.networks import MeasuringNetworks
from maskgan.evaluation.systems import IdentityBaseline, Request, System, resize_square
from maskgan.evaluation.tables import distance_cell, distance_column, few_images_note, number, percent
from maskgan.images import Picture
from maskgan.labels import LabelMap, colourise
from maskgan.metrics.mean import Mean
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
    """Scores of one system; ``None`` where no edit was possible.

    Attributes:
        edit_accuracy: for each edit the share of changed pixels that the parser labels as requested, 0..1.
        pixel_accuracy: of the whole results against the requested masks, 0..1.
        mean_iou: of the whole results against the requested masks, 0..1.
        preservation_error: mean absolute difference from the source outside the edit, in grey levels, 0..255.
        frechet: Fréchet distance of the results from the photographs; ``None`` for photographs.
        kernel: kernel distance of the results from the photographs; ``None`` for photographs.
    """

    edit_accuracy: dict[str, float | None]
    pixel_accuracy: float | None
    mean_iou: float | None
    preservation_error: float | None
    frechet: float | None
    kernel: float | None


@dataclass(frozen=True)
class InteractiveResult:
    """What ``interactive`` measured.

    Attributes:
        count: faces.
        side: of the pictures compared, in pixels.
        requests: how often each edit was possible (a face without brows cannot raise them).
        distance: name of the Fréchet distance; FID for Inception-v3 only.
        real: pixel accuracy and mean IoU of the photographs against their own masks: the parser's own errors.
        systems: by name; ``identity baseline`` among them.
    """

    count: int
    side: int
    requests: dict[str, int]
    distance: str
    real: tuple[float | None, float | None]
    systems: dict[str, SystemScores]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)


class _Sums:
    """The state of one system's metrics."""

    def __init__(self, feature_size: int) -> None:
        self.confusion = ConfusionMatrix()
        self.in_edit = {name: ConfusionMatrix() for name in EDITS}
        self.outside = Mean()
        self.features = FeatureSet(feature_size)

    def update(self, edit: str, request: Request, output: Picture, parsed: LabelMap) -> None:
        """Add one result and its parsed mask."""
        self.confusion.update(request.target, parsed)
        changed = request.target != request.source.label_map
        self.in_edit[edit].update(request.target[changed][None], parsed[changed][None])
        difference = np.abs(output.astype(np.float64) - request.source.picture).mean(axis=2)
        self.outside.update(difference[~_dilated(changed)])

    def scores(self, photographs: FeatureSet | None) -> SystemScores:
        """The scores, with distances from ``photographs`` if there are any."""
        distances = None if photographs is None else self.features.distances(photographs)
        return SystemScores(
            edit_accuracy={name: confusion.pixel_accuracy for name, confusion in self.in_edit.items()},
            pixel_accuracy=self.confusion.pixel_accuracy,
            mean_iou=self.confusion.mean_iou,
            preservation_error=self.outside.compute(),
            frechet=None if distances is None else distances.frechet,
            kernel=None if distances is None else distances.kernel,
        )


def interactive(
    pairs: PairCollection, systems: Sequence[System], networks: MeasuringNetworks, side: int
) -> InteractiveResult:
    """Put all edits of all faces to every system.

    Args:
        pairs: real faces with masks, at least 2; each is resized to ``side``.
        systems: those compared.
        networks: parser and features measure.
        side: in pixels.

    Raises:
        UserError: there are fewer than 2 faces.
    """
    if len(pairs) < 2:
        raise UserError("a comparison of systems needs at least 2 faces")
    baseline = IdentityBaseline()
    sums = {system.name: _Sums(networks.features.size) for system in (baseline, *systems)}
    counts = dict.fromkeys(EDITS, 0)
    real, photographs = ConfusionMatrix(), FeatureSet(networks.features.size)
    for indices in batched(range(len(pairs)), networks.batch_size, "editing", len(pairs)):
        sources = [resize_square(pairs[index], side) for index in indices]
        pictures = [source.picture for source in sources]
        photographs.update(networks.features(pictures))
        parsed = {}
        for source, mask in zip(sources, networks.parser.parse(pictures), strict=True):
            real.update(source.label_map, mask)
            parsed[source.key] = mask
        edits = [edit for source in sources for edit in _edits_of(source)]
        for name, request in edits:
            counts[name] += 1
            # The unedited image was parsed already.
            sums[baseline.name].update(name, request, request.source.picture, parsed[request.source.key])
        for start in range(0, len(edits), networks.batch_size):
            part = edits[start : start + networks.batch_size]
            for system in systems:
                _measure_batch(system, part, networks, sums[system.name])
    return InteractiveResult(
        count=len(pairs),
        side=side,
        requests=counts,
        distance=networks.features.distance_name,
        real=(real.pixel_accuracy, real.mean_iou),
        systems={name: state.scores(None if name == baseline.name else photographs) for name, state in sums.items()},
    )


def _measure_batch(
    system: System, edits: Sequence[tuple[str, Request]], networks: MeasuringNetworks, sums: _Sums
) -> None:
    """Render a batch of edits with a system and add it to the system's state."""
    outputs = system([request for _, request in edits])
    sums.features.update(networks.features(outputs))
    for (name, request), output, parsed in zip(edits, outputs, networks.parser.parse(outputs), strict=True):
        sums.update(name, request, output, parsed)


def edit_grid(pairs: PairCollection, systems: Sequence[System], side: int, count: int) -> Picture:
    """The first ``count`` faces: a row of requested masks, then a row of outputs per system; H x W x 3 uint8."""
    faces = []
    for index in range(min(count, len(pairs))):
        source = resize_square(pairs[index], side)
        requests = [request for _, request in _edits_of(source)]
        rows = [[source.picture, *(colourise(request.target) for request in requests)]]
        rows += [[np.full_like(source.picture, 255), *system(requests)] for system in systems]
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


def _dilated(changed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    margin = 2 * round(changed.shape[0] * _MARGIN) + 1
    return np.asarray(Image.fromarray(changed.astype(np.uint8)).filter(ImageFilter.MaxFilter(margin))) > 0


def to_markdown(result: InteractiveResult) -> str:
    """The result as Markdown tables."""
    lines = [
        f"{result.count} faces at {result.side} px, {sum(result.requests.values())} edits",
        "",
        f"| system | pixel accuracy | mean IoU | preservation error | {distance_column(result.distance)} |",
        "|---|---|---|---|---|",
        f"| real, own mask | {percent(result.real[0])} | {number(result.real[1], 3)} | - | - |",
    ]
    for name, scores in result.systems.items():
        lines.append(
            f"| {name} | {percent(scores.pixel_accuracy)} | {number(scores.mean_iou, 3)} "
            f"| {number(scores.preservation_error, 1)} "
            f"| {distance_cell(result.distance, scores.frechet, scores.kernel)} |"
        )
    lines += few_images_note(result.distance, result.count)
    lines += ["", "| edit accuracy | " + " | ".join(f"{e} ({n})" for e, n in result.requests.items()) + " |"]
    lines.append("|---" * (len(EDITS) + 1) + "|")
    for name, scores in result.systems.items():
        lines.append(f"| {name} | " + " | ".join(percent(scores.edit_accuracy[e]) for e in EDITS) + " |")
    return "\n".join(lines)

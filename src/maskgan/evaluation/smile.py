"""Attribute transfer for Smiling: faces that do not smile get the mouth of one that does, of similar head pose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
from maskgan.evaluation.tables import distance_cell, distance_column, few_images_note, number, percent
from maskgan.face_parts import INSIDE_MOUTH, MOUTH
from maskgan.images import Picture
from maskgan.labels import LabelMap
from maskgan.metrics.face_geometry import scaled_pose
from maskgan.metrics.mean import Mean
from maskgan.metrics.segmentation import ConfusionMatrix

_SMILING = attribute_index("Smiling")
_OPEN_SHARE = 0.15  # of a mouth that must lie between its lips for it to count as open
_CROP_MARGIN = 0.5  # of the edit's box, added on each side

PUBLISHED = (("MaskGAN", 77.3, 0.4611), ("EditGAN", 91.5, 0.7047))
"""Smiling accuracy in per cent and identity, from EditGAN's Table 1; its pairs and embedding are others."""


@dataclass(frozen=True)
class SmileScores:
    """Scores of one system.

    Attributes:
        smiling: attribute accuracy: share of results that the classifier labels as smiling, 0..1.
        smiling_open: of those whose mask shows an open mouth; ``None`` without any.
        smiling_closed: of the others; ``None`` without any.
        pixel_accuracy: of the results against the requested masks, 0..1.
        identity: mean cosine of the embeddings of result and source.
        identity_crop: mean cosine of the embeddings of their surroundings of the edit.
        frechet: Fréchet distance from the photographs; ``None`` for photographs.
        kernel: kernel distance from the photographs; ``None`` for photographs.
    """

    smiling: float | None
    smiling_open: float | None
    smiling_closed: float | None
    pixel_accuracy: float | None
    identity: float | None
    identity_crop: float | None
    frechet: float | None
    kernel: float | None


@dataclass(frozen=True)
class SmileResult:
    """What ``smile`` measured.

    Attributes:
        side: of the pictures, in pixels.
        count: faces edited.
        count_open: of these, how many get an open mouth.
        embedding: whose cosines ``identity`` is.
        distance: name of the Fréchet distance; FID for Inception-v3 only.
        real: of the donors' photographs, with ``None`` for what compares pictures with others.
        systems: by name, ``identity baseline`` among them.
    """

    side: int
    count: int
    count_open: int
    embedding: str
    distance: str
    real: SmileScores
    systems: dict[str, SmileScores]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)


def sample_cases(pairs: PairCollection, labels: Labels, count: int) -> list[Case]:
    """Faces that do not smile, each with the smiling face of the most similar pose; in the order of the keys.

    Args:
        pairs: faces with masks.
        labels: their attributes; faces without are passed over.
        count: at most.

    Raises:
        UserError: there is no smiling face, or none that does not smile, whose mask shows all features.
    """
    poses: dict[str, NDArray[np.float64]] = {}
    for index, key in enumerate(pairs.keys):
        pose = scaled_pose(pairs[index].label_map) if key in labels else None
        if pose is not None:
            poses[key] = pose
    donors = [key for key in poses if labels[key][_SMILING]]
    sources = [key for key in poses if not labels[key][_SMILING]][:count]
    if not donors or not sources:
        raise UserError("smile transfer needs faces that smile and faces that do not")
    donor_poses = np.stack([poses[key] for key in donors])
    cases = []
    for key in sources:
        donor = donors[int(((donor_poses - poses[key]) ** 2).sum(axis=1).argmin())]
        cases.append(Case(safe_name(key, "smiles_as", donor), "smile", key, key, donor))
    return cases


class _Sums:
    """The state of one system's metrics."""

    def __init__(self, feature_size: int) -> None:
        self.smiling = {True: Mean(), False: Mean()}  # by whether the mouth is open
        self.confusion = ConfusionMatrix()
        self.identity = Mean()
        self.identity_crop = Mean()
        self.features = FeatureSet(feature_size)

    def update(self, smiling: NDArray[np.uint8], opened: NDArray[np.bool_]) -> None:
        """Add whether faces smile, and whether their mouths are open."""
        for kind, mean in self.smiling.items():
            mean.update(smiling[opened == kind])

    def scores(self, photographs: FeatureSet | None) -> SmileScores:
        """The scores, with distances from ``photographs`` if there are any."""
        distances = None if photographs is None else self.features.distances(photographs)
        return SmileScores(
            smiling=(self.smiling[True] + self.smiling[False]).compute(),
            smiling_open=self.smiling[True].compute(),
            smiling_closed=self.smiling[False].compute(),
            pixel_accuracy=self.confusion.pixel_accuracy,
            identity=self.identity.compute(),
            identity_crop=self.identity_crop.compute(),
            frechet=None if distances is None else distances.frechet,
            kernel=None if distances is None else distances.kernel,
        )


def smile(
    pairs: PairCollection, cases: Sequence[Case], systems: Sequence[System], networks: MeasuringNetworks, side: int
) -> SmileResult:
    """Put all cases to every system.

    Args:
        pairs: real faces with masks; each is resized to ``side``.
        cases: see ``sample_cases``.
        systems: those compared.
        networks: classifier, embedding, parser and features measure.
        side: in pixels.
    """
    baseline = IdentityBaseline()
    compared: tuple[System, ...] = (baseline, *systems)
    sums = {system.name: _Sums(networks.features.size) for system in compared}
    real = _Sums(networks.features.size)
    for requests in batched(case_requests(pairs, cases, side), networks.batch_size, "smiling", len(cases)):
        donors = [request.donor for request in requests if request.donor is not None]
        pictures = [donor.picture for donor in donors]
        opened = np.array([is_open(request.target) for request in requests])
        with_donor = [request.donor is not None for request in requests]
        real.update(networks.classifier(pictures)[:, _SMILING], opened[with_donor])
        for donor, parsed in zip(donors, networks.parser.parse(pictures), strict=True):
            real.confusion.update(donor.label_map, parsed)
        sources = _Embedded([request.source.picture for request in requests], requests, networks)
        for system in compared:
            outputs, state = system(requests), sums[system.name]
            state.update(networks.classifier(outputs)[:, _SMILING], opened)
            for request, parsed in zip(requests, networks.parser.parse(outputs), strict=True):
                state.confusion.update(request.target, parsed)
            embedded = _Embedded(outputs, requests, networks)
            state.identity.update((embedded.whole * sources.whole).sum(axis=1))
            state.identity_crop.update((embedded.crop * sources.crop).sum(axis=1))
            state.features.update(networks.features(outputs))
    photographs = sums[baseline.name].features
    return SmileResult(
        side=side,
        count=len(cases),
        count_open=sums[baseline.name].smiling[True].count,
        embedding=networks.embedding.name,
        distance=networks.features.distance_name,
        real=real.scores(None),
        systems={name: state.scores(None if name == baseline.name else photographs) for name, state in sums.items()},
    )


def is_open(label_map: LabelMap) -> bool:
    """Whether a mask shows an open mouth, so that a smile can show teeth."""
    return bool((label_map == INSIDE_MOUTH).sum() > _OPEN_SHARE * np.isin(label_map, MOUTH).sum())


class _Embedded:
    """Embeddings of faces, N x D each: of the whole images, and of the surroundings of the edits."""

    def __init__(self, pictures: Sequence[Picture], requests: Sequence[Request], networks: MeasuringNetworks) -> None:
        self.whole = networks.embedding(pictures)
        crops = [picture[_crop_of(request)] for picture, request in zip(pictures, requests, strict=True)]
        self.crop = networks.embedding(crops, aligned=False)


def _crop_of(request: Request) -> tuple[slice, slice]:
    """The square around the edit, with a margin."""
    rows, columns = np.nonzero(request.target != request.source.label_map)
    if not len(rows):
        return slice(None), slice(None)
    height, width = request.target.shape
    side = max(np.ptp(rows), np.ptp(columns)) + 1
    half = int(side * (0.5 + _CROP_MARGIN))
    row, column = int((rows.min() + rows.max()) / 2), int((columns.min() + columns.max()) / 2)
    return slice(max(row - half, 0), min(row + half, height)), slice(max(column - half, 0), min(column + half, width))


def to_markdown(result: SmileResult) -> str:
    """The result as a Markdown table, the published rows beside it."""
    lines = [
        f"Smiling transfer at {result.side} px, {result.count} faces that do not smile; "
        f"identity is the cosine of embeddings ({result.embedding})",
        "",
        f"| system | Smiling | {result.count_open} open mouths | {result.count - result.count_open} closed lips | Seg "
        f"| identity | identity of the crop | {distance_column(result.distance)} |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, scores in {"real (the donors)": result.real, **result.systems}.items():
        shares = (scores.smiling, scores.smiling_open, scores.smiling_closed, scores.pixel_accuracy)
        cosines = (scores.identity, scores.identity_crop)
        distance = distance_cell(result.distance, scores.frechet, scores.kernel)
        cells = (name, *map(percent, shares), *(number(cosine, 3) for cosine in cosines), distance)
        lines.append(f"| {' | '.join(cells)} |")
    for name, accuracy, cosine in PUBLISHED:
        lines.append(f"| *published:* {name} | {accuracy}% | - | - | - | {cosine} | - | - |")
    return "\n".join([*lines, *few_images_note(result.distance, result.count)])

"""Attribute transfer for Smiling: faces that do not smile get the mouth of one that does, of similar head pose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from maskgan.data.pairs import PairCollection
from maskgan.editing.parsing import Parser
from maskgan.errors import UserError
from maskgan.evaluation.attribute_predictor import AttributePredictor, attribute_index
from maskgan.evaluation.cases import Case, Labels, safe_name
from maskgan.evaluation.features import Distances, FeatureExtractor, FeatureSet
from maskgan.evaluation.grids import distance_cell, distance_column
from maskgan.evaluation.identity import Embedding
from maskgan.evaluation.systems import IdentityBaseline, Request, System, case_requests
from maskgan.metrics.face_geometry import pose_of
from maskgan.metrics.segmentation import ConfusionMatrix

_SMILING = attribute_index("Smiling")
_POSE_SCALE = np.array([0.15, 0.1, 0.1])  # about what each of pose_of's numbers varies by among portraits
_CROP_MARGIN = 0.5  # of the edit's box, added on each side

PUBLISHED = (("MaskGAN", 77.3, 0.4611), ("EditGAN", 91.5, 0.7047))
"""Smiling accuracy in per cent and identity, from EditGAN's Table 1; its pairs and embedding are others."""


@dataclass(frozen=True)
class SmileScores:
    """What was measured of one system.

    Attributes:
        smiling: share of results in which the classifier finds a smile, 0..1.
        pixel_accuracy: of the results against the masks asked for, 0..1.
        identity: mean cosine of the embeddings of result and unedited face.
        identity_crop: likewise, of the surroundings of the edit alone.
        frechet: distance from the photographs; ``None`` for photographs.
        kernel: likewise.
    """

    smiling: float
    pixel_accuracy: float
    identity: float
    identity_crop: float
    frechet: float | None
    kernel: float | None


@dataclass(frozen=True)
class SmileResult:
    """What ``smile`` measured.

    Attributes:
        side: of the pictures, in pixels.
        count: faces edited.
        embedding: whose cosines ``identity`` is.
        distance: what the Fréchet distance is called; FID in Inception's features alone.
        real: share of smiling donors in whose photographs the classifier finds a smile, and the parser's pixel accuracy
            on them.
        systems: by name, ``identity baseline`` among them.
    """

    side: int
    count: int
    embedding: str
    distance: str
    real: tuple[float, float]
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
        if key in labels:
            try:
                poses[key] = np.array(pose_of(pairs[index].label_map)) / _POSE_SCALE
            except UserError:  # a face in profile, or behind something
                continue
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


class _Measures:
    """Sums of one system."""

    def __init__(self, reader: FeatureExtractor) -> None:
        self.smiling = 0
        self.agreement = ConfusionMatrix()
        self.identity: list[float] = []
        self.identity_crop: list[float] = []
        self.pictures = FeatureSet(reader)


def smile(
    pairs: PairCollection,
    cases: Sequence[Case],
    systems: Sequence[System],
    classifier: AttributePredictor,
    identity: Embedding,
    parser: Parser,
    reader: FeatureExtractor,
    side: int,
) -> SmileResult:
    """Put all cases to every system.

    Args:
        pairs: real faces with masks; each is resized to ``side``.
        cases: see ``sample_cases``.
        systems: those compared.
        classifier: reads attributes from pictures.
        identity: embeds faces.
        parser: reads masks from pictures.
        reader: for the distances from photographs.
        side: in pixels.
    """
    nothing = IdentityBaseline()
    compared: tuple[System, ...] = (nothing, *systems)
    measures = {system.name: _Measures(reader) for system in compared}
    donors, donor_agreement = 0, ConfusionMatrix()
    for request in tqdm(case_requests(pairs, cases, side), "smiling", len(cases), disable=None, leave=False):
        assert request.donor is not None
        donors += int(classifier(request.donor.picture)[_SMILING])
        donor_agreement.update(request.donor.label_map, parser(request.donor.picture))
        crop = _crop_of(request)
        before, before_crop = identity(request.source.picture), identity(request.source.picture[crop], False)
        for system in compared:
            made, measured = system(request), measures[system.name]
            measured.smiling += int(classifier(made)[_SMILING])
            measured.agreement.update(request.target, parser(made))
            measured.identity.append(float(identity(made) @ before))
            measured.identity_crop.append(float(identity(made[crop], False) @ before_crop))
            measured.pictures.add([made])
    photographs = measures[nothing.name].pictures
    return SmileResult(
        side=side,
        count=len(cases),
        embedding=identity.name,
        distance=reader.distance_name,
        real=(donors / len(cases), donor_agreement.pixel_accuracy),
        systems={
            name: _scores(measured, None if name == nothing.name else photographs)
            for name, measured in measures.items()
        },
    )


def _scores(measured: _Measures, photographs: FeatureSet | None) -> SmileScores:
    distances: Distances | None = None if photographs is None else measured.pictures.distances(photographs)
    return SmileScores(
        smiling=measured.smiling / len(measured.identity),
        pixel_accuracy=measured.agreement.pixel_accuracy,
        identity=float(np.mean(measured.identity)),
        identity_crop=float(np.mean(measured.identity_crop)),
        frechet=None if distances is None else distances.frechet,
        kernel=None if distances is None else distances.kernel,
    )


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
        f"| system | Smiling | Seg | identity | identity of the crop | {distance_column(result.distance)} |",
        "|---|---|---|---|---|---|",
        f"| real (the donors) | {result.real[0]:.1%} | {result.real[1]:.1%} | - | - | - |",
    ]
    for name, scores in result.systems.items():
        lines.append(
            f"| {name} | {scores.smiling:.1%} | {scores.pixel_accuracy:.1%} | {scores.identity:.3f} "
            f"| {scores.identity_crop:.3f} | {distance_cell(result.distance, scores.frechet, scores.kernel)} |"
        )
    for name, accuracy, cosine in PUBLISHED:
        lines.append(f"| *published:* {name} | {accuracy}% | - | {cosine} | - | - |")
    return "\n".join(lines)

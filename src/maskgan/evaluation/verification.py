"""Face verification: how well an identity embedding tells apart people whom it has never seen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from maskgan.data.labelled import LabelledCollection
from maskgan.errors import UserError
from maskgan.evaluation.batching import batched
from maskgan.evaluation.networks import MeasuringNetworks
from maskgan.metrics.verification import equal_error_rate, roc_auc


@dataclass(frozen=True)
class VerificationResult:
    """What ``verify`` measured, over all pairs of faces.

    Attributes:
        embedding: the network measured.
        faces: how many.
        people: how many.
        genuine: mean cosine of two faces of one person.
        impostor: mean cosine of faces of two persons.
        auc: area under the ROC curve; 0.5 is chance, 1 without fault.
        eer: equal error rate.
        threshold: the cosine at which that rate holds.
    """

    embedding: str
    faces: int
    people: int
    genuine: float
    impostor: float
    auc: float
    eer: float
    threshold: float

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)


def verify(faces: LabelledCollection, networks: MeasuringNetworks) -> VerificationResult:
    """Embed every face and compare all pairs.

    Args:
        faces: of known people, some with several faces.
        networks: the embedding is the one measured.

    Raises:
        UserError: there are not two faces of one person, or only one person.
    """
    vectors, names = [], []
    for indices in batched(range(len(faces)), networks.batch_size, "embedding", len(faces)):
        if batch := [face for face in (faces[index] for index in indices) if face.identity >= 0]:
            vectors += list(networks.embedding([face.picture for face in batch]))
            names += [face.identity for face in batch]
    people = np.array(names)
    first, second = np.triu_indices(len(people), 1)
    alike = people[first] == people[second]
    if not alike.any() or alike.all():
        raise UserError("telling people apart is measured on several faces of several people; the table has no such")
    matrix = np.stack(vectors)
    cosines = (matrix @ matrix.T)[first, second]
    eer, threshold = equal_error_rate(cosines[alike], cosines[~alike])
    return VerificationResult(
        embedding=networks.embedding.name,
        faces=len(people),
        people=len(np.unique(people)),
        genuine=float(cosines[alike].mean()),
        impostor=float(cosines[~alike].mean()),
        auc=roc_auc(cosines[alike], cosines[~alike]),
        eer=eer,
        threshold=threshold,
    )


def to_markdown(result: VerificationResult) -> str:
    """The result as a Markdown table."""
    return "\n".join(
        [
            f"{result.faces} faces of {result.people} people, all pairs ({result.embedding})",
            "",
            "| mean cosine, same person | different people | ROC AUC | equal error rate | at cosine |",
            "|---|---|---|---|---|",
            f"| {result.genuine:.3f} | {result.impostor:.3f} | {result.auc:.3f} | {result.eer:.1%} "
            f"| {result.threshold:.3f} |",
        ]
    )

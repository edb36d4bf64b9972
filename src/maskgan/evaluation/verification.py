"""How well an identity embedding tells people apart whom it has never seen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from maskgan.data.labelled import LabelledCollection
from maskgan.errors import UserError
from maskgan.evaluation.identity import Embedding
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


def verify(faces: LabelledCollection, embedding: Embedding) -> VerificationResult:
    """Embed every face and compare all pairs.

    Args:
        faces: of known people, some with several faces.
        embedding: the network measured.

    Raises:
        UserError: there are not two faces of one person, or only one person.
    """
    vectors, names = [], []
    for index in tqdm(range(len(faces)), "embedding", unit="face", disable=None, leave=False):
        face = faces[index]
        if face.identity >= 0:
            vectors.append(embedding(face.picture))
            names.append(face.identity)
    people = np.array(names)
    first, second = np.triu_indices(len(people), 1)
    alike = people[first] == people[second]
    if not alike.any() or alike.all():
        raise UserError("telling people apart is measured on several faces of several people; the table has no such")
    matrix = np.stack(vectors)
    cosines = (matrix @ matrix.T)[first, second]
    eer, threshold = equal_error_rate(cosines[alike], cosines[~alike])
    return VerificationResult(
        embedding=embedding.name,
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
            "| cosine of one person | of two persons | area under the ROC curve | equal error rate | at cosine |",
            "|---|---|---|---|---|",
            f"| {result.genuine:.3f} | {result.impostor:.3f} | {result.auc:.3f} | {result.eer:.1%} "
            f"| {result.threshold:.3f} |",
        ]
    )

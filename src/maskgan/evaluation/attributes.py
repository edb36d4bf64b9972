"""How often the attribute classifier is right, attribute by attribute."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from maskgan.data.annotations import ATTRIBUTES
from maskgan.data.labelled import LabelledCollection
from maskgan.evaluation.batching import batched
from maskgan.evaluation.networks import MeasuringNetworks


@dataclass(frozen=True)
class AttributesResult:
    """What ``classify`` measured.

    Attributes:
        count: faces.
        accuracy: share of faces classified rightly, 0..1, by attribute.
        balanced: mean of the shares among faces that have the attribute and among those that have not; ``None`` if
            all faces are of one sort.
        majority: what always answering with the majority class would score.
    """

    count: int
    accuracy: dict[str, float]
    balanced: dict[str, float | None]
    majority: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)


def classify(faces: LabelledCollection, networks: MeasuringNetworks) -> AttributesResult:
    """Classify every face and compare with its labels.

    Args:
        faces: with attributes.
        networks: the classifier is the one measured.
    """
    target, prediction = [], []
    for indices in batched(range(len(faces)), networks.batch_size, "classifying", len(faces)):
        batch = [faces[index] for index in indices]
        target += [face.attributes for face in batch]
        prediction += list(networks.classifier([face.picture for face in batch]))
    truth, predicted = np.stack(target), np.stack(prediction)
    right = truth == predicted
    balanced: dict[str, float | None] = {}
    for i, name in enumerate(ATTRIBUTES):
        has = truth[:, i] == 1
        both = has.any() and not has.all()
        balanced[name] = float((right[has, i].mean() + right[~has, i].mean()) / 2) if both else None
    share = truth.mean(axis=0)
    return AttributesResult(
        count=len(faces),
        accuracy=dict(zip(ATTRIBUTES, right.mean(axis=0).tolist(), strict=True)),
        balanced=balanced,
        majority=dict(zip(ATTRIBUTES, np.maximum(share, 1 - share).tolist(), strict=True)),
    )


def to_markdown(result: AttributesResult) -> str:
    """The result as a Markdown table."""
    mean = np.mean(list(result.accuracy.values()))
    majority = np.mean(list(result.majority.values()))
    lines = [
        f"{result.count} faces: mean accuracy {mean:.1%} over 40 attributes (majority class: {majority:.1%})",
        "",
        "| attribute | accuracy | balanced | majority class |",
        "|---|---|---|---|",
    ]
    for name, accuracy in result.accuracy.items():
        balanced = result.balanced[name]
        shown = "-" if balanced is None else f"{balanced:.1%}"
        lines.append(f"| {name} | {accuracy:.1%} | {shown} | {result.majority[name]:.1%} |")
    return "\n".join(lines)

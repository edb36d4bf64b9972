"""For whom are results worse? Faces rendered as in ``reconstruct``, measured in groups.

Groups are faces with and without an attribute of CelebA, and thirds of the faces by the tone of their skin. A group's
numbers can be read against those of its photographs alone: the parser too is better with some faces than with others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from maskgan.data.annotations import ATTRIBUTES
from maskgan.data.pairs import PairCollection
from maskgan.errors import UserError
from maskgan.evaluation.attribute_predictor import attribute_index
from maskgan.evaluation.batching import batched
from maskgan.evaluation.cases import Labels
from maskgan.evaluation.networks import MeasuringNetworks
from maskgan.evaluation.systems import System, resize_square, shuffled_requests
from maskgan.evaluation.tables import number, number_estimate, percent_estimate
from maskgan.metrics.colour import ita
from maskgan.metrics.mean import Estimate, Mean
from maskgan.metrics.segmentation import ConfusionMatrix

ALL_FACES = "all faces"
SKIN_TONE = "skin tone"
TONES = ("light", "medium", "dark")
FEWEST_FACES = 10
"""A group of fewer says little, and is marked."""

Source = Literal["table", "classifier"]
"""Who says which attributes a face has: a table, or the classifier that looks at its photograph."""


@dataclass(frozen=True)
class GroupScores:
    """What was measured of one condition of picture of a group's faces; ``None`` where the group is empty.

    Attributes:
        pixel_accuracy: of the parser's masks against those asked for, 0..1.
        mean_iou: mean intersection over union, over all the group's pixels and the classes that occur in them.
        identity: cosine of the embeddings of picture and photograph.
        retention: share of pictures that the classifier would put into the same group, 0..1; for skin tones, of those
            whose own skin lies in the same third. ``None`` for all faces.
    """

    pixel_accuracy: Estimate | None
    mean_iou: float | None
    identity: Estimate | None
    retention: Estimate | None


@dataclass(frozen=True)
class Group:
    """Faces that share something.

    Attributes:
        by: an attribute, ``skin tone`` or ``all faces``.
        row: ``with``, ``without``, or a tone.
        faces: how many.
        note: a warning, if they are few.
        pictures: for ``real``, and for each system ``NAME, own style`` and ``NAME, reference style``.
    """

    by: str
    row: str
    faces: int
    note: str | None
    pictures: dict[str, GroupScores]


@dataclass(frozen=True)
class GroupsResult:
    """What ``measure_groups`` measured.

    Attributes:
        count: pairs.
        seed: of the shuffled ring.
        side: of the pictures compared, in pixels.
        source: who says which attributes a face has.
        known: faces whose attributes are known; the others count for skin tones and all faces alone.
        embedding: whose cosines ``identity`` is.
        tone_bounds: individual typology angles between dark and medium, and between medium and light skins, in
            degrees; ``None`` if no mask shows skin.
        systems: their names.
        groups: all faces, two for each attribute, three skin tones.
    """

    count: int
    seed: int
    side: int
    source: Source
    known: int
    embedding: str
    tone_bounds: tuple[float, float] | None
    systems: list[str]
    groups: list[Group]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)


def parse_attributes(text: str) -> tuple[str, ...]:
    """Names of attributes, separated by commas; each once, in their order.

    Raises:
        UserError: one is none of CelebA's 40; the line lists those like it.
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in ATTRIBUTES:
            known = {attribute.lower(): attribute for attribute in ATTRIBUTES}
            wanted = name.lower().replace(" ", "_")
            close = [a for low, a in known.items() if wanted and wanted in low]
            close += [known[low] for low in get_close_matches(wanted, known)]
            hint = " or ".join(dict.fromkeys(close)) if close else "Male, Young, Eyeglasses or another of its 40"
            raise UserError(f"--by: {name!r} is no attribute of CelebA; write {hint}")
    return names


@dataclass(frozen=True)
class _Sorting:
    """Puts faces into groups."""

    by: Sequence[str]
    tone_bounds: tuple[float, float] | None

    def groups(self) -> list[tuple[str, str]]:
        """Every (by, row), in the order of the tables."""
        halves = [(name, row) for name in self.by for row in ("with", "without")]
        return [(ALL_FACES, ALL_FACES), *halves, *((SKIN_TONE, tone) for tone in TONES)]

    def groups_of(self, attributes: NDArray[np.uint8] | None, tone: float | None) -> dict[str, str]:
        """The row of a face in each division that it takes part in."""
        rows = {ALL_FACES: ALL_FACES}
        if attributes is not None:
            rows |= {name: "with" if attributes[attribute_index(name)] else "without" for name in self.by}
        if tone is not None and self.tone_bounds is not None:
            low, high = self.tone_bounds
            rows[SKIN_TONE] = "light" if tone > high else "medium" if tone > low else "dark"
        return rows


class _Sums:
    """The state of one condition of image of one group."""

    def __init__(self) -> None:
        self.confusion = ConfusionMatrix()
        self.accuracy = Mean()
        self.identity = Mean()
        self.retention = Mean()

    def update(self, confusion: ConfusionMatrix, cosine: float, is_retained: bool | None) -> None:
        """Add one face."""
        self.confusion += confusion
        if confusion.pixel_accuracy is not None:
            self.accuracy.update(confusion.pixel_accuracy)
        self.identity.update(cosine)
        if is_retained is not None:
            self.retention.update(float(is_retained))

    def scores(self) -> GroupScores:
        """The scores."""
        return GroupScores(
            pixel_accuracy=self.accuracy.estimate(),
            mean_iou=self.confusion.mean_iou,
            identity=self.identity.estimate(),
            retention=self.retention.estimate(),
        )


@dataclass(frozen=True)
class Labelling:
    """Which attributes divide the faces, and who says which faces have them.

    Attributes:
        labels: attributes by key; a face without is in no group of an attribute.
        source: ``table`` or ``classifier``.
        by: names of attributes.
    """

    labels: Labels
    source: Source
    by: Sequence[str]


def measure_groups(
    pairs: PairCollection,
    labelling: Labelling,
    systems: Sequence[System],
    networks: MeasuringNetworks,
    side: int,
    seed: int,
) -> GroupsResult:
    """Render every face in its own style and in another's, as ``reconstruct`` does, and measure group by group.

    Args:
        pairs: real faces with masks; each is resized to ``side``.
        labelling: the groups.
        systems: those measured; they render whole images.
        networks: classifier, embedding and parser measure.
        side: in pixels.
        seed: of the ring in which each face gets the style of the next.
    """
    sorting = _Sorting(labelling.by, _tone_bounds(pairs, side))
    conditions = _conditions([system.name for system in systems])
    sums = {group: {condition: _Sums() for condition in conditions} for group in sorting.groups()}
    for batch in batched(shuffled_requests(pairs, side, seed), networks.batch_size, "rendering", len(pairs)):
        own, reference = zip(*batch, strict=True)
        faces = [request.source for request in own]
        photographs = [face.picture for face in faces]
        embedded = networks.embedding(photographs)
        rows = [sorting.groups_of(labelling.labels.get(face.key), ita(face.picture, face.label_map)) for face in faces]
        outputs = [photographs, *(system(requests) for system in systems for requests in (own, reference))]
        for condition, pictures in zip(conditions, outputs, strict=True):
            cosines = (networks.embedding(pictures) * embedded).sum(axis=1)
            parsed, attributes = networks.parser.parse(pictures), networks.classifier(pictures)
            for i, (face, divisions) in enumerate(zip(faces, rows, strict=True)):
                confusion = ConfusionMatrix()
                confusion.update(face.label_map, parsed[i])
                found = sorting.groups_of(attributes[i], ita(pictures[i], face.label_map))
                for name, row in divisions.items():
                    retained = None if name == ALL_FACES else found.get(name) == row
                    sums[name, row][condition].update(confusion, float(cosines[i]), retained)
    return GroupsResult(
        count=len(pairs),
        seed=seed,
        side=side,
        source=labelling.source,
        known=sum(key in labelling.labels for key in pairs.keys),
        embedding=networks.embedding.name,
        tone_bounds=sorting.tone_bounds,
        systems=[system.name for system in systems],
        groups=[_group(name, row, states) for (name, row), states in sums.items()],
    )


def _conditions(systems: Sequence[str]) -> list[str]:
    """What is measured of each face: its photograph, and two pictures by each system."""
    return ["real", *(f"{name}, {style} style" for name in systems for style in ("own", "reference"))]


def _tone_bounds(pairs: PairCollection, side: int) -> tuple[float, float] | None:
    """The angles that divide the faces into thirds."""
    tones = []
    for (index,) in batched(range(len(pairs)), 1, "skin tones", len(pairs)):
        pair = resize_square(pairs[index], side)
        if (tone := ita(pair.picture, pair.label_map)) is not None:
            tones.append(tone)
    if not tones:
        return None
    low, high = np.quantile(tones, (1 / 3, 2 / 3))
    return float(low), float(high)


def _group(by: str, row: str, conditions: dict[str, _Sums]) -> Group:
    faces = conditions["real"].identity.count
    note = f"fewer than {FEWEST_FACES} faces, says little" if faces < FEWEST_FACES else None
    return Group(by, row, faces, note, {condition: sums.scores() for condition, sums in conditions.items()})


def to_markdown(result: GroupsResult) -> str:
    """The result as Markdown: what the numbers are, and a table for each system."""
    source = (
        f"attributes from the table, which knows {result.known} of the faces"
        if result.source == "table"
        else "attributes as the classifier reads them in the photographs"
    )
    lines = [
        f"{result.count} faces at {result.side} px, seed {result.seed}; {source}. Identity is the cosine of embeddings "
        f"({result.embedding}) of photograph and face in its own style; ± the standard error of the mean over the "
        "group's faces. Mean IoU is over the classes that occur in the group. *Retention* is the share of pictures, in "
        "their own style, that the classifier puts into the group; real pictures show how often it agrees at all. "
        f"*Few*: fewer than {FEWEST_FACES} faces, which say little.",
    ]
    if result.tone_bounds is not None:
        low, high = result.tone_bounds
        lines += [
            "",
            "Skin tones are thirds of these faces by the individual typology angle of the skin in the photograph: dark "
            f"up to {low:.0f}°, light above {high:.0f}°. It depends on lighting, make-up and the camera's settings as "
            "well as on the skin, so it stands in for skin tone only roughly.",
        ]
    for system in result.systems:
        real, own, reference = _conditions([system])
        lines += [
            "",
            f"**{system}**",
            "",
            "| group | faces | pixel accuracy: real | own style | reference style "
            "| mean IoU: real | own style | reference style | identity | retention: real | own style |",
            "|---" * 11 + "|",
        ]
        for group in result.groups:
            conditions = [group.pictures[condition] for condition in (real, own, reference)]
            cells = [
                group.by if group.row == group.by else f"{group.by}, {group.row}",
                f"{group.faces}" if group.note is None else f"{group.faces} (few)",
                *(percent_estimate(scores.pixel_accuracy) for scores in conditions),
                *(number(scores.mean_iou, 3) for scores in conditions),
                number_estimate(conditions[1].identity),
                *(percent_estimate(scores.retention) for scores in conditions[:2]),
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)

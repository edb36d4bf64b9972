"""For whom are results worse? Faces rendered as in ``reconstruct``, measured in groups.

Groups are faces with and without an attribute of CelebA, and thirds of the faces by the tone of their skin. A group's
numbers can be read against those of its photographs alone: the parser too is better with some faces than with others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from math import isnan, sqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from maskgan.data.annotations import ATTRIBUTES
from maskgan.data.pairs import PairCollection
from maskgan.editing.parsing import Parser
from maskgan.errors import UserError
from maskgan.evaluation.attribute_predictor import AttributePredictor, attribute_index
from maskgan.evaluation.cases import Labels
from maskgan.evaluation.identity import Embedding
from maskgan.evaluation.systems import System, resize_square, shuffled_requests
from maskgan.metrics.colour import ita
from maskgan.metrics.segmentation import ConfusionMatrix

ALL_FACES = "all faces"
SKIN_TONE = "skin tone"
TONES = ("light", "medium", "dark")
FEWEST_FACES = 10
"""A group of fewer says little, and is marked."""

Source = Literal["table", "classifier"]
"""Who says which attributes a face has: a table, or the classifier that looks at its photograph."""


@dataclass(frozen=True)
class Estimate:
    """A mean over faces.

    Attributes:
        mean: of one number a face.
        error: its standard error (deviation over the root of the number of faces); ``None`` of a single face.
    """

    mean: float
    error: float | None


@dataclass(frozen=True)
class GroupScores:
    """What was measured of one kind of picture of a group's faces; ``None`` where the group is empty.

    Attributes:
        pixel_accuracy: of the parser's masks against those asked for, 0..1.
        mean_iou: likewise, over all the group's pixels and the classes that occur in them.
        identity: cosine of the embeddings of picture and photograph.
        preserved: share of pictures that the classifier would put into the same group, 0..1; for skin tones, of those
            whose own skin lies in the same third. ``None`` for all faces.
    """

    pixel_accuracy: Estimate | None
    mean_iou: float | None
    identity: Estimate | None
    preserved: Estimate | None


@dataclass(frozen=True)
class Group:
    """Faces that share something.

    Attributes:
        by: an attribute, ``skin tone`` or ``all faces``.
        row: ``with``, ``without``, or a tone.
        faces: how many.
        note: a warning, if they are few.
        pictures: for ``real``, and for each system ``NAME, own style`` and ``NAME, borrowed style``.
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
    """What is counted of one kind of picture of one group; a few numbers a face, no pictures."""

    def __init__(self) -> None:
        self.agreement = ConfusionMatrix()
        self.accuracy: list[float] = []
        self.identity: list[float] = []
        self.preserved: list[float] = []

    def add(self, agreement: ConfusionMatrix, identity: float, preserved: bool | None) -> None:
        self.agreement.confusion += agreement.confusion
        self.accuracy.append(agreement.pixel_accuracy)
        self.identity.append(identity)
        if preserved is not None:
            self.preserved.append(float(preserved))

    def scores(self) -> GroupScores:
        mean_iou = self.agreement.mean_iou
        return GroupScores(
            pixel_accuracy=_estimate(self.accuracy),
            mean_iou=None if isnan(mean_iou) else mean_iou,
            identity=_estimate(self.identity),
            preserved=_estimate(self.preserved),
        )


def measure_groups(
    pairs: PairCollection,
    labels: Labels,
    source: Source,
    by: Sequence[str],
    systems: Sequence[System],
    classifier: AttributePredictor,
    identity: Embedding,
    parser: Parser,
    side: int,
    seed: int,
) -> GroupsResult:
    """Render every face in its own style and in another's, as ``reconstruct`` does, and measure group by group.

    Args:
        pairs: real faces with masks; each is resized to ``side``.
        labels: attributes by key; faces without are in no group of an attribute.
        source: who said so.
        by: attributes to divide the faces by.
        systems: those measured; they render whole pictures.
        classifier: reads attributes from pictures.
        identity: embeds faces.
        parser: reads masks from pictures.
        side: in pixels.
        seed: chooses who borrows whose style.
    """
    sorting = _Sorting(by, _tone_bounds(pairs, side))
    sums: dict[tuple[str, str], dict[str, _Sums]] = {
        group: {kind: _Sums() for kind in _kinds([system.name for system in systems])} for group in sorting.groups()
    }
    for own, borrowed in tqdm(
        shuffled_requests(pairs, side, seed), "rendering", len(pairs), unit="pair", disable=None, leave=False
    ):
        face = own.source
        before = identity(face.picture)
        rows = sorting.groups_of(labels.get(face.key), ita(face.picture, face.label_map))
        shown = [face.picture, *(system(request) for system in systems for request in (own, borrowed))]
        for place, picture in enumerate(shown):
            agreement = ConfusionMatrix()
            agreement.update(face.label_map, parser(picture))
            cosine = float(identity(picture) @ before)
            found = sorting.groups_of(classifier(picture), ita(picture, face.label_map))
            for group in rows.items():
                name, row = group
                preserved = None if name == ALL_FACES else found[name] == row
                list(sums[group].values())[place].add(agreement, cosine, preserved)
    return GroupsResult(
        count=len(pairs),
        seed=seed,
        side=side,
        source=source,
        known=sum(key in labels for key in pairs.keys),
        embedding=identity.name,
        tone_bounds=sorting.tone_bounds,
        systems=[system.name for system in systems],
        groups=[_group(name, row, kinds) for (name, row), kinds in sums.items()],
    )


def _kinds(systems: Sequence[str]) -> list[str]:
    """What is measured of each face: its photograph, and two pictures by each system."""
    return ["real", *(f"{name}, {style} style" for name in systems for style in ("own", "borrowed"))]


def _tone_bounds(pairs: PairCollection, side: int) -> tuple[float, float] | None:
    """The angles that divide the faces into thirds."""
    tones = []
    for index in tqdm(range(len(pairs)), "skin tones", unit="pair", disable=None, leave=False):
        pair = resize_square(pairs[index], side)
        if (tone := ita(pair.picture, pair.label_map)) is not None:
            tones.append(tone)
    if not tones:
        return None
    low, high = np.quantile(tones, (1 / 3, 2 / 3))
    return float(low), float(high)


def _group(by: str, row: str, kinds: dict[str, _Sums]) -> Group:
    faces = len(kinds["real"].accuracy)
    note = f"fewer than {FEWEST_FACES} faces, says little" if faces < FEWEST_FACES else None
    return Group(by, row, faces, note, {kind: sums.scores() for kind, sums in kinds.items()})


def _estimate(values: Sequence[float]) -> Estimate | None:
    if not values:
        return None
    return Estimate(float(np.mean(values)), float(np.std(values, ddof=1)) / sqrt(len(values)) if values[1:] else None)


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
        "group's faces. Mean IoU is over the classes that occur in the group. *Preserved* is the share of pictures, in "
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
        real, own, borrowed = _kinds([system])
        lines += [
            "",
            f"**{system}**",
            "",
            "| group | faces | pixel accuracy: real | own style | borrowed style "
            "| mean IoU: real | own style | borrowed style | identity | preserved: real | own style |",
            "|---" * 11 + "|",
        ]
        for group in result.groups:
            kinds = [group.pictures[kind] for kind in (real, own, borrowed)]
            cells = [
                group.by if group.row == group.by else f"{group.by}, {group.row}",
                f"{group.faces}" if group.note is None else f"{group.faces} (few)",
                *(_percent(scores.pixel_accuracy) for scores in kinds),
                *("-" if scores.mean_iou is None else f"{scores.mean_iou:.3f}" for scores in kinds),
                _cosine(kinds[1].identity),
                *(_percent(scores.preserved) for scores in kinds[:2]),
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _percent(value: Estimate | None) -> str:
    if value is None:
        return "-"
    return f"{value.mean:.1%}" + ("" if value.error is None else f" ± {100 * value.error:.1f}")


def _cosine(value: Estimate | None) -> str:
    if value is None:
        return "-"
    return f"{value.mean:.3f}" + ("" if value.error is None else f" ± {value.error:.3f}")

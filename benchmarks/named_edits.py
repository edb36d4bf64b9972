"""What each named edit does, on test faces: measured, shown, and written as docs/edits.md.

    python -m benchmarks.named_edits [--weights FILE] [--data FACES --faces 50] [--edits smile,bald]
    python -m benchmarks.named_edits --data FACES --faces 50 --write docs

The first prints the table. The second also writes ``docs/edits.md`` with the table and a sheet of pictures for each
edit, of the sample portraits, under ``docs/edits``. The faces are the last ones of FACES.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.edit_sheets import Sheet, write_page, write_sheets

from maskgan.assets import portrait, shipped_weights
from maskgan.checkpoints.weights import fingerprint
from maskgan.data.annotations import ATTRIBUTES
from maskgan.data.open_dataset import open_pairs
from maskgan.editing.anonymise import ANONYMISE, AnonymiseOptions
from maskgan.editing.anonymiser import Anonymiser
from maskgan.editing.face_model import FaceModel, analyse_face
from maskgan.editing.looks import LOOKS, Look
from maskgan.editing.named_edits import EDITS, Amount, NamedEdit
from maskgan.editing.parsing import Parser
from maskgan.editing.photographs import lock_pixels
from maskgan.editing.pipeline import Edit, render
from maskgan.editing.recognition import open_recogniser
from maskgan.editing.renderer import Renderer
from maskgan.errors import UserError
from maskgan.evaluation.attribute_predictor import AttributePredictor
from maskgan.evaluation.identity import OwnEmbedding
from maskgan.images import Picture, read_label_map, read_picture, resize_label_map, resize_picture
from maskgan.labels import LabelMap

PORTRAITS = (2, 4, 5, 7, 8, 9)
SIDE = 256
ATTRIBUTE_OF = {
    "smile": "Smiling",
    "open-mouth": "Mouth_Slightly_Open",
    "lips-fuller": "Big_Lips",
    "eyes-wider": "-Narrow_Eyes",
    "eyes-closed": "Narrow_Eyes",
    "brows-raised": "Arched_Eyebrows",
    "brows-thicker": "Bushy_Eyebrows",
    "nose-wider": "Big_Nose",
    "face-narrower": "-Chubby",
    "fringe": "Bangs",
    "bald": "Bald",
    "glasses": "Eyeglasses",
    "hat": "Wearing_Hat",
    "earrings": "Wearing_Earrings",
    "necklace": "Wearing_Necklace",
    "remove-glasses": "-Eyeglasses",
    "remove-hat": "-Wearing_Hat",
    "remove-earrings": "-Wearing_Earrings",
    "hair-colour": "Blond_Hair",
    "lip-colour": "Wearing_Lipstick",
}
"""CelebA's attribute that tells of an edit at its greatest amount; after a minus, its absence does."""
COLOURS = {
    "hair-colour": ("blond", "ginger", "blue"),
    "brow-colour": ("blond", "black", "red"),
    "lip-colour": ("crimson", "pink", "purple"),
    "eye-colour": ("blue", "green", "brown"),
}
SEEDS = ("0", "1", "2")


@dataclass(frozen=True, eq=False)
class Face:
    """A face in its frame, S x S, with its mask."""

    picture: Picture
    label_map: LabelMap
    seen: dict[str, Any] = field(default_factory=dict)
    """What the measuring networks said of it: asked once, though many edits begin with it."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A face before and after an edit."""

    before: Face
    after: Face
    classes: tuple[int, ...]
    """Classes whose pixels and labels may change."""
    likeness: float | None = None
    """After ``anonymise``, by the recogniser that it asked."""


@dataclass(frozen=True)
class Measures:
    """What an edit did at one amount, over faces."""

    faces: int
    attribute: tuple[float, float] | None
    """Share of faces in which the classifier finds the edit: before, and after."""
    followed: tuple[float, float] | None
    """Share of the changed labels that the parser sees: in the picture before, and after."""
    identity: float
    """Mean cosine of the embeddings before and after."""
    pixels_elsewhere: int
    """That changed where the edit may not change any."""
    labels_elsewhere: int


class Networks:
    """What edits, and what measures: none of the measuring networks was in a loss of the face network."""

    def __init__(self, weights: Path) -> None:
        self.renderer = Renderer.from_weights(weights)
        self.parser = Parser(shipped_weights("parser"))
        self.classifier = AttributePredictor(shipped_weights("attributes"))
        self.embedding = OwnEmbedding(shipped_weights("identity"))
        self.anonymiser = Anonymiser(self.renderer, open_recogniser())

    @lru_cache(maxsize=64)  # noqa: B019  (of one process)
    def model(self, face: Face) -> FaceModel:
        """A face as the network encodes it, once for all edits."""
        return analyse_face(self.renderer, face.picture, face.label_map)


def read_faces(spec: str | None, count: int) -> Iterator[Face]:
    """Test faces: the last ones of a data set, or the sample portraits."""
    if spec is None:
        for number in PORTRAITS[:count]:
            yield _square(
                *(read(path) for read, path in zip((read_picture, read_label_map), portrait(number), strict=True))
            )
        return
    pairs = open_pairs(spec)
    for index in range(max(len(pairs) - count, 0), len(pairs)):
        pair = pairs[index]
        yield _square(pair.picture, pair.label_map)


def _square(picture: Picture, label_map: LabelMap) -> Face:
    return Face(resize_picture(picture, (SIDE, SIDE)), resize_label_map(label_map, (SIDE, SIDE)))


def amounts_of(edit: NamedEdit | Look) -> tuple[Amount, ...]:
    """The amounts that are shown: the last is the greatest."""
    if isinstance(edit, Look):
        return COLOURS[edit.name]
    if edit.choices:
        return edit.choices
    if edit.name.startswith("remove-"):
        return (edit.high,)
    return (edit.low, 0.5, edit.high) if edit.low < 0 else (0.35, 0.7, edit.high)


def dressed(networks: Networks, face: Face, name: str) -> Face | None:
    """A face that wears what ``name`` takes off; ``None`` if it cannot, as where no ears are seen for earrings."""
    if not name.startswith("remove-"):
        return face
    try:
        return apply(networks, face, EDITS[name.removeprefix("remove-")], None).after
    except UserError:
        return None


def apply(networks: Networks, face: Face, edit: NamedEdit | Look, amount: Amount | None) -> Trial:
    """Edit a face.

    Raises:
        UserError: it lacks what is edited.
    """
    amount = edit.check(amount)
    if isinstance(edit, Look):
        painted = edit.paint(face.picture, face.label_map, str(amount))
        return Trial(face, Face(painted, face.label_map), edit.classes)
    after = edit.apply(face.label_map, amount)
    drawn = render(Edit(networks.model(face), after))
    rendered = lock_pixels(face.picture, drawn, (face.label_map, after), [(edit, amount)])
    return Trial(face, Face(rendered, after), edit.classes)


def anonymised(networks: Networks, face: Face, seed: str) -> Trial:
    """Draw a face anew.

    Raises:
        UserError: the recogniser knows every face that was drawn.
    """
    done = networks.anonymiser(face.picture, face.label_map, AnonymiseOptions.parse(seed))
    # The outline of the face moves as by this edit.
    classes = tuple(sorted({*ANONYMISE.classes, *EDITS["face-narrower"].classes}))
    return Trial(face, Face(done.picture, done.label_map), classes, done.after)


def _asked(face: Face, name: str, network: Callable[[list[Picture]], Any]) -> Any:
    """What a network says of a face."""
    if name not in face.seen:
        face.seen[name] = network([face.picture])[0]
    return face.seen[name]


def measure(networks: Networks, trials: Sequence[Trial], attribute: str | None) -> Measures:
    """What happened to faces."""
    pairs = [(trial.before, trial.after) for trial in trials]
    found = None
    if attribute is not None:
        column, wanted = ATTRIBUTES.index(attribute.removeprefix("-")), not attribute.startswith("-")
        told = [[_asked(face, "attributes", networks.classifier)[column] == wanted for face in pair] for pair in pairs]
        old, new = np.mean(told, axis=0).tolist()
        found = old, new
    vectors = [[_asked(face, "identity", networks.embedding) for face in pair] for pair in pairs]
    identity = [float(before @ after) for before, after in vectors]
    likeness = [trial.likeness for trial in trials if trial.likeness is not None]
    seen: list[tuple[float, float]] = []
    pixels = labels = 0
    for trial in trials:
        own, target = trial.before.label_map, trial.after.label_map
        changed = own != target
        if changed.any():
            parsed = [_asked(face, "labels", networks.parser.parse) for face in (trial.before, trial.after)]
            seen.append(tuple(float((p == target)[changed].mean()) for p in parsed))  # type: ignore[arg-type]
        free = changed | (np.isin(own, trial.classes) & np.isin(target, trial.classes))
        pixels += int((trial.before.picture != trial.after.picture).any(axis=2)[~free].sum())
        labels += int((changed & ~(np.isin(own, trial.classes) & np.isin(target, trial.classes))).sum())
    followed = None if not seen else (float(np.mean([s[0] for s in seen])), float(np.mean([s[1] for s in seen])))
    return Measures(len(trials), found, followed, float(np.mean(likeness or identity)), pixels, labels)


def row(edit: NamedEdit | Look | None, amount: Amount, measures: Measures) -> str:
    """A line of the table."""

    def change(values: tuple[float, float] | None) -> str:
        return "" if values is None else f"{100 * values[0]:.0f} → {100 * values[1]:.0f} %"

    name = ANONYMISE.name if edit is None else edit.name
    attribute = ATTRIBUTE_OF.get(name, "")
    attribute = f"no {attribute[1:]}" if attribute.startswith("-") else attribute
    told = "seed " + str(amount) if edit is None else amount if isinstance(amount, str) else f"{amount:g}"
    found = f"{attribute} {change(measures.attribute)}".strip()
    elsewhere = f"{measures.pixels_elsewhere} / {measures.labels_elsewhere}"
    return (
        f"| {name} | {told} | {measures.faces} | {found} | {change(measures.followed)} | {measures.identity:.2f} | "
        f"{elsewhere} |"
    )


TABLE = (
    "| edit | amount | faces | attribute found | labels seen | identity | pixels / labels elsewhere |\n"
    "|---|---|---|---|---|---|---|"
)


def _tried(networks: Networks, face: Face | None, edit: NamedEdit | Look | None, amount: Amount) -> Trial | None:
    """A face after an edit, or drawn anew; ``None`` if it lacks what is edited."""
    try:
        if face is None:
            return None
        return anonymised(networks, face, str(amount)) if edit is None else apply(networks, face, edit, amount)
    except UserError:
        return None


def run(
    networks: Networks, faces: Sequence[Face], names: Sequence[str], measured: bool = True
) -> tuple[list[str], list[Sheet]]:
    """Rows of the table, if it is measured, and sheets of pictures of the edits with these names."""
    rows: list[str] = []
    sheets: list[Sheet] = []
    for name in names:
        edit = EDITS.get(name) or LOOKS.get(name)
        starts = [dressed(networks, face, name) for face in faces] if edit else list(faces)
        shown: list[tuple[str, list[Picture | None]]] = [("before", [face and face.picture for face in starts])]
        for amount in SEEDS if edit is None else amounts_of(edit):
            trials = [_tried(networks, face, edit, amount) for face in starts]
            done = [trial for trial in trials if trial is not None]
            if done and measured:
                rows.append(row(edit, amount, measure(networks, done, ATTRIBUTE_OF.get(name))))
                print(rows[-1], flush=True)
            caption = amount if isinstance(amount, str) else f"{amount:g}"
            shown.append((caption, [None if trial is None else trial.after.picture for trial in trials]))
        summary, classes = (ANONYMISE.summary, ANONYMISE.classes) if edit is None else (edit.summary, edit.classes)
        taken = ANONYMISE.range if edit is None else edit.range
        sheets.append(Sheet(name, summary, taken, tuple(classes), shown, [face.label_map for face in faces]))
    return rows, sheets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="of the face network; default: those that ship")
    parser.add_argument(
        "--data", help="measure on these faces, as of maskgan evaluate --data; default: sample portraits"
    )
    parser.add_argument("--faces", type=int, default=len(PORTRAITS))
    parser.add_argument("--edits", help="names with commas; default: all")
    parser.add_argument("--write", type=Path, metavar="DOCS", help="write edits.md and its pictures into this folder")
    options = parser.parse_args()
    known = [*EDITS, *LOOKS, ANONYMISE.name]
    names = options.edits.split(",") if options.edits else known
    if unknown := sorted(set(names) - set(known)):
        parser.error(f"no edit is called {unknown[0]}; there are {', '.join(known)}")
    weights = options.weights or shipped_weights("edit")
    networks = Networks(weights)
    faces = list(read_faces(options.data, options.faces))
    if options.write is not None:
        # Real faces are measured, never shown.
        _, sheets = run(networks, list(read_faces(None, len(PORTRAITS))), names, measured=False)
        write_sheets(options.write, sheets)
    print(TABLE)
    rows = run(networks, faces, names)[0]
    if options.write is None:
        return
    where = f"the last {len(faces)} faces of {Path(options.data).name}" if options.data else "the sample portraits"
    command = "python -m benchmarks.named_edits" + (f" --weights {weights.name}" if options.weights else "")
    command += f" --data {Path(options.data).name} --faces {len(faces)}" if options.data else ""
    source = (fingerprint(weights), f"{command} --write docs", where)
    write_page(options.write, sheets, "\n".join([TABLE, *rows]), source)


if __name__ == "__main__":
    main()

"""Can an edit's border be seen? Steps between pixels along the border of the hole, edited and in the photograph.

    python -m benchmarks.seams --data FACES --keys 04500..04523 [--weights FILE ...] [--sheet OUT.png]

Along the border, inside the hole, no label was edited: there the picture should be as rough as the photograph. Larger
steps are a seam, smaller ones a blur. Prints, for each weights file and edit, the mean absolute step of grey levels
between neighbours and that of the photograph at the same pixels. With ``--sheet`` it draws each face and its edits in
one row, a row for each weights file.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from maskgan.assets import shipped_weights
from maskgan.data.open_dataset import open_pairs
from maskgan.data.pairs import select
from maskgan.editing.face_model import FaceModel, analyse_face
from maskgan.editing.named_edits import NamedEdit, parse_edit
from maskgan.editing.pipeline import Edit, render
from maskgan.editing.renderer import Renderer
from maskgan.editing.soft_region import dilate
from maskgan.errors import UserError
from maskgan.images import Picture, resize_picture, write_picture
from maskgan.labels import LabelMap

EDITS = (
    "smile=0.7",
    "glasses=clear",
    "glasses=sun",
    "hat=beanie",
    "hair-longer=0.7",
    "hair-fuller=0.7",
    "brows-raised=0.7",
    "face-narrower=0.7",
)
_BORDER = 0.01  # of the side
_CELL = 192  # pixels of a picture in the sheet


def border_of(hole: Tensor, changed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels of a hole, 1 x 1 x H x W, that lie near its border and keep their label."""
    near = dilate(1 - hole, max(round(_BORDER * max(hole.shape[2:])), 1)) * hole
    border: NDArray[np.bool_] = (near[0, 0].numpy() > 0) & ~changed
    return border


def steps_in(picture: Picture, where: NDArray[np.bool_]) -> tuple[float, int]:
    """Sum of the absolute steps between neighbours that both lie in a region, in grey levels, and their number.

    Args:
        picture: H x W x 3 uint8.
        where: H x W.
    """
    grey = picture.astype(np.float64).mean(axis=2)
    total, count = 0.0, 0
    for axis, (first, second) in enumerate(((where[:-1], where[1:]), (where[:, :-1], where[:, 1:]))):
        total += float(np.abs(np.diff(grey, axis=axis))[first & second].sum())
        count += int((first & second).sum())
    return total, count


def edited_masks(label_map: LabelMap) -> Iterator[tuple[str, LabelMap]]:
    """The masks of the edits that this face allows."""
    for text in EDITS:
        edit, amount = parse_edit(text)
        assert isinstance(edit, NamedEdit)
        try:
            yield text, edit.apply(label_map, amount)
        except UserError:
            continue  # no such part in this face


def main() -> None:
    """Measure all weights on all faces."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--keys")
    parser.add_argument("--weights", type=Path, nargs="+", default=[shipped_weights("edit")])
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    everything = open_pairs(arguments.data)
    pairs = everything if arguments.keys is None else select(everything, arguments.keys)
    renderers = {path: Renderer.from_weights(path) for path in arguments.weights}
    sums: dict[tuple[Path, str], NDArray[np.float64]] = {}
    rows = []
    for pair in (pairs[i] for i in range(len(pairs))):
        for path, renderer in renderers.items():
            model: FaceModel = analyse_face(renderer, pair.picture, pair.label_map)
            cells = {text: np.zeros_like(pair.picture) for text in EDITS}
            for text, label_map in edited_masks(pair.label_map):
                edit = Edit(model, label_map)
                cells[text] = render(edit)
                size = (pair.label_map.shape[0], pair.label_map.shape[1])
                border = border_of(edit.region.hole(size), edit.region.changed)
                steps = [steps_in(picture, border) for picture in (cells[text], pair.picture)]
                measured = np.array([steps[0][0], steps[1][0], steps[0][1]])
                sums[path, text] = sums.get((path, text), np.zeros(3)) + measured
            rows.append([pair.picture, *cells.values()])
    print("| weights | edit | step along the border | photograph |\n|---|---|---|---|")
    for (path, text), (result, photograph, count) in sums.items():
        print(f"| {path.stem} | {text} | {result / max(count, 1):.2f} | {photograph / max(count, 1):.2f} |")
    if arguments.sheet is not None:
        cell = (_CELL, _CELL)
        write_picture(
            arguments.sheet,
            np.concatenate([np.concatenate([resize_picture(p, cell) for p in row], axis=1) for row in rows]),
        )


if __name__ == "__main__":
    main()

"""What moves a part of a mask better: MaskVAE along a direction, or the warp of the named edit? Both behind one lock.

    python -m benchmarks.mask_movers --data FACES [--train 400] [--test 40]

Directions are regressed on the shapes of the first masks of FACES, and measured on the last ones. Prints, for each edit
and mover at the greatest amount: by how many standard deviations the property changes that the edit is named for; how
smooth the part's outline stays (its length over that of a disc of its area, after against before); pieces that break
off, for each 100 masks; masks that break a rule which they kept before; and how much of the change the lock had to
undo.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from maskgan.assets import shipped_weights
from maskgan.checkpoints.weights import load_weights
from maskgan.data.open_dataset import open_pairs
from maskgan.editing.mask_manifold import MaskManifold
from maskgan.editing.named_edits import EDITS, NamedEdit
from maskgan.errors import UserError
from maskgan.face_parts import BROWS, EYES, FACE, LIPS, NOSE, bounding_box, centroid
from maskgan.images import resize_label_map
from maskgan.labels import LabelMap
from maskgan.metrics.face_geometry import FaceShape, shape_of
from maskgan.metrics.mask_shape import broken_rules
from maskgan.networks.mask_vae import MaskVAE

SIDE = 256
STEP = 2.0  # standard deviations of a property for the greatest amount
DIRECTIONS: dict[str, dict[str, float]] = {
    "smile": {"lift": 1.0, "mouth_width": 1.0, "opening": 1.0},
    "open-mouth": {"opening": 1.0},
    "lips-fuller": {"lips": 1.0},
    "eyes-wider": {"eyes": 1.0},
    "brows-raised": {"brows": 1.0},
    "nose-wider": {"nose": 1.0},
    "face-narrower": {"face_width": -1.0},
}
"""For each edit, the properties of a face's shape that its direction moves; the first is the one that is measured."""
NAMES = (*FaceShape._fields, "lips", "eyes", "brows", "nose")

Mover = Callable[[LabelMap], LabelMap]


def properties(label_map: LabelMap) -> NDArray[np.float64]:
    """The numbers that ``NAMES`` names.

    Raises:
        UserError: the mask lacks eyes, brows, nose or mouth.
    """
    face = bounding_box(np.isin(label_map, FACE))
    eyes, brows = (np.isin(label_map, part) for part in (EYES, BROWS))
    nose = bounding_box(label_map == NOSE)
    high, low = centroid(brows), centroid(eyes)
    if face is None or nose is None or high is None or low is None:
        raise UserError("no whole face")
    height, width = face[1] - face[0], face[3] - face[2]
    own = (
        np.isin(label_map, LIPS).sum() / width**2,
        eyes.sum() / width**2,
        (low[0] - high[0]) / height,
        (nose[3] - nose[2]) / width,
    )
    return np.array([*shape_of(label_map), *own])


def roughness(where: NDArray[np.bool_]) -> float:
    """Length of an outline over that of a disc of the same area; 1.27 for a square's."""
    padded = np.pad(where, 1)
    edges = (padded[1:] != padded[:-1]).sum() + (padded[:, 1:] != padded[:, :-1]).sum()
    return float(edges / (2 * np.sqrt(np.pi * max(where.sum(), 1))))


def pieces(where: NDArray[np.bool_]) -> int:
    """Connected pieces."""
    image = Image.fromarray(where.astype(np.uint8)).copy()
    count = 0
    while (rest := np.argwhere(np.asarray(image) == 1)).size:
        row, column = rest[0]
        ImageDraw.floodfill(image, (int(column), int(row)), 2)
        count += 1
    return count


def locked(edit: NamedEdit, before: LabelMap, moved: LabelMap) -> LabelMap:
    """What was moved, with the old labels where the edit may not change them."""
    free = np.isin(before, edit.classes) & np.isin(moved, edit.classes)
    return np.where(free, moved, before)


def compare(name: str, masks: Sequence[LabelMap], movers: dict[str, Mover], spread: NDArray[np.float64]) -> list[str]:
    """Rows of the table for one edit."""
    edit, column = EDITS[name], NAMES.index(next(iter(DIRECTIONS[name])))
    sign = np.sign(next(iter(DIRECTIONS[name].values())))
    rows = []
    for mover, move in movers.items():
        change, rough, broken, undone, fallen = [], [], [], [], 0
        for mask in masks:
            try:
                moved = move(mask)
            except UserError:  # nothing there to move, such as hair
                continue
            after = locked(edit, mask, moved)
            changed = (moved != mask).sum()
            undone.append(float((moved != after).sum() / max(changed, 1)))
            part, old = np.isin(after, edit.part), np.isin(mask, edit.part)
            rough.append(roughness(part) / roughness(old))
            fallen += max(pieces(part) - pieces(old), 0)
            broken.append(bool(set(broken_rules(after)) - set(broken_rules(mask))))
            try:
                change.append(sign * (properties(after) - properties(mask))[column] / spread[column])
            except UserError:
                continue
        rows.append(
            f"| {name} | {mover} | {np.mean(change):+.2f} | {np.mean(rough):.2f} | {100 * fallen / len(masks):.0f} | "
            f"{np.mean(broken):.0%} | {np.mean(undone):.0%} |"
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--train", type=int, default=400)
    parser.add_argument("--test", type=int, default=40)
    options = parser.parse_args()
    pairs = open_pairs(options.data)
    network, _ = load_weights(shipped_weights("mask-vae"), model_type="mask-vae")
    assert isinstance(network, MaskVAE)
    manifold = MaskManifold(network)
    codes, shapes = [], []
    for index in range(options.train):
        mask = resize_label_map(pairs[index].label_map, (SIDE, SIDE))
        try:
            shapes.append(properties(mask))
        except UserError:
            continue
        codes.append(manifold.encode(mask))
    measured = np.array(shapes)
    spread = measured.std(axis=0)
    design = np.column_stack([(measured - measured.mean(axis=0)) / spread, np.ones(len(measured))])
    coefficients, *_ = np.linalg.lstsq(design, np.array(codes, dtype=np.float64), rcond=None)
    directions = {
        name: STEP * sum(weight * coefficients[NAMES.index(key)] for key, weight in parts.items())
        for name, parts in DIRECTIONS.items()
    }
    manifold = MaskManifold(network, directions={k: torch.from_numpy(v).float() for k, v in directions.items()})
    masks = []
    for index in range(len(pairs) - options.test, len(pairs)):
        mask = resize_label_map(pairs[index].label_map, (SIDE, SIDE))
        try:
            properties(mask)
        except UserError:
            continue
        masks.append(mask)
    print(f"{len(measured)} masks to find directions, {len(masks)} to measure")
    print("| edit | mover | effect, s.d. | outline | pieces | broken | undone |\n|---|---|---|---|---|---|---|")
    for name in DIRECTIONS:
        movers: dict[str, Mover] = {
            "warp": lambda mask, name=name: EDITS[name].apply(mask, EDITS[name].high),  # type: ignore[misc]
            "MaskVAE": lambda mask, name=name: manifold.move_direction(mask, name, 1.0),  # type: ignore[misc]
        }
        print("\n".join(compare(name, masks, movers, spread)), flush=True)


if __name__ == "__main__":
    main()

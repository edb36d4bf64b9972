"""The 19 face classes: names, colours, file names of parts, left/right pairs, and the label orders in use.

Everything in the package speaks the CelebAMask-HQ order. Masks in another order are converted where they enter.
Left and right are the person's: ``l_eye`` lies on the right of the picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from maskgan.errors import UserError

_STRIP_PIXELS = 1 << 18

LabelMap = NDArray[np.uint8]
"""H x W, uint8, values 0..18 in CelebAMask-HQ order unless said otherwise."""


@dataclass(frozen=True)
class FaceClass:
    """One semantic class."""

    index: int
    name: str  # also the suffix of its part file: 00000_{name}.png
    title: str  # as shown to people
    colour: tuple[int, int, int]  # RGB of the CelebAMask-HQ colour masks
    mirror: str | None = None  # the class that it becomes in a mirrored picture


CLASSES: tuple[FaceClass, ...] = (
    FaceClass(0, "background", "background", (0, 0, 0)),
    FaceClass(1, "skin", "skin", (204, 0, 0)),
    FaceClass(2, "nose", "nose", (76, 153, 0)),
    FaceClass(3, "eye_g", "eyeglasses", (204, 204, 0)),
    FaceClass(4, "l_eye", "left eye", (51, 51, 255), mirror="r_eye"),
    FaceClass(5, "r_eye", "right eye", (204, 0, 204), mirror="l_eye"),
    FaceClass(6, "l_brow", "left brow", (0, 255, 255), mirror="r_brow"),
    FaceClass(7, "r_brow", "right brow", (255, 204, 204), mirror="l_brow"),
    FaceClass(8, "l_ear", "left ear", (102, 51, 0), mirror="r_ear"),
    FaceClass(9, "r_ear", "right ear", (255, 0, 0), mirror="l_ear"),
    FaceClass(10, "mouth", "mouth (inside)", (102, 204, 0)),
    FaceClass(11, "u_lip", "upper lip", (255, 255, 0)),
    FaceClass(12, "l_lip", "lower lip", (0, 0, 153)),
    FaceClass(13, "hair", "hair", (0, 0, 204)),
    FaceClass(14, "hat", "hat", (255, 51, 153)),
    FaceClass(15, "ear_r", "earring", (0, 204, 204)),
    FaceClass(16, "neck_l", "necklace", (0, 51, 0)),
    FaceClass(17, "neck", "neck", (255, 153, 51)),
    FaceClass(18, "cloth", "clothes", (0, 204, 0)),
)
NUM_CLASSES = len(CLASSES)
INDEX: Mapping[str, int] = MappingProxyType({c.name: c.index for c in CLASSES})

PALETTE: NDArray[np.uint8] = np.array([c.colour for c in CLASSES], dtype=np.uint8)
"""19 x 3, uint8: the colour of each class."""

MIRROR: NDArray[np.uint8] = np.array([INDEX[c.mirror] if c.mirror else c.index for c in CLASSES], dtype=np.uint8)
"""19, uint8: the class that each class becomes when the picture is mirrored."""

_FACE_PARSING = """
    background skin l_brow r_brow l_eye r_eye eye_g l_ear r_ear ear_r
    nose mouth u_lip l_lip neck neck_l cloth hair hat
"""
ORDERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "celebamask-hq": tuple(c.name for c in CLASSES),
        # zllrunning/face-parsing.PyTorch, and the many programs built on it.
        "face-parsing": tuple(_FACE_PARSING.split()),
    }
)
"""Label orders in use: for each, the class name of every index."""


def convert_order(label_map: LabelMap, source: str, target: str = "celebamask-hq") -> LabelMap:
    """Translate a label map from one order of classes to another.

    Raises:
        UserError: an order is unknown, or a value is over 18.
    """
    for order in (source, target):
        if order not in ORDERS:
            raise UserError(f"unknown label order {order!r}; known are {', '.join(ORDERS)}")
    check_labels(label_map)
    table = np.array([ORDERS[target].index(name) for name in ORDERS[source]], dtype=np.uint8)
    return table[label_map]


def check_labels(label_map: NDArray[np.integer], name: str = "label map") -> None:
    """Raise unless ``label_map`` is H x W with values 0..18.

    Raises:
        UserError: naming ``name``, the first foreign value and where it stands.
    """
    if label_map.ndim != 2:
        raise UserError(f"{name}: a label map has one channel, this has shape {label_map.shape}")
    if label_map.size and (int(label_map.max()) >= NUM_CLASSES or int(label_map.min()) < 0):
        foreign = (label_map >= NUM_CLASSES) | (label_map < 0)
        row, column = np.unravel_index(int(foreign.argmax()), foreign.shape)
        value = label_map[row, column]
        raise UserError(
            f"{name}: value {value} at row {row}, column {column} is no label; labels are 0..{NUM_CLASSES - 1}"
        )


def class_indices(classes: Iterable[int | str], name: str = "classes") -> tuple[int, ...]:
    """Indices of classes given by index, name or title, each once and ascending.

    Raises:
        UserError: naming ``name`` and the first that is not a class, or saying that there is none at all.
    """
    known: dict[int | str, int] = {key: c.index for c in CLASSES for key in (c.index, c.name, c.title)}
    indices = set()
    for given in classes:
        if given not in known:
            raise UserError(f"{name}: {given!r} is not a class; 'maskgan labels' lists them")
        indices.add(known[given])
    if not indices:
        raise UserError(f"{name}: there is none; name at least one class, as 'maskgan labels' lists them")
    return tuple(sorted(indices))


def mirrored(label_map: LabelMap) -> LabelMap:
    """The label map of the mirrored picture: flipped, with left and right classes exchanged."""
    return MIRROR[label_map[:, ::-1]]


def colourise(label_map: LabelMap) -> NDArray[np.uint8]:
    """H x W labels to H x W x 3 colours of the palette, uint8."""
    return PALETTE[label_map]


def from_colours(colours: NDArray[np.uint8], name: str = "colour mask") -> LabelMap:
    """A colour mask (H x W x 3, uint8, exact palette colours) to its label map.

    Raises:
        UserError: a colour stands for no class; the message counts such pixels and says how close they are.
    """
    palette_codes = colour_codes(PALETTE)
    order = np.argsort(palette_codes).astype(np.uint8)
    sorted_codes = palette_codes[order]
    labels = np.empty(colours.shape[:2], np.uint8)
    count, first = 0, (0, 0)
    for rows in strips(colours.shape[:2]):
        codes = colour_codes(colours[rows])
        labels[rows] = order[np.searchsorted(sorted_codes, codes).clip(max=NUM_CLASSES - 1)]
        foreign = palette_codes[labels[rows]] != codes
        if count == 0 and foreign.any():
            row, column = np.unravel_index(int(foreign.argmax()), foreign.shape)
            first = (rows.start + int(row), int(column))
        count += int(np.count_nonzero(foreign))
    if count:
        raise UserError(
            f"{name}: colour {tuple(int(v) for v in colours[first])} at row {first[0]}, column {first[1]} stands for "
            f"no class ({count / labels.size:.1%} of the picture); save masks without smoothing or compression, "
            "colours as in 'maskgan labels'"
        )
    return labels


def strips(shape: tuple[int, ...]) -> Iterator[slice]:
    """Rows of an H x W picture to work on together, so that memory is bounded however large it is."""
    height, width = shape
    rows = max(_STRIP_PIXELS // max(width, 1), 1)
    for start in range(0, height, rows):
        yield slice(start, min(start + rows, height))


def colour_codes(colours: NDArray[np.uint8]) -> NDArray[np.int32]:
    """One number for each colour of ... x 3."""
    wide = colours.astype(np.int32)
    return (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]

"""Is a label map the mask of a face? Rules that nearly every annotated face keeps, and invalid masks do not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from maskgan.face_parts import EYES, GLASSES, HEAD, LIPS, NOSE, centroid
from maskgan.labels import CLASSES, INDEX, LabelMap

_CONNECTED = 0.8  # share of a part's pixels that must hang together
_FEATURES = tuple(CLASSES[label].name for label in (NOSE, *LIPS))
_EYES = tuple(CLASSES[label].name for label in (*EYES, GLASSES))


def broken_rules(label_map: LabelMap) -> list[str]:
    """The rules that a mask breaks; none if it is valid.

    A face has skin, a nose, two lips, and eyes or glasses; nose and lips hang together; eyes lie above the middle of
    the nose, the nose above the mouth, the upper lip above the lower, the person's left eye on the right of the other;
    all of them within the frame of skin, hair and hat.

    Args:
        label_map: H x W uint8, 0..18.
    """
    where = {name: label_map == INDEX[name] for name in ("skin", *_FEATURES, *_EYES)}
    present = {name for name, pixels in where.items() if pixels.any()}
    violated = [f"no {name}" for name in ("skin", *_FEATURES) if name not in present]
    if not present & set(_EYES):
        violated.append("no eyes")
    violated += [f"{name} in pieces" for name in _FEATURES if name in present and not _is_connected(where[name])]
    centres = {name: centre for name, pixels in where.items() if (centre := centroid(pixels))}
    row = {name: centre[0] for name, centre in centres.items()}
    column = {name: centre[1] for name, centre in centres.items()}

    def out_of_order(first: str, second: str, place: dict[str, float]) -> bool:
        return first in place and second in place and place[first] >= place[second]

    violated += [f"{eye} below nose" for eye in _EYES if out_of_order(eye, "nose", row)]
    if out_of_order("nose", "u_lip", row):
        violated.append("nose below mouth")
    if out_of_order("u_lip", "l_lip", row):
        violated.append("lips exchanged")
    if out_of_order("r_eye", "l_eye", column):
        violated.append("eyes exchanged")
    head = np.isin(label_map, HEAD)
    rows, columns = np.flatnonzero(head.any(axis=1)), np.flatnonzero(head.any(axis=0))
    for name in sorted(present - {"skin"}) if len(rows) else ():
        if not (rows[0] <= row[name] <= rows[-1] and columns[0] <= column[name] <= columns[-1]):
            violated.append(f"{name} off the face")
    return violated


def _is_connected(pixels: NDArray[np.bool_]) -> bool:
    """Whether most of the pixels can be reached from the one nearest to their centre."""
    rows, columns = np.nonzero(pixels)
    centre = centroid(pixels)
    assert centre is not None  # only parts that are there are asked about
    nearest = int(np.argmin((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2))
    image = Image.fromarray(pixels.astype(np.uint8)).copy()  # a picture of an array cannot be drawn on
    ImageDraw.floodfill(image, (int(columns[nearest]), int(rows[nearest])), 2)
    return bool((np.asarray(image) == 2).sum() >= _CONNECTED * len(rows))

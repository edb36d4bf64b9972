"""Style codes for what a face does not show: the colour and cloth of a hat, the tint of glasses, an open mouth.

An edit network predicts the style of what a face lacks from the rest of the face, which gives the average hat: grey.
These are codes of real ones, a few of each kind, without any picture.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from maskgan.checkpoints.weights import read_info, require_suffix, sha256
from maskgan.editing.accessories import is_worn
from maskgan.editing.lenses import lenses_are_clear
from maskgan.errors import UserError
from maskgan.face_parts import EARRING, GLASSES, HAT, INSIDE_MOUTH, NECKLACE
from maskgan.files import atomic_path, require_file
from maskgan.images import Picture
from maskgan.labels import LabelMap
from maskgan.metrics.face_geometry import mouth_opening

if TYPE_CHECKING:
    from maskgan.editing.renderer import Renderer

FILE_NAME = "accessory-styles.safetensors"
"""Beside the weights that they belong to."""

KINDS: Mapping[str, int] = {
    "hat": HAT,
    "glasses": GLASSES,
    "sunglasses": GLASSES,
    "earring": EARRING,
    "necklace": NECKLACE,
    "open-mouth": INSIDE_MOUTH,
}
"""The class of each kind."""

_COUNTS = {"hat": 6, "earring": 5, "necklace": 5, "open-mouth": 4}  # styles kept of a kind; others have one
_SHINING = ("earring", "necklace")  # kinds whose style nearest to white is the default: dull ones hardly show
_SMALLEST = {"hat": 0.02, "glasses": 0.004, "sunglasses": 0.004, "earring": 0.0006, "necklace": 0.0006}
_OPENING_RANGE = (0.15, 0.25)  # from where one sees into a mouth, to where its style is all an open one's
_WIDE_OPEN = 0.33  # of those whose styles are found
_ITERATIONS = 50
_log = logging.getLogger(__name__)

_METADATA_KEY = "maskgan-accessory-styles"

AccessoryStyles = Mapping[str, Tensor]
"""Codes of each kind, K x code_size; the first is the default."""


def kind_of(label: int, label_map: LabelMap) -> str:
    """The kind that a class is in a mask: glasses without eyes behind them are sunglasses."""
    if label == GLASSES:
        return "glasses" if lenses_are_clear(label_map) else "sunglasses"
    return next(kind for kind, of in KINDS.items() if of == label)


def keeps_kind(label: int, before: LabelMap, after: LabelMap) -> bool:
    """Whether an accessory that both masks show is of one kind: clear glasses that become dark are not.

    Specks in ``before`` are none.
    """
    worn = is_worn(before, label) and (after == label).any()
    return bool(worn) and kind_of(label, before) == kind_of(label, after)


def add_accessory_styles(
    renderer: Renderer, style: Tensor, before: LabelMap, after: LabelMap, kept: Sequence[int] = ()
) -> Tensor:
    """The style of a face with the codes of the accessories that an edit adds, or makes another kind of.

    The farther an edit opens the mouth beyond where teeth fill it, the more it gets the style of an open one.

    Args:
        renderer: with accessory styles.
        style: 1 x style_size.
        before: the face's own mask, h x w.
        after: the edited mask, h x w.
        kept: classes whose codes stay as they are.
    """
    for label in sorted({*KINDS.values()} - {INSIDE_MOUTH, *kept}):
        if keeps_kind(label, before, after) or not (after == label).any():
            continue
        codes = renderer.accessory_styles.get(kind_of(label, after))
        if codes is not None:
            style = style.clone()
            style[:, renderer.network.part_style_mask([label]).to(style.device)] = codes[0].to(style)
    share, codes = _opened(before, after), renderer.accessory_styles.get("open-mouth")
    if share > 0 and codes is not None and INSIDE_MOUTH not in kept:
        part = renderer.network.part_style_mask([INSIDE_MOUTH]).to(style.device)
        style = style.clone()
        style[:, part] = (1 - share) * style[:, part] + share * codes[0].to(style)
    return style


def _opened(before: LabelMap, after: LabelMap) -> float:
    """How far an edit opens a mouth, 0..1: 0 where its teeth are as much to be seen as before."""
    least, most = _OPENING_RANGE
    start = max(mouth_opening(before), least)
    return min(max((mouth_opening(after) - start) / (most - least), 0.0), 1.0)


def find_accessory_styles(
    renderer: Renderer, faces: Iterator[tuple[Picture, LabelMap]], at_most: int = 200
) -> dict[str, Tensor]:
    """Typical codes of each kind in faces that wear it: the nearest to the centre of each cluster.

    Those of the largest clusters come first, of jewellery the one nearest to white, of open mouths the one of
    white teeth before a dark mouth.

    Args:
        renderer: of an edit network.
        faces: images and their masks.
        at_most: faces of each kind that are encoded.

    Raises:
        UserError: the network has no styles of parts.
    """
    found: dict[str, list[tuple[NDArray[np.float64], float]]] = {kind: [] for kind in KINDS}
    for picture, label_map in faces:
        worn = [kind for kind in _worn(label_map) if len(found[kind]) < at_most]
        if not worn:
            continue
        style = renderer.encode(picture, label_map)[0].cpu()
        for kind in worn:
            label = KINDS[kind]
            code = style[renderer.network.part_style_mask([label])].double().numpy()
            found[kind].append((code, _default_score(kind, picture[label_map == label])))
    styles = {}
    for kind, worn_by in found.items():
        if worn_by:
            codes, scores = np.stack([code for code, _ in worn_by]), np.array([score for _, score in worn_by])
            chosen = np.array(_typical(codes, _COUNTS.get(kind, 1)))
            chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
            styles[kind] = torch.from_numpy(codes[chosen].astype(np.float32))
    return styles


def _worn(label_map: LabelMap) -> list[str]:
    worn = [
        kind
        for kind, smallest in _SMALLEST.items()
        if (label_map == KINDS[kind]).mean() >= smallest and kind_of(KINDS[kind], label_map) == kind
    ]
    return [*worn, "open-mouth"] if mouth_opening(label_map) >= _WIDE_OPEN else worn


def _default_score(kind: str, pixels: NDArray[np.uint8]) -> float:
    """How well a style suits as the default, from the pixels (N x 3) of what has it; 0 where the commonest does."""
    if kind in _SHINING:
        return float(pixels.mean(axis=0).min())
    if kind == "open-mouth":
        teeth, behind = np.percentile(pixels.mean(axis=1), [95, 25])
        return float(teeth - behind / 2)
    return 0.0


def _typical(codes: NDArray[np.float64], count: int) -> list[int]:
    """The indices of ``count`` codes or fewer, of the largest clusters first, by k-means from centres far apart."""
    count = min(count, len(codes))
    scaled = codes / (codes.std(axis=0) + 1e-6)
    chosen = [int(((scaled - scaled.mean(axis=0)) ** 2).sum(axis=1).argmin())]
    while len(chosen) < count:
        distance = np.min([((scaled - scaled[i]) ** 2).sum(axis=1) for i in chosen], axis=0)
        chosen.append(int(distance.argmax()))
    centres = scaled[chosen]
    for _ in range(_ITERATIONS):
        nearest = ((scaled[:, None] - centres[None]) ** 2).sum(axis=2).argmin(axis=1)
        centres = np.stack(
            [scaled[nearest == k].mean(axis=0) if (nearest == k).any() else centres[k] for k in range(count)]
        )
    sizes = np.bincount(nearest, minlength=count)
    largest = np.argsort(-sizes, kind="stable")
    return list(dict.fromkeys(int(((scaled - centres[k]) ** 2).sum(axis=1).argmin()) for k in largest))


def save_accessory_styles(path: Path, styles: AccessoryStyles, weights: Path) -> None:
    """Write codes as safetensors that name the weights file whose styles they are.

    Raises:
        UserError: the suffix is not .safetensors, or a file cannot be written or read.
    """
    path = require_suffix(path)
    metadata = json.dumps({"weights": sha256(weights), "licence": read_info(weights).licence})
    with atomic_path(path) as temporary:
        save_file({kind: c.float().contiguous() for kind, c in styles.items()}, temporary, {_METADATA_KEY: metadata})


def accessory_styles_beside(weights: Path) -> dict[str, Tensor]:
    """The codes in the folder of a weights file, if there are any and they belong to it."""
    path = weights.parent / FILE_NAME
    try:
        return load_accessory_styles(path, weights) if path.is_file() else {}
    except UserError as error:
        _log.info("%s", error)
        return {}


def load_accessory_styles(path: Path, weights: Path) -> dict[str, Tensor]:
    """Read codes, K x code_size float32 each.

    Raises:
        UserError: no such file, damaged, or of other weights than ``weights``.
    """
    path = require_file(path)
    try:
        with safe_open(path, framework="pt", device="cpu") as stored:
            metadata = json.loads((stored.metadata() or {})[_METADATA_KEY])
            styles = {kind: stored.get_tensor(kind).float().clone() for kind in KINDS if kind in set(stored.keys())}
            found_in = metadata["weights"]
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path}: no file of accessory styles, or damaged; make it again with find-accessory-styles"
        ) from error
    if found_in != sha256(weights):
        raise UserError(f"{path}: its styles belong to other weights than {weights}; find them anew")
    size = getattr(read_info(weights).config, "code_size", None)
    if any(c.ndim != 2 or c.shape[1] != size or not len(c) or not torch.isfinite(c).all() for c in styles.values()):
        raise UserError(f"{path}: a style does not fit {weights}; make it again with find-accessory-styles")
    return styles

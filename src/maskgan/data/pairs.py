"""One interface for every collection of faces with masks, and the choice of some of its faces.

A collection is opened by ``open_dataset.open_pairs`` from a folder of pairs, an unpacked CelebAMask-HQ, one tar
shard or a glob of them. Nothing is decoded before it is asked for.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from maskgan.errors import UserError
from maskgan.images import Picture
from maskgan.labels import LabelMap, convert_order
from maskgan.text_files import read_keys, visible, without_suffix

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif")
MASK_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")
"""Formats without loss, the usual one first."""
MASK_WORDS = ("mask", "masks", "label", "labels", "seg", "segmentation", "parsing")
"""What a mask's name may have after its picture's: ``00000_mask.png``, or ``00000.mask.png`` in a tar."""

_MASK_SUFFIX = re.compile(rf"\.(?:{'|'.join(MASK_WORDS)})({'|'.join(map(re.escape, MASK_SUFFIXES))})")
FaceT = TypeVar("FaceT")
FaceT_co = TypeVar("FaceT_co", covariant=True)


@dataclass(frozen=True)
class FacePair:
    """A face and its mask.

    Attributes:
        key: its name in the collection.
        picture: H x W x 3, uint8, RGB.
        label_map: h x w, uint8, 0..18; may have another size than the picture (CelebAMask-HQ: 1024 and 512).
        edits: simulated edits of the label map, of its size, where they are stored (see ``stored_edits``).
    """

    key: str
    picture: Picture
    label_map: LabelMap
    edits: tuple[LabelMap, ...] = ()


class KeyedCollection(Protocol[FaceT_co]):
    """Faces of any sort with names, in a fixed order."""

    @property
    def keys(self) -> Sequence[str]:
        """The faces' names, in order."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> FaceT_co:
        """Read one face; raises ``UserError`` naming the file if it is damaged."""
        ...


PairCollection = KeyedCollection[FacePair]
"""Faces with masks."""


def checked_pair(key: str, picture: Picture, label_map: LabelMap, name: str) -> FacePair:
    """Join a picture and its mask.

    Raises:
        UserError: their shapes differ by more than scale, so the mask is not this picture's; names ``name``.
    """
    height, width = picture.shape[:2]
    mask_height, mask_width = label_map.shape
    # Half a mask pixel on either side is rounding.
    if abs(width * mask_height - height * mask_width) > max(width, height):
        raise UserError(
            f"{name}: is {width}x{height}, its mask {mask_width}x{mask_height}; the mask is not aligned to it"
        )
    return FacePair(key, picture, label_map)


def from_order(label_map: LabelMap, order: str) -> LabelMap:
    """A mask of a data set in CelebAMask-HQ order; ``auto`` takes it to be in that order already."""
    return label_map if order == "auto" else convert_order(label_map, order)


def pair_suffixes(suffixes: Iterable[str], name: str) -> tuple[str, str]:
    """Which files of one name are the picture and the mask, by their suffixes (with the dot, in lower case).

    The mask is the file that is named so (``.mask.png``), or else the PNG, or else the one of a format without loss.

    Raises:
        UserError: they are not one picture and one mask; names ``name``.
    """
    suffixes = sorted(suffixes)
    masks = [suffix for suffix in suffixes if _MASK_SUFFIX.fullmatch(suffix)]
    if not masks:
        masks = [suffix for suffix in MASK_SUFFIXES if suffix in suffixes][:1]
    pictures = [suffix for suffix in suffixes if suffix in PICTURE_SUFFIXES and suffix not in masks]
    if len(masks) != 1 or len(pictures) != 1:
        raise UserError(f"{name} has {', '.join(suffixes)}; one picture and a .png mask are needed")
    return pictures[0], masks[0]


def is_pair_file(suffix: str) -> bool:
    """Whether a file of this suffix (with the dot, in lower case) may be a picture or a mask."""
    return suffix in PICTURE_SUFFIXES or suffix in MASK_SUFFIXES or _MASK_SUFFIX.fullmatch(suffix) is not None


def composed(name: str) -> str:
    """A name with its letters and accents joined: macOS writes them apart, and lists do not."""
    return unicodedata.normalize("NFC", name)


class Selected(Generic[FaceT]):
    """Some of a collection's faces."""

    def __init__(self, pairs: KeyedCollection[FaceT], indices: Sequence[int]) -> None:
        self._pairs = pairs
        self._indices = indices
        self.keys: Sequence[str] = [pairs.keys[i] for i in indices]

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> FaceT:
        return self._pairs[self._indices[index]]


def select(pairs: KeyedCollection[FaceT], chosen: str) -> Selected[FaceT]:
    """The pairs, or labelled faces, that ``chosen`` names.

    Args:
        pairs: the collection.
        chosen: a file with one key a line, or ranges of keys in sorting order, both ends included
            (``00000..04249``, ``..04249``, ``04500..``), or single keys; several separated by commas.

    Raises:
        UserError: nothing is chosen, or a key is not in the collection.
    """
    if _is_list_file(chosen):
        return Selected(pairs, _indices_of_list(pairs, Path(chosen)))
    indices: list[int] = []
    for part in _parts(chosen, pairs.keys):
        found = [i for i, key in enumerate(pairs.keys) if _in_range(key, part)]
        if not found:
            raise UserError(
                f"{part!r}: no such keys in the data, nor a file of that name; keys are like {pairs.keys[0]!r}"
            )
        indices += found
    return Selected(pairs, sorted(set(indices)))


class ChosenKeys:
    """The keys that ``select`` would choose, where the collection's keys are not known beforehand: in a stream.

    Raises:
        UserError: a list names no key, or one twice.
    """

    def __init__(self, chosen: str) -> None:
        self._listed: set[str] | None = None
        if _is_list_file(chosen):
            # No key of a stream has a suffix.
            listed = [without_suffix(composed(key)) for key in read_keys(Path(chosen))]
            _check_once(listed, Path(chosen))
            self._listed = set(listed)
        self._chosen = composed(chosen)
        self._ranges = self._chosen.split(",")

    def __contains__(self, key: str) -> bool:
        if self._listed is not None:
            return key in self._listed
        return key == self._chosen or any(_in_range(key, part) for part in self._ranges)


def _is_list_file(chosen: str) -> bool:
    # Path.is_file raises when a long list of keys is no possible name; this answers False.
    return os.path.isfile(chosen)  # noqa: PTH113


def _parts(chosen: str, keys: Sequence[str]) -> list[str]:
    """Ranges and keys separated by commas; a key may have a comma itself."""
    chosen = composed(chosen)
    return [chosen] if chosen in keys else chosen.split(",")


def _in_range(key: str, part: str) -> bool:
    low, dots, high = part.strip().partition("..")
    return key == part or (low <= key and (not high or key <= high) if dots else key == low)


def _check_once(keys: Sequence[str], path: Path) -> None:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            raise UserError(f"{path}: {visible(key)!r} comes twice, with and without a suffix")
        seen.add(key)


def _indices_of_list(pairs: KeyedCollection[FaceT], path: Path) -> list[int]:
    """Positions of the keys in a list file, in the order of the file."""
    position = {key: i for i, key in enumerate(pairs.keys)}
    listed = [composed(key) for key in read_keys(path)]
    wanted = [key if key in position else without_suffix(key) for key in listed]
    wanted = [key for key in wanted if key in position or not key.startswith("#")]  # a comment otherwise
    if missing := [key for key in wanted if key not in position]:
        raise UserError(
            f"{path}: {len(missing)} of {len(wanted)} keys are not in the data, {visible(missing[0])} first; keys are "
            f"like {pairs.keys[0]!r}"
        )
    _check_once(wanted, path)
    return [position[key] for key in wanted]

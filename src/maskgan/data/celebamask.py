"""CelebAMask-HQ as it is unpacked: where its files lie, and how part files become a label map.

Layout, with ``k`` the picture's number::

    CelebA-HQ-img/{k}.jpg                                   1024 x 1024
    CelebAMask-HQ-mask-anno/{k // 2000}/{k:05d}_{part}.png  512 x 512, 0 and 255, one for each part that is present
    CelebAMask-HQ-attribute-anno.txt, CelebAMask-HQ-pose-anno.txt, CelebA-HQ-to-CelebA-mapping.txt

The text files are read by ``annotations``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskgan.data.pairs import PICTURE_SUFFIXES, FacePair, checked_pair
from maskgan.errors import UserError
from maskgan.images import read_picture
from maskgan.labels import CLASSES, INDEX, LabelMap

PICTURE_FOLDER = "CelebA-HQ-img"
PART_FOLDER = "CelebAMask-HQ-mask-anno"
PICTURES_PER_FOLDER = 2000
"""Part folder ``n`` holds the parts of pictures ``2000 n`` to ``2000 n + 1999``."""
PART_THRESHOLD = 128
"""Part pixels of at least this value belong to the part."""

_PART_NAME = re.compile(r"(\d{5})_(\w+)\.png")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SampleFiles:
    """The files of one face.

    Attributes:
        key: the picture's number, five digits, as in the names of the parts.
        picture: the picture's file.
        parts: (class index, file) of each part that is present, by rising class index.
        expected: the folder in which the parts are looked for.
    """

    key: str
    picture: Path
    parts: tuple[tuple[int, Path], ...]
    expected: Path


@dataclass(frozen=True)
class Issue:
    """A problem of a data set.

    Attributes:
        kind: ``damaged``, ``missing``, ``duplicate``, ``misplaced``, ``misaligned``, ``unknown`` or ``no skin``.
        key: the pair concerned, or an empty string.
        reason: one line that names the file.
    """

    kind: str
    key: str
    reason: str


@dataclass
class DatasetIndex:
    """What lies in an unpacked folder, by name alone.

    Attributes:
        root: the folder that holds ``CelebA-HQ-img``.
        pictures: file name by picture number.
        parts: class indices of the parts, rising, by picture number.
        errors: duplicate and misplaced files and missing folders: with these, nothing should be read.
        warnings: parts without a picture, and files in part folders that are no parts.
    """

    root: Path
    pictures: dict[int, str] = field(default_factory=dict)
    parts: dict[int, tuple[int, ...]] = field(default_factory=dict)
    errors: list[Issue] = field(default_factory=list)
    warnings: list[Issue] = field(default_factory=list)

    def files(self, number: int) -> SampleFiles:
        """The files of picture ``number``."""
        folder = _part_folder(self.root, number)
        return SampleFiles(
            key=f"{number:05d}",
            picture=self.root / PICTURE_FOLDER / self.pictures[number],
            parts=tuple((c, folder / f"{number:05d}_{CLASSES[c].name}.png") for c in self.parts.get(number, ())),
            expected=folder,
        )


class CelebAMaskHQ:
    """The pairs of an unpacked CelebAMask-HQ, in order of their numbers; label maps are assembled when asked for.

    Keys are the pictures' numbers in five digits. Pictures are 1024 x 1024 and label maps 512 x 512.

    Raises:
        UserError: a folder is missing (named), nothing is in it, or a picture or part is there twice (both named).
    """

    def __init__(self, folder: Path) -> None:
        self.index = index_dataset(folder)
        if self.index.errors:
            more = f" ({len(self.index.errors)} such errors)" if len(self.index.errors) > 1 else ""
            raise UserError(self.index.errors[0].reason + more)
        self._numbers = sorted(self.index.pictures)
        self.keys: Sequence[str] = [f"{number:05d}" for number in self._numbers]

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> FacePair:
        """Read one pair; raises ``UserError`` if a file is damaged or the picture has no part at all."""
        return read_sample(self.files(index))

    @property
    def numbers(self) -> Sequence[int]:
        """The pictures' numbers, in order."""
        return self._numbers

    def files(self, index: int) -> SampleFiles:
        """The files of the pair at ``index``."""
        return self.index.files(self._numbers[index])


def find_root(folder: Path) -> Path | None:
    """The folder that holds ``CelebA-HQ-img`` or the parts: ``folder`` or its ``CelebAMask-HQ``; None if neither."""
    for root in (folder, folder / "CelebAMask-HQ"):
        if (root / PICTURE_FOLDER).is_dir() or (root / PART_FOLDER).is_dir():
            return root
    return None


def index_dataset(folder: Path) -> DatasetIndex:
    """List an unpacked CelebAMask-HQ without opening its files.

    Raises:
        UserError: the folder of pictures or of parts is missing or empty; the message names it.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    root = find_root(folder) or folder
    for name in (PICTURE_FOLDER, PART_FOLDER):
        if not (root / name).is_dir():
            raise UserError(f"{root / name}: no such folder; give the unpacked CelebAMask-HQ, which holds it")
    found = DatasetIndex(root)
    _index_pictures(found)
    _index_parts(found)
    return found


def read_sample(files: SampleFiles) -> FacePair:
    """Read a face and assemble its label map.

    Raises:
        UserError: a file is damaged, the parts do not fit each other or the picture, or there is no part.
    """
    label_map = assemble_label_map(files)
    return checked_pair(files.key, read_picture(files.picture), label_map, str(files.picture))


def assemble_label_map(files: SampleFiles) -> LabelMap:
    """Paint the parts over each other by rising class index, as the data set's authors do.

    Returns:
        H x W uint8, values 0..18.

    Raises:
        UserError: there is no part (a mask of nothing but background is never made), one is damaged, or sizes differ.
    """
    if not files.parts:
        raise UserError(
            f"{files.picture}: no part in {files.expected} belongs to it; expected {files.key}_skin.png and such"
        )
    label_map: LabelMap | None = None
    for index, path in files.parts:
        part = read_part(path)
        if label_map is None:
            label_map = np.zeros(part.shape, dtype=np.uint8)
        elif part.shape != label_map.shape:
            raise UserError(size_difference(path, part.shape, label_map.shape))
        label_map[part] = index
    assert label_map is not None
    return label_map


def read_part(path: Path) -> NDArray[np.bool_]:
    """Read a part file: H x W, true where the part is.

    Raises:
        UserError: no such file, damaged, or its values are not 0 and 255.
    """
    values = read_picture(path)[..., 0]
    if 0 < values.max() < PART_THRESHOLD:
        raise UserError(f"{path}: its highest value is {values.max()}; a part is 0 and 255, so this is another mask")
    return values >= PART_THRESHOLD


def size_difference(path: Path, shape: tuple[int, ...], other: tuple[int, ...]) -> str:
    """The message for a part that is not of the size of the parts before it."""
    return f"{path}: is {shape[1]}x{shape[0]}, the parts before it {other[1]}x{other[0]}; all must be of one size"


def _index_pictures(found: DatasetIndex) -> None:
    folder = found.root / PICTURE_FOLDER
    for name in _visible(folder):
        stem = Path(name).stem
        if Path(name).suffix.lower() not in PICTURE_SUFFIXES or not re.fullmatch(r"\d{1,5}", stem):
            continue
        number = int(stem)
        if number in found.pictures:
            other = folder / found.pictures[number]
            reason = f"{folder / name}: {other} is picture {number} too; keep one of the two"
            found.errors.append(Issue("duplicate", f"{number:05d}", reason))
        else:
            found.pictures[number] = name
    if not found.pictures:
        raise UserError(f"{folder}: holds no picture; expected 0.jpg, 1.jpg and so on")


def _index_parts(found: DatasetIndex) -> None:
    base = found.root / PART_FOLDER
    parts: dict[int, list[int]] = {}
    astray: list[tuple[int, Path]] = []
    for path in _part_files(base):
        match = _PART_NAME.fullmatch(path.name)
        index = INDEX.get(match[2], 0) if match else 0
        if not match or index == 0:
            found.warnings.append(Issue("unknown", "", f"{path}: not a part; parts are named like 00000_skin.png"))
            continue
        number = int(match[1])
        if path.parent == _part_folder(found.root, number):
            parts.setdefault(number, []).append(index)
        else:
            astray.append((number, path))
    if not parts and not astray:
        raise UserError(f"{base}: holds no part; expected {Path('0') / '00000_skin.png'} and so on")
    found.parts = {number: tuple(sorted(indices)) for number, indices in parts.items()}
    for number, path in astray:
        home = _part_folder(found.root, number)
        if found.parts.get(number):
            first = home / f"{number:05d}_{CLASSES[found.parts[number][0]].name}.png"
            reason = f"{path}: {first} is a part of picture {number} too, in another folder; keep one of the two"
            found.errors.append(Issue("duplicate", f"{number:05d}", reason))
        else:
            found.errors.append(Issue("misplaced", f"{number:05d}", f"{path}: belongs into {home}; move it there"))
    for folder in sorted({_part_folder(found.root, number) for number in found.pictures}):
        if not folder.is_dir():
            count = sum(_part_folder(found.root, number) == folder for number in found.pictures)
            reason = f"{folder}: no such folder; it holds the parts of {count} of the pictures"
            found.errors.append(Issue("missing", "", reason))
    for number in sorted(found.parts.keys() - found.pictures.keys()):
        reason = f"{_part_folder(found.root, number)}: has parts of picture {number}, which is not in {PICTURE_FOLDER}"
        found.warnings.append(Issue("missing", f"{number:05d}", reason))


def _part_files(base: Path) -> Iterator[Path]:
    for name in _visible(base):
        if (base / name).is_dir():
            yield from (base / name / file for file in _visible(base / name))
        elif name.lower().endswith(".png"):
            yield base / name


def _visible(folder: Path) -> list[str]:
    try:
        names = sorted(path.name for path in folder.iterdir())
        return [name for name in names if not name.startswith(".") and name != "Thumbs.db"]
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror})") from error


def _part_folder(root: Path, number: int) -> Path:
    return root / PART_FOLDER / str(number // PICTURES_PER_FOLDER)

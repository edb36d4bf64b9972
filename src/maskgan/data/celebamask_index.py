"""What lies in an unpacked CelebAMask-HQ, by name alone: pictures, parts, joined label maps, and what is astray."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from maskgan.data.pairs import MASK_SUFFIXES, PICTURE_SUFFIXES
from maskgan.errors import UserError
from maskgan.labels import CLASSES, INDEX

PICTURE_FOLDER = "CelebA-HQ-img"
PART_FOLDER = "CelebAMask-HQ-mask-anno"
LABEL_MAP_FOLDERS = (
    *("CelebAMask-HQ-mask", "CelebAMaskHQ-mask", "CelebAMask-HQ-mask-color", "CelebAMaskHQ-mask-color"),
    *("mask", "masks"),
)
"""Where scripts that join the parts write label maps."""
PICTURES_PER_FOLDER = 2000
"""Part folder ``n`` holds the parts of pictures ``2000 n`` to ``2000 n + 1999``."""
PARTS_LIKE = "parts are named like 00000_skin.png"

_NUMBER = re.compile(r"\d{1,9}")
_PART_NAME = re.compile(r"(\d{1,9})_(\w+)")
_BY_NAME = {name.lower(): index for name, index in INDEX.items()}


@dataclass(frozen=True)
class SampleFiles:
    """The files of one face.

    Attributes:
        key: the picture's number, five digits, as in the names of the parts.
        picture: the picture's file.
        parts: (class index, file) of each part that is present, by rising class index.
        expected: the folder in which the parts, or the joined mask, are looked for.
        label_map: the joined mask, in place of parts.
        order: its label order.
    """

    key: str
    picture: Path
    parts: tuple[tuple[int, Path], ...]
    expected: Path
    label_map: Path | None = None
    order: str = "celebamask-hq"


@dataclass(frozen=True)
class Issue:
    """A problem of a data set.

    Attributes:
        kind: ``damaged``, ``missing``, ``duplicate``, ``misplaced``, ``misaligned``, ``unknown``, ``empty`` or ``no
            skin``.
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
        order: label order of joined masks.
        pictures: file by picture number.
        parts: files by class index, rising, by picture number.
        label_maps: joined masks by picture number, where there are no parts.
        label_map_folder: where these lie.
        errors: duplicate and misplaced files and missing folders: with these, nothing should be read.
        warnings: parts without a picture, and files in part folders that are no parts.
    """

    root: Path
    order: str = "celebamask-hq"
    pictures: dict[int, Path] = field(default_factory=dict)
    parts: dict[int, Mapping[int, Path]] = field(default_factory=dict)
    label_maps: dict[int, Path] = field(default_factory=dict)
    label_map_folder: Path | None = None
    errors: list[Issue] = field(default_factory=list)
    warnings: list[Issue] = field(default_factory=list)

    def files(self, number: int) -> SampleFiles:
        """The files of picture ``number``."""
        return SampleFiles(
            key=f"{number:05d}",
            picture=self.pictures[number],
            parts=tuple(sorted(self.parts.get(number, {}).items())),
            expected=self.label_map_folder or _part_folder(self.root, number),
            label_map=self.label_maps.get(number),
            order=self.order,
        )


def find_root(folder: Path) -> Path | None:
    """The folder that holds ``CelebA-HQ-img`` or the parts: ``folder`` or its ``CelebAMask-HQ``; None if neither."""
    for root in (folder, folder / "CelebAMask-HQ"):
        if (root / PICTURE_FOLDER).is_dir() or (root / PART_FOLDER).is_dir():
            return root
    return None


def index_dataset(folder: Path, order: str = "celebamask-hq") -> DatasetIndex:
    """List an unpacked CelebAMask-HQ without opening its files.

    Args:
        folder: of the data set.
        order: label order of joined masks; parts have none.

    Raises:
        UserError: the folder of pictures, or that of parts or masks, is missing or empty; the message names it.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    root = find_root(folder) or folder
    if not (root / PICTURE_FOLDER).is_dir():
        raise _no_folder(root / PICTURE_FOLDER)
    found = DatasetIndex(root, order)
    found.pictures = _numbered(root / PICTURE_FOLDER, PICTURE_SUFFIXES, "picture", found.errors)
    if not found.pictures:
        raise UserError(f"{root / PICTURE_FOLDER}: holds no picture; expected 0.jpg, 1.jpg and so on")
    if (root / PART_FOLDER).is_dir() and (_visible(root / PART_FOLDER) or _joined_folder(root) is None):
        _index_parts(found)
    elif (joined := _joined_folder(root)) is not None:
        _index_label_maps(found, joined)
    else:
        raise _no_folder(root / PART_FOLDER)
    return found


def numbered_pictures(root: Path) -> dict[str, Path]:
    """The pictures of an unpacked CelebAMask-HQ by key, where the masks do not matter.

    Raises:
        UserError: there are none, or two of one number.
    """
    errors: list[Issue] = []
    pictures = _numbered(root / PICTURE_FOLDER, PICTURE_SUFFIXES, "picture", errors)
    if errors:
        raise UserError(errors[0].reason)
    return {f"{number:05d}": path for number, path in sorted(pictures.items())}


def _no_folder(folder: Path) -> UserError:
    return UserError(f"{folder}: no such folder; give the unpacked CelebAMask-HQ, which holds it")


def _numbered(folder: Path, suffixes: tuple[str, ...], what: str, errors: list[Issue]) -> dict[int, Path]:
    """Files whose names are numbers; a number that comes twice is added to ``errors``."""
    found: dict[int, Path] = {}
    for name in _visible(folder):
        path = folder / name
        if path.suffix.lower() not in suffixes or not _NUMBER.fullmatch(path.stem):
            continue
        number = int(path.stem)
        if number in found:
            reason = f"{path}: {found[number]} is {what} {number} too; keep one of the two"
            errors.append(Issue("duplicate", f"{number:05d}", reason))
        else:
            found[number] = path
    return found


def _joined_folder(root: Path) -> Path | None:
    return next((root / name for name in LABEL_MAP_FOLDERS if (root / name).is_dir()), None)


def _index_label_maps(found: DatasetIndex, folder: Path) -> None:
    found.label_map_folder = folder
    found.label_maps = _numbered(folder, MASK_SUFFIXES, "mask", found.errors)
    if not found.label_maps:
        raise UserError(f"{folder}: holds no mask; expected 0.png, 1.png and so on")
    for number in sorted(found.label_maps.keys() - found.pictures.keys()):
        reason = f"{found.label_maps[number]}: its picture is not in {PICTURE_FOLDER}"
        found.warnings.append(Issue("missing", f"{number:05d}", reason))
    if not found.pictures.keys() & found.label_maps.keys():
        raise UserError(f"{folder}: holds masks of none of the pictures in {PICTURE_FOLDER}")


def _index_parts(found: DatasetIndex) -> None:
    base = found.root / PART_FOLDER
    parts: dict[int, dict[int, Path]] = {}
    astray: list[tuple[int, Path]] = []
    for path in _part_files(base):
        match = _PART_NAME.fullmatch(path.stem)
        index = _BY_NAME.get(match[2].lower(), 0) if match else 0
        if not match or index == 0 or path.suffix.lower() not in PICTURE_SUFFIXES:
            found.warnings.append(Issue("unknown", "", f"{path}: not a part; {PARTS_LIKE}{_meant(match)}"))
            continue
        number = int(match[1])
        if path.parent not in (base, _part_folder(found.root, number)):
            astray.append((number, path))
            continue
        other = parts.setdefault(number, {}).setdefault(index, path)
        if other != path:
            reason = f"{path}: {other} is the same part of picture {number}; keep one of the two"
            found.errors.append(Issue("duplicate", f"{number:05d}", reason))
    if not parts and not astray:
        hint = f"; {found.warnings[0].reason}" if found.warnings else ""
        raise UserError(f"{base}: holds no part; expected {Path('0') / '00000_skin.png'} and so on{hint}")
    found.parts = {number: dict(sorted(files.items())) for number, files in parts.items()}
    for number, path in astray:
        if own := found.parts.get(number):
            first = next(iter(own.values()))
            reason = f"{path}: {first} is a part of picture {number} too, in another folder; keep one of the two"
            found.errors.append(Issue("duplicate", f"{number:05d}", reason))
        else:
            home = _part_folder(found.root, number)
            found.errors.append(Issue("misplaced", f"{number:05d}", f"{path}: belongs into {home}; move it there"))
    _check_folders(found)


def _check_folders(found: DatasetIndex) -> None:
    """Note part folders that are missing, and parts without a picture."""
    pictures: dict[Path, list[int]] = {}
    for number in found.pictures:
        pictures.setdefault(_part_folder(found.root, number), []).append(number)
    for folder, numbers in sorted(pictures.items()):
        if not folder.is_dir() and not any(number in found.parts for number in numbers):
            reason = f"{folder}: no such folder; it holds the parts of {len(numbers)} of the pictures"
            found.errors.append(Issue("missing", "", reason))
    for number in sorted(found.parts.keys() - found.pictures.keys()):
        folder = next(iter(found.parts[number].values())).parent
        reason = f"{folder}: has parts of picture {number}, which is not in {PICTURE_FOLDER}"
        found.warnings.append(Issue("missing", f"{number:05d}", reason))


def _meant(match: re.Match[str] | None) -> str:
    """Which part a misspelt name may mean."""
    if match is None:
        return ""
    written = match[2].lower()
    # "lower_lip" is l_lip, and "lefteye" is l_eye.
    short = written.replace("left", "l_").replace("right", "r_").replace("upper", "u_").replace("lower", "l_")
    close = get_close_matches(short.replace("__", "_"), _BY_NAME, n=1) or get_close_matches(written, _BY_NAME, n=1)
    return f"; {match[2]!r} may mean {CLASSES[_BY_NAME[close[0]]].name!r}" if close and _BY_NAME[close[0]] else ""


def _part_files(base: Path) -> Iterator[Path]:
    for name in _visible(base):
        if (base / name).is_dir():
            yield from (base / name / file for file in _visible(base / name))
        elif (base / name).suffix.lower() in PICTURE_SUFFIXES:
            yield base / name


def _visible(folder: Path) -> list[str]:
    try:
        names = sorted(path.name for path in folder.iterdir())
        return [name for name in names if not name.startswith(".") and name != "Thumbs.db"]
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror})") from error


def _part_folder(root: Path, number: int) -> Path:
    return root / PART_FOLDER / str(number // PICTURES_PER_FOLDER)

"""One interface for every collection of faces with masks.

A collection is opened by ``opening.open_pairs`` from a folder of pairs, an unpacked CelebAMask-HQ, one tar
shard or a glob of them. Nothing is decoded before it is asked for.
"""

from __future__ import annotations

import io
import logging
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import BinaryIO, Generic, Protocol, TypeVar

from maskgan.data.tar import DamagedTarError, TarMember, TarReader, member_key
from maskgan.errors import UserError
from maskgan.files import require_file
from maskgan.images import Picture, decode_label_map, decode_picture, read_label_map, read_picture
from maskgan.labels import LabelMap
from maskgan.text_files import read_keys, visible, without_suffix

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_MASK_SUFFIXES = (".png",)
MAX_SHARDS = 100_000
"""Files that a range may name."""
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_RANGE_DIGITS = 18
FaceT = TypeVar("FaceT")
FaceT_co = TypeVar("FaceT_co", covariant=True)

_log = logging.getLogger(__name__)


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


class FolderPairs:
    """Pictures and label maps of the same name: side by side, or in ``images/`` and ``masks/``.

    A PNG beside a picture of the same name (``a.jpg`` and ``a.png``) is its mask. Hidden files are passed over, and
    so are pictures without a mask, with a warning.

    Raises:
        UserError: no such folder, no pair in it, or two pictures of one name.
    """

    def __init__(self, folder: Path) -> None:
        if (folder / "images").is_dir():
            pictures = files_by_stem(folder / "images", PICTURE_SUFFIXES)
            masks = files_by_stem(folder / "masks", _MASK_SUFFIXES) if (folder / "masks").is_dir() else {}
        else:
            pictures = files_by_stem(folder, tuple(s for s in PICTURE_SUFFIXES if s not in _MASK_SUFFIXES))
            masks = files_by_stem(folder, _MASK_SUFFIXES)
        self._paths = {key: (path, masks[key]) for key, path in pictures.items() if key in masks}
        if not self._paths:
            raise UserError(
                f"{folder}: no pairs found; expected NAME.jpg beside NAME.png, or images/NAME.* and masks/NAME.png"
            )
        if bare := [key for key in pictures if key not in masks]:
            _log.warning("%s: %d pictures have no mask and are left out, %s first", folder, len(bare), bare[0])
        self.keys: Sequence[str] = list(self._paths)

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> FacePair:
        key = self.keys[index]
        picture, label_map = self._paths[key]
        return checked_pair(key, read_picture(picture), read_label_map(label_map, order="celebamask-hq"), str(picture))


class ShardPairs:
    """Pairs in uncompressed tar files: a picture and a PNG of the same name follow each other (WebDataset's way).

    Raises:
        UserError: a file is missing, no tar, compressed or cut off; a picture lacks its mask; a key comes twice.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._entries: dict[str, tuple[Path, TarMember, TarMember]] = {}
        for path in paths:
            for key, (picture, label_map) in _index_shard(path).items():
                if key in self._entries:
                    raise UserError(f"{path}: key {key} is also in {self._entries[key][0]}; keys must be unique")
                self._entries[key] = (path, picture, label_map)
        if not self._entries:
            others = f" and {len(paths) - 1} other tar files" if len(paths) > 1 else ""
            raise UserError(f"{paths[0]}{others}: no pairs found; expected NAME.webp and NAME.png together")
        self.keys: Sequence[str] = list(self._entries)

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> FacePair:
        key = self.keys[index]
        path, picture_member, label_member = self._entries[key]
        name = f"{path}:{picture_member.name}"
        # Opened anew each time: a collection then travels to worker processes, and no file position is shared.
        with open(require_file(path), "rb") as shard:
            picture = decode_picture(read_member(shard, picture_member), name)
            label_map = decode_label_map(read_member(shard, label_member), f"{path}:{label_member.name}")
        return checked_pair(key, picture, label_map, name)


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
    for part in chosen.split(","):
        found = [i for i, key in enumerate(pairs.keys) if _in_range(key, part)]
        if not found:
            raise UserError(
                f"{part!r}: no such keys in the data, nor a file of that name; keys are like {pairs.keys[0]!r}"
            )
        indices += found
    return Selected(pairs, sorted(set(indices)))


class ChosenKeys:
    """The keys that ``select`` would choose, where the collection's keys are not known beforehand: in a stream."""

    def __init__(self, chosen: str) -> None:
        self._listed = _with_bare(read_keys(Path(chosen))) if _is_list_file(chosen) else None
        self._ranges = chosen.split(",")

    def __contains__(self, key: str) -> bool:
        return any(_in_range(key, part) for part in self._ranges) if self._listed is None else key in self._listed


def _with_bare(keys: list[str]) -> set[str]:
    """Keys as they are written, and without a picture's suffix."""
    return {*keys, *map(without_suffix, keys)}


def _is_list_file(chosen: str) -> bool:
    # Path.is_file raises when a long list of keys is no possible name; this answers False.
    return os.path.isfile(chosen)  # noqa: PTH113


def _in_range(key: str, part: str) -> bool:
    low, dots, high = part.strip().partition("..")
    return low <= key and (not high or key <= high) if dots else key == low


def expand_shards(pattern: str) -> list[Path]:
    """Files that ``pattern`` (a path, a glob, or a range such as ``faces-{0..3}.tar``) names, sorted.

    A range names every file in it, there or not; a path or a glob only those that exist.

    Raises:
        UserError: a range runs downwards, or names over 100,000 files.
    """
    ranged = _RANGE.search(pattern)
    if ranged:
        first, last = ranged.groups()
        if max(len(first), len(last)) > _RANGE_DIGITS:
            raise too_many_shards(pattern)
        if int(first) > int(last):
            raise UserError(f"{pattern}: the range runs downwards; write {{{last}..{first}}}")
        if int(last) - int(first) >= MAX_SHARDS:
            raise too_many_shards(pattern)
        numbers = [str(n).zfill(len(first)) for n in range(int(first), int(last) + 1)]
        return [Path(pattern[: ranged.start()] + n + pattern[ranged.end() :]) for n in numbers]
    # Path.exists raises where the name is too long.
    return [Path(pattern)] if os.path.exists(pattern) else sorted(Path(p) for p in glob(pattern))  # noqa: PTH110, PTH207


def too_many_shards(pattern: str) -> UserError:
    """What is raised where a pattern names more tar files than may be."""
    shown = pattern if len(pattern) <= 200 else f"{pattern[:200]}..."
    return UserError(f"{shown}: names over {MAX_SHARDS} tar files; write a shorter range")


def files_by_stem(folder: Path, suffixes: Sequence[str]) -> dict[str, Path]:
    """Files of these suffixes by name without it; hidden ones are passed over.

    Raises:
        UserError: the folder cannot be read, or two files have one name.
    """
    try:
        # A name that starts with a dot is an unfinished file of ours, or a trace of the file manager.
        paths = [p for p in folder.iterdir() if not p.name.startswith(".") and p.suffix.lower() in suffixes]
    except OSError as error:
        raise UserError(f"{folder}: not a folder that can be read ({error.strerror})") from error
    found: dict[str, Path] = {}
    for path in sorted(paths, key=lambda path: (path.stem, path.suffix)):
        if path.stem in found:
            raise UserError(f"{path}: {found[path.stem].name} has the same name; keep one of the two")
        found[path.stem] = path
    return found


def _indices_of_list(pairs: KeyedCollection[FaceT], path: Path) -> list[int]:
    """Positions of the keys in a list file, in the order of the file."""
    position = {key: i for i, key in enumerate(pairs.keys)}
    wanted = [key if key in position else without_suffix(key) for key in read_keys(path)]
    wanted = [key for key in wanted if key in position or not key.startswith("#")]  # a comment otherwise
    if missing := [key for key in wanted if key not in position]:
        raise UserError(
            f"{path}: {len(missing)} of {len(wanted)} keys are not in the data, {visible(missing[0])} first; keys are "
            f"like {pairs.keys[0]!r}"
        )
    if len(set(wanted)) < len(wanted):
        twice = next(key for i, key in enumerate(wanted) if key in wanted[:i])
        raise UserError(f"{path}: {visible(twice)!r} comes twice, with and without a suffix")
    return [position[key] for key in wanted]


def shard_members(path: Path) -> dict[str, dict[str, TarMember]]:
    """Where the files of each key lie in an uncompressed tar file, by suffix (with the dot, in lower case).

    What is no plain file (a link, a named pipe, a sparse file) is named as such when it is read.

    Raises:
        UserError: it is missing, no tar, compressed or cut off, or a name comes twice.
    """
    found: dict[str, dict[str, TarMember]] = {}
    try:
        with open(require_file(path), "rb") as shard:
            for member in TarReader(shard):
                if (named := member_key(member.name)) is None:
                    continue
                key, suffix = named
                members = found.setdefault(key, {})
                if suffix in members:
                    raise UserError(f"{path}: {member.name} comes twice; keys must be unique")
                members[suffix] = member
    except (DamagedTarError, OSError) as error:
        raise UserError(f"{path}: not an uncompressed tar file, or cut off ({error})") from error
    return found


def _index_shard(path: Path) -> dict[str, tuple[TarMember, TarMember]]:
    pairs = {}
    for key, members in shard_members(path).items():
        picture, mask = pair_suffixes(members, f"{path}: {key}")
        pairs[key] = (members[picture], members[mask])
    return pairs


def unusable(name: str, problem: str) -> UserError:
    """What is raised for a file in a tar that cannot be a picture."""
    return UserError(f"{name}: is {problem}; pictures and masks are plain files of some megabytes")


def pair_suffixes(suffixes: Iterable[str], name: str) -> tuple[str, str]:
    """Which of one key's files are the picture and the mask, by their suffixes.

    Raises:
        UserError: they are not one picture and one PNG mask; names ``name``.
    """
    suffixes = sorted(suffixes)
    pictures = [suffix for suffix in suffixes if suffix in PICTURE_SUFFIXES and suffix not in _MASK_SUFFIXES]
    if ".png" not in suffixes or len(pictures) != 1:
        raise UserError(f"{name} has {', '.join(suffixes)}; one picture and a .png mask are needed")
    return pictures[0], ".png"


def read_member(shard: BinaryIO, member: TarMember) -> io.BytesIO:
    """The bytes of a file in an open tar.

    Raises:
        UserError: it is no plain file, or too large for a picture.
    """
    if member.problem is not None:
        raise unusable(f"{shard.name}:{member.name}", member.problem)
    shard.seek(member.offset)
    return io.BytesIO(shard.read(member.size))

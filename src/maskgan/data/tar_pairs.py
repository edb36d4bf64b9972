"""Pairs in tar files on disk, WebDataset's way: picture and mask of one name lie in one tar."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Sequence
from glob import glob
from pathlib import Path
from typing import BinaryIO

from maskgan.data.pairs import FacePair, checked_pair, from_order, is_pair_file, pair_suffixes
from maskgan.data.tar import DamagedTarError, TarMember, TarReader, member_key
from maskgan.errors import UserError
from maskgan.files import require_file
from maskgan.images import decode_label_map, decode_picture

MAX_SHARDS = 100_000
"""Files that a range may name."""
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_RANGE_DIGITS = 18


class ShardPairs:
    """Pairs in uncompressed tar files, in any order within a tar.

    Attributes:
        keys: their names without suffixes.
        damage: what cannot be used, unless ``strict``: a tar that is cut off, of which the pairs before that are
            read, a picture or mask alone, a key that an earlier tar has too.

    Raises:
        UserError: a file is missing, or no pair is there; if ``strict``, anything of ``damage``.
    """

    def __init__(self, paths: Sequence[Path], order: str = "celebamask-hq", strict: bool = True) -> None:
        """List the pairs of ``paths``, whose masks have the label order ``order`` (see ``pairs.from_order``)."""
        self._order = order
        self._strict = strict
        self._entries: dict[str, tuple[Path, TarMember, TarMember]] = {}
        self.damage: list[UserError] = []
        for path in paths:
            self._list(path)
        if not self._entries:
            if self.damage:
                raise self.damage[0]
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
        return checked_pair(key, picture, from_order(label_map, self._order), name)

    def _list(self, path: Path) -> None:
        listed, damage = list_shard(path)
        for problem in damage:
            self._leave_out(problem)
        for key, members in listed.items():
            if not any(map(is_pair_file, members)):
                continue
            try:
                picture, mask = pair_suffixes(members, f"{path}: {key}")
            except UserError as error:
                self._leave_out(error)
                continue
            if key in self._entries:
                self._leave_out(repeated_key(str(path), key, str(self._entries[key][0])))
            else:
                self._entries[key] = (path, members[picture], members[mask])

    def _leave_out(self, problem: UserError) -> None:
        if self._strict:
            raise problem
        self.damage.append(problem)


def list_shard(path: Path) -> tuple[dict[str, dict[str, TarMember]], list[UserError]]:
    """Where the files of each key lie in an uncompressed tar file, by suffix (with the dot, in lower case).

    What is no plain file (a link, a named pipe, a sparse file) is named as such when it is read.

    Returns:
        The files, and what is wrong with the tar: names that come twice, and where it is cut off. The key that is
        cut off is not among the files.

    Raises:
        UserError: it is missing.
    """
    found: dict[str, dict[str, TarMember]] = {}
    damage: list[UserError] = []
    last = None
    try:
        with open(require_file(path), "rb") as shard:
            for member in TarReader(shard):
                if (named := member_key(member.name)) is None:
                    continue
                last, suffix = named
                members = found.setdefault(last, {})
                if suffix in members:
                    damage.append(UserError(f"{path}: {member.name} comes twice; keys must be unique"))
                else:
                    members[suffix] = member
    except (DamagedTarError, OSError) as error:
        if last is not None and not _is_pair(found[last]):
            del found[last]
        damage.append(cut_off(str(path), error, sum(map(_is_pair, found.values()))))
    return found, damage


def _is_pair(members: dict[str, TarMember]) -> bool:
    try:
        pair_suffixes(members, "")
    except UserError:
        return False
    return True


def cut_off(path: str, error: Exception, whole: int) -> UserError:
    """What is raised or counted for a tar that cannot be read to its end, after ``whole`` pairs."""
    after = f", after {whole} whole pairs" if whole else ""
    return UserError(f"{path}: not an uncompressed tar file, or cut off ({error}){after}")


def repeated_key(path: str, key: str, other: str) -> UserError:
    """What is raised or counted for a key that two tar files have."""
    return UserError(f"{path}: key {key} is also in {other}; keys must be unique")


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
    if "\0" in pattern:  # no file's name can hold one, and glob fails of it
        return []
    # Path.exists raises where the name is too long.
    return [Path(pattern)] if os.path.exists(pattern) else sorted(Path(p) for p in glob(pattern))  # noqa: PTH110, PTH207


def too_many_shards(pattern: str) -> UserError:
    """What is raised where a pattern names more tar files than may be."""
    shown = pattern if len(pattern) <= 200 else f"{pattern[:200]}..."
    return UserError(f"{shown}: names over {MAX_SHARDS} tar files; write a shorter range")


def unusable(name: str, problem: str) -> UserError:
    """What is raised for a file in a tar that cannot be a picture."""
    return UserError(f"{name}: is {problem}; pictures and masks are plain files of some megabytes")


def read_member(shard: BinaryIO, member: TarMember) -> io.BytesIO:
    """The bytes of a file in an open tar.

    Raises:
        UserError: it is no plain file, or too large for a picture.
    """
    if member.problem is not None:
        raise unusable(f"{shard.name}:{member.name}", member.problem)
    shard.seek(member.offset)
    return io.BytesIO(shard.read(member.size))

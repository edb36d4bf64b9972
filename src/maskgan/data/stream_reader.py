"""Tar files read from front to back: opened wherever they lie, and divided into the files of each key."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import math
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, cast

from maskgan.data.pairs import (
    ChosenKeys,
    FacePair,
    checked_pair,
    from_order,
    is_pair_file,
    pair_suffixes,
)
from maskgan.data.tar import DamagedTarError, TarReader, member_key
from maskgan.data.tar_pairs import repeated_key, unusable
from maskgan.errors import UserError
from maskgan.files import require_file
from maskgan.images import decode_label_map, decode_picture

_RANGE = re.compile(r"\{(-?\d+)\.\.(-?\d+)(?:\.\.-?\d+)?\}")
_CHOICE = re.compile(r"\{[^{}]*,[^{}]*\}")
_RANGE_DIGITS = 18
_COMPRESSED: dict[bytes, Any] = {b"\x1f\x8b": gzip.GzipFile, b"BZh": bz2.BZ2File, b"\xfd7zXZ\0": lzma.LZMAFile}
CUT_OFF = (DamagedTarError, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)
"""What reading a tar that is damaged or cut off ends with."""
_REMEMBERED = 1_000_000  # keys, of some 100 bytes each


def webdataset_module() -> Any:
    try:
        import webdataset
    except ImportError:
        raise UserError("streams are read by webdataset: run pip install 'maskgan[train]'") from None
    return webdataset


@dataclass(frozen=True)
class Sample:
    """The files of a key.

    Attributes:
        shard: where they come from.
        key: their name.
        files: contents by suffix (with the dot); empty for files that are no pictures.
        problem: why they cannot be used, if they cannot: a line that names the file.
    """

    shard: str
    key: str
    files: Mapping[str, bytes]
    problem: UserError | None

    def decode(self, order: str) -> FacePair:
        """The pair, from a mask of the label order ``order`` (see ``pairs.from_order``).

        Raises:
            UserError: it cannot be used.
        """
        if self.problem is not None:
            raise self.problem
        picture, mask = pair_suffixes(self.files, f"{self.shard}: {self.key}")
        name = f"{self.shard}:{self.key}{picture}"
        return checked_pair(
            self.key,
            decode_picture(io.BytesIO(self.files[picture]), name),
            from_order(decode_label_map(io.BytesIO(self.files[mask]), f"{self.shard}:{self.key}{mask}"), order),
            name,
        )


class StreamReader:
    """Divides tar files into samples; remembers which tar a key came from, so that none comes from two."""

    def __init__(self, chosen: ChosenKeys | None, first_shards: Mapping[str, str] = MappingProxyType({})) -> None:
        """Prepare to read.

        Args:
            chosen: keys to read; ``None``: all.
            first_shards: for keys that are known to lie in several tars, the one from which they are taken.
        """
        self._chosen = chosen
        self._first_shards = first_shards
        self._first: dict[int, int] = {}  # hashes of a key and of its tar's name
        self._names: dict[int, str] = {}

    def samples(self, shards: Iterator[str]) -> Iterator[Sample]:
        """The files of each chosen key; what is damaged comes as a sample with a problem.

        Raises:
            UserError: a tar cannot be opened, or its command fails before a pair is whole, or picture and mask of one
                key do not follow each other.
        """
        for shard in shards:
            whole = 0
            try:
                with open_shard(shard) as stream:
                    for sample in self._grouped(shard, TarReader(stream)):
                        whole += sample.problem is None
                        yield sample
            except UserError:
                raise
            except (*CUT_OFF, OSError) as error:
                if isinstance(error, OSError) and not isinstance(error, CUT_OFF) and not whole:
                    raise UserError(f"{shard}: cannot be read as a tar file ({_reason(error)})") from error
                after = f", after {whole} whole pairs" if whole else ""
                problem = UserError(f"{shard}: cannot be read as a tar file, or is cut off ({_reason(error)}){after}")
                yield Sample(shard, "", {}, problem)
            except Exception as error:  # network and shell errors of many kinds
                raise UserError(f"{shard}: cannot be read as a tar file ({_reason(error)})") from error

    def _grouped(self, shard: str, reader: TarReader) -> Iterator[Sample]:
        incomplete: dict[str, Sample] = {}
        key: str | None = None
        files: dict[str, bytes] = {}
        problem: UserError | None = None

        def finished() -> Iterator[Sample]:
            if key is None or not any(map(is_pair_file, files)):
                return
            sample = Sample(shard, key, files, problem or self._repeated(shard, key))
            try:
                pair_suffixes(files, f"{shard}: {key}")
            except UserError as error:
                # Its other file may follow: then the tar is not sorted, which matters more than what is missing.
                incomplete[key] = Sample(shard, key, {}, sample.problem or error)
                return
            yield sample

        damage: Exception | None = None
        try:
            for member in reader:
                if (named := member_key(member.name)) is None:
                    continue
                if named[0] != key:
                    yield from finished()
                    key, files, problem = named[0], {}, None
                    if key in incomplete and is_pair_file(named[1]):
                        raise _not_sorted(shard, key)
                if self._chosen is not None and key not in self._chosen:
                    continue
                suffix = named[1]
                if suffix in files:
                    problem = UserError(f"{shard}:{member.name} comes twice; keys must be unique")
                if is_pair_file(suffix) and member.problem is not None:
                    problem = unusable(f"{shard}:{member.name}", member.problem)
                files[suffix] = reader.read() if is_pair_file(suffix) and member.problem is None else b""
        except (*CUT_OFF, OSError) as error:  # or a command that failed on the way
            damage = error
        yield from finished()
        if damage is not None and key is not None:
            incomplete.pop(key, None)  # for want of what is cut off
        yield from incomplete.values()
        if damage is not None:
            raise damage

    def _repeated(self, shard: str, key: str) -> UserError | None:
        """What is wrong with a key that lies in another tar, too; beyond a million keys nothing is noticed."""
        if (known := self._first_shards.get(key)) is not None:
            return None if known == shard else repeated_key(shard, key, known)
        mine = hash(shard)
        if len(self._first) < _REMEMBERED:
            self._names.setdefault(mine, shard)
            self._first.setdefault(hash(key), mine)
        other = self._first.get(hash(key), mine)
        return None if other == mine else repeated_key(shard, key, self._names[other])


def count_addresses(spec: str) -> float:
    """How many addresses a pattern names, or more; its braces are not expanded before that is known."""
    ranges = 1.0
    for first, last in _RANGE.findall(spec):
        if max(len(first), len(last)) > _RANGE_DIGITS:
            return math.inf
        ranges *= abs(int(last) - int(first)) + 1
    choices = _RANGE.sub("x", spec)
    while _CHOICE.search(choices):
        for group in _CHOICE.findall(choices):
            ranges *= group.count(",") + 1
        choices = _CHOICE.sub("x", choices)
    return ranges


def _not_sorted(shard: str, key: str) -> UserError:
    return UserError(
        f"{shard}: is not sorted: picture and mask of {key} do not follow each other, and a stream is read from front "
        "to back; pack it sorted (tar --sort=name), or train without --stream"
    )


def _reason(error: Exception) -> str:
    if ended := re.search(r": (exit -?\d+) \(read\)", str(error)):
        return f"its command ended with {ended[1]}"
    return (str(error).splitlines() or [""])[0] or type(error).__name__


@contextlib.contextmanager
def open_shard(shard: str) -> Iterator[BinaryIO]:
    """An absolute path's file, or what webdataset opens; unpacked if it is compressed."""
    local = Path(shard).is_absolute()
    opened = require_file(Path(shard)).open("rb") if local else webdataset_module().gopen(shard)
    try:
        start = opened.read(max(map(len, _COMPRESSED)))
        unpacker = next((unpack for magic, unpack in _COMPRESSED.items() if start.startswith(magic)), None)
        if local:
            opened.seek(0)
            plain = opened
        else:
            plain = io.BufferedReader(cast(io.RawIOBase, _Continued(start, opened)))
        if unpacker is gzip.GzipFile:
            yield cast(BinaryIO, gzip.GzipFile(fileobj=plain))
        else:
            yield cast(BinaryIO, plain if unpacker is None else unpacker(plain))
    finally:
        # A command whose output is not read to its end fails as it closes; one that failed before, failed the reading.
        with contextlib.suppress(OSError):
            opened.close()


class _Continued(io.RawIOBase):
    """A stream whose first bytes were read already."""

    def __init__(self, start: bytes, rest: Any) -> None:
        self._start = start
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._start or self._rest.read(len(buffer))
        taken = part[: len(buffer)]
        self._start = part[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)

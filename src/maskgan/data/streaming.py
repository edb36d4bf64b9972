"""Tar shards read as a stream, for collections larger than any disk: local files, or addresses that webdataset opens.

Each epoch deals the shards out anew to processes and their workers, so that none is read twice in an epoch; a buffer
shuffles what comes from them.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from maskgan import distributed
from maskgan.data.batches import Faces
from maskgan.data.loading import DamageCount, pair_to_tensors
from maskgan.data.pairs import (
    MAX_SHARDS,
    PICTURE_SUFFIXES,
    ChosenKeys,
    FacePair,
    checked_pair,
    expand_shards,
    pair_suffixes,
    too_many_shards,
    unusable,
)
from maskgan.data.tar import DamagedTarError, TarReader, member_key
from maskgan.data.workers import WorkerError, collate, read_batches
from maskgan.errors import MaskGANError, UserError
from maskgan.files import require_file
from maskgan.images import decode_label_map, decode_picture
from maskgan.seeding import python_stream, stream_seed

_RANGE = re.compile(r"\{(-?\d+)\.\.(-?\d+)(?:\.\.-?\d+)?\}")
_CHOICE = re.compile(r"\{[^{}]*,[^{}]*\}")
_RANGE_DIGITS = 18
_COMPRESSED: dict[bytes, Any] = {b"\x1f\x8b": gzip.GzipFile, b"BZh": bz2.BZ2File, b"\xfd7zXZ\0": lzma.LZMAFile}


def _webdataset() -> Any:
    try:
        import webdataset
    except ImportError:
        raise UserError("streams are read by webdataset: run pip install 'maskgan[train]'") from None
    return webdataset


class ShardStream:
    """Pairs in tar files that are read from front to back only (picture and mask of one name follow each other).

    Attributes:
        shards: absolute paths, or addresses.

    Raises:
        UserError: a local pattern names no file, or a pattern names over 100,000.
    """

    def __init__(self, spec: str) -> None:
        """Name the shards.

        Args:
            spec: a tar file, a glob or a range (``faces-{00000..00127}.tar``) of them; or addresses such as
                ``https://host/faces-{000..127}.tar``, or ``pipe:COMMAND``, which runs COMMAND and reads what it prints.
        """
        if spec.startswith("pipe:") or "://" in spec:
            if _named(spec) > MAX_SHARDS:
                raise too_many_shards(spec)
            self.shards: Sequence[str] = _webdataset().shardlists.expand_urls(spec)
        else:
            # Absolute: no file can then have a name that reads as an address, such as "pipe:COMMAND".
            self.shards = [str(path.absolute()) for path in expand_shards(spec)]
        if not self.shards:
            raise UserError(f"{spec}: no such tar file or pattern; a stream is read from tar files")

    def first(self, count: int, chosen: ChosenKeys | None) -> list[FacePair]:
        """The first pairs, in the order of the shards, ``count`` at most.

        Raises:
            UserError: there is none, or a shard or a pair is damaged.
        """
        found = [_decoded(sample) for sample in islice(_samples(iter(self.shards), chosen), count)]
        if not found:
            raise UserError(f"{self.shards[0]} and the other shards hold none of the chosen keys")
        return found


class StreamLoader:
    """Square uint8 batches from a stream.

    The order follows from the seed, the step at which it begins, and the numbers of processes and workers. A run that
    goes on begins a new order, for a stream cannot be entered in its middle.
    """

    def __init__(
        self,
        stream: ShardStream,
        chosen: ChosenKeys | None,  # None: every pair
        side: int,  # of the pictures and label maps delivered, in pixels
        batch_size: int,  # of all processes together
        seed: int,
        buffer: int,  # pairs (encoded) among which each process and worker shuffles
        workers: int,  # decoding processes
        max_bad_samples: int,  # pairs that may be damaged before training ends, in each process that decodes
    ) -> None:
        world = distributed.world_size()
        if len(stream.shards) < world:
            raise UserError(f"{len(stream.shards)} shards cannot be dealt out to {world} processes; make smaller ones")
        self._stream = stream
        self._chosen = chosen
        self._side = side
        self._batch_size = batch_size // world
        self._seed = seed
        self._buffer = buffer
        # A worker without a shard would wait for ever.
        self._workers = min(workers, len(stream.shards) // world)
        self._max_bad_samples = max_bad_samples

    def batches(self, first_step: int) -> Iterator[Faces]:
        """See ``loading.Batches``."""
        samples = _Shuffled(
            shards=list(self._stream.shards),
            chosen=self._chosen,
            side=self._side,
            seed=stream_seed(self._seed, "stream", step=first_step),
            buffer=self._buffer,
            rank=distributed.rank(),
            world=distributed.world_size(),
            max_bad_samples=self._max_bad_samples,
        )
        yield from read_batches(
            DataLoader(
                samples,
                batch_size=self._batch_size,
                collate_fn=collate,
                num_workers=self._workers,
                multiprocessing_context="spawn" if self._workers else None,
            )
        )


class _Shuffled(IterableDataset[Faces | WorkerError]):
    """Endless single faces, for one process and its workers."""

    def __init__(
        self,
        shards: list[str],
        chosen: ChosenKeys | None,
        side: int,
        seed: int,
        buffer: int,
        rank: int,
        world: int,
        max_bad_samples: int,
    ) -> None:
        self._shards = shards
        self._chosen = chosen
        self._side = side
        self._seed = seed
        self._buffer = buffer
        self._rank = rank
        self._world = world
        self._max_bad_samples = max_bad_samples

    def __iter__(self) -> Iterator[Faces | WorkerError]:
        try:
            yield from self._faces()
        except MaskGANError as error:
            yield WorkerError(str(error), error.exit_code)

    def _faces(self) -> Iterator[Faces]:
        worker = get_worker_info()
        number, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
        mine, all_readers = self._rank * workers + number, self._world * workers
        shuffle_seed = stream_seed(self._seed, "shuffle buffer", rank=mine)
        samples = _samples(self._dealt(mine, all_readers), self._chosen)
        shuffled = _webdataset().filters.shuffle(self._buffer, initial=self._buffer, seed=shuffle_seed)(samples)
        damage = DamageCount(self._max_bad_samples)
        for sample in shuffled:
            try:
                pair = _decoded(sample)
            except UserError as error:
                damage.leave_out(error)
                continue
            yield pair_to_tensors(pair, self._side)

    def _dealt(self, mine: int, readers: int) -> Iterator[str]:
        """Shards of one reader, epoch after epoch: every shard goes to one reader in each epoch."""
        epoch = 0
        while True:
            order = self._shards.copy()
            python_stream(self._seed, "shard order", step=epoch).shuffle(order)
            yield from order[mine::readers]
            epoch += 1


@dataclass(frozen=True)
class _Sample:
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


def _samples(shards: Iterator[str], chosen: ChosenKeys | None) -> Iterator[_Sample]:
    """The files of each chosen key."""
    for shard in shards:
        try:
            with _opened(shard) as stream:
                yield from _grouped(shard, TarReader(stream), chosen)
        except UserError:
            raise
        except DamagedTarError as error:
            raise UserError(f"{shard}: cannot be read as a tar file ({error})") from error
        except Exception as error:  # network, shell and decompression errors of many kinds
            reason = (str(error).splitlines() or [""])[0] or type(error).__name__
            raise UserError(f"{shard}: cannot be read as a tar file ({reason})") from error


def _grouped(shard: str, reader: TarReader, chosen: ChosenKeys | None) -> Iterator[_Sample]:
    key: str | None = None
    files: dict[str, bytes] = {}
    problem: UserError | None = None
    for member in reader:
        if (named := member_key(member.name)) is None or member.name.startswith("__"):  # WebDataset's own notes
            continue
        if named[0] != key:
            if key is not None and files:
                yield _Sample(shard, key, files, problem)
            key, files, problem = named[0], {}, None
        if chosen is not None and key not in chosen:
            continue
        suffix = named[1]
        if suffix in files:
            problem = UserError(f"{shard}:{member.name} comes twice; keys must be unique")
        files[suffix] = b""
        if suffix in PICTURE_SUFFIXES:
            if member.problem is not None:
                problem = unusable(f"{shard}:{member.name}", member.problem)
            else:
                files[suffix] = reader.read()
    if key is not None and files:
        yield _Sample(shard, key, files, problem)


@contextlib.contextmanager
def _opened(shard: str) -> Iterator[BinaryIO]:
    """A local file, or what webdataset opens; unpacked if it is compressed."""
    local = Path(shard).is_absolute()
    opened = require_file(Path(shard)).open("rb") if local else _webdataset().gopen(shard)
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


def _named(spec: str) -> float:
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


def _decoded(sample: _Sample) -> FacePair:
    if sample.problem is not None:
        raise sample.problem
    key, shard, files = sample.key, sample.shard, sample.files
    picture, mask = pair_suffixes(files, f"{shard}: {key}")
    name = f"{shard}:{key}{picture}"
    return checked_pair(
        key,
        decode_picture(io.BytesIO(files[picture]), name),
        decode_label_map(io.BytesIO(files[mask]), f"{shard}:{key}{mask}"),
        name,
    )

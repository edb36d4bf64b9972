"""Tar shards read as a stream, for collections larger than any disk: local files, or addresses that webdataset opens.

Each epoch deals the shards out anew to processes and their workers, so that none is read twice in an epoch; a buffer
shuffles what comes from them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from maskgan import distributed
from maskgan.data.batches import Faces
from maskgan.data.loading import DamageCount, pair_to_tensors
from maskgan.data.pairs import ChosenKeys, FacePair, checked_pair, expand_shards, pair_suffixes
from maskgan.data.workers import WorkerError, collate, read_batches
from maskgan.errors import MaskGANError, UserError
from maskgan.images import decode_label_map, decode_picture
from maskgan.seeding import python_stream, stream_seed


def _webdataset() -> Any:
    try:
        import webdataset
    except ImportError:
        raise UserError("streams are read by webdataset: run pip install 'maskgan[train]'") from None
    return webdataset


class ShardStream:
    """Pairs in tar files that are read from front to back only (picture and mask of one name follow each other).

    Attributes:
        shards: paths or addresses.

    Raises:
        UserError: a local pattern names no file.
    """

    def __init__(self, spec: str) -> None:
        """Name the shards.

        Args:
            spec: a tar file, a glob or a range (``faces-{00000..00127}.tar``) of them; or addresses such as
                ``https://host/faces-{000..127}.tar``, or ``pipe:COMMAND``, which runs COMMAND and reads what it prints.
        """
        if spec.startswith("pipe:") or "://" in spec:
            self.shards: Sequence[str] = _webdataset().shardlists.expand_urls(spec)
        else:
            self.shards = [str(path) for path in expand_shards(spec)]
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


def _samples(shards: Iterator[str], chosen: ChosenKeys | None) -> Iterator[dict[str, Any]]:
    """The files of each chosen key, by suffix."""
    for shard in shards:
        try:
            for sample in _webdataset().tariterators.tarfile_samples(iter([{"url": shard}])):
                if chosen is None or sample["__key__"] in chosen:
                    yield sample
        except UserError:
            raise
        except Exception as error:  # tar, network and shell errors of many kinds
            raise UserError(f"{shard}: cannot be read as a tar file ({error})") from error


def _decoded(sample: dict[str, Any]) -> FacePair:
    key, shard = sample["__key__"], sample["__url__"]
    files = {f".{suffix}": content for suffix, content in sample.items() if not suffix.startswith("__")}
    picture, mask = pair_suffixes(files, f"{shard}: {key}")
    name = f"{shard}:{key}{picture}"
    return checked_pair(
        key,
        decode_picture(io.BytesIO(files[picture]), name),
        decode_label_map(io.BytesIO(files[mask]), f"{shard}:{key}{mask}"),
        name,
    )

"""Tar shards read as a stream, for collections larger than any disk: local files, or addresses that webdataset opens.

Each epoch deals the shards out anew to processes and their workers, so that none is read twice in an epoch; a buffer
shuffles what comes from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from maskgan import distributed
from maskgan.data.batches import Faces
from maskgan.data.loading import DamageCount, pair_to_tensors
from maskgan.data.pairs import ChosenKeys, FacePair, is_pair_file
from maskgan.data.stream_reader import StreamReader, count_addresses, webdataset_module
from maskgan.data.tar_pairs import MAX_SHARDS, expand_shards, list_shard, too_many_shards
from maskgan.data.workers import WorkerError, collate, read_batches
from maskgan.errors import MaskGANError, UserError
from maskgan.labels import LabelMap
from maskgan.seeding import python_stream, stream_seed

_LISTED = 500_000  # files whose names are compared before a stream begins; listing them takes some seconds
_MOST_DAMAGED = 10_000  # samples one after the other, after which nothing whole is expected any more


class ShardStream:
    """Pairs in tar files that are read from front to back only (picture and mask of one name follow each other).

    Attributes:
        shards: absolute paths, or addresses.
        order: label order of the masks (see ``pairs.from_order``).

    Raises:
        UserError: a local pattern names no file, or a pattern names over 100,000.
    """

    def __init__(self, spec: str, order: str = "auto") -> None:
        """Name the shards.

        Args:
            spec: a tar file, a glob or a range (``faces-{00000..00127}.tar``) of them; or addresses such as
                ``https://host/faces-{000..127}.tar``, or ``pipe:COMMAND``, which runs COMMAND and reads what it prints.
            order: label order of the masks.
        """
        self.order = order
        if spec.startswith("pipe:") or "://" in spec:
            if count_addresses(spec) > MAX_SHARDS:
                raise too_many_shards(spec)
            self.shards: Sequence[str] = webdataset_module().shardlists.expand_urls(spec)
        else:
            # Absolute: no file can then have a name that reads as an address, such as "pipe:COMMAND".
            self.shards = [str(path.absolute()) for path in expand_shards(spec)]
        if not self.shards:
            raise UserError(f"{spec}: no such tar file or pattern; a stream is read from tar files")

    def first(self, count: int, chosen: ChosenKeys | None, damage: DamageCount | None = None) -> list[FacePair]:
        """The first whole pairs, in the order of the shards, ``count`` at most.

        Args:
            count: how many.
            chosen: of which keys; ``None``: all.
            damage: counts those that are damaged, which are left out; ``None``: none may be.

        Raises:
            UserError: there is none, or too much is damaged.
        """
        damage = damage or DamageCount(0)
        found: list[FacePair] = []
        for sample in StreamReader(chosen).samples(iter(self.shards)):
            try:
                found.append(sample.decode(self.order))
            except UserError as error:
                damage.leave_out(error)
            if len(found) == count:
                break
        if not found and damage.count:
            raise damage.nothing_whole()
        if not found:
            raise UserError(f"{self.shards[0]} and the other shards hold none of the chosen keys")
        return found

    def first_masks(self, count: int) -> Iterator[LabelMap]:
        """The masks of the first pairs, ``count`` at most; damaged ones are passed over.

        Raises:
            UserError: a shard cannot be opened or is not sorted.
        """
        for sample in islice(StreamReader(None).samples(iter(self.shards)), count):
            with suppress(UserError):
                yield sample.decode(self.order).label_map


def repeated_keys(shards: Sequence[str]) -> dict[str, str]:
    """Keys that several local, uncompressed tars have, each with the first of these tars.

    Several readers deal the tars out among themselves, so that none of them sees both. Headers alone are read, of
    500,000 files at most: what comes later, from afar or compressed is not compared.
    """
    first: dict[str, str] = {}
    repeated: dict[str, str] = {}
    listed = 0
    for shard in shards:
        if not Path(shard).is_absolute() or listed > _LISTED:
            continue
        with suppress(UserError):  # it is missing, which is said when it is read
            for key, members in list_shard(Path(shard))[0].items():
                listed += len(members)
                if any(map(is_pair_file, members)) and first.setdefault(key, shard) != shard:
                    repeated[key] = first[key]
    return repeated


class StreamLoader:
    """Square uint8 batches from a stream.

    The order follows from the seed, the step at which it begins, and the numbers of processes and workers. A run that
    goes on begins a new order, for a stream cannot be entered in its middle.

    Attributes:
        damage: counts the pairs that this process finds damaged; each decoding process goes on from it.
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
        self.damage = DamageCount(max_bad_samples)
        # A single reader remembers what it has seen.
        self._first_shards = repeated_keys(stream.shards) if max(self._workers, 1) * world > 1 else {}

    def batches(self, first_step: int) -> Iterator[Faces]:
        """See ``loading.Batches``."""
        samples = _Shuffled(
            stream=self._stream,
            chosen=self._chosen,
            side=self._side,
            seed=stream_seed(self._seed, "stream", step=first_step),
            buffer=self._buffer,
            place=(distributed.rank(), distributed.world_size()),
            damage=self.damage,
            first_shards=self._first_shards,
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
        stream: ShardStream,
        chosen: ChosenKeys | None,
        side: int,
        seed: int,
        buffer: int,
        place: tuple[int, int],  # rank of the process, number of processes
        damage: DamageCount,
        first_shards: Mapping[str, str],
    ) -> None:
        self._stream = stream
        self._first_shards = first_shards
        self._chosen = chosen
        self._side = side
        self._seed = seed
        self._buffer = buffer
        self._rank, self._world = place
        self._damage = damage

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
        samples = StreamReader(self._chosen, self._first_shards).samples(self._dealt(mine, all_readers))
        shuffled = webdataset_module().filters.shuffle(self._buffer, initial=self._buffer, seed=shuffle_seed)(samples)
        damaged = 0
        for sample in shuffled:
            try:
                pair = sample.decode(self._stream.order)
            except UserError as error:
                self._damage.leave_out(error)
                damaged += 1
                if damaged > _MOST_DAMAGED:
                    raise UserError(f"{error}; no pair of the stream is whole") from error
                continue
            damaged = 0
            yield pair_to_tensors(pair, self._side)

    def _dealt(self, mine: int, readers: int) -> Iterator[str]:
        """Shards of one reader, epoch after epoch: every shard goes to one reader in each epoch."""
        epoch = 0
        while True:
            order = list(self._stream.shards)
            python_stream(self._seed, "shard order", step=epoch).shuffle(order)
            yield from order[mine::readers]
            epoch += 1

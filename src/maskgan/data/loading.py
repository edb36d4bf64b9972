"""Batches for training: which faces a step sees follows from the seed and the step alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from maskgan import distributed
from maskgan.data.batches import Batch, Faces, LabelledFaces, stack
from maskgan.data.labelled import LabelledFace
from maskgan.data.pairs import FacePair, KeyedCollection
from maskgan.data.workers import collate, read_batches, sample_or_error
from maskgan.errors import UserError
from maskgan.face_parts import EARRING, GLASSES, HAT, NECKLACE
from maskgan.images import Picture, resize_label_map, resize_picture
from maskgan.seeding import torch_stream

_log = logging.getLogger(__name__)

_RARE = (GLASSES, HAT)
_LESS_RARE = (EARRING, NECKLACE)

BatchT = TypeVar("BatchT", bound=Batch)
BatchT_co = TypeVar("BatchT_co", bound=Batch, covariant=True)
FaceT = TypeVar("FaceT")


class Batches(Protocol[BatchT_co]):
    """Where training gets its faces from."""

    def batches(self, first_step: int) -> Iterator[BatchT_co]:
        """The uint8 batches of ``first_step`` and of all steps that follow.

        Where several processes train together, each gets its share of every batch.
        """
        ...


class DamageCount:
    """Names what is damaged, each once, and ends the work when there is too much of it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._named: dict[str, None] = {}  # in order

    def leave_out(self, error: UserError) -> None:
        """Count what ``error`` names, and warn; nothing is done where it was counted before.

        Raises:
            UserError: there is more than may be.
        """
        if str(error) in self._named:
            return
        self._named[str(error)] = None
        if len(self._named) > self._most:
            raise UserError(f"{error}; more than {self._most} pairs are damaged, so training ends here") from error
        _log.warning("%s; the pair is left out", error)

    @property
    def count(self) -> int:
        """How much was left out."""
        return len(self._named)

    def nothing_whole(self) -> UserError:
        """What to raise where nothing but damage was found."""
        first = next(iter(self._named), "")
        return UserError("no pair of the data can be read" + (f"; the first: {first}" if first else ""))


class Samples(Dataset[BatchT], Generic[FaceT, BatchT]):
    """Faces of a collection at one square size; a damaged one is reported once, the next replaces it.

    Attributes:
        damage: counts the damaged ones.
    """

    def __init__(
        self,
        collection: KeyedCollection[FaceT],
        to_tensors: Callable[[FaceT, int], BatchT],  # a face at a side in pixels, without the first axis
        side: int,
        max_bad_samples: int = 0,  # faces that may be damaged, in each process that decodes
    ) -> None:
        self._collection = collection
        self._to_tensors = to_tensors
        self._side = side
        self.damage = DamageCount(max_bad_samples)
        self._damaged: set[int] = set()

    def __len__(self) -> int:
        return len(self._collection)

    def __getitem__(self, index: int) -> BatchT:
        """A batch's tensors without the first axis, uint8."""
        return self._to_tensors(self._whole(index), self._side)

    def first(self, count: int) -> BatchT:
        """The first whole faces as a batch, ``count`` at most."""
        faces = (self._read(index) for index in range(len(self)))
        singles: list[Any] = [self._to_tensors(face, self._side) for face in islice(filter(None, faces), count)]
        if not singles:
            raise self.damage.nothing_whole()
        batch: BatchT = stack(singles)
        return batch

    def beside(self, collection: KeyedCollection[FaceT]) -> Samples[FaceT, BatchT]:
        """Faces of another collection in the same form, whose damage is counted together with that of these."""
        other: Samples[FaceT, BatchT] = Samples(collection, self._to_tensors, self._side)
        other.damage = self.damage
        return other

    def _whole(self, index: int) -> FaceT:
        for candidate in (*range(index, len(self)), *range(index)):
            if (face := self._read(candidate)) is not None:
                return face
        raise self.damage.nothing_whole()

    def _read(self, index: int) -> FaceT | None:
        """A face, or ``None`` if it is damaged, which is counted."""
        if index in self._damaged:
            return None
        try:
            return self._collection[index]
        except UserError as error:
            self._damaged.add(index)
            self.damage.leave_out(error)
            return None


def first_whole(collection: KeyedCollection[FaceT], max_bad_samples: int) -> FaceT:
    """The first face that is not damaged.

    Raises:
        UserError: there is none, or more than ``max_bad_samples`` before it are damaged.
    """
    damage = DamageCount(max_bad_samples)
    for index in range(len(collection)):
        try:
            return collection[index]
        except UserError as error:
            damage.leave_out(error)
    raise damage.nothing_whole()


class _Guarded(Dataset[Any]):
    """Samples, or the errors in their place, for workers."""

    def __init__(self, samples: Samples[Any, Any]) -> None:
        self._samples = samples

    def __getitem__(self, index: int) -> Any:
        return sample_or_error(lambda: self._samples[index])


class BatchLoader(Generic[BatchT]):
    """Square uint8 batches in a reproducible order.

    Collections that fit are decoded once and kept in memory, on a GPU that has room for them in its own; others are
    decoded by worker processes as they come.
    """

    def __init__(
        self,
        samples: Samples[Any, BatchT],
        batch_size: int,  # of all processes together
        seed: int,
        cache_bytes: int,  # how much memory the decoded collection may take
        workers: int,  # decoding processes or threads
        oversample: Callable[[BatchT], list[int]] | None = None,  # indices of an epoch, some of them several times
        device: str = "cpu",  # that trains
    ) -> None:
        self._samples = samples
        self._batch_size = batch_size
        self._workers = workers
        fits = len(samples) * sum(tensor.nbytes for tensor in _tensors(samples[0])) <= cache_bytes
        self._cache = _decode_all(samples, workers) if fits else None
        self._epoch = list(range(len(samples)))
        if oversample is not None:
            if self._cache is not None:
                self._epoch = oversample(self._cache)
            else:
                _log.warning("the faces do not fit into --cache-gigabytes, so rare ones are not seen more often")
        self._order = _EndlessOrder(len(self._epoch), seed)
        if self._cache is not None and _has_room(self._cache, device):
            self._cache = self._cache.to(device)

    def batches(self, first_step: int) -> Iterator[BatchT]:
        """See ``Batches``."""
        if self._cache is not None:
            for indices in self._steps(first_step):
                yield self._cache.part(indices)
        else:
            yield from read_batches(
                DataLoader(
                    _Guarded(self._samples),
                    batch_sampler=self._steps(first_step),
                    collate_fn=collate,
                    num_workers=self._workers,
                    multiprocessing_context="spawn" if self._workers else None,
                    persistent_workers=self._workers > 0,
                )
            )

    def _steps(self, first_step: int) -> Iterator[list[int]]:
        step = first_step
        while True:
            start = step * self._batch_size
            mine = range(start + distributed.rank(), start + self._batch_size, distributed.world_size())
            yield [self._epoch[self._order[position]] for position in mine]
            step += 1


def oversample_rare(faces: Faces, factor: float) -> list[int]:
    """Indices of an epoch in which rare things are seen more often.

    Args:
        faces: the whole collection, uint8.
        factor: how many times as often faces with glasses or a hat come; those with a necklace or earrings come half
            as much more. Fractions are spread over the faces that they apply to.
    """
    present = torch.stack([(faces.label_maps == label).flatten(1).any(1) for label in (*_RARE, *_LESS_RARE)], dim=1)
    times = torch.where(present[:, len(_RARE) :].any(1), 1 + (factor - 1) / 2, 1.0)
    times = torch.where(present[:, : len(_RARE)].any(1), torch.tensor(float(factor)), times)
    # Rounding the running sum gives each group its fraction, and the same indices each time.
    ends = times.cumsum(0).round().long()
    return torch.repeat_interleave(
        torch.arange(len(times)), ends.diff(prepend=torch.zeros(1, dtype=torch.long))
    ).tolist()


def pair_to_tensors(pair: FacePair, side: int) -> Faces:
    """One face with its mask and its edits, uint8; without the first axis."""
    size = (side, side)
    layers = np.stack([resize_label_map(labels, size) for labels in (pair.label_map, *pair.edits)])
    return Faces(_square(pair.picture, side), torch.from_numpy(layers[0]), torch.from_numpy(layers[1:]))


def labelled_to_tensors(face: LabelledFace, side: int) -> LabelledFaces:
    """One face with its labels, uint8; without the first axis."""
    return LabelledFaces(_square(face.picture, side), torch.from_numpy(face.attributes), torch.tensor(face.identity))


def _square(picture: Picture, side: int) -> Tensor:
    resized = resize_picture(picture, (side, side))
    return torch.from_numpy(np.ascontiguousarray(resized.transpose(2, 0, 1)))


class _EndlessOrder:
    """Each epoch a new permutation that depends on the seed and the epoch's number alone."""

    def __init__(self, count: int, seed: int) -> None:
        self._count = count
        self._seed = seed
        self._epoch = -1
        self._permutation: list[int] = []

    def __getitem__(self, position: int) -> int:
        epoch, offset = divmod(position, self._count)
        if epoch != self._epoch:
            generator = torch_stream(self._seed, "data order", step=epoch)
            self._permutation = torch.randperm(self._count, generator=generator).tolist()
            self._epoch = epoch
        return self._permutation[offset]


def _tensors(batch: Any) -> tuple[Tensor, ...]:
    """A batch is a named tuple of tensors."""
    return tuple(batch)


def _has_room(batch: Any, device: str) -> bool:
    """Whether a GPU holds a batch in at most half of its free memory."""
    if not device.startswith("cuda"):
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return sum(tensor.nbytes for tensor in _tensors(batch)) <= free // 2


def _decode_all(samples: Samples[Any, BatchT], workers: int) -> BatchT:
    # Pillow releases the interpreter while it decodes, so threads suffice.
    first = samples[0]
    kind: Any = type(first)
    decoded = kind(*(torch.empty((len(samples), *tensor.shape), dtype=tensor.dtype) for tensor in _tensors(first)))

    def decode(index: int) -> None:
        for everything, own in zip(decoded, _tensors(samples[index]), strict=True):
            everything[index] = own

    with ThreadPoolExecutor(max(workers, 1)) as pool:
        for _ in tqdm(
            pool.map(decode, range(len(samples))), "reading faces", len(samples), leave=False, unit="face", disable=None
        ):
            pass
    return decoded

"""Batches for training: which pairs a step sees follows from the seed and the step alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from maskgan import distributed
from maskgan.data.pairs import FacePair, PairCollection
from maskgan.errors import UserError
from maskgan.images import resize_label_map, resize_picture

_log = logging.getLogger(__name__)


class Faces(NamedTuple):
    """Square faces with masks: a batch, or one face without the first axis.

    Attributes:
        pictures: N x 3 x S x S; uint8, or float in [-1, 1] once augmented.
        label_maps: N x S x S uint8, 0..18.
        edits: N x E x S x S uint8; the stored simulated edits of each mask, of which there may be none.
    """

    pictures: Tensor
    label_maps: Tensor
    edits: Tensor

    def to(self, device: str) -> Faces:
        """The same on another device."""
        return Faces(*(tensor.to(device, non_blocking=True) for tensor in self))

    def part(self, chosen: slice | list[int]) -> Faces:
        """Some faces of a batch."""
        return Faces(*(tensor[chosen] for tensor in self))

    @staticmethod
    def stack(faces: Sequence[Faces]) -> Faces:
        """Single faces as a batch."""
        return Faces(*(torch.stack(tensors) for tensors in zip(*faces, strict=True)))


class Batches(Protocol):
    """Where training gets its faces from."""

    def batches(self, first_step: int) -> Iterator[Faces]:
        """The uint8 batches of ``first_step`` and of all steps that follow.

        Where several processes train together, each gets its share of every batch.
        """
        ...


class BatchLoader:
    """Square uint8 batches in a reproducible order.

    Collections that fit are decoded once and kept in memory; others are decoded by worker processes as they come.
    """

    def __init__(
        self,
        pairs: PairCollection,
        side: int,  # of the pictures and label maps delivered, in pixels
        batch_size: int,  # of all processes together
        seed: int,
        cache_bytes: int,  # how much memory the decoded collection may take
        workers: int,  # decoding processes or threads
        most_damaged: int = 0,  # pairs that may be damaged before training ends, in each process that decodes
    ) -> None:
        self._samples = _SquareSamples(pairs, side, most_damaged)
        self._batch_size = batch_size
        self._order = _EndlessOrder(len(pairs), seed)
        self._workers = workers
        fits = len(pairs) * sum(tensor.numel() for tensor in self._samples[0]) <= cache_bytes
        self._cache = _decode_all(self._samples, workers) if fits else None

    def batches(self, first_step: int) -> Iterator[Faces]:
        """See ``Batches``."""
        if self._cache is not None:
            for indices in self._steps(first_step):
                yield self._cache.part(indices)
        else:
            yield from DataLoader(
                self._samples,
                batch_sampler=self._steps(first_step),
                num_workers=self._workers,
                multiprocessing_context="spawn" if self._workers else None,
                persistent_workers=self._workers > 0,
            )

    def _steps(self, first_step: int) -> Iterator[list[int]]:
        step = first_step
        while True:
            start = step * self._batch_size
            mine = range(start + distributed.rank(), start + self._batch_size, distributed.world_size())
            yield [self._order[position] for position in mine]
            step += 1


def first_pairs(pairs: PairCollection, count: int, side: int) -> Faces:
    """The first pairs of a collection, uint8."""
    samples = _SquareSamples(pairs, side, most_damaged=0)
    return Faces.stack([samples[i] for i in range(min(count, len(samples)))])


def squared(pair: FacePair, side: int) -> Faces:
    """One face, 3 x S x S, S x S and E x S x S uint8."""
    size = (side, side)
    picture = np.ascontiguousarray(resize_picture(pair.picture, size).transpose(2, 0, 1))
    layers = torch.from_numpy(np.stack([resize_label_map(labels, size) for labels in (pair.label_map, *pair.edits)]))
    return Faces(torch.from_numpy(picture), layers[0], layers[1:])


class _SquareSamples(Dataset[Faces]):
    """Pairs at one square size; the next whole pair stands in for a damaged one, which is named once."""

    def __init__(self, pairs: PairCollection, side: int, most_damaged: int) -> None:
        self._pairs = pairs
        self._side = side
        self._most_damaged = most_damaged
        self._damaged: set[int] = set()

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> Faces:
        return squared(self._whole_pair(index), self._side)

    def _whole_pair(self, index: int) -> FacePair:
        for candidate in (*range(index, len(self)), *range(index)):
            if candidate in self._damaged:
                continue
            try:
                return self._pairs[candidate]
            except UserError as error:
                self._damaged.add(candidate)
                if len(self._damaged) > self._most_damaged:
                    raise UserError(
                        f"{error}; more than {self._most_damaged} pairs are damaged, so training ends here"
                    ) from error
                _log.warning("%s; the pair is left out", error)
        raise UserError("no pair of the data is whole")


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
            generator = torch.Generator().manual_seed(self._seed * 1_000_003 + epoch)
            self._permutation = torch.randperm(self._count, generator=generator).tolist()
            self._epoch = epoch
        return self._permutation[offset]


def _decode_all(samples: _SquareSamples, workers: int) -> Faces:
    # Pillow releases the interpreter while it decodes, so threads suffice.
    decoded = Faces(*(torch.empty((len(samples), *tensor.shape), dtype=torch.uint8) for tensor in samples[0]))

    def decode(index: int) -> None:
        for everything, own in zip(decoded, samples[index], strict=True):
            everything[index] = own

    with ThreadPoolExecutor(max(workers, 1)) as pool:
        for _ in tqdm(
            pool.map(decode, range(len(samples))), "reading faces", len(samples), leave=False, unit="pair", disable=None
        ):
            pass
    return decoded

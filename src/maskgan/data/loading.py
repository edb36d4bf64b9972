"""Batches for training: which pairs a step sees follows from the seed and the step alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

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
        self._cache = _decode_all(self._samples, workers) if len(pairs) * side * side * 4 <= cache_bytes else None

    def batches(self, first_step: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Pictures (N x 3 x S x S uint8) and label maps (N x S x S uint8) of ``first_step`` and all that follow.

        Where several processes train together, each gets its share of every batch.
        """
        if self._cache is not None:
            pictures, label_maps = self._cache
            for indices in self._steps(first_step):
                yield pictures[indices], label_maps[indices]
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


def first_pairs(pairs: PairCollection, count: int, side: int) -> tuple[Tensor, Tensor]:
    """The first pairs of a collection, N x 3 x S x S and N x S x S uint8."""
    samples = _SquareSamples(pairs, side, most_damaged=0)
    pictures, label_maps = zip(*(samples[i] for i in range(min(count, len(samples)))), strict=True)
    return torch.stack(pictures), torch.stack(label_maps)


class _SquareSamples(Dataset[tuple[Tensor, Tensor]]):
    """Pairs at one square size; the next whole pair stands in for a damaged one, which is named once."""

    def __init__(self, pairs: PairCollection, side: int, most_damaged: int) -> None:
        self._pairs = pairs
        self._side = side
        self._most_damaged = most_damaged
        self._damaged: set[int] = set()

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        pair = self._whole_pair(index)
        size = (self._side, self._side)
        picture = np.ascontiguousarray(resize_picture(pair.picture, size).transpose(2, 0, 1))
        return torch.from_numpy(picture), torch.from_numpy(resize_label_map(pair.label_map, size).copy())

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


def _decode_all(samples: _SquareSamples, workers: int) -> tuple[Tensor, Tensor]:
    # Pillow releases the interpreter while it decodes, so threads suffice.
    picture, label_map = samples[0]
    pictures = torch.empty((len(samples), *picture.shape), dtype=torch.uint8)
    label_maps = torch.empty((len(samples), *label_map.shape), dtype=torch.uint8)

    def decode(index: int) -> None:
        pictures[index], label_maps[index] = samples[index]

    with ThreadPoolExecutor(max(workers, 1)) as pool:
        for _ in tqdm(
            pool.map(decode, range(len(samples))), "reading faces", len(samples), leave=False, unit="pair", disable=None
        ):
            pass
    return pictures, label_maps

"""What a run looks at: the faces it learns from, those it shows, and those it is measured on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from maskgan.data.loading import Batches, BatchLoader, Faces, first_pairs, squared
from maskgan.data.pairs import ChosenKeys, FacePair, PairCollection, select
from maskgan.data.stored_edits import StoredEdits
from maskgan.data.streaming import ShardStream, StreamLoader
from maskgan.data.transforms import AugmentConfig, Variation, augment, resize_batch, to_float
from maskgan.training.config import TrainingConfig

_SAMPLES = 8
_HELD_OUT = 64


@dataclass(frozen=True)
class Feed:
    """Faces of a run, uint8.

    Attributes:
        batches: to learn from.
        shown: in the grids of samples.
        held_out: to measure with, if the run does.
    """

    batches: Batches
    shown: Faces
    held_out: Faces | None


def open_feed(config: TrainingConfig, source: PairCollection | ShardStream) -> Feed:
    """Choose, and read, what ``config`` asks for.

    Raises:
        UserError: keys or stored edits are missing, or the first pairs are damaged.
    """
    if isinstance(source, ShardStream):
        return _streamed(config, source)
    pairs = _with_edits(config, source if config.keys is None else select(source, config.keys))
    loader = BatchLoader(
        pairs,
        side=config.final_side,
        batch_size=config.batch_size,
        seed=config.seed,
        cache_bytes=int(config.cache_gigabytes * 2**30),
        workers=config.workers,
        most_damaged=config.most_damaged,
    )
    held_out = None
    if config.validate is not None:
        held_out = first_pairs(_with_edits(config, select(source, config.validate)), _HELD_OUT, config.final_side)
    return Feed(loader, first_pairs(pairs, _SAMPLES, config.final_side), held_out)


def prepared(faces: Faces, side: int) -> Faces:
    """A uint8 batch as networks take it: pictures as float in [-1, 1], everything ``side`` pixels wide."""
    pictures, layers = resize_batch(to_float(faces.pictures), _layers(faces), side)
    return Faces(pictures, layers[:, 0], layers[:, 1:])


def varied(faces: Faces, config: AugmentConfig, variation: Variation) -> Faces:
    """A batch of ``prepared`` with pictures, masks and edits augmented together."""
    pictures, layers = augment(faces.pictures, _layers(faces), config, variation)
    return Faces(pictures, layers[:, 0], layers[:, 1:])


def _layers(faces: Faces) -> Tensor:
    return torch.cat([faces.label_maps[:, None], faces.edits], dim=1)


def _streamed(config: TrainingConfig, stream: ShardStream) -> Feed:
    chosen = None if config.keys is None else ChosenKeys(config.keys)
    loader = StreamLoader(
        stream,
        chosen,
        side=config.final_side,
        batch_size=config.batch_size,
        seed=config.seed,
        buffer=config.shuffle_buffer,
        workers=config.workers,
        most_damaged=config.most_damaged,
    )
    held_out = None
    if config.validate is not None:
        held_out = _batch(stream.first(_HELD_OUT, ChosenKeys(config.validate)), config.final_side)
    return Feed(loader, _batch(stream.first(_SAMPLES, chosen), config.final_side), held_out)


def _batch(pairs: list[FacePair], side: int) -> Faces:
    return Faces.stack([squared(pair, side) for pair in pairs])


def _with_edits(config: TrainingConfig, pairs: PairCollection) -> PairCollection:
    return StoredEdits(pairs, Path(config.simulation.edits)) if config.simulation.edits else pairs

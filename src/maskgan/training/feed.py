"""What a run looks at: the faces it learns from, those it shows, and those it is measured on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from maskgan.data.batches import Batch, Faces, stack
from maskgan.data.labelled import LabelledCollection
from maskgan.data.loading import Batches, BatchLoader, Samples, labelled_to_tensors, pair_to_tensors
from maskgan.data.pairs import ChosenKeys, FacePair, KeyedCollection, PairCollection, select
from maskgan.data.stored_edits import StoredEdits
from maskgan.data.streaming import ShardStream, StreamLoader
from maskgan.training.config import TrainingConfig

_SAMPLES = 8
_HELD_OUT = 64

BatchT = TypeVar("BatchT", bound=Batch)
Source = PairCollection | LabelledCollection | ShardStream


@dataclass(frozen=True)
class Feed(Generic[BatchT]):
    """Faces of a run, uint8.

    Attributes:
        batches: to learn from.
        shown: in the grids of samples.
        held_out: to measure with, if the run does.
    """

    batches: Batches[BatchT]
    shown: BatchT
    held_out: BatchT | None


def choose_feed(config: TrainingConfig, source: Source) -> Callable[[], Feed[Any]]:
    """Choose what ``config`` asks for; calling the result reads it, which may take minutes.

    Raises:
        UserError: keys or stored edits are missing; when called: the first pairs are damaged.
    """
    if isinstance(source, ShardStream):
        return partial(_streamed, config, source)
    collection: KeyedCollection[Any] = source
    chosen = collection if config.keys is None else select(collection, config.keys)
    held_out: KeyedCollection[Any] | None = None if config.validate is None else select(collection, config.validate)
    if config.labelled:
        return partial(_loaded, config, chosen, held_out, labelled_to_tensors)
    if config.simulation.edits:
        folder = Path(config.simulation.edits)
        chosen = StoredEdits(chosen, folder)
        held_out = None if held_out is None else StoredEdits(held_out, folder)
    return partial(_loaded, config, chosen, held_out, pair_to_tensors)


def _loaded(
    config: TrainingConfig,
    chosen: KeyedCollection[Any],
    held_out: KeyedCollection[Any] | None,
    to_tensors: Callable[[Any, int], BatchT],
) -> Feed[BatchT]:
    side = config.final_side
    loader = BatchLoader(
        Samples(chosen, to_tensors, side, config.most_damaged),
        batch_size=config.batch_size,
        seed=config.seed,
        cache_bytes=int(config.cache_gigabytes * 2**30),
        workers=config.workers,
    )
    measured = None if held_out is None else Samples(held_out, to_tensors, side).first(_HELD_OUT)
    return Feed(loader, Samples(chosen, to_tensors, side).first(_SAMPLES), measured)


def _streamed(config: TrainingConfig, stream: ShardStream) -> Feed[Faces]:
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
    return stack([pair_to_tensors(pair, side) for pair in pairs])

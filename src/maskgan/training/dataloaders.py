"""What a run looks at: the faces it learns from, those it shows, and those it is validated on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from maskgan.data.batches import Batch, Faces, stack
from maskgan.data.labelled import LabelledCollection, LabelledPictures
from maskgan.data.loading import Batches, BatchLoader, Samples, labelled_to_tensors, oversample_rare, pair_to_tensors
from maskgan.data.pairs import ChosenKeys, FacePair, KeyedCollection, PairCollection, select
from maskgan.data.stored_edits import StoredEdits
from maskgan.data.streaming import ShardStream, StreamLoader
from maskgan.data.tar_pairs import ShardPairs
from maskgan.errors import UserError
from maskgan.training.config import TrainingConfig
from maskgan.training.edit_config import EditTrainingConfig
from maskgan.training.stage_configs import EBSTTrainingConfig

_GRID_SAMPLES = 8
_VAL_SAMPLES = 64

BatchT = TypeVar("BatchT", bound=Batch)
Source = PairCollection | LabelledCollection | ShardStream


@dataclass(frozen=True)
class Dataloaders(Generic[BatchT]):
    """Faces of a run, uint8.

    Attributes:
        train: to learn from.
        grid_samples: in the grids of samples.
        val_set: to measure with, if the run does.
    """

    train: Batches[BatchT]
    grid_samples: BatchT
    val_set: BatchT | None


def dataloader_factory(config: TrainingConfig, source: Source) -> Callable[[], Dataloaders[Any]]:
    """Choose what ``config`` asks for; calling the result reads it, which may take minutes.

    Raises:
        UserError: keys or stored edits are missing; when called: too many pairs are damaged.
    """
    if isinstance(source, ShardStream):
        return partial(_streamed, config, source)
    collection: KeyedCollection[Any] = source
    chosen = collection if config.keys is None else select(collection, config.keys)
    val_set: KeyedCollection[Any] | None = None if config.val_keys is None else select(collection, config.val_keys)
    damage = source.damage if isinstance(source, ShardPairs | LabelledPictures) else []
    if config.labelled:
        return partial(_loaded, config, chosen, val_set, labelled_to_tensors, damage)
    if isinstance(config, EBSTTrainingConfig) and config.edits:
        folder = Path(config.edits)
        chosen = StoredEdits(chosen, folder)
        val_set = None if val_set is None else StoredEdits(val_set, folder)
    return partial(_loaded, config, chosen, val_set, pair_to_tensors, damage)


def _loaded(
    config: TrainingConfig,
    chosen: KeyedCollection[Any],
    val_set: KeyedCollection[Any] | None,
    to_tensors: Callable[[Any, int], BatchT],
    damage: Sequence[UserError],
) -> Dataloaders[BatchT]:
    side = config.final_side
    samples = Samples(chosen, to_tensors, side, config.max_bad_samples)
    for problem in damage:
        samples.damage.leave_out(problem)
    loader = BatchLoader(
        samples,
        batch_size=config.batch_size,
        seed=config.seed,
        cache_bytes=int(config.cache_gigabytes * 2**30),
        workers=config.workers,
        oversample=_oversampling(config),
        device=config.device,
    )
    val_batch = None if val_set is None else samples.beside(val_set).first(_VAL_SAMPLES)
    return Dataloaders(loader, samples.first(_GRID_SAMPLES), val_batch)


def _oversampling(config: TrainingConfig) -> Callable[[Any], list[int]] | None:
    if isinstance(config, EditTrainingConfig) and config.oversample_rare > 1:
        return partial(oversample_rare, factor=config.oversample_rare)
    return None


def _streamed(config: TrainingConfig, stream: ShardStream) -> Dataloaders[Faces]:
    chosen = None if config.keys is None else ChosenKeys(config.keys)
    loader = StreamLoader(
        stream,
        chosen,
        side=config.final_side,
        batch_size=config.batch_size,
        seed=config.seed,
        buffer=config.shuffle_buffer,
        workers=config.workers,
        max_bad_samples=config.max_bad_samples,
    )
    val_set = None
    if config.val_keys is not None:
        val_set = _batch(stream.first(_VAL_SAMPLES, ChosenKeys(config.val_keys), loader.damage), config.final_side)
    grid_samples = _batch(stream.first(_GRID_SAMPLES, chosen, loader.damage), config.final_side)
    return Dataloaders(loader, grid_samples, val_set)


def _batch(pairs: list[FacePair], side: int) -> Faces:
    return stack([pair_to_tensors(pair, side) for pair in pairs])

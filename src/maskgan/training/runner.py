"""Runs one training stage, or several in order, in their run folders."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from maskgan import distributed
from maskgan.data.labelled import LabelledPictures, LabelledSyntheticFaces, open_labelled
from maskgan.data.loading import DamageCount, first_whole
from maskgan.data.open_dataset import open_pairs
from maskgan.data.pairs import ChosenKeys, KeyedCollection, select
from maskgan.data.plausibility import LOOKED_AT, first_masks, warn_of_common_issues
from maskgan.data.streaming import ShardStream
from maskgan.errors import UserError
from maskgan.training.config import TrainingConfig
from maskgan.training.dataloaders import Source
from maskgan.training.export import MODEL_TYPES
from maskgan.training.interrupts import Deadline
from maskgan.training.loop import train
from maskgan.training.run_folder import RunFolder
from maskgan.training.stage import StageSetup
from maskgan.training.stage_configs import LabelledTrainingConfig
from maskgan.training.stages import build_stage

_log = logging.getLogger(__name__)

Runs = Sequence[tuple[Path, TrainingConfig]]
"""The run folder and config of each stage, in order."""


def run(runs: Runs, deadline: Deadline) -> bool:
    """Train each stage in its folder; inside ``distributed.process_group``.

    Returns:
        Whether all have spent their budgets and there is time for what follows; otherwise the deadline came first. A
        call does the first thing that is left to do, however short the time is.

    Raises:
        UserError: as ``training.loop.train`` does; wrong data of a later stage are found before the first begins.
    """
    sources = _Sources()
    for _, config in runs:
        sources.of(config)
    trained = False
    for folder, config in runs:
        root = folder.parent if len(runs) > 1 else None
        if len(runs) > 1:
            # A run that was cut off between its last save and the export of its weights still has to export them.
            run_folder = RunFolder(folder, root)
            if run_folder.is_finished(config) and not run_folder.lacks_weights(MODEL_TYPES[config.stage]):
                _log.info("%s: done, in %s", folder.name, folder)
                continue
            if trained and _is_over(deadline):
                _log.info("stopped before %s; the same command resumes", folder.name)
                return False
            _log.info("%s, in %s", folder.name, folder)
        source, num_identities = sources.of(config)
        stage = build_stage(config, StageSetup(RunFolder(folder).has_state, num_identities))
        progress = train(stage, config, source, folder, deadline, root)
        trained = True
        if progress.fraction(config.images, config.minutes) < 1:
            return False
    if len(runs) > 1 and trained and _is_over(deadline):
        _log.info("stopped before the weights are gathered; the same command resumes")
        return False
    return True


def _is_over(deadline: Deadline) -> bool:
    """Whether the deadline has passed in any process."""
    return bool(distributed.all_reduce_max(deadline.passed)[0])


def describe_data(runs: Runs) -> list[str]:
    """What there is to train on, one line per data set, after reading one face of each.

    Raises:
        UserError: the data or labels of a stage are missing or wrong.
    """
    sources = _Sources()
    return list(dict.fromkeys(_first_face(config, sources.of(config)[0]) for _, config in runs))


class _Sources:
    """Opens each data set once."""

    def __init__(self) -> None:
        self._opened: dict[tuple[str | None, ...], Any] = {}

    def of(self, config: TrainingConfig) -> tuple[Source, int]:
        """The faces that ``config`` names, and how many identities they have, 0 if unknown."""
        if not isinstance(config, LabelledTrainingConfig):
            return self._once((config.data, config.order), lambda: _pairs(config)), 0
        faces = self._once((config.data, config.table, config.identities), lambda: _labelled(config))
        if config.stage == "identity" and faces.people < 2:
            raise UserError("--table: names fewer than two identities; telling people apart needs more")
        return faces, faces.people

    def _once(self, name: tuple[str | None, ...], open_it: Callable[[], Any]) -> Any:
        if name not in self._opened:
            self._opened[name] = open_it()
        return self._opened[name]


def _pairs(config: TrainingConfig) -> Source:
    """The faces with masks; what looks wrong with the first masks is warned of."""
    if config.stream:
        stream = ShardStream(config.data, config.order)
        warn_of_common_issues(stream.first_masks(LOOKED_AT), config.data, config.order)
        return stream
    pairs = open_pairs(config.data, config.order, strict=False)
    warn_of_common_issues(first_masks(pairs), config.data, config.order)
    return pairs


def _labelled(config: LabelledTrainingConfig) -> LabelledPictures | LabelledSyntheticFaces:
    table = None if config.table is None else Path(config.table)
    return open_labelled(config.data, table, config.identities, strict=False)


def _first_face(config: TrainingConfig, source: Source) -> str:
    keys = config.keys
    if isinstance(source, ShardStream):
        damage = DamageCount(config.max_bad_samples)
        face = source.first(1, None if keys is None else ChosenKeys(keys), damage)[0]
        amount = f"{len(source.shards)} shards"
    else:
        collection: KeyedCollection[Any] = source
        chosen = collection if keys is None else select(collection, keys)
        face, amount = (
            first_whole(chosen, config.max_bad_samples),
            f"{len(chosen)} {'faces' if config.labelled else 'pairs'}",
        )
    return f"{amount}; the first, {face.key}, is {face.picture.shape[1]}x{face.picture.shape[0]}"

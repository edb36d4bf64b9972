"""Running one stage of training, or several one after another, for all commands of ``maskgan train``."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from maskgan import distributed
from maskgan.data.labelled import LabelledPictures, LabelledSyntheticFaces, open_labelled
from maskgan.data.open_dataset import open_pairs
from maskgan.data.pairs import ChosenKeys, KeyedCollection, select
from maskgan.data.streaming import ShardStream
from maskgan.errors import UserError
from maskgan.training.config import TrainingConfig
from maskgan.training.dataloaders import Source
from maskgan.training.interrupts import Deadline
from maskgan.training.loop import train
from maskgan.training.run_folder import RunFolder
from maskgan.training.stages import build_stage

_log = logging.getLogger(__name__)

Parts = Sequence[tuple[Path, TrainingConfig]]
"""The run folder and config of each stage, in order."""


def run(parts: Parts, deadline: Deadline) -> bool:
    """Train each part in its folder; inside ``distributed.process_group``.

    Returns:
        Whether all have spent their budgets, and there is time for what follows; if not, the deadline came first. A
        piece does the first thing that is left to do, however short it is.

    Raises:
        UserError: as ``training.loop.train`` does; wrong data of a later part are found before the first begins.
    """
    sources = _Sources()
    for _, config in parts:
        sources.of(config)
    trained = False
    for folder, config in parts:
        if len(parts) > 1:
            if RunFolder(folder).is_finished(config):
                _log.info("%s: done, in %s", config.stage, folder)
                continue
            if trained and _is_over(deadline):
                _log.info("stopped before %s; the same command goes on", config.stage)
                return False
            _log.info("%s, in %s", config.stage, folder)
        source, people = sources.of(config)
        stage = build_stage(config, people, goes_on=RunFolder(folder).has_state)
        progress = train(stage, config, source, folder, deadline)
        trained = True
        if progress.fraction(config.images, config.minutes) < 1:
            return False
    if len(parts) > 1 and trained and _is_over(deadline):
        _log.info("stopped before the weights are gathered; the same command goes on")
        return False
    return True


def _is_over(deadline: Deadline) -> bool:
    """Whether the deadline has passed in any process."""
    return bool(distributed.all_reduce_max(deadline.passed)[0])


def describe(parts: Parts) -> None:
    """Print each part's config and what there is to learn from, after reading one face of it."""
    sources = _Sources()
    for _, config in parts:
        click.echo(json.dumps(config.to_dict(), indent=2))
    for line in dict.fromkeys(_first_face(config, sources.of(config)[0]) for _, config in parts):
        click.echo(line)


class _Sources:
    """Opens each collection once."""

    def __init__(self) -> None:
        self._opened: dict[tuple[str | None, ...], Any] = {}

    def of(self, config: TrainingConfig) -> tuple[Source, int]:
        """The faces that ``config`` names, and how many people they are where that is known."""
        if not config.labelled:
            return self._once((config.data,), lambda: _pairs(config)), 0
        faces = self._once((config.data, config.table, config.identities), lambda: _labelled(config))
        if config.stage == "identity" and faces.people < 2:
            raise UserError("--table: names fewer than two identities; telling people apart needs more")
        return faces, faces.people

    def _once(self, name: tuple[str | None, ...], open_it: Callable[[], Any]) -> Any:
        if name not in self._opened:
            self._opened[name] = open_it()
        return self._opened[name]


def _pairs(config: TrainingConfig) -> Source:
    return ShardStream(config.data) if config.stream else open_pairs(config.data)


def _labelled(config: TrainingConfig) -> LabelledPictures | LabelledSyntheticFaces:
    return open_labelled(config.data, None if config.table is None else Path(config.table), config.identities)


def _first_face(config: TrainingConfig, source: Source) -> str:
    keys = config.keys
    if isinstance(source, ShardStream):
        face = source.first(1, None if keys is None else ChosenKeys(keys))[0]
        amount = f"{len(source.shards)} shards"
    else:
        collection: KeyedCollection[Any] = source
        chosen = collection if keys is None else select(collection, keys)
        face, amount = chosen[0], f"{len(chosen)} {'faces' if config.labelled else 'pairs'}"
    return f"{amount}; the first, {face.key}, is {face.picture.shape[1]}x{face.picture.shape[0]}"

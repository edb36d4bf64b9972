"""What an evaluation reads: faces, attributes, cases, systems."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskgan.assets import shipped_weights
from maskgan.checkpoints.weights import read_info
from maskgan.data.labelled import LabelledFace, open_labelled, read_label_table
from maskgan.data.open_dataset import open_pairs
from maskgan.data.pairs import KeyedCollection, PairCollection, select
from maskgan.data.plausibility import first_masks, warn_of_common_issues
from maskgan.errors import UserError
from maskgan.evaluation.attribute_systems import ATTRIBUTE_EDITORS, AttributeSystem
from maskgan.evaluation.batching import batched
from maskgan.evaluation.cases import Case, Labels, load_cases, save_cases
from maskgan.evaluation.config import EvaluationConfig
from maskgan.evaluation.networks import MeasuringNetworks
from maskgan.evaluation.systems import ComparedSystem, RefinedSystem, RenderOptions, StoredOutputs, TrainedSystem

_TAKEN_NAMES = ("real", "identity baseline")


def read_pairs(config: EvaluationConfig) -> PairCollection:
    """The chosen faces with masks; what looks wrong with the first masks of the data is warned of."""
    pairs = open_pairs(config.data, config.order)
    warn_of_common_issues(first_masks(pairs), config.data, config.order)
    return pairs if config.keys is None else select(pairs, config.keys)


def read_labelled(config: EvaluationConfig) -> KeyedCollection[LabelledFace]:
    """The chosen faces with attributes and identities."""
    faces: KeyedCollection[LabelledFace] = open_labelled(config.data, config.table, config.identities)
    return faces if config.keys is None else select(faces, config.keys)


def read_labels(config: EvaluationConfig, pairs: PairCollection, networks: MeasuringNetworks) -> Labels:
    """Attributes by key, from the table; without one, the classifier's predictions on the photographs.

    Raises:
        UserError: the table is damaged, or has attributes of none of the faces.
    """
    if config.table is None:
        labels: dict[str, NDArray[np.uint8]] = {}
        for indices in batched(range(len(pairs)), networks.batch_size, "attributes", len(pairs)):
            predictions = networks.classifier([pairs[index].picture for index in indices])
            labels |= {pairs.keys[i]: row for i, row in zip(indices, predictions, strict=True)}
        return labels
    table = read_label_table(config.table).attributes
    found = {key: table[key] for key in pairs.keys if key in table}
    if not found:
        raise UserError(f"{config.table}: has attributes of none of the chosen faces")
    return found


def choose_cases(config: EvaluationConfig, keys: list[str], sample: Callable[[], list[Case]]) -> list[Case]:
    """The cases of ``--cases``, or those that ``sample`` draws; written to ``--save-cases`` if that is given."""
    cases = sample() if config.cases is None else load_cases(config.cases, config.task, config.side, keys)
    if config.save_cases is not None:
        save_cases(config.save_cases, config.task, config.side, cases)
    return cases


def open_systems(config: EvaluationConfig, networks: MeasuringNetworks) -> list[ComparedSystem]:
    """The systems named, or the weights that ship; with ``refine``, each network a second time.

    Raises:
        UserError: a system is misspelt, two have one name, or a file is missing, damaged or of another kind.
    """
    named: dict[str, Path] = {}
    for system in config.systems:
        name, equals, path = system.partition("=")
        if not name or not equals or not path:
            raise UserError(f"--system {system}: write NAME=PATH")
        if name in named or name in _TAKEN_NAMES:
            raise UserError(f"--system {system}: the name {name!r} is taken; choose another")
        named[name] = Path(path)
    if config.weights is not None:
        named.setdefault(Path(config.weights).stem, Path(config.weights))
    if not named:
        named = {"shipped": shipped_weights("edit")}
    return [system for name, path in named.items() for system in _open_system(config, networks, name, path)]


def _open_system(config: EvaluationConfig, networks: MeasuringNetworks, name: str, path: Path) -> list[ComparedSystem]:
    if path.is_dir():
        return [StoredOutputs(name, path)]
    if read_info(path).model_type in ATTRIBUTE_EDITORS:
        return [AttributeSystem(name, path, networks.classifier, config.device)]
    options = RenderOptions(config.blend, config.device, config.precision)
    systems: list[ComparedSystem] = [TrainedSystem(name, path, options)]
    if config.refine:
        systems.append(RefinedSystem(f"{name}, refined in {config.refine} steps", path, options, config.refine))
    return systems

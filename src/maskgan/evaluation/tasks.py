"""The tasks of ``maskgan evaluate``: what each reads, measures and reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from maskgan.assets import shipped_weights
from maskgan.checkpoints.weights import fingerprint
from maskgan.editing.mask_manifold import MaskManifold
from maskgan.evaluation import (
    attributes,
    groups,
    interactive,
    masks,
    reconstruct,
    smile,
    style_copy,
    verification,
)
from maskgan.evaluation.cases import Case
from maskgan.evaluation.config import EvaluationConfig
from maskgan.evaluation.grids import request_grid
from maskgan.evaluation.inputs import choose_cases, open_systems, read_labelled, read_labels, read_pairs
from maskgan.evaluation.networks import MeasuringNetworks, Role
from maskgan.evaluation.systems import ComparedSystem, case_requests
from maskgan.images import write_picture

_GRID_ROWS = 8
_GRID_FACES = 6


@dataclass(frozen=True)
class Report:
    """A result for people and for programs."""

    markdown: str
    record: dict[str, Any]


@dataclass(frozen=True)
class Measured:
    """What a task found: a table, its numbers, and the systems compared, if any."""

    table: str
    numbers: dict[str, Any]
    systems: Sequence[ComparedSystem] = ()


@dataclass(frozen=True)
class Task:
    """One protocol.

    Attributes:
        run: measures.
        networks: the networks that it measures with.
    """

    run: Callable[[EvaluationConfig, MeasuringNetworks], Measured]
    networks: tuple[Role, ...] = ()


def evaluate(config: EvaluationConfig) -> Report:
    """Run a task.

    Raises:
        UserError: a file, an option or the data is wrong.
    """
    task, networks = TASKS[config.task], MeasuringNetworks.from_config(config)
    networks.load(task.networks)
    measured = task.run(config, networks)
    record = {
        **config.record(),
        "networks": networks.fingerprints(task.networks),
        "weights": {system.name: system.fingerprint for system in measured.systems},
        "teachers": {system.name: system.teachers for system in measured.systems},
        **measured.numbers,
    }
    lines = [measured.table]
    if task.networks:
        lines += ["", f"Measured with: {networks.describe(task.networks)}."]
    if measured.systems:
        lines += ["", _teachers(measured.systems)]
    return Report("\n".join(lines), record)


def _teachers(systems: Sequence[ComparedSystem]) -> str:
    """Which networks taught which system, for a reader to see that none of them is its judge."""
    taught = "; ".join(f"{system.name}: {system.teachers or 'not recorded'}" for system in systems)
    return f"Networks in training losses, which are no judges: {taught}."


def _reconstruct(config: EvaluationConfig, networks: MeasuringNetworks) -> Measured:
    pairs, systems = read_pairs(config), open_systems(config, networks)
    result = reconstruct.reconstruct(pairs, systems, networks, config.side, config.seed)
    return Measured(reconstruct.to_markdown(result), result.to_dict(), systems)


def _interactive(config: EvaluationConfig, networks: MeasuringNetworks) -> Measured:
    pairs, systems = read_pairs(config), open_systems(config, networks)
    result = interactive.interactive(pairs, systems, networks, config.side)
    if config.grid is not None:
        write_picture(config.grid, interactive.edit_grid(pairs, systems, config.side, _GRID_FACES))
    return Measured(interactive.to_markdown(result), result.to_dict(), systems)


def _style_copy(config: EvaluationConfig, networks: MeasuringNetworks) -> Measured:
    pairs, systems = read_pairs(config), open_systems(config, networks)
    labels = read_labels(config, pairs, networks)
    cases = choose_cases(config, list(labels), lambda: style_copy.sample_cases(labels, config.seed, config.count))
    result = style_copy.style_copy(pairs, cases, labels, systems, networks, config.side)
    _write_grid(config, cases, systems)
    return Measured(style_copy.to_markdown(result), result.to_dict(), systems)


def _smile(config: EvaluationConfig, networks: MeasuringNetworks) -> Measured:
    pairs, systems = read_pairs(config), open_systems(config, networks)
    cases = choose_cases(
        config,
        list(pairs.keys),
        lambda: smile.sample_cases(pairs, read_labels(config, pairs, networks), config.count),
    )
    result = smile.smile(pairs, cases, systems, networks, config.side)
    _write_grid(config, cases, systems)
    return Measured(smile.to_markdown(result), result.to_dict(), systems)


def _groups(config: EvaluationConfig, networks: MeasuringNetworks) -> Measured:
    by = groups.parse_attributes(config.by)
    pairs, systems = read_pairs(config), open_systems(config, networks)
    labelling = groups.Labelling(
        read_labels(config, pairs, networks), "classifier" if config.table is None else "table", by
    )
    result = groups.measure_groups(pairs, labelling, systems, networks, config.side, config.seed)
    return Measured(groups.to_markdown(result), result.to_dict(), systems)


def _masks(config: EvaluationConfig, _networks: MeasuringNetworks) -> Measured:
    path = config.mask_vae or shipped_weights("mask-vae")
    manifold = MaskManifold.from_weights(path, config.device)
    result = masks.measure_masks(read_pairs(config), manifold, config.side, config.seed)
    return Measured(masks.to_markdown(result), {"mask_vae_weights": fingerprint(path), **result.to_dict()})


def _attributes(config: EvaluationConfig, networks: MeasuringNetworks) -> Measured:
    result = attributes.classify(read_labelled(config), networks)
    return Measured(attributes.to_markdown(result), result.to_dict())


def _verification(config: EvaluationConfig, networks: MeasuringNetworks) -> Measured:
    result = verification.verify(read_labelled(config), networks)
    return Measured(verification.to_markdown(result), result.to_dict())


def _write_grid(config: EvaluationConfig, cases: Sequence[Case], systems: Sequence[ComparedSystem]) -> None:
    if config.grid is not None:
        requests = list(case_requests(read_pairs(config), cases[:_GRID_ROWS], config.side))
        write_picture(config.grid, request_grid(requests, systems))


TASKS: Mapping[str, Task] = MappingProxyType(
    {
        "reconstruct": Task(_reconstruct, ("parser",)),
        "style-copy": Task(_style_copy, ("classifier", "parser", "features")),
        "smile": Task(_smile, ("classifier", "embedding", "parser", "features")),
        "interactive": Task(_interactive, ("parser", "features")),
        "groups": Task(_groups, ("classifier", "embedding", "parser")),
        "masks": Task(_masks),
        "attributes": Task(_attributes, ("classifier",)),
        "verification": Task(_verification, ("embedding",)),
    }
)
"""Every task of ``maskgan evaluate``."""

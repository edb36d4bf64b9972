"""What ``maskgan evaluate`` can be told, and which option applies to which task. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from maskgan.errors import UserError

_RENDERING = frozenset({"order", "systems", "weights", "precision", "side", "batch_size"})
_CASES = frozenset({"table", "count", "save_cases", "cases", "grid"})

TASK_OPTIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "reconstruct": _RENDERING | {"refine", "parser", "seed"},
        "style-copy": _RENDERING | _CASES | {"seed", "parser", "classifier", "inception"},
        "smile": _RENDERING | _CASES | {"blend", "refine", "parser", "classifier", "identity", "inception"},
        "interactive": _RENDERING | {"blend", "refine", "parser", "inception", "grid"},
        "groups": _RENDERING | {"refine", "table", "by", "seed", "parser", "classifier", "identity"},
        "masks": frozenset({"order", "mask_vae", "side", "seed"}),
        "attributes": frozenset({"table", "identities", "classifier", "batch_size"}),
        "verification": frozenset({"table", "identities", "identity", "batch_size"}),
    }
)
"""Each task's options, beside ``data``, ``keys``, ``device`` and ``output``, which all have."""

TASKS = tuple(TASK_OPTIONS)
"""Names of the tasks."""


def tasks_with(option: str) -> str:
    """The names of the tasks that an option has an effect on, as a help text lists them."""
    return ", ".join(task for task, options in TASK_OPTIONS.items() if option in options)


_FLAGS: Mapping[str, str] = MappingProxyType({"systems": "--system"})
_DRAWN_CASES = {"style-copy": ("count", "seed"), "smile": ("count",)}  # options that choose cases


@dataclass(frozen=True)
class EvaluationConfig:
    """The options of an evaluation."""

    task: str
    """One of ``TASKS``."""
    data: str
    """See ``open_pairs``."""
    order: str = "auto"
    """Label order of the masks; see ``open_pairs``."""
    keys: str | None = None
    """See ``select``; ``None``: all faces."""
    systems: tuple[str, ...] = ()
    """NAME=PATH of weights, or of a folder of another program's images."""
    weights: str | None = None
    """Weights of one more system; without any system, those that ship."""
    blend: Literal["full", "region"] = "full"
    """See ``FaceEditor.render``."""
    refine: int = 0
    """Steps of refinement; over 0 adds a row for each network, refined to each photograph."""
    table: Path | None = None
    """CSV of attributes; ``None``: the classifier's predictions on the photographs."""
    by: str = ""
    """Attributes that ``groups`` divides the faces by, separated by commas."""
    identities: str | None = None
    """Range of people in the table."""
    count: int = 500
    """Cases per group, at most."""
    save_cases: Path | None = None
    """JSON file to write the cases to."""
    cases: Path | None = None
    """JSON file to take the cases from."""
    parser: Path | None = None
    """Face parser weights; ``None``: those that ship."""
    classifier: Path | None = None
    """Attribute classifier weights; ``None``: those that ship."""
    identity: Path | None = None
    """Identity embedding; ``None``: the one that ships."""
    mask_vae: Path | None = None
    """MaskVAE weights; ``None``: those that ship."""
    inception: Path | None = None
    """Inception-v3 for FID and KID; ``None``: EfficientNet-Lite2."""
    side: int = 256
    """Side of the images compared, in pixels."""
    seed: int = 0
    """Chooses references, and random masks."""
    batch_size: int = 8
    """Images per batch of every network."""
    grid: Path | None = None
    """Image of the first outputs to write."""
    device: str = "cpu"
    """cpu, cuda or mps."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Arithmetic of the systems; the networks that measure use fp32."""

    def record(self) -> dict[str, Any]:
        """How the numbers came about, as plain JSON types: the options that apply to the task."""
        names = ("data", "keys", "device", *sorted(TASK_OPTIONS[self.task]))
        files = {name: value.name for name in names if isinstance(value := getattr(self, name), Path)}
        return {"task": self.task, **{name: files.get(name, getattr(self, name)) for name in names}}


def check_applicable(task: str, given: Iterable[str]) -> None:
    """Raise if an option was given that has no effect on the task.

    Args:
        task: one of ``TASKS``.
        given: fields of ``EvaluationConfig`` that the user set.

    Raises:
        UserError: an option belongs to other tasks, or chooses cases although ``cases`` names a list of them.
    """
    given = list(given)
    for name in given:
        tasks = [other for other, options in TASK_OPTIONS.items() if name in options]
        if tasks and task not in tasks:
            raise UserError(f"{flag(name)}: has no effect on --task {task}; it belongs to {', '.join(tasks)}")
    for name in _DRAWN_CASES.get(task, ()):
        if "cases" in given and name in given:
            raise UserError(f"{flag(name)}: has no effect with --cases, which lists the cases; give one of the two")


def flag(name: str) -> str:
    """The command line's spelling of a field."""
    return _FLAGS.get(name, f"--{name.replace('_', '-')}")

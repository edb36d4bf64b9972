"""Lists of cases: who is asked for in whose style. Saved, they put the same questions to systems of other programs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskgan.errors import UserError
from maskgan.files import atomic_path, require_file

Labels = Mapping[str, NDArray[np.uint8]]
"""40 uint8 of 0 or 1 for each key."""

_NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class Case:
    """One question to every system.

    Attributes:
        name: of its own in the list; a system's answer is the file of this name.
        group: which number it counts for.
        source: key of the face whose mask is asked for, or edited.
        style: key of the face whose style is copied.
        donor: key of the face that a part of the mask is taken from; empty if none is.
    """

    name: str
    group: str
    source: str
    style: str
    donor: str = ""


def save_cases(path: Path, task: str, side: int, cases: Sequence[Case]) -> None:
    """Write a list as JSON.

    Raises:
        UserError: it cannot be written.
    """
    record = {"task": task, "side": side, "cases": [asdict(case) for case in cases]}
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n")


def load_cases(path: Path, task: str, side: int, keys: Sequence[str]) -> list[Case]:
    """Read a list that ``save_cases`` wrote.

    Raises:
        UserError: the file is no such list, is of another task or side, or names keys that the data lacks.
    """
    try:
        record = json.loads(require_file(path).read_text())
        found, found_side = record["task"], record["side"]
        cases = [Case(**{name: str(value) for name, value in case.items()}) for case in record["cases"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: is no list of cases as --save-cases writes it ({error})") from error
    if (found, found_side) != (task, side):
        raise UserError(f"{path}: is a list of the task {found!r} at {found_side} px, not {task!r} at {side} px")
    known = {*keys, ""}
    for case in cases:
        if missing := {case.source, case.style, case.donor} - known:
            raise UserError(f"{path}: key {missing.pop()!r} is not in the data")
        if not _NAME.fullmatch(case.name):
            raise UserError(f"{path}: {case.name!r} cannot be the name of a file")
    if len({case.name for case in cases}) != len(cases) or not cases:
        raise UserError(f"{path}: holds no cases, or two of one name")
    return cases


def safe_name(*parts: str) -> str:
    """A name for a case, fit for a file."""
    return "-".join(re.sub(r"[^\w.]+", "_", part) for part in parts)

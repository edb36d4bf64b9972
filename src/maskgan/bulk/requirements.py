"""Conditions on results, such as ``identity>=0.5,edit=found``: samples that do not meet them are left out."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maskgan.errors import UserError

NUMBERS = ("identity", "agreement", "changed")
"""Measured numbers that can be asked for."""

_CONDITION = re.compile(r"([a-z]+)\s*(>=|<=|=)\s*(\S+)")


@dataclass(frozen=True)
class Requirement:
    """One condition."""

    name: str
    relation: str
    """``>=``, ``<=`` or ``=``."""
    value: float | str

    def __str__(self) -> str:
        """As it is written on the command line."""
        value = self.value if isinstance(self.value, str) else f"{self.value:g}"
        return f"{self.name}{self.relation}{value}"

    def holds(self, measured: Mapping[str, Any]) -> bool:
        """Whether a sample's JSON meets it; a number that was not measured never does."""
        if self.name == "edit":
            return measured["found"] is (self.value == "found")
        number = measured[self.name]
        if number is None:
            return False
        return bool(number >= self.value if self.relation == ">=" else number <= self.value)


def parse_requirements(text: str) -> tuple[Requirement, ...]:
    """Conditions separated by commas; an empty text has none.

    Raises:
        UserError: one is not understood.
    """
    return tuple(_parse(part.strip()) for part in text.split(",")) if text.strip() else ()


def _parse(text: str) -> Requirement:
    match = _CONDITION.fullmatch(text)
    if match is not None:
        name, relation, value = match.groups()
        if name == "edit" and relation == "=" and value in ("found", "missing"):
            return Requirement(name, relation, value)
        if name in NUMBERS and relation != "=":
            try:
                number = float(value)
            except ValueError:
                number = math.nan
            if math.isfinite(number):
                return Requirement(name, relation, number)
    names = "|".join(NUMBERS)
    raise UserError(f"--require: {text!r} is no condition; write {names} with >= or <= and a number, or edit=found")

"""Compare the tensors that a network needs with those that a file holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Differences:
    """How the tensors of a file differ from those needed; falsy if they agree.

    Attributes:
        missing: names that the file lacks.
        extra: names that have no place in the network.
        misshapen: name, shape in the file and shape needed.
    """

    missing: Sequence[str]
    extra: Sequence[str]
    misshapen: Sequence[tuple[str, Shape, Shape]]

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.misshapen)

    def describe(self, limit: int | None = None) -> str:
        """One line that names every tensor concerned, or of each sort the first ``limit`` and how many there are."""
        misshapen = [f"{printable(n)} is {size(f)}, should be {size(e)}" for n, f, e in self.misshapen]
        parts = [
            f"{title} {'tensor' if len(names) == 1 else 'tensors'}: {listed(names, limit)}"
            for title, names in (
                ("missing", [printable(name) for name in self.missing]),
                ("unexpected", [printable(name) for name in self.extra]),
                ("misshapen", misshapen),
            )
            if names
        ]
        return "; ".join(parts)


def compare(expected: Mapping[str, Shape], found: Mapping[str, Shape]) -> Differences:
    """Differences of name and shape, each sort in the order of its names."""
    return Differences(
        missing=sorted(expected.keys() - found.keys()),
        extra=sorted(found.keys() - expected.keys()),
        misshapen=[
            (name, found[name], expected[name])
            for name in sorted(expected.keys() & found.keys())
            if found[name] != expected[name]
        ],
    )


def listed(names: Sequence[str], limit: int | None = None) -> str:
    """The names with commas between, or the first ``limit`` of them and how many there are in all."""
    if limit is None or len(names) <= limit:
        return ", ".join(names)
    return f"{', '.join(names[:limit])}, ... ({len(names)} in all)"


def size(shape: Iterable[int]) -> str:
    """A shape for people: ``64x19x7x7``."""
    return "x".join(str(side) for side in shape) or "a single number"


def printable(name: str) -> str:
    """A name from a file, made safe for a one-line message."""
    return name if name.isprintable() and name else repr(name)

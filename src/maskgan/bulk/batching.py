"""Items of one kind in batches, for networks that work on several at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeVar

ItemT = TypeVar("ItemT")


def batches(items: Iterable[ItemT], size: int) -> Iterable[list[ItemT]]:
    """Items in lists of ``size``, the last of which may be shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def grouped(items: Iterable[ItemT], key: Callable[[ItemT], object]) -> list[list[ItemT]]:
    """Items with one key together, in the order in which the keys come first."""
    groups: dict[object, list[ItemT]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())

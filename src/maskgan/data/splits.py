"""Training, validation and test: CelebA's own partition, and lists of keys on disk.

A list is a text file with one key a line, in order; ``pairs.select`` takes its path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from maskgan.files import atomic_path, make_folder

SPLITS = ("train", "val", "test")
FIRST_VAL = 162_771
FIRST_TEST = 182_638


def celeba_split(original_number: int) -> str:
    """The part of CelebA that a picture belongs to.

    Args:
        original_number: from the picture's file name in CelebA: 119614 for ``119614.jpg``. The mapping's ``orig_idx``
            is one less and must not be used here.

    Returns:
        ``train`` below 162771, ``val`` up to 182637, ``test`` from 182638.
    """
    if original_number < FIRST_VAL:
        return "train"
    return "val" if original_number < FIRST_TEST else "test"


def write_split_lists(folder: Path, lists: Mapping[str, Sequence[str]]) -> None:
    """Write ``folder/NAME.txt`` for each name, one key a line.

    Raises:
        UserError: a file cannot be written.
    """
    make_folder(folder)
    for name, keys in lists.items():
        with atomic_path(folder / f"{name}.txt") as temporary:
            temporary.write_text("".join(f"{key}\n" for key in keys), encoding="utf-8")

"""Simulated edits of masks, made beforehand and kept on disk, as the reference keeps them.

``KEY.inter.png`` and ``KEY.outer.png`` in one folder: a step towards another face's mask, and a step away from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from maskgan.data.pairs import FacePair, PairCollection
from maskgan.errors import UserError
from maskgan.files import make_folder
from maskgan.images import read_label_map, write_label_map
from maskgan.labels import LabelMap

EDIT_NAMES = ("inter", "outer")


class StoredEdits:
    """A collection's pairs with the edits that lie in a folder.

    Raises:
        UserError: there is no such folder, or a pair's edits are missing from it.
    """

    def __init__(self, pairs: PairCollection, folder: Path) -> None:
        self._pairs = pairs
        self._folder = folder
        self.keys: Sequence[str] = pairs.keys
        if not folder.is_dir():
            raise UserError(f"{folder}: no such folder; 'maskgan simulate-edits' makes it")
        for key in self.keys:
            if not all(path.is_file() for path in edit_paths(folder, key)):
                raise UserError(f"{folder}: holds no edits of {key}; run 'maskgan simulate-edits' on the same keys")

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> FacePair:
        pair = self._pairs[index]
        paths = edit_paths(self._folder, pair.key)
        edits = tuple(read_label_map(path, order="celebamask-hq") for path in paths)
        for path, edit in zip(paths, edits, strict=True):
            if edit.shape != pair.label_map.shape:
                raise UserError(f"{path}: has another size than the mask of {pair.key}")
        return replace(pair, edits=edits)


def edit_paths(folder: Path, key: str) -> tuple[Path, ...]:
    """Where the edits of one pair lie.

    Raises:
        UserError: the key would lead out of the folder.
    """
    parts = PurePosixPath(key)
    if parts.is_absolute() or ".." in parts.parts:
        raise UserError(f"key {key!r} would lead out of {folder}; rename it")
    return tuple(folder / f"{key}.{kind}.png" for kind in EDIT_NAMES)


def write_edits(folder: Path, key: str, edits: Sequence[LabelMap]) -> None:
    """Write the edits of one pair, H x W uint8 each.

    Raises:
        UserError: they cannot be written, or the key would lead out of the folder.
    """
    for path, edit in zip(edit_paths(folder, key), edits, strict=True):
        make_folder(path.parent)
        write_label_map(path, edit)

"""Opening whatever ``--data`` names."""

from __future__ import annotations

import os
import re
from pathlib import Path

from maskgan.data.celebamask import CelebAMaskHQ
from maskgan.data.celebamask_index import find_root
from maskgan.data.folder_pairs import FolderPairs
from maskgan.data.pairs import PairCollection
from maskgan.data.synthetic.dataset import SyntheticPairs
from maskgan.data.tar_pairs import ShardPairs, expand_shards
from maskgan.errors import UserError
from maskgan.labels import ORDERS

SYNTHETIC_PREFIX = "synthetic:"
_TWO_FOLDERS = re.compile(r"images=(.+),masks=(.+)")
_MAX_DIGITS = 18  # Python refuses to read numbers of thousands


def open_pairs(spec: str, order: str = "auto", strict: bool = True) -> PairCollection:
    """Open a collection of faces with masks.

    Args:
        spec: a folder (CelebAMask-HQ as unpacked, the output of ``maskgan prepare``, pairs in any layout of
            ``folder_pairs``, or tar shards); two folders as ``images=FOLDER,masks=FOLDER``; a tar file; a glob
            (``faces-*.tar``) or range (``faces-{0..3}.tar``) of them; or ``synthetic:32`` for 32 synthetic faces,
            ``synthetic:32:64`` for such of 64 pixels a side.
        order: label order of the masks, a key of ``labels.ORDERS``; ``auto`` is that of CelebAMask-HQ.
        strict: whether damage of tar files is raised, rather than kept in ``ShardPairs.damage``.

    Raises:
        UserError: nothing is there, or it is none of these, or its masks have no order that could be another.
    """
    if order not in ("auto", *ORDERS):
        raise UserError(f"--order {order}: unknown label order; known are {', '.join(ORDERS)}, and auto")
    if "\0" in spec:  # no file's name can hold one, and the system's calls fail of it
        raise UserError(
            f"{spec.replace(chr(0), '?')[:80]}: holds a null character, which no file's name can; correct --data"
        )
    if spec.startswith(SYNTHETIC_PREFIX):
        return open_synthetic(spec)
    if two := _TWO_FOLDERS.fullmatch(spec):
        return FolderPairs(Path(two[1]), order, Path(two[2]))
    if os.path.isdir(spec):  # noqa: PTH112  (Path.is_dir raises where the name is too long)
        return _open_folder(Path(spec), order, strict)
    if paths := expand_shards(spec):
        return ShardPairs(paths, order, strict)
    raise UserError(f"{spec}: no such folder, tar file or pattern; 'synthetic:32' gives synthetic faces to try with")


def _open_folder(folder: Path, order: str, strict: bool) -> PairCollection:
    if find_root(folder) is not None:
        return CelebAMaskHQ(folder, order)
    if not (folder / "images").is_dir():
        for pattern in ("shards/*.tar", "*.tar"):
            # Names that start with a dot are shards that a run has not finished.
            if shards := sorted(path for path in folder.glob(pattern) if not path.name.startswith(".")):
                return ShardPairs(shards, order, strict)
    return FolderPairs(folder, order)


def open_synthetic(spec: str) -> SyntheticPairs:
    """The synthetic faces of ``synthetic:COUNT`` or ``synthetic:COUNT:SIZE``.

    Raises:
        UserError: it is of another form.
    """
    fields = spec.removeprefix(SYNTHETIC_PREFIX).split(":")
    if not 1 <= len(fields) <= 2 or not all(field.isdecimal() and len(field) <= _MAX_DIGITS for field in fields):
        raise UserError(
            f"{spec[:80]}: write synthetic:COUNT or synthetic:COUNT:SIZE, as in synthetic:32 or synthetic:32:64"
        )
    return SyntheticPairs(*(int(field) for field in fields))

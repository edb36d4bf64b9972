"""Opening whatever ``--data`` names."""

from __future__ import annotations

import os
from pathlib import Path

from maskgan.data.celebamask import CelebAMaskHQ, find_root
from maskgan.data.pairs import FolderPairs, PairCollection, ShardPairs, expand_shards
from maskgan.data.synthetic.dataset import SyntheticPairs
from maskgan.errors import UserError

SYNTHETIC_PREFIX = "synthetic:"
_MAX_DIGITS = 18  # Python refuses to read numbers of thousands


def open_pairs(spec: str) -> PairCollection:
    """Open a collection of faces with masks.

    Args:
        spec: a folder (CelebAMask-HQ as unpacked, the output of ``maskgan prepare``, plain pairs, or tar shards);
            a tar file; a glob (``faces-*.tar``) or range (``faces-{0..3}.tar``) of them; or ``synthetic:32`` for 32
            synthetic faces, ``synthetic:32:64`` for such of 64 pixels a side.

    Raises:
        UserError: nothing is there, or it is none of these.
    """
    if spec.startswith(SYNTHETIC_PREFIX):
        return open_synthetic(spec)
    if os.path.isdir(spec):  # noqa: PTH112  (Path.is_dir raises where the name is too long)
        return _open_folder(Path(spec))
    if paths := expand_shards(spec):
        return ShardPairs(paths)
    raise UserError(f"{spec}: no such folder, tar file or pattern; 'synthetic:32' gives synthetic faces to try with")


def _open_folder(folder: Path) -> PairCollection:
    if find_root(folder) is not None:
        return CelebAMaskHQ(folder)
    if not (folder / "images").is_dir():
        for pattern in ("shards/*.tar", "*.tar"):
            # Names that start with a dot are shards that a run has not finished.
            if shards := sorted(path for path in folder.glob(pattern) if not path.name.startswith(".")):
                return ShardPairs(shards)
    return FolderPairs(folder)


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

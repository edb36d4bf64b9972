"""Whether weights files are what they should be: a folder's ``SHA256SUMS``, in the format of sha256sum."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from maskgan.checkpoints.weights import sha256
from maskgan.errors import UserError
from maskgan.files import require_file

MANIFEST = "SHA256SUMS"
"""The manifest's name in its folder."""

_LINE = re.compile(r"([0-9a-f]{64}) [ *]([\w.-]+)")
_MOST_BYTES = 1 << 20


def read_manifest(path: Path) -> Mapping[str, str]:
    """The SHA-256 of each file, 64 hexadecimal digits by file name.

    Raises:
        UserError: no such file, over 1 MiB, empty, or a line is none of sha256sum's.
    """
    if require_file(path).stat().st_size > _MOST_BYTES:
        raise UserError(f"{path}: over 1 MiB, so no manifest of hashes")
    hashes = {}
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
        parts = _LINE.fullmatch(line)
        if parts is None:
            raise UserError(f"{path}: line {number} is not a SHA-256, two spaces and a file name")
        hashes[parts[2]] = parts[1]
    if not hashes:
        raise UserError(f"{path}: lists no file")
    return hashes


def mismatches(folder: Path) -> Mapping[str, str]:
    """What is wrong, by file name, with what the folder's manifest lists and with weights that it does not list.

    Raises:
        UserError: there is no manifest, or it is damaged, or a file cannot be read.
    """
    hashes = read_manifest(folder / MANIFEST)
    found = {}
    for name, wanted in hashes.items():
        path = folder / name
        if not path.is_file():
            found[name] = "missing"
        elif (digest := sha256(path)) != wanted:
            found[name] = f"sha256 {digest[:12]}, not {wanted[:12]}"
    unlisted = sorted(path.name for path in folder.glob("*.safetensors") if path.name not in hashes)
    return {**found, **dict.fromkeys(unlisted, f"not in {MANIFEST}")}

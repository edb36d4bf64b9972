"""Folders that are written whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from maskgan.errors import UserError
from maskgan.files import make_folder


@contextmanager
def atomic_folder(path: Path, record: str, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary folder beside ``path``; on success it becomes ``path``, on failure it is removed.

    Args:
        path: of the folder to write.
        record: name of the JSON file that every such folder holds; its field ``format`` is its own name.
        overwrite: whether any folder may be replaced, not only an empty one or one with a record.

    Raises:
        UserError: ``path`` is a file or a folder of something else, or cannot be written.
    """
    check_folder(path, record, overwrite)
    parent = make_folder(path.absolute().parent)
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=parent))
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from error
    try:
        yield temporary
        temporary.chmod(0o755)
        _replace(path, temporary)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_folder(path: Path, record: str, overwrite: bool = False) -> None:
    """Raise unless ``atomic_folder`` may write there; called first, before work that takes long.

    Raises:
        UserError: ``path`` is a file or a folder of something else.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise UserError(f"{path}: is not a folder; give the name of a folder to write")
    if path.is_dir() and any(path.iterdir()) and not overwrite and not _is_ours(path / record):
        raise UserError(f"{path}: holds other files; give another folder, or add --overwrite to replace all of it")


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON."""
    path.write_text(json.dumps(value, indent=1) + "\n")


def _is_ours(record: Path) -> bool:
    try:
        return isinstance(values := json.loads(record.read_text()), dict) and values.get("format") == record.name
    except (OSError, ValueError):
        return False


def _replace(path: Path, new: Path) -> None:
    if not path.exists():
        new.rename(path)
        return
    old = new.with_suffix(".old")
    path.rename(old)
    try:
        new.rename(path)
    except OSError:
        old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)

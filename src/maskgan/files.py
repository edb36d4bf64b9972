"""Writing files so that a half-written one can never be seen."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maskgan.errors import UserError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; on success it becomes ``path``, on failure it is removed.

    Raises:
        UserError: the folder is missing or may not be written, the disk is full, or ``path`` is a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{path}: is a folder; give the name of a file to write")
    try:
        # The final suffix is kept: image libraries choose the format by it.
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=f".tmp{path.suffix}", dir=path.parent)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {_reason(error)}") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {_reason(error)}") from error
    finally:
        temporary.unlink(missing_ok=True)


def make_folder(path: Path) -> Path:
    """Create ``path`` with its parents and return it.

    Raises:
        UserError: it cannot be created, or something that is no folder has the name.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path}: the folder cannot be created: {_reason(error)}") from error
    return Path(path)


def require_file(path: Path) -> Path:
    """Return ``path`` if it is a file that can be opened.

    Raises:
        UserError: it is missing, a folder, or may not be read.
    """
    path = Path(path)
    try:
        with open(path, "rb"):
            return path
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder; a file is needed here") from None
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).lower()


def _umask() -> int:
    # mkstemp makes files private; results should get the permissions that any new file gets.
    mask = os.umask(0)
    os.umask(mask)
    return mask

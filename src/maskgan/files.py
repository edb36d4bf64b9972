"""Reading and writing files so that nothing is destroyed: whole or not at all, and never an input."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from maskgan.errors import UserError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; on success it becomes ``path``, on failure it is removed.

    Raises:
        UserError: the folder is missing or may not be written, the disk is full, or as for ``require_replaceable``.
    """
    path = require_replaceable(Path(path))
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
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        found = next((part for part in (path, *path.parents) if part.exists()), path)
        raise UserError(
            f"{path}: the folder cannot be created, for {found} is a file; choose another name, or move the file away"
        ) from error
    except OSError as error:
        raise UserError(f"{path}: the folder cannot be created: {_reason(error)}") from error
    return path


def require_file(path: Path) -> Path:
    """Return ``path`` if it is a regular file that can be opened.

    Raises:
        UserError: it is missing, a folder, a named pipe or device, or may not be read.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise UserError(f"{path}: is a folder; a file is needed here")
        if not stat.S_ISREG(mode):
            # Opening a pipe would wait for whoever writes into it.
            raise UserError(f"{path}: is {_special(mode)}, not a file; write its contents to a file first")
        with open(path, "rb"):
            return path
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {_reason(error)}") from error


def require_replaceable(path: Path) -> Path:
    """Return ``path`` if nothing has the name, or a regular file; a link to one is replaced itself.

    Raises:
        UserError: it is a folder, a named pipe or a device, which a file must not replace, or a link in a circle.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return path
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be written: {_reason(error)}") from error
    if stat.S_ISDIR(mode):
        raise UserError(f"{path}: is a folder; give the name of a file to write")
    if not stat.S_ISREG(mode):
        raise UserError(f"{path}: is {_special(mode)}, not a file; choose another output")
    return path


def check_outputs(outputs: Iterable[Path], inputs: Iterable[Path], overwrite: bool = False) -> None:
    """Refuse outputs that would destroy something that was asked for.

    Args:
        outputs: what a command is going to write.
        inputs: what it reads.
        overwrite: whether an output may take the place of an input.

    Raises:
        UserError: two outputs are one file, an output is one of the inputs, whatever they are called, or a name is a
            link in a circle.
    """
    read = {} if overwrite else {_identity(path): path for path in inputs}
    written: dict[object, Path] = {}
    for path in outputs:
        identity = _identity(path)
        if identity in read:
            raise UserError(
                f"{path}: is one of the inputs and would be lost; choose another output, or add --overwrite"
            )
        if identity in written:
            raise UserError(f"{path}: would be written twice; give the inputs or outputs different names")
        written[identity] = path


def _identity(path: Path) -> object:
    """What two names of one file have in common.

    Raises:
        UserError: the name is a link in a circle.
    """
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) == errno.ELOOP:
            raise UserError(f"{path}: is a symbolic link in a circle; remove it, or choose another file") from error
        return Path(os.path.realpath(path)) if path.parent.is_dir() else path.absolute()
    return found.st_dev, found.st_ino


def _special(mode: int) -> str:
    kinds = {stat.S_ISFIFO: "a named pipe", stat.S_ISSOCK: "a socket", stat.S_ISCHR: "a device", stat.S_ISBLK: "a disk"}
    return next((text for test, text in kinds.items() if test(mode)), "something else")


def _reason(error: OSError | ValueError) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()


def _umask() -> int:
    # mkstemp makes files private; results should get the permissions that any new file gets.
    mask = os.umask(0)
    os.umask(mask)
    return mask

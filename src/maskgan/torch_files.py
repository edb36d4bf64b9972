"""Checks of files of ``torch.save`` and ``torch.jit.save`` before they are read, so that they cost little to refuse."""

from __future__ import annotations

import pickletools
import zipfile
from pathlib import Path
from typing import IO

from maskgan.errors import UserError

_BLOCK = 1 << 20
_MAX_CODE_BYTES = 16 << 20  # of a TorchScript file, unpacked; Inception's has 0.2 MB
_MAX_STRING = 2000  # characters; torch.load searches its own messages, which quote them, in quadratic time
_MAX_OPCODES = 5_000_000  # of one pickle; a tensor takes about 20
# Damaged records; those in no encoding, of kinds that Python does not read, and encrypted ones.
_UNREADABLE = (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)
_LEGACY_PICKLES = 5  # magic number, protocol, system, object, names of storages; numbers follow


def check_torch_file(path: Path) -> None:
    """Check a file of ``torch.save`` by what it says of itself.

    ``torch.save`` stores records uncompressed, but ``torch.load`` inflates others: a file of 3 MB can take gigabytes.

    Raises:
        UserError: a record is compressed, records overlap, the archive is damaged, a string is over 2,000 characters,
            or the file is neither a zip archive nor pickled.
    """
    if not _is_archive(path):
        with open(path, "rb") as stream:
            for _ in range(_LEGACY_PICKLES):
                _check_strings(stream, path)
        return
    with _archive(path) as archive:
        _check_sizes(archive.infolist(), path)
        for record in archive.infolist():
            if record.filename.endswith(".pkl"):
                try:
                    with archive.open(record) as stream:
                        _check_strings(stream, path)
                except _UNREADABLE as error:
                    raise UserError(f"{path}: damaged ({type(error).__name__})") from error


def check_script(path: Path) -> None:
    """Check that the records of a TorchScript archive take no more memory than the file, its code 16 MiB at most.

    Raises:
        UserError: they take more, or the archive is damaged.
    """
    with _archive(path) as archive:
        records = archive.infolist()
    code = [record for record in records if "/code/" in record.filename]
    if sum(record.file_size for record in code) > _MAX_CODE_BYTES:
        raise UserError(f"{path}: holds over {_MAX_CODE_BYTES >> 20} MiB of code, so no network for this")
    _check_sizes([record for record in records if record not in code], path)


def is_script(path: Path) -> bool:
    """Whether a file is a TorchScript archive and not a state dict; neither is run to find out."""
    if not _is_archive(path):
        return False
    with _archive(path) as archive:
        return any("/code/" in name for name in archive.namelist())


def check_records(path: Path) -> None:
    """``check_torch_file``, and the checksum of every record, which ``torch.load`` does not look at.

    Raises:
        UserError: as ``check_torch_file``, or a record is damaged, or the file is no zip archive.
    """
    if not _is_archive(path):
        raise UserError(f"{path}: not a PyTorch file, or cut off")
    with _archive(path) as archive:
        _check_sizes(archive.infolist(), path)
        for record in archive.infolist():
            try:
                with archive.open(record) as stream:
                    while stream.read(_BLOCK):
                        pass
            except _UNREADABLE as error:
                raise UserError(f"{path}: damaged (wrong checksum of {record.filename!r})") from error
    check_torch_file(path)


def _check_sizes(records: list[zipfile.ZipInfo], path: Path) -> None:
    if any(record.compress_type != zipfile.ZIP_STORED for record in records):
        raise UserError(f"{path}: holds compressed records, which torch.save never writes")
    if sum(record.file_size for record in records) > path.stat().st_size:
        raise UserError(f"{path}: claims to hold more than its own size")


class _BoundedReader:
    """Never asks a stream for more than a file can hold: a string that claims a terabyte would take that memory."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream = stream
        self._most = most

    def read(self, count: int) -> bytes:
        return self._stream.read(min(count, self._most))

    def readline(self) -> bytes:
        return self._stream.readline()


def _check_strings(stream: IO[bytes], path: Path) -> None:
    """Read one pickle's opcodes, which runs nothing."""
    bounded = _BoundedReader(stream, path.stat().st_size)
    try:
        for number, (_, argument, _) in enumerate(pickletools.genops(bounded)):  # type: ignore[arg-type]
            if isinstance(argument, str | bytes) and len(argument) > _MAX_STRING:
                raise UserError(f"{path}: holds a string of {len(argument)} characters, so it is no state dict")
            if number > _MAX_OPCODES:
                raise UserError(f"{path}: is no state dict (over {_MAX_OPCODES} pickled items)")
    except (ValueError, EOFError, IndexError, OverflowError) as error:
        raise UserError(f"{path}: not a PyTorch file, or damaged ({type(error).__name__})") from error


def _is_archive(path: Path) -> bool:
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:  # of one that says that it lies on several disks; _archive names it as damaged
        return True


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UserError(f"{path}: not a PyTorch file, or damaged ({type(error).__name__})") from error

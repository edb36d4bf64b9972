"""Checks of files of ``torch.save`` before they are unpickled: sizes and checksums, without taking their memory."""

from __future__ import annotations

import zipfile
from pathlib import Path

from maskgan.errors import UserError

_BLOCK = 1 << 20


def check_sizes(path: Path) -> None:
    """Check that the records of a zip archive are not larger than the file, as compressed ones would be.

    ``torch.save`` stores records uncompressed, but ``torch.load`` inflates others: a file of 3 MB can take gigabytes.
    A file that is no zip archive passes.

    Raises:
        UserError: a record is compressed, records overlap, or the archive is damaged.
    """
    if not _is_archive(path):
        return
    with _archive(path) as archive:
        records = archive.infolist()
    if any(record.compress_type != zipfile.ZIP_STORED for record in records):
        raise UserError(f"{path}: holds compressed records, which torch.save never writes")
    if sum(record.file_size for record in records) > path.stat().st_size:
        raise UserError(f"{path}: claims to hold more than its own size")


def check_records(path: Path) -> None:
    """``check_sizes``, and the checksum of every record, which ``torch.load`` does not look at.

    Raises:
        UserError: as ``check_sizes``, or a record is damaged, or the file is no zip archive.
    """
    check_sizes(path)
    if not _is_archive(path):
        raise UserError(f"{path}: not a PyTorch file, or cut off")
    with _archive(path) as archive:
        for record in archive.infolist():
            try:
                with archive.open(record) as stream:
                    while stream.read(_BLOCK):
                        pass
            except (zipfile.BadZipFile, EOFError, OSError) as error:
                raise UserError(f"{path}: damaged (wrong checksum of {record.filename!r})") from error


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

"""Tar files read from front to back without trust: bounded headers, plain files, names that can be printed.

Python's ``tarfile`` takes as much memory as a header says that it has, fills the holes of sparse files, and ends with
whatever exception a damaged field brings. Formats: ustar and pax (POSIX.1-2017, ``pax``), long names and sparse files
of GNU tar.
"""

from __future__ import annotations

import io
import os
import unicodedata
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, NamedTuple

MAX_FILE = 256 << 20
"""Bytes of a file in a tar; one that is larger is no picture of a face."""

_BLOCK = 512
_MAX_HEADER = 64 << 10  # of a long name or a pax header
_MAX_SKIP = 16 << 30  # of what cannot be passed over by seeking
_CHUNK = 1 << 20
_FILES = b"\0" + b"07"
_NO_DATA = b"123456"  # links, devices, folders, pipes: whatever their size says
_SPECIAL = {
    ord("1"): "a link",
    ord("2"): "a link",
    ord("3"): "a device",
    ord("4"): "a device",
    ord("6"): "a named pipe",
}
_FOLDER = ord("5")


class DamagedTarError(Exception):
    """A tar that cannot be read any further."""


class TarMember(NamedTuple):
    """A file in a tar.

    Attributes:
        name: with ``/`` between folders; characters that cannot be printed are escaped.
        offset: where its contents lie, in bytes from the start of the tar.
        size: of its contents in bytes.
        problem: why its contents cannot be used (``"a sparse file"``); ``None`` if they can.
    """

    name: str
    offset: int
    size: int
    problem: str | None = None


class TarReader:
    """The files of a tar, in their order; folders are passed over.

    Raises:
        DamagedTarError: on iterating or reading: it is no tar, damaged or cut off.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Read from the start of ``stream``; of its methods ``read`` suffices, ``seek`` saves time."""
        self._stream = stream
        self._length = _length(stream)
        self._position = 0
        self._member = TarMember("", 0, 0)
        self._member_end = 0

    def __iter__(self) -> Iterator[TarMember]:
        name: str | None = None  # from the extra header before a file's own
        size: int | None = None
        problem: str | None = None
        while (header := self._header()) is not None:
            kind, length = header[156], _number(header[124:136], self._position)
            if kind in b"LxXg":
                content = self._content(length) if length <= _MAX_HEADER else None
                if content is None:
                    self._skip(length, _padded(length) - length)
                    problem = problem if kind == ord("g") else f"a file with a header of {length} bytes"
                elif kind == ord("L"):
                    name = _printable(content.split(b"\0", 1)[0])
                elif kind != ord("g"):
                    fields = _pax_fields(content)
                    if fields is None:
                        problem = "a file with a damaged header"
                    else:
                        name, size, problem = _apply(fields, name, size, problem)
                continue
            if kind == ord("K"):
                self._skip(length, _padded(length) - length)
                continue
            if kind == ord("S"):
                problem = "a sparse file"
                self._skip_sparse_map(header)
            elif kind not in _FILES and kind != _FOLDER:
                problem = problem or _SPECIAL.get(kind, "a file of an unknown kind")
            if kind in _NO_DATA:
                size = length = 0
            own = _ustar_name(header) if name is None else name
            if size is None:
                size = length
            if size > MAX_FILE and problem is None:
                problem = f"a file of {size} bytes"
            self._member_end = self._position + size
            end = self._position + _padded(size)
            if self._length is not None and self._member_end > self._length:
                raise DamagedTarError(f"cut off within {own}")
            if kind != _FOLDER and not own.endswith("/"):
                self._member = TarMember(own, self._position, size, problem)
                yield self._member
            self._skip(self._member_end - self._position, end - max(self._member_end, self._position))
            name = size = problem = None

    def read(self) -> bytes:
        """The contents of the file that was given last; once."""
        assert self._member.problem is None
        return self._take(self._member.size)

    def _header(self) -> bytes | None:
        """The next header; ``None`` at the end."""
        header = self._read(_BLOCK)
        if not header and self._position:
            return None
        if len(header) < _BLOCK:
            raise DamagedTarError("it ends within a header" if self._position else "it is empty or too short")
        if not header.strip(b"\0"):
            return None
        given = _number(header[148:156], self._position)
        plain = sum(header) - sum(header[148:156]) + 8 * ord(" ")
        signed = plain - 256 * sum(byte > 127 for byte in header[:148] + header[156:])  # as some old programs do
        if given not in (plain, signed):
            raise DamagedTarError(f"no header at byte {self._position - _BLOCK}")
        return header

    def _content(self, length: int) -> bytes:
        content = self._take(length)
        self._skip(0, _padded(length) - length)
        return content

    def _skip_sparse_map(self, header: bytes) -> None:
        more = header[482]
        while more:
            more = self._take(_BLOCK)[504]

    def _take(self, count: int) -> bytes:
        content = self._read(count)
        if len(content) < count:
            raise DamagedTarError("cut off")
        return content

    def _read(self, count: int) -> bytes:
        """``count`` bytes, or fewer at the end."""
        parts: list[bytes] = []
        left = count
        while left > 0 and (part := self._stream.read(min(left, _CHUNK))):
            parts.append(part)
            left -= len(part)
        self._position += count - left
        return b"".join(parts)

    def _skip(self, count: int, padding: int) -> None:
        """Pass over ``count`` bytes, which must be there, and ``padding``, which may be missing at the end."""
        if self._length is not None:
            if self._position + count > self._length:
                raise DamagedTarError("cut off")
            self._position = min(self._position + count + padding, self._length)
            self._stream.seek(self._position)
            return
        if count > _MAX_SKIP:
            raise DamagedTarError(f"a file of {count} bytes")
        while count > 0:
            part = self._read(min(count, _CHUNK))
            if not part:
                raise DamagedTarError("cut off")
            count -= len(part)
        self._read(padding)


def _length(stream: BinaryIO) -> int | None:
    """Bytes of a file; ``None`` for what can only be read."""
    try:
        if not isinstance(stream, (io.BufferedReader, io.BytesIO)) or not stream.seekable():
            return None
        length = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        return length
    except (OSError, AttributeError):
        return None


def _padded(length: int) -> int:
    return -(-length // _BLOCK) * _BLOCK


def _number(field: bytes, position: int) -> int:
    """An octal number, or one of GNU's in base 256."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    text = field.split(b"\0", 1)[0].strip()
    if text and not all(ord("0") <= byte <= ord("7") for byte in text):
        raise DamagedTarError(f"no header at byte {position - _BLOCK}")
    return int(text or b"0", 8)


def _ustar_name(header: bytes) -> str:
    name, prefix = (part.split(b"\0", 1)[0] for part in (header[:100], header[345:500]))
    # GNU's headers keep other things where ustar has the prefix.
    return _printable(prefix + b"/" + name if prefix and header[257:263] == b"ustar\0" else name)


def _printable(name: bytes) -> str:
    text = name.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _pax_fields(content: bytes) -> dict[bytes, bytes] | None:
    """The fields of a pax header: records of length, key and value (``12 path=a.b``); ``None``: it is damaged."""
    fields: dict[bytes, bytes] = {}
    position = 0
    while position < len(content) and content[position]:
        space = content.find(b" ", position, position + 8)
        digits = content[position:space]
        if space < 0 or not digits.isdigit():
            return None
        end = position + int(digits)
        key, equals, value = content[space + 1 : end].partition(b"=")
        if not space < end <= len(content) or not equals or not value.endswith(b"\n"):
            return None
        fields[key] = value[:-1]
        position = end
    return fields


def _apply(
    fields: dict[bytes, bytes], name: str | None, size: int | None, problem: str | None
) -> tuple[str | None, int | None, str | None]:
    """What a pax header says of the file that follows it."""
    if b"path" in fields:
        name = _printable(fields[b"path"])
    if b"size" in fields:
        digits = fields[b"size"]
        if digits.isdigit() and len(digits) <= 18:
            size = int(digits)
        else:
            problem = "a file with a damaged header"
    if any(key.startswith(b"GNU.sparse.") for key in fields):
        name = _printable(fields[b"GNU.sparse.name"]) if b"GNU.sparse.name" in fields else name
        problem = "a sparse file"
    return name, size, problem


def member_key(name: str) -> tuple[str, str] | None:
    """Key and suffix (with the dot, in lower case) of a file in a tar; ``None`` for hidden files and ``__notes__``.

    The key is all up to the first dot of the name's last part, as WebDataset has it; ``./`` in front is no part of it.
    """
    path = PurePosixPath(name)
    stem, dot, suffix = path.name.partition(".")
    if not stem or not dot or str(path).startswith("__"):
        return None
    return unicodedata.normalize("NFC", str(path.parent / stem)), f".{suffix.lower()}"

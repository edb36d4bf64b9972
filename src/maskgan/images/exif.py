"""EXIF blocks, changed in place: every field that is not named here keeps its bytes, maker notes and GPS included."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

PREFIX = b"Exif\0\0"  # in front of the TIFF structure in JPEG files
_ORIENTATION, _EXIF_IFD = 0x0112, 0x8769
_WIDTH, _HEIGHT = 0xA002, 0xA003
_THUMBNAIL, _THUMBNAIL_SIZE = 0x0201, 0x0202
_SHORT, _LONG = 3, 4
_MAX_ENTRIES = 1 << 17  # of all directories of a block together; one holds at most 65,535


class _Entry(NamedTuple):
    tag: int
    kind: int
    length: int
    position: int  # of the value, or of the offset to it


def upright_exif(data: bytes, turned: bool = False) -> bytes:
    """An EXIF block for pixels that lie upright: orientation 1, and no thumbnail of the picture before its edit.

    Args:
        data: the block, with or without ``Exif`` in front.
        turned: whether making the picture upright exchanged its width and height.

    Returns:
        The TIFF structure without prefix; empty if ``data`` is none.
    """
    data = data.removeprefix(PREFIX)
    if data[:4] not in (b"II*\0", b"MM\0*"):
        return b""
    block, order = bytearray(data), "<" if data[:1] == b"I" else ">"
    with suppress(struct.error):  # cut off: what could be reached is set right
        _drop_thumbnail(block, order)
    with suppress(struct.error):
        _straighten(block, order, turned)
    return bytes(block)


def sized_exif(data: bytes, width: int, height: int) -> bytes:
    """An EXIF block whose ``PixelXDimension`` and ``PixelYDimension`` are a picture's; absent ones stay absent.

    Args:
        data: a TIFF structure without prefix.
        width: of the picture, in pixels.
        height: of it.
    """
    block = bytearray(data)
    with suppress(struct.error):
        order = "<" if block[:1] == b"I" else ">"
        walk = _Walk(block, order)
        pointers = [e for e in walk.entries(struct.unpack_from(order + "I", block, 4)[0]) if e.tag == _EXIF_IFD]
        for size in walk.behind(pointers):
            if size.tag in (_WIDTH, _HEIGHT):
                _set_number(block, order, size, width if size.tag == _WIDTH else height)
    return bytes(block)


class _Walk:
    """Reads each directory of a block once, and a bounded number of entries in all.

    Pointers may go in circles, or thousands of them to one place.
    """

    def __init__(self, block: bytearray, order: str) -> None:
        self._block, self._order = block, order
        self._seen: set[int] = set()
        self._left = _MAX_ENTRIES

    def entries(self, start: int) -> Iterator[_Entry]:
        """The entries of the directory at ``start``; none if it was read before."""
        if start in self._seen:
            return
        self._seen.add(start)
        for i in range(struct.unpack_from(self._order + "H", self._block, start)[0]):
            if self._left == 0:
                return
            self._left -= 1
            position = start + 2 + 12 * i
            tag, kind, count = struct.unpack_from(self._order + "HHI", self._block, position)
            yield _Entry(tag, kind, count, position + 8)

    def behind(self, pointers: list[_Entry]) -> Iterator[_Entry]:
        """The entries of the directories that entries point at."""
        for pointer in pointers:
            yield from self.entries(_number(self._block, self._order, pointer))


def _drop_thumbnail(block: bytearray, order: str) -> None:
    """Sets the thumbnail's bytes, and the link to the directory that names them, to zero."""
    first = struct.unpack_from(order + "I", block, 4)[0]
    link = first + 2 + 12 * struct.unpack_from(order + "H", block, first)[0]
    second = struct.unpack_from(order + "I", block, link)[0]
    if second:
        fields = {}
        with suppress(struct.error):
            for entry in _Walk(block, order).entries(second):  # a walk of its own: never seen before, never cut short
                fields[entry.tag] = _number(block, order, entry)
        start, size = fields.get(_THUMBNAIL, 0), fields.get(_THUMBNAIL_SIZE, 0)
        if 0 < start <= len(block):
            end = min(start + size, len(block))
            block[start:end] = bytes(end - start)
        struct.pack_into(order + "I", block, link, 0)


def _straighten(block: bytearray, order: str, turned: bool) -> None:
    """Sets the orientation to 1 and, of a turned picture, exchanges the sizes."""
    walk = _Walk(block, order)
    pointers = []
    for entry in walk.entries(struct.unpack_from(order + "I", block, 4)[0]):
        if entry.tag == _ORIENTATION:
            _set_number(block, order, entry, 1)
        elif entry.tag == _EXIF_IFD:
            pointers.append(entry)
    if turned:
        sizes = {}
        with suppress(struct.error):  # a bad pointer: the sizes in front of it count
            for entry in walk.behind(pointers):
                sizes[entry.tag] = entry
        if _WIDTH in sizes and _HEIGHT in sizes:
            width, height = (_number(block, order, sizes[tag]) for tag in (_WIDTH, _HEIGHT))
            _set_number(block, order, sizes[_WIDTH], height)
            _set_number(block, order, sizes[_HEIGHT], width)


def _number(block: bytearray, order: str, entry: _Entry) -> int:
    number: int = struct.unpack_from(order + ("H" if entry.kind == _SHORT else "I"), block, entry.position)[0]
    return number


def _set_number(block: bytearray, order: str, entry: _Entry, number: int) -> None:
    if entry.length != 1 or entry.kind not in (_SHORT, _LONG):
        return
    if entry.kind == _SHORT:
        number = min(number, 0xFFFF)
    struct.pack_into(order + ("H" if entry.kind == _SHORT else "I"), block, entry.position, number)

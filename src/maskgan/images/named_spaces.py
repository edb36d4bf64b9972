"""Colour spaces that a file names without carrying an ICC profile: Adobe RGB in EXIF, PNG's ``cICP`` and ``gAMA``.

Each becomes a profile, so that everything else deals with profiles alone. Sources: Exif 2.32 and DCF 2.0 (``R03``),
PNG third edition (chunk precedence), ITU-T H.273 (numbers of ``cICP``), ICC.1:2010 (profiles).
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_EXIF_IFD, _INTEROP_IFD, _COLOUR_SPACE = 0x8769, 0xA005, 0xA001
_UNCALIBRATED, _ADOBE = 65535, 2  # of ColorSpace; some cameras write 2
_MAX_CHUNKS = 1000
_SRGB_GAMMA = 0.45455
_GAMMA_TOLERANCE = 0.005
_XY_TOLERANCE = 0.002
_D65 = (0.3127, 0.3290)
_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))

Chromaticities = tuple[tuple[float, float], ...]
"""CIE x and y of red, green, blue and white."""

_SRGB_PRIMARIES: Chromaticities = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), _D65)
_ADOBE_PRIMARIES: Chromaticities = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), _D65)
_PRIMARIES: Mapping[int, Chromaticities] = MappingProxyType(
    {
        1: _SRGB_PRIMARIES,
        4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.310, 0.316)),
        5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), _D65),
        6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
        7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
        9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
        11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
        12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
    }
)
_BT709 = (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)
# Parameters of ICC's parametric curves: a power alone, or one with a linear beginning.
_CURVES: Mapping[int, tuple[float, ...]] = MappingProxyType(
    {
        **dict.fromkeys((1, 6, 14, 15), _BT709),
        4: (2.2,),
        5: (2.8,),
        8: (1.0,),
        13: (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045),
    }
)
_log = logging.getLogger(__name__)


class NamedSpace(NamedTuple):
    """A colour space that a file names.

    Attributes:
        profile: ICC profile of it; empty where it is not known.
        chunks: those of a PNG that name it, kind and body.
    """

    profile: bytes
    chunks: tuple[tuple[bytes, bytes], ...] = ()


def named_space(image: Image.Image, stream: BinaryIO, name: str) -> NamedSpace | None:
    """The colour space that an opened image without ICC profile names, unless it says no more than sRGB.

    One that is not known is warned of.
    """
    if image.format == "PNG":
        found = _of_png(image, stream, name)
        if found is not None or "srgb" in image.info:
            return found
    return NamedSpace(matrix_profile(_ADOBE_PRIMARIES, (563 / 256,), "Adobe RGB (1998)")) if _is_adobe(image) else None


def _is_adobe(image: Image.Image) -> bool:
    try:
        exif = image.getexif()
        marked = exif.get_ifd(_EXIF_IFD).get(_COLOUR_SPACE)
        index = exif.get_ifd(_INTEROP_IFD).get(1)
    except Exception:  # a malformed EXIF block says nothing
        return False
    text = index.decode("latin-1") if isinstance(index, bytes) else str(index)
    return marked == _ADOBE or (marked == _UNCALIBRATED and text.startswith("R03"))


def _of_png(image: Image.Image, stream: BinaryIO, name: str) -> NamedSpace | None:
    for kind, body in _chunks(stream):
        if kind == b"cICP" and len(body) == 4:
            primaries, curve = _PRIMARIES.get(body[0]), _CURVES.get(body[1])
            if primaries is None or curve is None or body[2] or body[3] != 1:
                numbers = "/".join(str(number) for number in body)
                _log.warning("%s: its colours are of a kind that is not known (cICP %s); taken as sRGB", name, numbers)
                return NamedSpace(b"", ((kind, body),))
            return NamedSpace(matrix_profile(primaries, curve, f"cICP {body[0]}/{body[1]}"), ((kind, body),))
    if "srgb" in image.info:
        return None
    gamma, chromaticity = image.info.get("gamma"), image.info.get("chromaticity")
    if not isinstance(gamma, float) or not 0.1 <= gamma <= 10:
        return None
    primaries = _SRGB_PRIMARIES
    if isinstance(chromaticity, tuple) and len(chromaticity) == 8:
        white, *colours = zip(chromaticity[::2], chromaticity[1::2], strict=True)
        primaries = (*colours, white)
        if not _are_sensible(primaries):
            return None
    off = float(np.abs(np.array(primaries) - np.array(_SRGB_PRIMARIES)).max())
    if abs(gamma - _SRGB_GAMMA) <= _GAMMA_TOLERANCE and off <= _XY_TOLERANCE:
        return None  # what sRGB pictures say of themselves; the pure power would darken their shadows
    return NamedSpace(matrix_profile(primaries, (1 / gamma,), f"gamma {1 / gamma:.3g}"), _colour_chunks(image.info))


def _colour_chunks(info: Mapping[Any, Any]) -> tuple[tuple[bytes, bytes], ...]:
    chunks = [(b"gAMA", struct.pack(">I", round(info["gamma"] * 100_000)))]
    if isinstance(info.get("chromaticity"), tuple):
        chunks.append((b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in info["chromaticity"]))))
    return tuple(chunks)


def _are_sensible(primaries: Chromaticities) -> bool:
    """Whether chromaticities span a triangle around a white."""
    if any(not (0 <= x <= 1 and 0 < y <= 1) for x, y in primaries):
        return False
    (rx, ry), (gx, gy), (bx, by), _ = primaries
    return abs((gx - rx) * (by - ry) - (bx - rx) * (gy - ry)) > 0.01


def _chunks(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """The small chunks of a PNG that stand before its pixels; the stream keeps its position."""
    position = stream.tell()
    try:
        stream.seek(8)
        for _ in range(_MAX_CHUNKS):
            header = stream.read(8)
            size, kind = int.from_bytes(header[:4], "big"), header[4:]
            if len(header) < 8 or kind == b"IDAT":
                return
            if size <= 64:
                yield kind, stream.read(size)
                stream.seek(4, 1)
            else:
                stream.seek(size + 4, 1)
    finally:
        stream.seek(position)


@lru_cache(maxsize=16)
def matrix_profile(primaries: Chromaticities, curve: tuple[float, ...], title: str) -> bytes:
    """An ICC profile (version 4) of an RGB space.

    Args:
        primaries: red, green, blue and white.
        curve: from numbers to light: ``(g,)`` for x^g, or ``(g, a, b, c, d)`` for (a x + b)^g from d on and c x below.
        title: its description.
    """
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    light = columns[:, :3] * np.linalg.solve(columns[:, :3], columns[:, 3])
    bradford = np.array(_BRADFORD)
    gains = np.diag((bradford @ np.array(_D50)) / (bradford @ columns[:, 3]))
    adaptation = np.linalg.inv(bradford) @ gains @ bradford
    matrix = adaptation @ light
    parametric = b"para" + struct.pack(">IHH", 0, 3 if len(curve) > 1 else 0, 0) + _fixed(curve)
    tags = {
        b"desc": _text(title),
        b"cprt": _text("No copyright, use freely"),
        b"wtpt": _xyz(_D50),
        b"chad": b"sf32\0\0\0\0" + _fixed(adaptation.ravel()),
        **{channel + b"XYZ": _xyz(matrix[:, i]) for i, channel in enumerate((b"r", b"g", b"b"))},
        **{channel + b"TRC": parametric for channel in (b"r", b"g", b"b")},
    }
    directory, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for kind, data in tags.items():
        directory += kind + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"\0\0\0\0", 0x04300000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _fixed(_D50)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + directory + body


def _fixed(values: NDArray[np.float64] | tuple[float, ...]) -> bytes:
    return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)


def _xyz(values: NDArray[np.float64] | tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(values)


def _text(text: str) -> bytes:
    words = text.encode("utf-16-be")
    return b"mluc" + struct.pack(">III2s2sII", 0, 1, 12, b"en", b"US", len(words), 28) + words

"""Opening picture files: which formats are read, and the bounds that hold before anything is decoded."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from maskgan.errors import UserError
from maskgan.files import require_file

READABLE = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "HEIF", "PPM", "JPEG2000")
"""Pillow's names of the formats that are read. Others are never tried: some start foreign programs (EPS)."""

MAX_PIXELS = 120_000_000
"""Larger pictures are refused before they are decoded.

Bytes of memory a pixel, measured to the end of ``read_source``: JPEG, PNG, TIFF, HEIC and GIF up to 9, AVIF 11, WebP
17, JPEG 2000 20 (their libraries hold that much), and 4 to 6 more where there is opacity: 3 GB for the largest picture
of the worst kind, a JPEG 2000 with opacity.
"""

MIN_SIDE = 16
"""Below this many pixels a side there is no face to see."""

MAX_PROPORTION = 64
"""Longest side over shortest side: no panorama is longer, and damaged headers say such sizes."""

MAX_SCANS = 100
"""Scans of a progressive JPEG; encoders write about ten. Each costs a pass over the whole picture."""

_MAX_SCAN_PIXELS = 3_000_000_000  # scans x pixels
_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}


class UnknownFormatError(UserError):
    """The file is no picture of a format that is read."""


class TooManyPixelsError(UserError):
    """The picture is larger than the bound."""


def open_image(
    stream: BinaryIO, name: str, formats: Sequence[str] = READABLE, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Open a picture without decoding it; the only place that calls ``PIL.Image.open``.

    Args:
        stream: the file; stays open as long as the image is used.
        name: what messages call it.
        formats: Pillow's names of the formats that are tried.
        max_pixels: larger pictures are refused.

    Raises:
        UnknownFormatError: not one of these formats.
        TooManyPixelsError: over ``max_pixels``.
        UserError: below 16 px a side, over 64 times as long as wide, a damaged header, or a JPEG of too many scans.
    """
    try:
        with quiet():  # of large pictures, which are checked below, and of odd metadata
            image: Image.Image = Image.open(stream, formats=_supported(tuple(formats)))
    except Image.DecompressionBombError:
        raise TooManyPixelsError(f"{name}: too large; at most {max_pixels // 1_000_000} megapixels are read") from None
    except UnidentifiedImageError:
        raise UnknownFormatError(f"{name}: {_why_unidentified(stream)}") from None
    except MemoryError:
        raise
    except Exception as error:  # readers of damaged headers fail in ways of their own
        raise UserError(f"{name}: not a picture that can be read ({_reason(error)}); get the file again") from error
    width, height = image.size
    if width * height > max_pixels:
        raise TooManyPixelsError(
            f"{name}: {width}x{height} is too large; shrink it below {max_pixels // 1_000_000} megapixels first"
        )
    if min(width, height) < MIN_SIDE:
        raise UserError(f"{name}: {width}x{height} is too small; at least {MIN_SIDE} pixels a side are needed")
    if max(width, height) > MAX_PROPORTION * min(width, height):
        raise UserError(
            f"{name}: {width}x{height} is too long and narrow (over {MAX_PROPORTION}:1); damaged? get the file "
            "again, or crop it first"
        )
    if image.format in ("JPEG", "MPO"):
        _check_scans(stream, width * height, name)
    return image


@contextmanager
def open_image_file(path: Path, formats: Sequence[str] = READABLE) -> Iterator[Image.Image]:
    """``open_image`` of a file, which is closed afterwards.

    Raises:
        UserError: no such file, not a regular file, or as for ``open_image``.
    """
    with open(require_file(Path(path)), "rb") as stream:
        yield open_image(stream, str(path), formats)


def load_image(image: Image.Image, name: str) -> None:
    """Decode an opened image's first frame.

    Raises:
        UserError: it is damaged or cut off.
    """
    try:
        with quiet():
            image.load()
    except MemoryError:
        raise
    except Exception as error:  # decoders of hostile files fail in ways of their own
        raise UserError(f"{name}: damaged or cut off ({_reason(error)}); get the file again") from error


@contextmanager
def quiet() -> Iterator[None]:
    """Without Pillow's warnings, which tell of its own code lines and not of the file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@cache
def _supported(formats: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the formats that this machine's libraries read."""
    Image.init()
    try:
        import pillow_heif
    except ImportError:
        pass
    else:
        pillow_heif.register_heif_opener(thumbnails=False)
    return tuple(name for name in formats if name in Image.OPEN)


def _check_scans(stream: BinaryIO, pixels: int, name: str) -> None:
    position = stream.tell()
    stream.seek(0)
    scans, last = 0, b""
    # Inside a scan 0xFF is always followed by 0 or a restart marker, so this counts every scan; bytes that look
    # alike in metadata and thumbnails are few.
    while block := stream.read(1 << 20):
        scans += block.count(b"\xff\xda") + (last == b"\xff" and block[:1] == b"\xda")
        last = block[-1:]
    stream.seek(position)
    if scans > MAX_SCANS or scans * pixels > _MAX_SCAN_PIXELS:
        raise UserError(f"{name}: a JPEG of {scans} scans takes too long to decode; save it again as a plain JPEG")


def _why_unidentified(stream: BinaryIO) -> str:
    """What to tell of a file that no reader takes."""
    try:
        stream.seek(0)
        head = stream.read(64)
    except (OSError, ValueError):
        head = b""
    if head[4:8] == b"ftyp":
        brands = {head[i : i + 4] for i in range(8, min(len(head), int.from_bytes(head[:4], "big")), 4)}
        if brands & _AVIF_BRANDS:
            if "AVIF" in _supported(READABLE):
                return "a damaged AVIF picture; get the file again"
            return "an AVIF picture, which needs Pillow 11.3 or newer: pip install --upgrade pillow"
        if brands & _HEIF_BRANDS:
            if "HEIF" in _supported(READABLE):
                return "a damaged HEIC picture; get the file again"
            return "a HEIC picture, which needs pillow-heif: pip install 'maskgan[heif]', or save it as JPEG"
    return "not a picture that can be read (PNG, JPEG, WebP, TIFF, AVIF, HEIC, BMP and GIF are)"


def _reason(error: Exception) -> str:
    return str(error).strip() or type(error).__name__

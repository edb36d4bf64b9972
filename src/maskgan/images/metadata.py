"""What a picture's file carries besides pixels: EXIF, IPTC, XMP, colour profile, resolution, JPEG quality."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image, JpegImagePlugin, TiffImagePlugin, TiffTags

from maskgan.images.exif import PREFIX, upright_exif
from maskgan.images.formats import quiet

_IPTC_BLOCK = 0x0404  # of Photoshop's image resources
_TIFF_XMP, _TIFF_IPTC, _TIFF_PHOTOSHOP, _TIFF_ICC = 700, 33723, 34377, 34675
_TRANSPOSED = {5, 6, 7, 8}  # EXIF orientations that exchange width and height
_PNG_XMP = "XML:com.adobe.xmp"
# TIFF tags that tell how pixels lie in that one file, and those that are carried in fields of their own.
_STRUCTURE = {
    *(254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 274, 277, 278, 279, 280, 281, 284, 288, 289, 290),
    *(291, 292, 293, 297, 301, 317, 318, 319, 320, 322, 323, 324, 325, 330, 332, 338, 339, 340, 341, 342, 347),
    *(512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, _TIFF_XMP, _TIFF_IPTC, _TIFF_PHOTOSHOP),
    _TIFF_ICC,
}


@dataclass(frozen=True)
class JpegCoding:
    """How a JPEG was compressed, so that it can be written at the same quality."""

    tables: tuple[tuple[int, ...], ...]
    """Quantisation tables, 64 numbers each."""
    subsampling: int
    """Of the colours, as Pillow numbers it; -1 if it has no number."""
    progressive: bool


@dataclass(frozen=True)
class Metadata:
    """What one file carries. Fields are empty where it has nothing of the kind."""

    exif: bytes = b""
    """TIFF structure without prefix, orientation 1."""
    iptc: bytes = b""
    """IPTC-IIM records."""
    xmp: bytes = b""
    """XMP packet."""
    icc_profile: bytes = b""
    dpi: tuple[float, float] | None = None
    comment: bytes = b""
    """Of a JPEG or GIF."""
    text: Mapping[str, str] = field(default_factory=dict)
    """Keywords and texts of a PNG."""
    chunks: tuple[tuple[bytes, bytes], ...] = ()
    """PNG chunks that say how colours are meant. Of a file that has its own profile there are none."""
    jpeg: JpegCoding | None = None


def metadata_of(image: Image.Image) -> Metadata:
    """Collect what a decoded image's file carries; damaged pieces are left out."""
    with quiet():
        return _metadata_of(image)


def _metadata_of(image: Image.Image) -> Metadata:
    info: Mapping[Any, Any] = image.info
    text = {
        str(key): str(value)
        for key, value in getattr(image, "text", {}).items()
        if key != _PNG_XMP and not str(key).lower().startswith("raw profile type")
    }
    return Metadata(
        exif=_exif(image),
        iptc=_iptc(image),
        xmp=_as_bytes(info.get("xmp") or info.get(_PNG_XMP)),
        icc_profile=_as_bytes(info.get("icc_profile")),
        dpi=_dpi(info.get("dpi")),
        comment=_as_bytes(info.get("comment")),
        text=text,
        chunks=() if info.get("icc_profile") else _colour_chunks(info),
        jpeg=_jpeg_coding(image),
    )


def photoshop_segment(iptc: bytes) -> bytes:
    """The body of a JPEG's APP13 segment that holds IPTC records."""
    padded = iptc + b"\0" * (len(iptc) % 2)
    return b"Photoshop 3.0\x008BIM" + struct.pack(">HHI", _IPTC_BLOCK, 0, len(iptc)) + padded


def tiff_tags(metadata: Metadata) -> Image.Exif:
    """Metadata as the tags of a TIFF file."""
    tags = Image.Exif()
    if metadata.exif:
        tags.load(PREFIX + metadata.exif)
        for tag in [tag for tag in tags if tag in _STRUCTURE]:
            del tags[tag]
    if metadata.iptc:
        tags[_TIFF_IPTC] = metadata.iptc
    if metadata.xmp:
        tags[_TIFF_XMP] = metadata.xmp
    return tags


def upright_xmp(packet: bytes) -> bytes:
    """An XMP packet for pixels that lie upright: readers turn a picture by it where EXIF does not say."""
    return re.sub(rb"""(tiff:Orientation\s*(?:=\s*["']|>\s*))\d""", rb"\g<1>1", packet)


def _exif(image: Image.Image) -> bytes:
    try:
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            return _exif_of_tiff(image)
        raw = image.info.get("exif")
        if not raw and image.getexif():
            raw = image.getexif().tobytes()
        orientation = image.getexif().get(0x0112, 1)
        return upright_exif(_as_bytes(raw), orientation in _TRANSPOSED)
    except Exception:  # a malformed EXIF block must not cost the picture
        return b""


def _exif_of_tiff(image: TiffImagePlugin.TiffImageFile) -> bytes:
    kept, own = Image.Exif(), image.getexif()
    for tag, value in own.items():
        if tag in TiffTags.TAGS_V2_GROUPS:
            if fields := own.get_ifd(tag):
                kept[tag] = fields
        elif tag not in _STRUCTURE:
            kept[tag] = value
    return kept.tobytes().removeprefix(PREFIX) if len(kept) else b""


def _iptc(image: Image.Image) -> bytes:
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        value = image.tag_v2.get(_TIFF_IPTC)
        if isinstance(value, tuple) and all(isinstance(number, int) for number in value):
            # Some programs declare the bytes as 32-bit numbers.
            order = "<" if image.tag_v2.prefix.startswith(b"II") else ">"
            return struct.pack(f"{order}{len(value)}I", *value)
        return _as_bytes(value)
    if "photoshop" in image.info:
        return _as_bytes(image.info["photoshop"].get(_IPTC_BLOCK))
    raw = str(image.info.get("Raw profile type iptc", ""))
    match = re.fullmatch(r"\s*iptc\s+\d+\s+([0-9a-fA-F\s]*)", raw)
    if not match:
        return b""
    try:
        block = bytes.fromhex("".join(match[1].split()))
    except ValueError:
        return b""
    start = block.find(b"8BIM" + struct.pack(">H", _IPTC_BLOCK))
    if start < 0:
        return block
    size = struct.unpack_from(">I", block, start + 8)[0] if len(block) >= start + 12 else 0
    return block[start + 12 : start + 12 + size]


def png_iptc(iptc: bytes) -> str:
    """IPTC records as the PNG text that ImageMagick and ExifTool read (``Raw profile type iptc``)."""
    block = photoshop_segment(iptc).removeprefix(b"Photoshop 3.0\0")
    digits = block.hex()
    lines = [digits[i : i + 72] for i in range(0, len(digits), 72)]
    return f"\niptc\n{len(block):8d}\n" + "\n".join(lines) + "\n"


def _jpeg_coding(image: Image.Image) -> JpegCoding | None:
    if not isinstance(image, JpegImagePlugin.JpegImageFile) or image.mode == "CMYK" or not image.quantization:
        return None
    tables = tuple(tuple(image.quantization[key]) for key in sorted(image.quantization))
    return JpegCoding(tables, JpegImagePlugin.get_sampling(image), bool(image.info.get("progressive")))


def _colour_chunks(info: Mapping[Any, Any]) -> tuple[tuple[bytes, bytes], ...]:
    chunks = []
    if isinstance(info.get("chromaticity"), tuple):
        chunks.append((b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in info["chromaticity"]))))
    if isinstance(info.get("gamma"), float):
        chunks.append((b"gAMA", struct.pack(">I", round(info["gamma"] * 100_000))))
    if isinstance(info.get("srgb"), int):
        chunks.append((b"sRGB", bytes([info["srgb"]])))
    return tuple(chunks)


def _dpi(value: object) -> tuple[float, float] | None:
    try:
        x, y = (float(number) for number in value)  # type: ignore[attr-defined]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (x, y) if 0 < x < 1e6 and 0 < y < 1e6 else None


def _as_bytes(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode()
    return bytes(value) if isinstance(value, (bytes, bytearray)) else b""

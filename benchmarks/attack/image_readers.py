"""Readers of pictures and masks, and the writers of what they carry over."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.attack.reader import Reader
from PIL import Image, ImageCms, features

from maskgan.cli.frame import remembered_frame
from maskgan.images import (
    PICTURE_SUFFIXES,
    decode_source,
    encode_label_map,
    encode_source,
    read_label_map,
    read_picture,
    read_source,
)
from maskgan.labels import LabelMap, colourise
from maskgan.provenance import write_edited

_XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    b"</rdf:RDF></x:xmpmeta>"
)
_IPTC = b"\x1c\x02\x05\x00\x05Title\x1c\x02\x19\x00\x03key"
_MANY_ENTRIES = 6000
_FRAME = '{"x": 24, "y": 24.5, "side": 20, "angle": 3}'


def image_readers(picture: np.ndarray, label_map: LabelMap) -> list[Reader]:
    """The readers of images; seeds are made of a face of H x W x 3 uint8 and its mask."""
    pictures = encoded_pictures(picture)
    masks = encoded_masks(label_map)
    jpeg, png = _jpeg(picture), _png(picture)
    readers = [
        Reader("picture", ".jpg", pictures, read_picture),
        Reader("written picture", ".jpg", [*pictures, jpeg, png], _write_edited),
        Reader("PNG with checksums", ".png", [png], _write_edited, _with_png_checksums),
        Reader("kept picture", ".png", [jpeg, png], _keep),
        Reader("mask", ".png", masks, read_label_map),
        Reader("mask with checksums", ".png", [masks[0], masks[1]], read_label_map, _with_png_checksums),
        Reader("nearest colours", ".png", masks, partial(read_label_map, nearest_colour=True), every=4),
        Reader("frame of a face", ".png", [_png(picture, {"maskgan-frame": _FRAME})], remembered_frame),
    ]
    blocks: dict[str, tuple[bytes, Callable[[bytes], dict[str, Any]]]] = {
        "EXIF": (_exif(), lambda block: {"exif": b"Exif\0\0" + block[:60_000]}),
        "profile": (_profile(), lambda block: {"icc_profile": block}),
        "XMP": (_XMP, lambda block: {"xmp": block[:60_000]}),
        "IPTC": (_IPTC, lambda block: {"extra": _photoshop(block[:60_000])}),
    }
    for name, (block, options) in blocks.items():
        readers.append(Reader(name, ".jpg", [block], _write_edited, partial(_jpeg_with, picture, options)))
    repeated = [_pointing_exif(own=True), _pointing_exif(own=False), _exif()]
    readers.append(Reader("EXIF of many entries", ".png", repeated, _write_edited, partial(_png_of_many, picture)))
    for name, found in _modern(picture).items():
        readers.append(Reader(name, f".{name.lower()}", found, _write_edited, every=2))
    return readers


def encoded_pictures(pixels: np.ndarray) -> list[bytes]:
    """A picture in every format that is read and can be written here."""
    image = Image.fromarray(pixels)
    found = [_saved(image, name) for name in ("PNG", "JPEG", "BMP", "GIF", "TIFF", "PPM")]
    found.append(_saved(image, "JPEG", progressive=True))
    for mode in ("L", "P", "RGBA", "1"):
        found.append(_saved(image.convert(mode), "PNG"))
    found.append(_saved(image.convert("CMYK"), "JPEG"))
    found.append(_saved(Image.fromarray(pixels[..., 0].astype(np.uint16) << 8), "PNG"))
    found += [
        _saved(image, "TIFF", compression=kind) for kind in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")
    ]
    found.append(_saved(image, "GIF", save_all=True, append_images=[image.rotate(90)]))
    for name, feature in (("WEBP", "webp"), ("AVIF", "avif"), ("JPEG2000", "jpg_2000")):
        if features.check(feature):
            found.append(_saved(image, name))
    return [*found, *_modern(pixels).get("HEIC", [])]


def _modern(pixels: np.ndarray) -> dict[str, list[bytes]]:
    """HEIC and AVIF pictures, with and without metadata, where they can be written."""
    image, found = Image.fromarray(pixels), {}
    if features.check("avif"):
        found["AVIF"] = [_saved(image, "AVIF"), _saved(image, "AVIF", exif=b"Exif\0\0" + _exif(), xmp=_XMP)]
    try:
        import pillow_heif
    except ImportError:
        return found
    pillow_heif.register_heif_opener()
    found["HEIC"] = [
        _saved(image, "HEIF", quality=60),
        _saved(image, "HEIF", quality=60, exif=b"Exif\0\0" + _exif(), xmp=_XMP, icc_profile=_profile()),
    ]
    return found


def encoded_masks(label_map: LabelMap) -> list[bytes]:
    """A mask as indices and as colours in every format that holds one without loss."""
    colours = Image.fromarray(colourise(label_map))
    grey = Image.fromarray(label_map)
    found = [
        encode_label_map(label_map),
        _saved(colours, "PNG"),
        _saved(grey, "PNG"),
        _saved(colours.quantize(), "PNG"),
    ]
    found += [_saved(image, kind) for image in (grey, colours) for kind in ("BMP", "TIFF", "GIF")]
    return [*found, _saved(colours, "WEBP", lossless=True)]


def _write_edited(path: Path) -> None:
    """Read a photograph, change a pixel, and write it as a kind of file that its content chooses."""
    source = read_source(path)
    picture = source.picture.copy()
    picture[:4, :4] ^= 64
    suffixes = list(PICTURE_SUFFIXES)
    suffix = suffixes[zlib.crc32(path.read_bytes()) % len(suffixes)]
    write_edited(path.with_name(f"written{suffix}"), picture, source)


def _keep(path: Path) -> None:
    """Read a photograph as a project keeps it: what is kept must be readable, and have the same pixels."""
    source = read_source(path)
    kept = decode_source(io.BytesIO(encode_source(source)), "what was kept")
    if not np.array_equal(kept.picture, source.picture):
        raise AssertionError("what was kept has other pixels")


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _jpeg(pixels: np.ndarray) -> bytes:
    return _jpeg_with(
        pixels,
        lambda block: {"exif": b"Exif\0\0" + block, "icc_profile": _profile(), "xmp": _XMP, "comment": b"hello"},
        _exif(),
    )


def _jpeg_with(pixels: np.ndarray, options: Callable[[bytes], dict[str, Any]], block: bytes) -> bytes:
    return _saved(Image.fromarray(pixels), "JPEG", **options(block))


def _png(pixels: np.ndarray, text: dict[str, str] | None = None) -> bytes:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for key, value in (text or {"Title": "a face"}).items():
        info.add_text(key, value)
    info.add_itxt("XML:com.adobe.xmp", _XMP.decode())
    info.add(b"gAMA", struct.pack(">I", 45455))
    info.add(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000))
    image = Image.fromarray(pixels)
    return _saved(image, "PNG", pnginfo=info, exif=b"Exif\0\0" + _exif(), dpi=(72, 72))


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0132] = 6, "Maker", "2026:01:02 03:04:05"
    exif[0x8769] = {0x9003: "2026:01:02 03:04:05", 0xA002: 48, 0xA003: 48, 0x927C: b"maker's note" * 4, 0xA001: 65535}
    exif[0x8825] = {1: "N", 2: (1.0, 2.0, 3.0)}
    return exif.tobytes().removeprefix(b"Exif\0\0")


def _pointing_exif(own: bool) -> bytes:
    """An EXIF block that points at its own first directory, or at one that stands in front of it."""
    sizes = struct.pack("<HHIIHHII", 0xA002, 4, 1, 48, 0xA003, 4, 1, 48)
    first = 8 if own else 8 + 2 + len(sizes) + 4
    inner = b"" if own else struct.pack("<H", 2) + sizes + bytes(4)
    entries = struct.pack("<HHIHHHHII", 0x0112, 3, 1, 6, 0, 0x8769, 4, 1, 8) + (sizes if own else b"")
    return b"II*\0" + struct.pack("<I", first) + inner + struct.pack("<H", len(entries) // 12) + entries + bytes(4)


def _png_of_many(pixels: np.ndarray, block: bytes) -> bytes:
    """A PNG with an EXIF block whose first directory has its entries again and again, up to 6,000."""
    order = ">" if block[:1] == b"M" else "<"
    if len(block) >= 8:
        start = struct.unpack_from(f"{order}I", block, 4)[0]
        number = struct.unpack_from(f"{order}H", block, start)[0] if start + 2 <= len(block) else 0
        entries, end = block[start + 2 : start + 2 + 12 * number], start + 2 + 12 * number
        if 0 < number <= _MANY_ENTRIES and len(entries) == 12 * number:
            times = _MANY_ENTRIES // number
            block = block[:start] + struct.pack(f"{order}H", times * number) + entries * times + block[end:]
    return _saved(Image.fromarray(pixels), "PNG", exif=b"Exif\0\0" + block)


def _profile() -> bytes:
    return bytes(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())


def _photoshop(block: bytes) -> bytes:
    body = b"Photoshop 3.0\x008BIM" + struct.pack(">HHI", 0x0404, 0, len(block)) + block
    return b"\xff\xed" + struct.pack(">H", len(body) + 2) + body


def _with_png_checksums(data: bytes) -> bytes:
    """A PNG with the checksums of its chunks made right, as far as chunks can be told."""
    fixed, position = bytearray(data), 8
    while position + 12 <= len(fixed):
        end = position + 8 + int.from_bytes(fixed[position : position + 4], "big")
        if end + 4 > len(fixed):
            break
        fixed[end : end + 4] = zlib.crc32(fixed[position + 4 : end]).to_bytes(4, "big")
        position = end + 4
    return bytes(fixed)

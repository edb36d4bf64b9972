"""Writing pictures, alone or as an edit of a photograph whose metadata and colour space they keep."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from maskgan.errors import UserError
from maskgan.files import atomic_path
from maskgan.images.exif import PREFIX, sized_exif
from maskgan.images.formats import quiet
from maskgan.images.metadata import Metadata, photoshop_segment, png_iptc, tiff_tags, upright_xmp
from maskgan.images.reading import Picture, SourceImage
from maskgan.labels import strips

PICTURE_SUFFIXES: Mapping[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"lossless": True, "exact": True}),
    ".tif": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ".bmp": ("BMP", {}),
}
"""What pictures can be written as: Pillow's name of the format, and its options."""

_MAX_SIDES = {".webp": 16_383, ".jpg": 65_500, ".gif": 65_535}
"""Pixels a side that a format's libraries write at most."""

_SAME_SUFFIX = {".jpeg": ".jpg", ".tiff": ".tif"}
_LARGE = 4_000_000  # pixels from which the time of strong compression counts
_FAST_LEVEL = 1  # of PNG compression: photographs shrink little more for ten times the time
_MAX_SEGMENT = 65_533  # bytes in one segment of a JPEG
_XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
_log = logging.getLogger(__name__)


def write_picture(path: Path | str, picture: Picture, **metadata: Any) -> None:
    """Write a picture; the suffix chooses PNG, JPEG (quality 95), WebP (lossless), TIFF or BMP.

    Args:
        path: the file.
        picture: H x W x 3 uint8 RGB.
        **metadata: what the file is to carry besides, as Pillow's writer of that format takes it.

    Raises:
        UserError: the suffix is unknown, the picture is too large for the format, or the file cannot be written;
            nothing is left half-written.
    """
    path = Path(path)
    suffix = check_picture_path(path)
    _check_side(picture.shape, suffix, str(path))
    format, options = PICTURE_SUFFIXES[suffix]
    with atomic_path(path) as temporary:
        Image.fromarray(picture).save(temporary, format=format, **options, **metadata)


def write_animation(path: Path | str, frames: Sequence[Picture], seconds: float = 0.1) -> None:
    """Write pictures of one size as an animated GIF that repeats for ever.

    Raises:
        UserError: the pictures are too large for a GIF, or the file cannot be written; nothing is left half-written.
    """
    _check_side(frames[0].shape, ".gif", str(path))
    first, *others = (Image.fromarray(frame) for frame in frames)
    with atomic_path(Path(path)) as temporary:
        first.save(temporary, save_all=True, append_images=others, duration=round(1000 * seconds), loop=0)


def check_picture_path(path: Path) -> str:
    """The suffix, in its usual spelling, if ``write_picture`` can write such a file.

    Raises:
        UserError: it cannot.
    """
    suffix = _SAME_SUFFIX.get(path.suffix.lower(), path.suffix.lower())
    if suffix not in PICTURE_SUFFIXES:
        raise UserError(
            f"{path}: cannot write {path.suffix or 'a file without suffix'}; use .png, .jpg, .webp, .tif or .bmp"
        )
    return suffix


def encode_edit(picture: Picture, suffix: str, source: SourceImage | None, xmp: bytes, name: str) -> bytes:
    """The file of an edited photograph.

    Pixels that equal ``source.picture`` keep the numbers of the source's file, in its colour space, opacity and all;
    a JPEG is compressed with the source's tables, and copied where nothing was edited at all.

    Args:
        picture: H x W x 3 uint8 sRGB.
        suffix: a key of ``PICTURE_SUFFIXES``.
        source: what was edited; ``None`` if the picture is nobody's edit.
        xmp: XMP packet to carry.
        name: what messages call the file.
    """
    _check_side(picture.shape, suffix, name)
    metadata = Metadata() if source is None else source.metadata
    if source is not None and source.jpeg is not None and suffix == ".jpg" and _is_unedited(picture, source):
        return source.jpeg if xmp == metadata.xmp else _with_xmp(source.jpeg, xmp)
    image = Image.fromarray(picture) if source is None else _in_space(picture, source, suffix)
    icc = metadata.icc_profile if _fits(metadata.icc_profile, source, image) else b""
    metadata = replace(metadata, icc_profile=icc, xmp=upright_xmp(xmp))
    try:
        return _encoded(image, suffix, metadata, name)
    except Exception:
        if suffix != ".tif" or not metadata.exif:
            raise
        # A TIFF's EXIF fields are tags of its own, which Pillow parses and writes anew; damaged ones fail in many ways.
        _log.warning("%s: a TIFF cannot hold its damaged EXIF fields; they are left out", name)
        return _encoded(image, suffix, replace(metadata, exif=b""), name)


def _check_side(shape: tuple[int, ...], suffix: str, name: str) -> None:
    """Raise unless a file of this suffix, in its usual spelling, can hold a picture of H x W x 3."""
    limit = _MAX_SIDES.get(suffix, max(shape))
    if max(shape) > limit:
        raise UserError(
            f"{name}: {shape[1]}x{shape[0]} is too large for {suffix}, which holds {limit} pixels a side; "
            "write .png or .tif"
        )


def _encoded(image: Image.Image, suffix: str, metadata: Metadata, name: str) -> bytes:
    """The file of an image with its metadata."""
    format, options = PICTURE_SUFFIXES[suffix]
    buffer = BytesIO()
    # Of a crop the photograph's size would be wrong.
    metadata = replace(metadata, exif=sized_exif(metadata.exif, image.width, image.height))
    with quiet():
        carried = _carried(suffix, metadata, name)
        if suffix == ".png" and image.width * image.height > _LARGE:
            carried["compress_level"] = _FAST_LEVEL
        image.save(buffer, format, **{**options, **carried})
    return buffer.getvalue()


def encode_source(source: SourceImage) -> bytes:
    """A photograph as a PNG from which ``decode_source`` reads the same pixels, metadata and colour space.

    What a PNG has no place for is left out: a JPEG's quality and comment.
    """
    metadata = source.metadata
    image = _in_space(source.picture, source, ".png")
    icc = metadata.icc_profile if _fits(metadata.icc_profile, source, image) else b""
    metadata = replace(metadata, icc_profile=icc, xmp=upright_xmp(metadata.xmp))
    metadata = replace(metadata, exif=sized_exif(metadata.exif, image.width, image.height))
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=_FAST_LEVEL, **_carried(".png", metadata, "the photograph"))
    return buffer.getvalue()


def _is_unedited(picture: Picture, source: SourceImage) -> bool:
    return np.array_equal(picture, source.picture)


def _in_space(picture: Picture, source: SourceImage, suffix: str) -> Image.Image:
    """An edited picture in its source's colour space and mode."""
    if source.picture.shape != picture.shape:
        return Image.fromarray(picture if source.space is None else source.space.from_srgb(picture))
    space = source.space
    pixels = picture if space is None else space.with_edit(source.own, source.picture, picture)
    if source.alpha is not None and suffix in (".png", ".webp", ".tif"):
        rgba = np.empty((*picture.shape[:2], 4), np.uint8)
        for rows in strips(picture.shape[:2]):
            kept = (picture[rows] == source.picture[rows]).all(axis=-1)
            rgba[rows, :, :3] = np.where(kept[..., None], source.own[rows], pixels[rows])
            rgba[rows, :, 3] = np.where(kept, source.alpha[rows], 255)
        return Image.fromarray(rgba)
    keeps_meaning = space is None or (suffix == ".png" and source.metadata.chunks)
    if source.grey and keeps_meaning and (pixels == pixels[..., :1]).all():
        return Image.fromarray(np.ascontiguousarray(pixels[..., 0]))
    return Image.fromarray(pixels)


def _fits(profile: bytes, source: SourceImage | None, image: Image.Image) -> bool:
    """Whether a profile still describes the pixels: those of grey and CMYK files were converted to sRGB."""
    return bool(profile) and source is not None and image.mode in ("RGB", "RGBA") and profile[16:20] == b"RGB "


def _carried(suffix: str, metadata: Metadata, name: str) -> dict[str, Any]:
    """What to tell Pillow's writer of metadata."""
    if suffix == ".bmp":
        if metadata.exif or metadata.iptc or metadata.icc_profile:
            _log.warning("%s: BMP files carry no metadata and no colour profile; write .png to keep them", name)
        return {"dpi": metadata.dpi} if metadata.dpi else {}
    named = suffix == ".png" and metadata.chunks  # the space, so that no profile is needed
    options: dict[str, Any] = {"icc_profile": None if named else metadata.icc_profile or None}
    if suffix == ".tif":
        options["exif"] = tiff_tags(metadata)
        if metadata.exif:
            options["compression"] = "raw"  # Pillow's compressed TIFFs cannot hold EXIF's own directories
    elif metadata.exif:
        options["exif"] = metadata.exif if suffix == ".webp" else PREFIX + metadata.exif
    if metadata.dpi and suffix != ".webp":
        options["dpi"] = metadata.dpi
    if suffix == ".png":
        options["pnginfo"] = _png_info(metadata)
    elif suffix == ".webp":
        options["xmp"] = metadata.xmp
        if metadata.iptc:
            _log.warning("%s: WebP files carry no IPTC records; write .jpg, .png or .tif to keep them", name)
    elif suffix == ".jpg":
        options |= _jpeg_options(metadata, name)
    return options


def _jpeg_options(metadata: Metadata, name: str) -> dict[str, Any]:
    options: dict[str, Any] = {"extra": b"", "xmp": metadata.xmp}
    if metadata.exif and len(metadata.exif) + len(PREFIX) > _MAX_SEGMENT:
        _log.warning("%s: a JPEG cannot hold the %d bytes of EXIF; they are left out", name, len(metadata.exif))
        options["exif"] = b""
    segment = photoshop_segment(metadata.iptc)
    if metadata.iptc and len(segment) > _MAX_SEGMENT:
        _log.warning("%s: a JPEG cannot hold the %d bytes of IPTC; they are left out", name, len(metadata.iptc))
    elif metadata.iptc:
        options["extra"] = b"\xff\xed" + (len(segment) + 2).to_bytes(2, "big") + segment
    if metadata.comment and len(metadata.comment) <= _MAX_SEGMENT:
        options["comment"] = metadata.comment
    if (coding := metadata.jpeg) is not None:
        tables = [list(table) for table in coding.tables]
        options |= {"qtables": tables, "quality": -1, "subsampling": coding.subsampling}
        options["progressive"] = coding.progressive
    return options


def _png_info(metadata: Metadata) -> PngInfo:
    info = PngInfo()
    for kind, body in metadata.chunks:
        info.add(kind, body)
    if metadata.xmp:
        info.add_itxt("XML:com.adobe.xmp", metadata.xmp)
    for key, value in metadata.text.items():
        info.add_text(key, value)
    if metadata.iptc:
        info.add_text("Raw profile type iptc", png_iptc(metadata.iptc), zip=True)
    return info


def _with_xmp(jpeg: bytes, xmp: bytes) -> bytes:
    """A JPEG file with another XMP packet; everything else keeps its bytes."""
    segments, position = [b"\xff\xd8"], 2
    body = _XMP_MARK + xmp
    packet = b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body
    placed = False
    while jpeg[position : position + 1] == b"\xff" and position + 4 <= len(jpeg):
        marker = jpeg[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        size = int.from_bytes(jpeg[position + 2 : position + 4], "big")
        segment = jpeg[position : position + 2 + size]
        is_header = marker == 0xE0 or segment[4:].startswith(PREFIX)
        if not placed and not is_header:
            segments.append(packet)
            placed = True
        if not 0xE0 <= marker <= 0xEF and marker != 0xFE:
            break
        if not segment[4:].startswith(_XMP_MARK):
            segments.append(segment)
        position += 2 + size
    return b"".join([*segments, jpeg[position:]])

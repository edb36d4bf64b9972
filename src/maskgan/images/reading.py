"""Reading photographs: upright 8-bit sRGB for the networks, and what the file carries besides."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from maskgan.errors import UserError
from maskgan.files import require_file
from maskgan.images.colour import ColourSpace, colour_space, image_to_srgb
from maskgan.images.formats import load_image, open_image, quiet
from maskgan.images.metadata import Metadata, metadata_of
from maskgan.images.named_spaces import NamedSpace, named_space
from maskgan.labels import strips

Picture = NDArray[np.uint8]
"""H x W x 3, uint8, sRGB, upright."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SourceImage:
    """A photograph with all that its file carries, so that an edit of it can be written as the same kind of file.

    Attributes:
        picture: H x W x 3 uint8 sRGB, upright; transparent parts lie over white.
        metadata: EXIF, IPTC, XMP and so on.
        space: the file's colour space if it is not sRGB.
        own: the pixels in ``space``, H x W x 3 uint8, before transparency; ``picture`` if they are the same.
        alpha: H x W uint8 opacity, if any pixel is transparent.
        grey: whether the file has no colours.
        jpeg: the whole file, if it is a JPEG.
    """

    picture: Picture
    metadata: Metadata
    space: ColourSpace | None
    own: Picture
    alpha: NDArray[np.uint8] | None
    grey: bool
    jpeg: bytes | None

    @classmethod
    def plain(cls, picture: Picture) -> SourceImage:
        """H x W x 3 uint8 sRGB pixels that come from no file."""
        return cls(picture, Metadata(), None, picture, None, False, None)

    def without_description(self) -> SourceImage:
        """The same without EXIF, IPTC, XMP, comments and texts, which may say who and where somebody is."""
        kept = self.metadata
        bare = Metadata(icc_profile=kept.icc_profile, dpi=kept.dpi, chunks=kept.chunks, jpeg=kept.jpeg)
        return replace(self, metadata=bare, jpeg=None)

    @property
    def nbytes(self) -> int:
        """Memory of pixels and file, in bytes."""
        own = 0 if self.own is self.picture else self.own.nbytes
        alpha = 0 if self.alpha is None else self.alpha.nbytes
        return self.picture.nbytes + own + alpha + (0 if self.jpeg is None else len(self.jpeg))


def read_picture(path: Path | str) -> Picture:
    """Read a photograph as H x W x 3 uint8 sRGB: upright by its EXIF tag, alpha over white, colours by its profile.

    Raises:
        UserError: no such file, not a picture, truncated, below 16 px a side, over 120 Mpx, or over 64 times as long as
            wide.
    """
    path = require_file(Path(path))
    with open(path, "rb") as stream:
        return decode_picture(stream, str(path))


def decode_picture(stream: BinaryIO, name: str) -> Picture:
    """As ``read_picture``, from an open stream; ``name`` is used in messages."""
    image = _opened(stream, name)
    return _decode(image, _colours_of(image, stream, name), name)[0]


def read_source(path: Path | str) -> SourceImage:
    """Read a photograph with its metadata; errors as for ``read_picture``."""
    path = require_file(Path(path))
    with open(path, "rb") as stream:
        return decode_source(stream, str(path))


def decode_source(stream: BinaryIO, name: str) -> SourceImage:
    """As ``read_source``, from an open stream; ``name`` is used in messages."""
    image = _opened(stream, name)
    colours = _colours_of(image, stream, name)
    metadata = metadata_of(image)
    if colours.profile or colours.chunks:
        metadata = replace(metadata, icc_profile=colours.profile, chunks=colours.chunks)
    jpeg = None
    if image.format in ("JPEG", "MPO"):
        stream.seek(0)
        jpeg = stream.read()
    grey = image.mode in ("1", "L", "LA", "I", "F") or image.mode.startswith("I;16")
    picture, space, own, alpha = _decode(image, colours, name)
    return SourceImage(picture, metadata, space, own, alpha, grey, jpeg)


def upright(image: Image.Image, name: str) -> Image.Image:
    """Turn a decoded image in place as its EXIF orientation says; one that cannot be read is warned of."""
    try:
        with quiet():
            ImageOps.exif_transpose(image, in_place=True)
    except Exception as error:  # a malformed EXIF block must not cost the picture
        _log.warning("%s: its EXIF orientation cannot be read (%s); taken as it lies", name, error)
    return image


def _opened(stream: BinaryIO, name: str) -> Image.Image:
    image = open_image(stream, name)
    if _bit_depth(image) > 8:
        _log.warning("%s: has %d bits a channel; 8 are kept", name, _bit_depth(image))
    load_image(image, name)
    if image.format != "MPO" and _is_animated(image):
        _log.warning("%s: holds several pictures; the first is taken", name)
    return image


def _is_animated(image: Image.Image) -> bool:
    try:
        with quiet():
            return bool(getattr(image, "is_animated", False))
    except Exception:  # what follows the first picture may be damaged in any way, and is not needed
        return True


def _colours_of(image: Image.Image, stream: BinaryIO, name: str) -> NamedSpace:
    """The file's profile, its own or one made of what it names; without one its colours are sRGB."""
    own = image.info.get("icc_profile")
    with quiet():
        named = None if own else named_space(image, stream, name)
    return named or NamedSpace(own if isinstance(own, bytes) else b"")


def _decode(
    image: Image.Image, colours: NamedSpace, name: str
) -> tuple[Picture, ColourSpace | None, Picture, NDArray[np.uint8] | None]:
    """The sRGB picture, the file's colour space, the pixels there, and the opacity."""
    profile = colours.profile
    image = upright(image, name)
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        image = _from_deep(image, name)
    if image.has_transparency_data:
        own, alpha = _rgb_and_opacity(image)
        space = colour_space(profile, name) if profile else None
    else:
        alpha = space = None
        if profile and image.mode in ("L", "CMYK") and not colours.chunks:
            image = image_to_srgb(image, profile, name) or image
        elif profile and image.mode in ("RGB", "P", "RGBX", "YCbCr", "L"):
            space = colour_space(profile, name)
        own = rgb_pixels(image)
    picture = own if space is None else space.to_srgb(own)
    return picture if alpha is None else over_white(picture, alpha), space, own, alpha


def rgb_pixels(image: Image.Image) -> Picture:
    """H x W x 3 uint8 of an image of any 8-bit mode.

    Strip by strip, for Pillow holds 4 bytes a pixel, and converts large images with up to three copies of them.
    """
    width, height = image.size
    pixels = np.empty((height, width, 3), np.uint8)
    for rows, strip in image_strips(image):
        pixels[rows] = np.asarray(strip if strip.mode == "RGB" else strip.convert("RGB"))
    return pixels


def _rgb_and_opacity(image: Image.Image) -> tuple[Picture, NDArray[np.uint8] | None]:
    """H x W x 3 colours and H x W opacity of an image of any 8-bit mode; no opacity where all of it is opaque."""
    width, height = image.size
    pixels, alpha = np.empty((height, width, 3), np.uint8), np.empty((height, width), np.uint8)
    for rows, strip in image_strips(image):
        values = np.asarray(strip.convert("RGBA"))
        pixels[rows], alpha[rows] = values[..., :3], values[..., 3]
    return pixels, alpha if (alpha < 255).any() else None


def image_strips(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """The rows of each strip, see ``strips``, and the strip."""
    for rows in strips((image.height, image.width)):
        yield rows, image.crop((0, rows.start, image.width, rows.stop))


def over_white(pixels: Picture, alpha: NDArray[np.uint8]) -> Picture:
    """Lay H x W x 3 pixels of H x W opacity over white."""
    result = np.empty_like(pixels)
    for rows in strips(alpha.shape):
        strip = Image.fromarray(np.dstack([pixels[rows], alpha[rows]]))
        white = Image.new("RGBA", strip.size, "white")
        result[rows] = np.asarray(Image.alpha_composite(white, strip))[..., :3]
    return result


def _bit_depth(image: Image.Image) -> int:
    """Bits of each channel, as far as the file says; Pillow itself gives most deep colour pictures as 8 bits."""
    if image.mode.startswith("I;16") or image.mode == "I":
        return 16
    if image.mode == "F":
        return 32
    if image.format == "PNG":
        tiles = getattr(image, "tile", None)
        raw = tiles[0].args if tiles else ""
        return 16 if "16" in str(raw) else 8
    if image.format == "TIFF":
        bits = image.tag_v2.get(258, (8,))  # type: ignore[attr-defined]
        return max(bits) if isinstance(bits, tuple) else int(bits)
    return int(image.info.get("bit_depth", 8))


def _from_deep(image: Image.Image, name: str) -> Image.Image:
    """16- and 32-bit grey to 8 bit; a float picture must lie in 0..1 or 0..255."""
    peak = 0.0
    for _, strip in image_strips(image):
        values = np.asarray(strip)
        if not np.isfinite(values).all() or values.min() < 0:
            raise UserError(f"{name}: holds negative or non-finite values; save it as an 8-bit picture")
        peak = max(peak, float(values.max()))
    full_scale = 1.0 if image.mode == "F" and peak <= 1 else 255.0 if peak <= 255 else 65535.0
    result = np.empty((image.height, image.width), np.uint8)
    for rows, strip in image_strips(image):
        values = np.asarray(strip, dtype=np.float64 if image.mode != "F" else np.float32)
        result[rows] = np.round(values.clip(max=full_scale) * (255.0 / full_scale))
    return Image.fromarray(result)

"""Pictures as files in an answer."""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import Literal

from PIL import Image

from maskgan.images import Picture

Format = Literal["png", "jpeg"]

_PREVIEW_QUALITY = 85
_QUALITY = 95
_PNG_LEVEL = 1  # the page shows such a picture once; stronger compression would only delay it


def encode(picture: Picture, format: Format, preview: bool = False) -> bytes:
    """H x W x 3 uint8 to the bytes of a file; a preview is smaller and less exact."""
    buffer = BytesIO()
    image = Image.fromarray(picture)
    if format == "png":
        # Runs alone take two thirds of the time of a search for repetitions, which filtered photographs hardly have.
        image.save(buffer, "PNG", compress_level=_PNG_LEVEL, compress_type=zlib.Z_RLE)
    elif preview:
        image.save(buffer, "JPEG", quality=_PREVIEW_QUALITY)
    else:
        image.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    return buffer.getvalue()


def wanted_format(accept: str, default: Format) -> Format:
    """The format that an ``Accept`` header names, if it names just one of the two."""
    png, jpeg = "image/png" in accept.lower(), "image/jpeg" in accept.lower()
    if png == jpeg:
        return default
    return "png" if png else "jpeg"

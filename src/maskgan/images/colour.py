"""Colour profiles: from a picture's own colour space to sRGB, which the networks know, and back.

Relative colorimetric with black point compensation, as browsers and editors show photographs.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

Pixels = NDArray[np.uint8]
"""H x W x 3, uint8."""

_STRIP = 512  # rows converted at a time, for the memory's sake
_FADE = 32.0  # an edit of this many levels keeps nothing of what lay outside sRGB
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ColourSpace:
    """An RGB colour space that is not sRGB, by the ICC profile of a picture."""

    profile: bytes

    def to_srgb(self, pixels: Pixels) -> Pixels:
        """Convert H x W x 3 uint8 from this space; colours outside sRGB are clipped."""
        return self._convert(pixels, 0)

    def from_srgb(self, pixels: Pixels) -> Pixels:
        """Convert H x W x 3 uint8 to this space."""
        return self._convert(pixels, 1)

    def with_edit(self, own: Pixels, before: Pixels, after: Pixels) -> Pixels:
        """Carry an edit made in sRGB over to a picture of this space.

        Args:
            own: the picture's numbers in this space, H x W x 3 uint8.
            before: ``to_srgb(own)``.
            after: the edited sRGB picture.

        Returns:
            H x W x 3 uint8 in this space. Pixels that the edit left alone are those of ``own``, bit for bit; what sRGB
            clipped fades out as the edit grows.
        """
        result = own.copy()
        for row in range(0, own.shape[0], _STRIP):
            strip = slice(row, row + _STRIP)
            change = np.abs(after[strip].astype(np.int16) - before[strip]).max(axis=-1, keepdims=True)
            if not change.any():
                continue
            lost = own[strip].astype(np.float32) - self.from_srgb(before[strip])
            kept = np.clip(1 - change / _FADE, 0, 1)
            result[strip] = np.rint(self.from_srgb(after[strip]) + lost * kept).clip(0, 255)
        return result

    def _convert(self, pixels: Pixels, direction: int) -> Pixels:
        transforms = _transforms(self.profile)
        assert transforms is not None
        result = np.empty_like(pixels)
        for row in range(0, pixels.shape[0], _STRIP):
            strip = Image.fromarray(np.ascontiguousarray(pixels[row : row + _STRIP]))
            result[row : row + _STRIP] = np.asarray(ImageCms.applyTransform(strip, transforms[direction]))
        return result


def colour_space(profile: bytes, name: str) -> ColourSpace | None:
    """The colour space of an ICC profile; ``None`` if it is sRGB, no RGB profile, or damaged (which is warned of)."""
    try:
        return None if _transforms(profile) is None else ColourSpace(profile)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        _log.warning("%s: its colour profile cannot be used (%s); colours are taken as sRGB", name, error)
        return None


def image_to_srgb(image: Image.Image, profile: bytes, name: str) -> Image.Image | None:
    """A grey or CMYK image as sRGB by its profile; ``None`` if the profile does not fit the image's mode."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if source.profile.xcolor_space.strip() != {"L": "GRAY", "CMYK": "CMYK"}.get(image.mode):
            return None
        return ImageCms.profileToProfile(image, source, _srgb(), _INTENT, "RGB", flags=_FLAGS)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        _log.warning("%s: its colour profile cannot be used (%s)", name, error)
        return None


@lru_cache(maxsize=8)
def _transforms(profile: bytes) -> tuple[ImageCms.ImageCmsTransform, ImageCms.ImageCmsTransform] | None:
    """To sRGB and back; ``None`` if the profile is sRGB's, or of another kind than RGB."""
    own = ImageCms.ImageCmsProfile(BytesIO(profile))
    if own.profile.xcolor_space.strip() != "RGB":
        return None
    there = ImageCms.buildTransform(own, _srgb(), "RGB", "RGB", _INTENT, _FLAGS)
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(len(steps), -1, 3)
    converted = np.asarray(ImageCms.applyTransform(Image.fromarray(grid), there)).astype(np.int16)
    if np.abs(converted - grid).max() <= 2:
        return None  # one of the many files that say sRGB; a conversion would only round
    return there, ImageCms.buildTransform(_srgb(), own, "RGB", "RGB", _INTENT, _FLAGS)


@lru_cache(maxsize=1)
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))

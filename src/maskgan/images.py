"""Reading and writing pictures and label maps, checked.

Pictures are H x W x 3 uint8 RGB arrays, upright; label maps are H x W uint8 arrays in CelebAMask-HQ order.
A label is never blended: label maps are resized by nearest neighbour and stored without loss.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from maskgan import labels
from maskgan.errors import UserError
from maskgan.files import atomic_path, require_file
from maskgan.label_order import guess_order
from maskgan.labels import LabelMap

Picture = NDArray[np.uint8]
"""H x W x 3, uint8, RGB."""

MAX_PIXELS = 64_000_000
"""Larger pictures are refused before they are decoded (64 Mpx take 192 MB as RGB)."""

MIN_SIDE = 16
"""Below this many pixels a side there is no face to see."""

_LOSSY_FORMATS = {"JPEG", "WEBP", "AVIF", "HEIF", "JPEG2000"}
PICTURE_SUFFIXES: dict[str, dict[str, Any]] = {
    ".png": {},
    ".jpg": {"quality": 95, "subsampling": 0},
    ".webp": {"lossless": True},
    ".bmp": {},
}
"""What pictures can be written as, and how."""

_log = logging.getLogger(__name__)


def read_picture(path: Path | str) -> Picture:
    """Read a photograph: upright by its EXIF tag, alpha over white, any mode to 8-bit RGB.

    Raises:
        UserError: no such file, not a picture, truncated, below 16 px a side or over 64 Mpx.
    """
    path = require_file(Path(path))
    with open(path, "rb") as stream:
        return decode_picture(stream, str(path))


def decode_picture(stream: BinaryIO, name: str) -> Picture:
    """As ``read_picture``, from an open stream; ``name`` is used in messages."""
    image = _open(stream, name)
    _load(image, name)
    try:
        image = ImageOps.exif_transpose(image)
    except Exception as error:  # a malformed EXIF block must not cost the picture
        _log.warning("%s: its EXIF orientation cannot be read (%s); taken as it lies", name, error)
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        image = _from_deep(image, name)
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return np.asarray(image.convert("RGB"), dtype=np.uint8)


def read_label_map(path: Path | str, order: str = "auto") -> LabelMap:
    """Read a mask: indices (grey, palette or 16-bit PNG) or a colour mask with the CelebAMask-HQ palette.

    Args:
        path: the mask's file.
        order: the label order of the file (see ``labels.ORDERS``), or ``auto``: taken as CelebAMask-HQ order, with a
            warning if another order fits what is seen much better.

    Returns:
        H x W uint8, values 0..18, CelebAMask-HQ order.

    Raises:
        UserError: no such file, not a picture, truncated, saved with loss, a value over 18, a foreign colour, a
            black-and-white part mask, below 16 px a side or over 64 Mpx.
    """
    path = require_file(Path(path))
    with open(path, "rb") as stream:
        label_map = decode_label_map(stream, str(path))
    if order == "auto":
        guess = guess_order(label_map)
        if guess.order != "celebamask-hq":
            _log.warning(
                "%s: looks like the %r label order, not CelebAMask-HQ; if so, add '--order %s' "
                "or convert it with 'maskgan labels convert'",
                path,
                guess.order,
                guess.order,
            )
        return label_map
    return labels.convert_order(label_map, order)


def decode_label_map(stream: BinaryIO, name: str) -> LabelMap:
    """As ``read_label_map`` from an open stream, the labels left in the file's own order."""
    image = _open(stream, name)
    if image.format in _LOSSY_FORMATS and not _is_lossless_webp(image, stream):
        raise UserError(f"{name}: a {image.format} mask has blurred labels; save masks as PNG")
    _load(image, name)
    if image.mode == "1":
        raise UserError(f"{name}: a black-and-white mask shows one part only; a label map with values 0..18 is needed")
    if image.mode in ("RGB", "RGBA"):
        return _labels_from_rgb(np.asarray(image), name)
    if image.mode not in ("L", "P", "I", "LA") and not image.mode.startswith("I;16"):
        raise UserError(f"{name}: a mask of mode {image.mode} is not understood; save it as an 8-bit grey PNG")
    indices = np.asarray(image)
    if image.mode == "LA":
        indices = indices[..., 0]
    values = np.unique(indices)
    if image.mode == "P" and values[-1] >= labels.NUM_CLASSES:
        # A colour mask that a painting program stored with a palette of its own.
        return _labels_from_rgb(np.asarray(image.convert("RGB")), name)
    if set(values.tolist()) == {0, 255}:
        raise UserError(f"{name}: a black-and-white mask shows one part only; 'maskgan prepare' joins CelebAMask parts")
    labels.check_labels(indices, name)
    return indices.astype(np.uint8)


def write_picture(path: Path | str, picture: Picture, **metadata: Any) -> None:
    """Write a picture; the suffix chooses PNG, JPEG (quality 95), WebP (lossless) or BMP.

    Args:
        path: the file.
        picture: H x W x 3 uint8 RGB.
        **metadata: what the file is to carry besides, as Pillow's writer of that format takes it.

    Raises:
        UserError: the suffix is unknown or the file cannot be written; nothing is left half-written.
    """
    path = Path(path)
    suffix = check_picture_path(path)
    with atomic_path(path) as temporary:
        Image.fromarray(picture).save(temporary, **PICTURE_SUFFIXES[suffix], **metadata)


def write_animation(path: Path | str, frames: Sequence[Picture], seconds: float = 0.1) -> None:
    """Write pictures of one size as an animated GIF that repeats for ever.

    Raises:
        UserError: the file cannot be written; nothing is left half-written.
    """
    first, *others = (Image.fromarray(frame) for frame in frames)
    with atomic_path(Path(path)) as temporary:
        first.save(temporary, save_all=True, append_images=others, duration=round(1000 * seconds), loop=0)


def check_picture_path(path: Path) -> str:
    """The suffix, in its usual spelling, if ``write_picture`` can write such a file.

    Raises:
        UserError: it cannot.
    """
    suffix = {".jpeg": ".jpg"}.get(path.suffix.lower(), path.suffix.lower())
    if suffix not in PICTURE_SUFFIXES:
        raise UserError(f"{path}: cannot write {path.suffix or 'a file without suffix'}; use .png, .jpg, .webp or .bmp")
    return suffix


def write_label_map(path: Path | str, label_map: LabelMap) -> None:
    """Write a label map as a PNG of indices that carries the class colours as its palette.

    Raises:
        UserError: the suffix is not .png, a value is over 18, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise UserError(f"{path}: label maps are written as .png")
    labels.check_labels(label_map, str(path))
    with atomic_path(path) as temporary:
        temporary.write_bytes(encode_label_map(label_map))


def encode_label_map(label_map: LabelMap) -> bytes:
    """The bytes of the file that ``write_label_map`` writes."""
    image = Image.fromarray(label_map)
    image.putpalette(labels.PALETTE.tobytes())
    buffer = BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def resize_picture(picture: Picture, size: tuple[int, int]) -> Picture:
    """Resize to ``(height, width)`` with Lanczos, which also averages when shrinking."""
    if picture.shape[:2] == size:
        return picture
    return np.asarray(Image.fromarray(picture).resize((size[1], size[0]), Image.Resampling.LANCZOS))


def resize_label_map(label_map: LabelMap, size: tuple[int, int]) -> LabelMap:
    """Resize to ``(height, width)`` by nearest neighbour: no label appears that was not there."""
    if label_map.shape == size:
        return label_map
    return np.asarray(Image.fromarray(label_map).resize((size[1], size[0]), Image.Resampling.NEAREST))


def _open(stream: BinaryIO, name: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # Pillow's own bomb check stands above ours and would only repeat it.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image: Image.Image = Image.open(stream)
    except Image.DecompressionBombError:
        raise UserError(f"{name}: too large; at most {MAX_PIXELS // 1_000_000} megapixels are read") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise UserError(f"{name}: not a picture that can be read (PNG, JPEG, WebP and such are)") from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UserError(
            f"{name}: {width}x{height} is too large; shrink it below {MAX_PIXELS // 1_000_000} megapixels first"
        )
    if min(width, height) < MIN_SIDE:
        raise UserError(f"{name}: {width}x{height} is too small; at least {MIN_SIDE} pixels a side are needed")
    return image


def _load(image: Image.Image, name: str) -> None:
    try:
        image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"{name}: damaged or cut off ({error}); get the file again") from error


def _from_deep(image: Image.Image, name: str) -> Image.Image:
    """16- and 32-bit grey to 8 bit; a float picture must lie in 0..1 or 0..255."""
    values = np.asarray(image, dtype=np.float64)
    if not np.isfinite(values).all() or values.min() < 0:
        raise UserError(f"{name}: holds negative or non-finite values; save it as an 8-bit picture")
    peak = values.max()
    full_scale = 1.0 if image.mode == "F" and peak <= 1 else 255.0 if peak <= 255 else 65535.0
    return Image.fromarray(np.round(values.clip(max=full_scale) * (255.0 / full_scale)).astype(np.uint8))


def _labels_from_rgb(pixels: NDArray[np.uint8], name: str) -> LabelMap:
    if pixels.shape[-1] == 4 and (pixels[..., 3] != 255).any():
        raise UserError(f"{name}: a mask must not be transparent; save it without an alpha channel")
    colours = pixels[..., :3]
    first = colours[..., 0]
    if (colours == first[..., None]).all() and first.max() < labels.NUM_CLASSES:
        return np.ascontiguousarray(first)  # grey indices saved as RGB
    return labels.from_colours(colours, name)


def _is_lossless_webp(image: Image.Image, stream: BinaryIO) -> bool:
    if image.format != "WEBP":
        return False
    position = stream.tell()
    stream.seek(0)
    header = stream.read(64)
    stream.seek(position)
    return b"VP8L" in header

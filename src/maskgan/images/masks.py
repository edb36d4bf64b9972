"""Reading and writing label maps.

A label is never blended: masks are resized by nearest neighbour and stored without loss.
"""

from __future__ import annotations

import logging
import math
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskgan import labels
from maskgan.errors import UserError
from maskgan.files import atomic_path, require_file
from maskgan.images.formats import load_image, open_image
from maskgan.images.reading import Picture, image_strips, rgb_pixels, upright
from maskgan.images.resizing import resize_label_map
from maskgan.labels import LabelMap
from maskgan.mask_check import BLENDED_SHARE, blended_share, warn_of_issues

_LOSSY_FORMATS = {"JPEG", "MPO", "WEBP", "AVIF", "HEIF", "JPEG2000"}
_SAME_COLOUR = 24  # levels a channel within which a colour counts as a class's own, saved with loss
_FAR_COLOUR = 64.0  # levels beyond which a colour is like no class's
_MOST_FAR = 0.3  # share of such pixels from which a picture is no colour mask
_NEIGHBOURHOOD = 9  # pixels across in which a blended pixel's classes are looked for
_ASPECT_TOLERANCE = 0.01
# How programs turn colours to grey: Rec. 601, Rec. 709, mean.
_GREY_WEIGHTS = ((0.299, 0.587, 0.114), (0.2126, 0.7152, 0.0722), (1 / 3, 1 / 3, 1 / 3))
_FAR_PIXELS = 1 << 18  # pixels, spread evenly, that tell whether a picture is a colour mask at all
_MAX_NEAREST_PIXELS = 16_000_000  # of a mask whose colours are repaired: up to 2 s a megapixel
_FEWEST_GREYS = 4  # distinct values from which greys are told to be those of class colours

_log = logging.getLogger(__name__)


def read_label_map(path: Path | str, order: str = "auto", nearest_colour: bool = False) -> LabelMap:
    """Read a mask: indices (grey, palette or 16-bit PNG) or a colour mask with the CelebAMask-HQ palette.

    Indexed colours are read by colour if all colours in use are class colours, by their grey if all are greys 0..18 (as
    GIF writers store a grey mask), and by index otherwise.

    Args:
        path: the mask's file.
        order: the label order of the file (see ``labels.ORDERS``), or ``auto``: taken as CelebAMask-HQ order, with
            warnings if that is implausible (see ``mask_check``).
        nearest_colour: give colours that stand for no class the nearest class's, as brushes with soft edges need.

    Returns:
        H x W uint8, values 0..18, CelebAMask-HQ order, upright by its EXIF tag.

    Raises:
        UserError: no such file, not a picture, truncated, saved with loss, a value over 18, a foreign colour, class
            colours turned to grey, a black-and-white part mask, below 16 px a side or over 120 Mpx.
    """
    path = require_file(Path(path))
    with open(path, "rb") as stream:
        label_map = decode_label_map(stream, str(path), nearest_colour)
    if order == "auto":
        warn_of_issues(label_map, str(path))
        return label_map
    return labels.convert_order(label_map, order)


def decode_label_map(stream: BinaryIO, name: str, nearest_colour: bool = False) -> LabelMap:
    """As ``read_label_map`` from an open stream, the labels left in the file's own order."""
    image = open_image(stream, name)
    if image.format in _LOSSY_FORMATS and not nearest_colour and not _is_lossless_webp(image, stream):
        raise UserError(f"{name}: a {image.format} mask has blurred labels; save masks as PNG")
    load_image(image, name)
    image = upright(image, name)
    if image.mode == "1":
        raise UserError(f"{name}: a black-and-white mask shows one part only; a label map with values 0..18 is needed")
    if image.mode == "RGBA" and np.asarray(image.getchannel("A")).min() < 255:
        if not nearest_colour:
            raise UserError(f"{name}: a mask must not be transparent; save it without an alpha channel")
        return _labels_from_rgb(_over_black(image), name, nearest_colour)
    if image.mode in ("RGB", "RGBA"):
        return _labels_from_rgb(rgb_pixels(image), name, nearest_colour)
    if image.mode not in ("L", "P", "I", "LA") and not image.mode.startswith("I;16"):
        raise UserError(f"{name}: a mask of mode {image.mode} is not understood; save it as an 8-bit grey PNG")
    indices = np.asarray(image)
    if image.mode == "LA":
        indices = indices[..., 0]
    if image.mode == "P":
        table = _palette_labels(image, indices, name)
        if table is not None:
            return table[indices]
        if nearest_colour or indices.max() >= labels.NUM_CLASSES:
            # A colour mask that a painting program stored with a palette of its own.
            return _labels_from_rgb(rgb_pixels(image), name, nearest_colour)
    if set(np.unique(indices).tolist()) == {0, 255}:
        raise UserError(f"{name}: a black-and-white mask shows one part only; 'maskgan prepare' joins CelebAMask parts")
    try:
        labels.check_labels(indices, name)
    except UserError as error:
        _refuse_grey_colours(np.unique(indices), name)
        if indices.ndim == 2 and blended_share(indices.clip(0, 127)) > BLENDED_SHARE:
            raise UserError(
                f"{error}; it was resized or blurred smoothly, so that labels run into each other: resize masks by "
                "nearest neighbour"
            ) from None
        raise
    return indices.astype(np.uint8)


def fit_label_map(label_map: LabelMap, picture: Picture, name: str, picture_name: str) -> LabelMap:
    """A mask at the size of its picture, resized by nearest neighbour if need be, which is logged.

    Args:
        label_map: h x w uint8.
        picture: H x W x 3 uint8.
        name: the mask's, for messages.
        picture_name: the picture's.

    Raises:
        UserError: it has other proportions, so it is not this picture's.
    """
    height, width = picture.shape[:2]
    rows, columns = label_map.shape
    if (rows, columns) == (height, width):
        return label_map
    if abs(width * rows / (height * columns) - 1) > _ASPECT_TOLERANCE:
        raise UserError(
            f"{name}: the mask is {columns}x{rows} and the picture {width}x{height} ({picture_name}): they have other "
            "proportions, so the mask belongs to another picture or was cropped"
        )
    _log.info("%s: resized from %dx%d to the picture's %dx%d, without blending", name, columns, rows, width, height)
    return resize_label_map(label_map, (height, width))


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


def _palette_labels(image: Image.Image, indices: NDArray[np.uint8], name: str) -> NDArray[np.uint8] | None:
    """256 labels by palette index, if the palette colours in use say which they are."""
    entries = np.array(image.getpalette() or [], dtype=np.uint8).reshape(-1, 3)[:256]
    used = np.unique(indices)
    if used[-1] >= len(entries):
        return None
    colours = entries[used]
    found = _labels_by_colour(colours)
    if found is None and (colours == colours[:, :1]).all():
        greys = colours[:, 0]
        if greys.max() < labels.NUM_CLASSES:
            found = greys
        else:
            _refuse_grey_colours(greys, name)
    if found is None or len(np.unique(found)) < min(len(used), 2):
        return None  # a palette of one colour says nothing
    table = np.zeros(256, dtype=np.uint8)
    table[used] = found
    return table


def _labels_by_colour(colours: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """N labels of N x 3 colours, if all are class colours."""
    by_colour = {c.colour: c.index for c in labels.CLASSES}
    found = [by_colour.get((int(red), int(green), int(blue))) for red, green, blue in colours]
    known = [label for label in found if label is not None]
    return np.array(known, dtype=np.uint8) if len(known) == len(found) else None


def _refuse_grey_colours(values: NDArray[np.integer], name: str) -> None:
    """Refuse the values of a mask whose class colours were turned to grey.

    Raises:
        UserError: each is the brightness of a class colour, and some are no labels.
    """
    if len(values) < _FEWEST_GREYS or values.max() < labels.NUM_CLASSES:
        return
    for weights in _GREY_WEIGHTS:
        greys = labels.PALETTE.astype(np.float64) @ np.array(weights)
        if (np.abs(values[:, None] - greys[None]).min(axis=1) <= 1).all():
            raise UserError(
                f"{name}: its values are the brightness of class colours: a colour mask was turned to grey, in which "
                "classes cannot be told apart; save the colour mask itself, as RGB, or a grey one with labels 0..18"
            )


def _over_black(image: Image.Image) -> Picture:
    """An RGBA image over black, H x W x 3 uint8; strip by strip, as ``rgb_pixels``."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for rows, strip in image_strips(image):
        pixels[rows] = np.asarray(Image.alpha_composite(Image.new("RGBA", strip.size, "black"), strip))[..., :3]
    return pixels


def _labels_from_rgb(colours: Picture, name: str, nearest_colour: bool) -> LabelMap:
    first = colours[..., 0]
    if all((colours[rows] == first[rows, :, None]).all() for rows in labels.strips(first.shape)):
        if first.max() < labels.NUM_CLASSES:
            return np.ascontiguousarray(first)  # grey indices saved as RGB
        _refuse_grey_colours(np.unique(first), name)
    if nearest_colour and first.size <= _MAX_NEAREST_PIXELS:
        return _nearest_labels(colours, name)
    try:
        return labels.from_colours(colours, name)
    except UserError as error:
        if nearest_colour:
            raise UserError(
                f"{name}: {first.shape[1]}x{first.shape[0]} is too large for --nearest-colour; shrink the mask below "
                f"{_MAX_NEAREST_PIXELS // 1_000_000} megapixels first"
            ) from None
        try:
            labels.from_colours(colours[..., ::-1], name)
        except UserError:
            if _far_share(colours) > _MOST_FAR:
                raise error from None
            raise UserError(f"{error}; --nearest-colour repairs soft edges") from None
        raise UserError(
            f"{name}: its red and blue are exchanged (only then are all colours those of classes); save it as RGB, "
            "not BGR"
        ) from None


def _nearest_labels(colours: Picture, name: str) -> LabelMap:
    """Labels of H x W x 3 colours, blended ones by the nearest colour among the classes around them.

    Raises:
        UserError: too many colours are like no class's.
    """
    shape = colours.shape[:2]
    label_map, smallest = np.empty(shape, np.uint8), np.empty(shape, np.float32)
    for rows in labels.strips(shape):
        palette, which = _distinct(colours[rows])
        distances = _distances(palette)
        label_map[rows] = distances.argmin(axis=1)[which].reshape(-1, shape[1])
        smallest[rows] = distances.min(axis=1)[which].reshape(-1, shape[1])
    far = float((smallest > _FAR_COLOUR).mean())
    if far > _MOST_FAR:
        raise UserError(f"{name}: {far:.0%} of it have colours like no class's; is it a colour mask?")
    _repair_edges(label_map, smallest <= _SAME_COLOUR, colours)
    if changed := float((smallest > 0).mean()):
        _log.warning("%s: %.1f %% of its pixels got the nearest class colour", name, 100 * changed)
    return label_map


def _repair_edges(label_map: LabelMap, own: NDArray[np.bool_], colours: Picture) -> None:
    """Give blended pixels the class of one of the areas between which they lie, in place.

    Between two classes' colours lie those of third ones (hair fades to the background through the lower lip's), so a
    pixel keeps its class only if an area of that class is near, or no two near areas explain its colour.

    Args:
        label_map: H x W, the nearest colour's class.
        own: H x W, whether that colour is the class's own.
        colours: H x W x 3.
    """
    bits = np.where(own, np.uint32(1) << label_map.astype(np.uint32), np.uint32(0))  # bit k: class k
    areas = _spread(bits, 1, np.bitwise_and)  # single pixels are no area
    near = _spread(areas, _NEIGHBOURHOOD // 2, np.bitwise_or)
    for rows in labels.strips(label_map.shape):
        _repair_rows(label_map[rows], own[rows], colours[rows], near[rows])


def _spread(bits: NDArray[np.uint32], reach: int, combine: np.ufunc) -> NDArray[np.uint32]:
    """H x W bits combined with those of all pixels up to ``reach`` rows and columns away."""
    for _ in range(2):
        spread = bits.copy()
        for distance in range(1, reach + 1):
            combine(spread[distance:], bits[:-distance], out=spread[distance:])
            combine(spread[:-distance], bits[distance:], out=spread[:-distance])
        bits = spread.T
    return bits


def _repair_rows(label_map: LabelMap, own: NDArray[np.bool_], colours: Picture, near: NDArray[np.uint32]) -> None:
    """``_repair_edges`` of some rows; bit k of ``near`` says whether an area of class k is near the pixel."""
    doubtful = ~(own & ((near >> label_map) & 1).astype(bool))
    around = ((near[doubtful][:, None] >> np.arange(labels.NUM_CLASSES, dtype=np.uint32)) & 1).astype(bool)
    pixels = colours[doubtful].astype(np.float32)
    distances = _distances(colours[doubtful])
    blend = np.full(len(pixels), np.inf, dtype=np.float32)
    palette = labels.PALETTE.astype(np.float32)
    present = np.flatnonzero(around.any(axis=0))
    for i, first in enumerate(present):
        for second in present[i + 1 :]:
            both = around[:, first] & around[:, second]
            along = palette[second] - palette[first]
            share = ((pixels[both] - palette[first]) @ along / (along @ along)).clip(0, 1)
            off = np.linalg.norm(pixels[both] - palette[first] - share[:, None] * along, axis=1)
            blend[both] = np.minimum(blend[both], off)
    keeps = own[doubtful] & (blend > _SAME_COLOUR)
    distances[~around] += 1000
    label_map[doubtful] = np.where(keeps, label_map[doubtful], distances.argmin(axis=1))


def _far_share(colours: Picture) -> float:
    """Share of H x W x 3 colours that are like no class's, of a large mask by pixels spread evenly over it."""
    height, width = colours.shape[:2]
    step = math.ceil(math.sqrt(height * width / _FAR_PIXELS))
    palette, which = _distinct(colours[::step, ::step])
    return float((_distances(palette).min(axis=1) > _FAR_COLOUR)[which].mean())


def _distinct(colours: Picture) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """N x 3 colours that occur, and of each pixel which it has."""
    codes, which = np.unique(labels.colour_codes(colours).reshape(-1), return_inverse=True)
    return np.stack([codes >> 16, (codes >> 8) & 255, codes & 255], axis=1).astype(np.uint8), which.reshape(-1)


def _distances(colours: NDArray[np.uint8]) -> NDArray[np.float32]:
    """N x 19: Euclidean distance of N colours to each class's, in levels."""
    difference = colours[:, None].astype(np.float32) - labels.PALETTE[None].astype(np.float32)
    return np.sqrt((difference**2).sum(axis=-1))


def _is_lossless_webp(image: Image.Image, stream: BinaryIO) -> bool:
    if image.format != "WEBP":
        return False
    position = stream.tell()
    stream.seek(0)
    header = stream.read(1 << 16)
    stream.seek(position)
    return b"VP8L" in header

"""From the bytes that a person sent to pictures and label maps, checked before they are decoded.

Everything here takes time and memory, so it runs on a thread of its own pool, never on the event loop.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np

from maskgan.editing.framing import Frame, crop_source, paste_back
from maskgan.editing.renderer import require_same_proportions
from maskgan.errors import MaskGANError
from maskgan.images import (
    MIN_SIDE,
    Picture,
    SourceImage,
    TooManyPixelsError,
    UnknownFormatError,
    decode_label_map,
    decode_source,
    open_image,
)
from maskgan.labels import NUM_CLASSES, LabelMap, convert_order
from maskgan.mask_check import MaskIssue, mask_issues
from maskgan.server.http_errors import HTTPError, bad_request, payload_too_large, unsupported_media_type
from maskgan.server.limits import MAP_SIDE, Limits
from maskgan.server.multipart import Form
from maskgan.server.request_body import finite_number, parse_json

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Upload:
    """A picture that a person sent, cut to the crop that came with it, and its mask if one came."""

    source: SourceImage
    label_map: LabelMap | None
    issues: tuple[MaskIssue, ...] = ()
    """What seems wrong with the mask that came."""

    @classmethod
    def of(cls, form: Form, limits: Limits) -> Upload:
        """Open the parts ``picture``, ``mask``, its ``order`` and ``crop`` of a form; only the first must be there.

        Raises:
            HTTPError: 400 a part is missing or damaged, 413 too many pixels, 415 no picture of a known format.
            UserError: a picture is damaged or too small, a mask is no label map or of other proportions.
        """
        source, frame = framed_picture(form, limits)
        mask = form.get("mask")
        issues: tuple[MaskIssue, ...] = ()
        label_map = None if mask is None else decode_uploaded_label_map(mask, limits)
        if label_map is not None:
            require_same_proportions(source.picture, label_map)
            label_map, issues = to_standard_order(label_map, form.get("order"))
        if frame is None:
            return cls(source, label_map, issues)
        if label_map is not None:
            label_map = cropped_label_map(label_map, frame, source.picture)
        return cls(crop_source(source, frame), label_map, issues)


@dataclass(frozen=True)
class Photograph:
    """A photograph from which a face was cut, sent again to have the edited face put back."""

    source: SourceImage
    frame: Frame
    cut: Picture

    @classmethod
    def of(cls, form: Form, limits: Limits, cut: Picture) -> Photograph:
        """Open the parts ``picture`` and ``crop`` of a form.

        Args:
            form: what was sent.
            limits: bounds of the picture.
            cut: what the face was opened from, S x S x 3 uint8.

        Raises:
            HTTPError: as ``Upload.of``; 400, the crop is missing, or shows something else than ``cut``.
            UserError: as ``Upload.of``.
        """
        form.require("crop")
        source, frame = framed_picture(form, limits)
        assert frame is not None
        if not np.array_equal(crop_source(source, frame).picture, cut):
            raise bad_request("photograph and crop are not those that this face was opened from")
        return cls(source, frame, cut)

    def changed(self, edited: Picture) -> Picture:
        """The photograph with ``edited`` in place of what was cut out of it."""
        return paste_back(self.source.picture, self.frame, self.cut, edited)


def framed_picture(form: Form, limits: Limits) -> tuple[SourceImage, Frame | None]:
    """The parts ``picture``, whole, and ``crop`` of a form.

    Raises:
        HTTPError: as ``Upload.of``; 400, there is no crop and the picture is too long and narrow.
        UserError: as ``Upload.of``.
    """
    source = decode_uploaded_source(form.require("picture"), limits)
    crop = form.get("crop")
    if crop is not None:
        return source, parse_frame(parse_json(crop, "crop"), source.picture)
    height, width = source.picture.shape[:2]
    if max(height, width) > limits.proportion * min(height, width):
        raise bad_request(f"the picture is {width}x{height}, too long and narrow for a face; crop it first")
    return source, None


def picture_pixels(form: Form) -> int:
    """Pixels of the form's part ``picture`` as its header says; 0 if there is none, or it is damaged."""
    try:
        width, height = open_image(BytesIO(form.get("picture") or b""), "the picture").size
    except Exception:  # what is wrong with it is told when it is decoded
        return 0
    return width * height


def portrait_number(value: dict[str, Any]) -> int:
    """The number in ``{"portrait": number}``.

    Raises:
        HTTPError: 400, it is missing or no whole number.
    """
    number = value.get("portrait")
    if type(number) is not int:
        raise bad_request("'portrait' should be the number of a shipped portrait")
    return number


def decode_uploaded_source(data: bytes, limits: Limits, name: str = "the picture") -> SourceImage:
    """Decode an upload, with what its file carries.

    Raises:
        HTTPError: 413 too many pixels, 415 no picture of a known format.
        UserError: it is damaged or too small.
    """
    _check_header(data, limits, name)
    with _only_known_errors(name):
        return decode_source(BytesIO(data), name)


def decode_uploaded_label_map(data: bytes, limits: Limits, name: str = "the mask") -> LabelMap:
    """Decode an upload as a label map: H x W uint8, 0..18.

    Raises:
        HTTPError: 413 too many pixels, 415 no picture of a known format.
        UserError: it is damaged or no label map.
    """
    _check_header(data, limits, name)
    with _only_known_errors(name):
        return decode_label_map(BytesIO(data), name)


def to_standard_order(label_map: LabelMap, order: bytes | None) -> tuple[LabelMap, tuple[MaskIssue, ...]]:
    """A label map in CelebAMask-HQ order, and what seems wrong with it then.

    Args:
        label_map: H x W uint8, 0..18.
        order: its order, if the person said; otherwise it is taken as CelebAMask-HQ's.

    Raises:
        UserError: there is no such order.
    """
    if order is not None:
        label_map = convert_order(label_map, order.decode("utf-8", "replace"))
    return label_map, tuple(issue for issue in mask_issues(label_map) if order is None or issue.kind != "other-order")


def parse_raw_label_map(data: bytes, size: tuple[int, int]) -> LabelMap:
    """A label map as the page sends it: one byte a pixel, row by row.

    Args:
        data: height * width bytes.
        size: height and width.

    Raises:
        HTTPError: 400, another number of bytes or a value over 18.
    """
    if len(data) != size[0] * size[1]:
        raise bad_request(f"the mask should have {size[0] * size[1]} bytes ({size[1]}x{size[0]}), not {len(data)}")
    label_map = np.frombuffer(data, dtype=np.uint8).reshape(size)
    if label_map.max() >= NUM_CLASSES:
        raise bad_request(f"the mask holds the value {label_map.max()}; labels are 0..{NUM_CLASSES - 1}")
    return label_map


def parse_frame(value: dict[str, Any], picture: Picture) -> Frame:
    """The crop that the page asks for.

    Raises:
        HTTPError: 400, a number is missing, not finite, or outside the picture.
    """
    numbers = {}
    for key in ("x", "y", "side", "angle"):
        number = finite_number(value.get(key, 0 if key == "angle" else None))
        if number is None:
            raise bad_request(f"crop: {key!r} should be a number")
        numbers[key] = number
    height, width = picture.shape[:2]
    if not MIN_SIDE <= numbers["side"] <= 4 * max(height, width):
        raise bad_request(f"crop: 'side' should be between {MIN_SIDE} and four times the picture's longer side")
    reach = numbers["side"] / 2
    if not (-reach < numbers["x"] < width + reach and -reach < numbers["y"] < height + reach):
        raise bad_request("crop: it lies outside the picture")
    return Frame(**numbers)


def compose_frames(outer: Frame, inner: Frame, side: int) -> Frame:
    """In the photograph's pixels, a frame ``inner`` that was found in what ``outer`` shows at ``side`` pixels."""
    unit, turn = outer.side / side, math.radians(outer.angle)
    right, down = (inner.x - side / 2) * unit, (inner.y - side / 2) * unit
    return Frame(
        x=outer.x + right * math.cos(turn) - down * math.sin(turn),
        y=outer.y + right * math.sin(turn) + down * math.cos(turn),
        side=inner.side * unit,
        angle=outer.angle + inner.angle,
    )


def cropped_label_map(label_map: LabelMap, frame: Frame, picture: Picture) -> LabelMap:
    """What a frame shows of the mask of ``picture``, at the size that page and server exchange.

    Nearest neighbours: no label appears that was not there; beyond the edges, theirs are drawn out.
    """
    turn = math.radians(frame.angle)
    offsets = ((np.arange(MAP_SIDE) + 0.5) / MAP_SIDE - 0.5) * frame.side
    columns = frame.x + offsets[None, :] * math.cos(turn) - offsets[:, None] * math.sin(turn)
    rows = frame.y + offsets[None, :] * math.sin(turn) + offsets[:, None] * math.cos(turn)
    rows = (rows * label_map.shape[0] / picture.shape[0]).astype(np.int64).clip(0, label_map.shape[0] - 1)
    columns = (columns * label_map.shape[1] / picture.shape[1]).astype(np.int64).clip(0, label_map.shape[1] - 1)
    return label_map[rows, columns]


def _check_header(data: bytes, limits: Limits, name: str) -> None:
    with _only_known_errors(name):
        try:
            open_image(BytesIO(data), name, max_pixels=limits.pixels)
        except TooManyPixelsError as error:
            raise payload_too_large(str(error)) from None
        except UnknownFormatError as error:
            raise unsupported_media_type(str(error)) from None


@contextmanager
def _only_known_errors(name: str) -> Iterator[None]:
    """Turn any failure to decode, also of hostile files, into 400."""
    try:
        yield
    except (HTTPError, MaskGANError):
        raise
    except Exception as error:
        # It may be an internal error as well; the log line says.
        _log.warning("%s could not be decoded: %s: %s", name, type(error).__name__, error)
        raise bad_request(f"{name} is damaged; get the file again") from None

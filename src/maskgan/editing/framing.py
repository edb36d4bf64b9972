"""From a photograph to the frame that the networks know, a face upright in a square as in CelebA-HQ, and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import atan2, ceil, cos, degrees, hypot, radians, sin

import numpy as np
from PIL import Image

from maskgan.errors import UserError
from maskgan.images import MIN_SIDE, Picture, SourceImage, over_white, resize_picture

_MAX_CROP_SIDE = 4096  # pixels a side
_FADE = 0.04  # of a frame's side, in which what is put back fades out
_STRIP = 256  # rows pasted at a time, which bounds the memory


@dataclass(frozen=True)
class Frame:
    """A square in a photograph, which may be turned and may reach over its edges."""

    x: float
    """Column of its centre, in pixels of the photograph."""
    y: float
    """Row of its centre."""
    side: float
    """Length of its sides, in pixels."""
    angle: float = 0.0
    """By how many degrees it is turned clockwise."""


def crop_face(picture: Picture, frame: Frame, side: int | None = None) -> Picture:
    """What a frame shows, upright.

    Args:
        picture: H x W x 3 uint8.
        frame: in pixels of ``picture``; beyond its edges, the edge's pixels are drawn out.
        side: of the result, in pixels; the frame's own, but 16 to 4096, if absent.

    Returns:
        side x side x 3 uint8.

    Raises:
        UserError: the frame is under 16 px, over 4 times the picture, or does not touch it.
    """
    height, width = picture.shape[:2]
    if not 16 <= frame.side <= 4 * max(height, width):
        raise UserError(f"a frame of {frame.side:.6g} px does not suit a picture of {width}x{height}")
    reach = frame.side / 2
    if not (-reach < frame.x < width + reach and -reach < frame.y < height + reach):
        raise UserError("the frame lies outside the picture")
    if side is None:
        side = min(max(round(frame.side), MIN_SIDE), _MAX_CROP_SIDE)
    # Pillow's transform takes single pixels; shrinking first averages, so that nothing flickers.
    shrink = min(1.0, side / frame.side)
    if shrink < 1:
        size = (max(round(height * shrink), 1), max(round(width * shrink), 1))
        picture = resize_picture(picture, size)
    scale_x, scale_y = picture.shape[1] / width, picture.shape[0] / height
    x, y = frame.x * scale_x, frame.y * scale_y
    # Drawn out so far that every corner of the frame finds pixels.
    margin = int(np.ceil(0.75 * frame.side * max(scale_x, scale_y))) + 2
    top, left = max(round(y) - margin, -margin), max(round(x) - margin, -margin)
    rows = np.arange(top, min(round(y) + margin, picture.shape[0] + margin)).clip(0, picture.shape[0] - 1)
    columns = np.arange(left, min(round(x) + margin, picture.shape[1] + margin)).clip(0, picture.shape[1] - 1)
    around = Image.fromarray(picture[np.ix_(rows, columns)])
    turn = radians(frame.angle)
    step_x, step_y = frame.side * scale_x / side, frame.side * scale_y / side
    along = (cos(turn) * step_x, sin(turn) * step_y)  # of one column of the result, in pixels of ``around``
    down = (-sin(turn) * step_x, cos(turn) * step_y)
    middle = side / 2
    matrix = (
        along[0], down[0], x - left - middle * (along[0] + down[0]),
        along[1], down[1], y - top - middle * (along[1] + down[1]),
    )  # fmt: skip
    return np.asarray(around.transform((side, side), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC))


def crop_source(source: SourceImage, frame: Frame) -> SourceImage:
    """What a frame shows of a photograph, upright, with the photograph's metadata and colour space.

    Args:
        source: the photograph.
        frame: in its pixels.

    Returns:
        Pixels cut in the photograph's own colour space, at the frame's side; its file is none of the photograph's.

    Raises:
        UserError: as for ``crop_face``.
    """
    own = crop_face(source.own, frame)
    picture = own if source.space is None else source.space.to_srgb(own)
    alpha = None
    if source.alpha is not None:
        alpha = np.ascontiguousarray(crop_face(np.repeat(source.alpha[..., None], 3, axis=-1), frame)[..., 0])
        picture = over_white(picture, alpha)
    return replace(source, picture=picture, own=own, alpha=alpha, jpeg=None)


def celebahq_frame(left_eye: tuple[float, float], right_eye: tuple[float, float], mouth: tuple[float, float]) -> Frame:
    """The frame of a face, as the pictures of CelebA-HQ were cut out.

    Args:
        left_eye: x and y of the eye that is on the left of an upright picture (the person's right).
        right_eye: x and y of the other eye.
        mouth: x and y of the middle of the mouth.

    Source: Karras et al., ICLR 2018, appendix C.
    """
    eyes = ((left_eye[0] + right_eye[0]) / 2, (left_eye[1] + right_eye[1]) / 2)
    between = (right_eye[0] - left_eye[0], right_eye[1] - left_eye[1])
    to_mouth = (mouth[0] - eyes[0], mouth[1] - eyes[1])
    # Across the face: the line of the eyes, and the one to the mouth turned by a quarter, together.
    across = (between[0] + to_mouth[1], between[1] - to_mouth[0])
    return Frame(
        x=eyes[0] + 0.1 * to_mouth[0],
        y=eyes[1] + 0.1 * to_mouth[1],
        side=2 * max(2.0 * hypot(*between), 1.8 * hypot(*to_mouth)),
        angle=degrees(atan2(across[1], across[0])),
    )


def paste_back(photograph: Picture, frame: Frame, before: Picture, after: Picture) -> Picture:
    """A photograph in which what a frame shows is changed as it was changed there.

    What is added is the difference, so that unchanged pixels stay exactly as they were, and nothing is lost where the
    photograph is finer than what was cut out of it. It fades out towards those edges of the frame that lie inside the
    photograph.

    Args:
        photograph: H x W x 3 uint8.
        frame: in its pixels.
        before: what ``crop_face`` gave for it, S x S x 3 uint8.
        after: the same, edited.

    Returns:
        H x W x 3 uint8.
    """
    height, width = photograph.shape[:2]
    side = before.shape[0]
    turn, unit = radians(frame.angle), side / frame.side
    across, down = cos(turn) * unit, sin(turn) * unit
    reach = frame.side / 2 * (abs(cos(turn)) + abs(sin(turn)))
    top, bottom = max(int(frame.y - reach), 0), min(ceil(frame.y + reach), height)
    left, right = max(int(frame.x - reach), 0), min(ceil(frame.x + reach), width)
    fading = _edges_inside(frame, width, height)
    images = [Image.fromarray(picture) for picture in (before, after)]
    result = photograph.copy()
    for row in range(top, bottom, _STRIP):
        size = (right - left, min(_STRIP, bottom - row))
        from_x, from_y = left - frame.x, row - frame.y
        matrix = (
            across, down, side / 2 + from_x * across + from_y * down,
            -down, across, side / 2 - from_x * down + from_y * across,
        )  # fmt: skip
        old, new = (
            np.asarray(image.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC), np.float32)
            for image in images
        )
        columns, rows = np.arange(size[0]) + 0.5, np.arange(size[1])[:, None] + 0.5
        x = (matrix[0] * columns + matrix[1] * rows + matrix[2]) / side
        y = (matrix[3] * columns + matrix[4] * rows + matrix[5]) / side
        share = np.ones(x.shape, np.float32)
        for inside, distance in zip(fading, (x, 1 - x, y, 1 - y), strict=True):
            if inside:
                share = np.minimum(share, distance / _FADE)
        strip = result[row : row + size[1], left:right]
        strip[:] = np.rint(strip + (new - old) * share.clip(0, 1)[..., None]).clip(0, 255)
    return result


def _edges_inside(frame: Frame, width: int, height: int) -> list[bool]:
    """Whether the middles of a frame's edges lie inside a picture: left, right, upper, lower."""
    turn, reach = radians(frame.angle), frame.side / 2
    inside = []
    for right, lower in ((-reach, 0.0), (reach, 0.0), (0.0, -reach), (0.0, reach)):
        x = frame.x + right * cos(turn) - lower * sin(turn)
        y = frame.y + right * sin(turn) + lower * cos(turn)
        inside.append(0 < x < width and 0 < y < height)
    return inside

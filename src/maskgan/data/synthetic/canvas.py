"""A canvas on which every shape is painted twice: in colour, and as a label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from maskgan.images import Picture
from maskgan.labels import INDEX, LabelMap

Colour = tuple[int, int, int]
Outline = NDArray[np.float64]
"""N x 3: x to the right, y down, z towards the viewer; the picture's side is 1, the head's centre (0, 0, 0)."""

HEAD_CENTRE = (0.5, 0.55)
"""Where the head's centre lies in the picture, in CelebA's alignment."""


@dataclass(frozen=True)
class Pose:
    """How the head is turned, and where it is. Angles in degrees.

    Attributes:
        yaw: positive turns the nose to the right of the picture.
        pitch: positive turns the nose down.
        roll: positive leans the head to the right of the picture.
        scale: 1 is CelebA's usual size.
        shift: of the head's centre, in sides of the picture.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)

    def place(self, outline: Outline, rigid: bool = True) -> NDArray[np.float64]:
        """N x 2 positions in the picture, 0..1; without ``rigid`` the outline is a body's, which does not turn."""
        x, y, z = outline.T
        if rigid:
            yaw, pitch, roll = np.radians((self.yaw, self.pitch, self.roll))
            x = x * np.cos(yaw) + z * np.sin(yaw)
            y = y * np.cos(pitch) + z * np.sin(pitch)
            x, y = x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)
        centre = np.add(HEAD_CENTRE, self.shift)
        return np.stack([x, y], axis=1) * self.scale + centre


class Canvas:
    """Picture and label map in the making. Both are painted on one fine grid, so that their edges agree."""

    def __init__(
        self,
        size: int,  # side of the results, in pixels
        pose: Pose,  # applied to every outline
        background: Colour,
    ) -> None:
        self._factor = 4 if size <= 128 else 2
        self._side = size * self._factor
        self._pose = pose
        self._picture = Image.new("RGB", (self._side, self._side), background)
        self._labels = Image.new("L", (self._side, self._side), 0)

    def paint(
        self,
        outline: Outline,
        colour: Colour,
        label: str | None = None,  # name of a class; None leaves the labels as they are
        *,
        opacity: float = 1.0,
        blur: float = 0.0,  # radius, in sides of the picture; of the colour alone
        within: Outline | None = None,  # only inside this outline
        on: str | None = None,  # only where this class shows
        rigid: bool = True,  # False: part of the body, which does not turn with the head
    ) -> None:
        """Fill the closed ``outline``."""
        points = self._pose.place(outline, rigid) * self._side - 0.5
        # Only the shape's surroundings are touched; a blur reaches about three radii.
        margin = 2 + 3 * blur * self._side
        low = np.floor(points.min(axis=0) - margin).clip(0, self._side)
        high = np.ceil(points.max(axis=0) + margin + 1).clip(0, self._side)
        if (low >= high).any():
            return
        box = (int(low[0]), int(low[1]), int(high[0]), int(high[1]))
        stencil = _stencil(points, box)
        if within is not None:
            frame = self._pose.place(within, rigid) * self._side - 0.5
            stencil = ImageChops.multiply(stencil, _stencil(frame, box))
        keep = None
        if on is not None:
            keep = self._labels.crop(box).point([255 * (v == INDEX[on]) for v in range(256)])
            stencil = ImageChops.multiply(stencil, keep)
        if label is not None:
            self._labels.paste(INDEX[label], box, stencil)
        if blur:
            stencil = stencil.filter(ImageFilter.GaussianBlur(blur * self._side))
            if keep is not None:
                stencil = ImageChops.multiply(stencil, keep)
        if opacity < 1:
            stencil = stencil.point([round(opacity * v) for v in range(256)])
        self._picture.paste(colour, box, stencil)

    def backdrop(self, top: Colour, bottom: Colour) -> None:
        """Fill the picture with a gradient."""
        share = np.linspace(0, 1, self._side)[:, None, None]
        rows = (1 - share) * np.array(top) + share * np.array(bottom)
        gradient = np.broadcast_to(rows, (self._side, self._side, 3)).round().astype(np.uint8)
        self._picture.paste(Image.fromarray(gradient))

    def light(self, side: float, strength: float) -> None:
        """Brighten the picture towards one side (-1 left, 1 right) and darken it towards the other."""
        x = np.linspace(-1, 1, self._side) * side * strength
        pixels = np.asarray(self._picture, dtype=np.float32) * (1 + x)[None, :, None].astype(np.float32)
        self._picture = Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8))

    def finish(self) -> tuple[Picture, LabelMap]:
        """The picture, averaged down, and the label map, sampled at the middle of each pixel and never averaged."""
        picture = np.asarray(self._picture.reduce(self._factor))
        middle = self._factor // 2
        return picture, np.ascontiguousarray(np.asarray(self._labels)[middle :: self._factor, middle :: self._factor])


def outline(points: Sequence[tuple[float, float]], z: float = 0.0, rounds: int = 0) -> Outline:
    """A closed outline at depth ``z`` from its corners, rounded off ``rounds`` times."""
    return rounded(np.array([(x, y, z) for x, y in points]), rounds)


def rounded(corners: Outline, rounds: int) -> Outline:
    """Cut every corner of a closed outline into two, ``rounds`` times (Chaikin's way to a smooth curve)."""
    for _ in range(rounds):
        following = np.roll(corners, -1, axis=0)
        corners = np.stack([0.75 * corners + 0.25 * following, 0.25 * corners + 0.75 * following], 1).reshape(-1, 3)
    return corners


def ellipse(x: float, y: float, rx: float, ry: float, z: float = 0.0) -> Outline:
    """An ellipse around (x, y)."""
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle), np.full(40, z)], axis=1)


def ribbon(spine: Sequence[tuple[float, float]], widths: Sequence[float], z: float = 0.0) -> Outline:
    """A stroke of changing width along ``spine``."""
    middle = np.array(spine)
    along = np.gradient(middle, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.linalg.norm(along, axis=1, keepdims=True)
    half = np.array(widths)[:, None] / 2
    edge = np.concatenate([middle + across * half, (middle - across * half)[::-1]])
    return np.concatenate([edge, np.full((len(edge), 1), z)], axis=1)


def mirror(shape: Outline) -> Outline:
    """The same on the other side of the head."""
    return shape * (-1.0, 1.0, 1.0)


def shade(colour: Colour, factor: float) -> Colour:
    """Darker (below 1) or lighter (above 1)."""
    red, green, blue = (int(min(255, max(0, round(v * factor)))) for v in colour)
    return red, green, blue


def _stencil(points: NDArray[np.float64], box: tuple[int, int, int, int]) -> Image.Image:
    """The polygon in white on black, of the part of the canvas that ``box`` (left, top, right, bottom) cuts out."""
    left, top, right, bottom = box
    stencil = Image.new("L", (right - left, bottom - top), 0)
    ImageDraw.Draw(stencil).polygon([(float(x) - left, float(y) - top) for x, y in points], fill=255)
    return stencil

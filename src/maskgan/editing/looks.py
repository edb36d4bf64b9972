"""Colours by name, such as ``hair-colour=red``: a part of the photograph painted over, its light and texture kept.

No network is asked: every pixel outside of the part stays bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageFilter

from maskgan.errors import UserError
from maskgan.face_parts import BROWS, EYES, HAIR, LIPS, bounding_box
from maskgan.images import Picture
from maskgan.labels import LabelMap

COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "blond": "#c9a468",
        "light-blond": "#e3c893",
        "brown": "#5a3a24",
        "light-brown": "#8a6242",
        "black": "#1d1a1b",
        "grey": "#9a9a9c",
        "white": "#dcdad6",
        "red": "#8e3a1f",
        "ginger": "#b5642d",
        "blue": "#3f62a8",
        "green": "#4d7a4b",
        "pink": "#d4789f",
        "purple": "#6f4a94",
    }
)
"""Colours of hair, lips and eyes by name, as ``#rrggbb``; other names are CSS's."""

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_SOFT = 1 / 256  # width of the border over which the colour fades in, of the longer side
_IRIS = 0.6  # radius of an iris, in heights of the eye as its label shows it


@dataclass(frozen=True)
class Look:
    """A part whose colour is set."""

    name: str
    summary: str
    classes: tuple[int, ...]
    """Classes whose pixels may change."""
    range: str = "COLOUR"
    """What it takes, for people."""
    iris: bool = False
    """Whether only the iris within the part is painted."""

    def apply(self, label_map: LabelMap, amount: object = None) -> LabelMap:
        """A look leaves the mask as it is."""
        del amount
        return label_map.copy()

    def check(self, colour: object) -> str:
        """The colour as ``#rrggbb``.

        Raises:
            UserError: it is no colour.
        """
        text = "" if colour is None else str(colour).strip().lower()
        try:
            red, green, blue = ImageColor.getrgb(COLOURS.get(text, text))[:3]
        except ValueError:
            names = ", ".join(COLOURS)
            raise UserError(f"{self.name}: takes #RRGGBB or a name such as {names}, not {text!r}") from None
        return f"#{red:02x}{green:02x}{blue:02x}"

    def paint(self, picture: Picture, label_map: LabelMap, colour: str) -> Picture:
        """Paint the part.

        Args:
            picture: H x W x 3 uint8.
            label_map: its mask, H x W uint8.
            colour: as ``check`` gives it.

        Returns:
            H x W x 3 uint8; the picture where the mask shows other classes.

        Raises:
            UserError: the mask does not show the part.
        """
        where = np.isin(label_map, self.classes)
        if not where.any():
            raise UserError(f"{self.name}: the mask shows nothing to colour")
        alpha = _irises(picture, label_map) if self.iris else _faded(where)
        painted = _recoloured(picture, alpha, ImageColor.getrgb(colour)[:3])
        return np.where((where & (alpha > 0))[..., None], painted, picture)


def _recoloured(picture: Picture, alpha: NDArray[np.float32], colour: tuple[int, ...]) -> Picture:
    """The colour in the light of the picture: darker where it is darker than its mean, towards white in highlights."""
    pixels = picture.astype(np.float32)
    luma = pixels @ _LUMA
    mean = float((luma * alpha).sum() / max(float(alpha.sum()), 1e-6))
    light = (luma / max(mean, 8.0))[..., None]
    target = np.array(colour, dtype=np.float32)
    # A lighter colour shows less of the shadows than a darker one: hair that reflects more lights its own depths.
    lift = np.clip(mean / max(float(target @ _LUMA), 1.0), 0.35, 1.0)
    shaded = target * np.minimum(light, 1.0) ** lift
    # Beyond the mean the colour goes towards white as far as the picture does.
    shine = np.clip((light - 1) * mean / max(255 - mean, 1.0), 0, 1)
    lit = shaded + (255 - shaded) * shine * 0.8
    mixed = pixels + (lit - pixels) * alpha[..., None]
    result: Picture = np.rint(mixed).clip(0, 255).astype(np.uint8)
    return result


def _faded(where: NDArray[np.bool_]) -> NDArray[np.float32]:
    """1 inside, falling towards the border, 0 outside."""
    radius = max(_SOFT * max(where.shape), 0.5)
    blurred = Image.fromarray((where * np.uint8(255)).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    soft = np.asarray(blurred, dtype=np.float32) / 255
    faded: NDArray[np.float32] = np.where(where, np.clip(2 * soft - 0.6, 0, 1), 0).astype(np.float32)
    return faded


def _irises(picture: Picture, label_map: LabelMap) -> NDArray[np.float32]:
    """Discs about the darkest places of the eyes, without the pupils' darkest and the white around."""
    luma = picture.astype(np.float32) @ _LUMA
    alpha = np.zeros(label_map.shape, dtype=np.float32)
    rows, columns = np.mgrid[0 : label_map.shape[0], 0 : label_map.shape[1]]
    for eye in EYES:
        where = label_map == eye
        box = bounding_box(where)
        if box is None:
            continue
        dark = np.where(where, np.clip(np.percentile(luma[where], 60) - luma, 0, None), 0)
        if dark.sum() <= 0:
            continue
        row, column = (dark * rows).sum() / dark.sum(), (dark * columns).sum() / dark.sum()
        radius = max(_IRIS * (box[1] - box[0]), 1.5)
        disc = np.clip(1.5 - 1.5 * np.hypot(rows - row, columns - column) / radius, 0, 1)
        alpha += np.where(where, disc, 0).astype(np.float32)
    return alpha


LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        look.name: look
        for look in (
            Look("hair-colour", "another colour of hair", (HAIR,)),
            Look("brow-colour", "another colour of the brows", BROWS),
            Look("lip-colour", "another colour of the lips", LIPS),
            Look("eye-colour", "another colour of the irises", EYES, iris=True),
        )
    }
)
"""All looks, by name."""

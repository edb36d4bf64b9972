"""``anonymise`` as a named edit: its name, and what its amount says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NoReturn

from maskgan.errors import UserError
from maskgan.face_parts import BROWS, EYES, FACE, MOUTH, NOSE
from maskgan.labels import LabelMap
from maskgan.seeding import MAX_SEED

KEPT_PARTS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"eyes": EYES, "brows": BROWS, "nose": (NOSE,), "mouth": MOUTH}
)
"""Parts of the face that can be kept, and their classes."""


@dataclass(frozen=True)
class AnonymiseOptions:
    """How a face is drawn anew."""

    seed: int = 0
    """Of shapes and style; one seed gives one face."""
    keep: tuple[str, ...] = ()
    """Parts that keep their pixels, keys of ``KEPT_PARTS``."""
    threshold: float | None = None
    """Cosine below which the recogniser must not know the person any more; ``None``: the recogniser's own."""

    @classmethod
    def parse(cls, text: str) -> AnonymiseOptions:
        """From ``SEED``, ``keep=PART+PART`` and ``threshold=COSINE``, in any order, with colons between.

        Raises:
            UserError: something else is said, or a value is out of range.
        """
        seed, threshold = 0, None
        keep: tuple[str, ...] = ()
        for item in filter(None, (part.strip() for part in text.split(":"))):
            name, equals, value = item.partition("=")
            if not equals:
                seed = _seed(name)
            elif name == "keep":
                keep = _parts(value)
            elif name == "threshold":
                threshold = _threshold(value)
            else:
                raise UserError(f"anonymise: takes SEED:keep=PARTS:threshold=COSINE, not {item!r}")
        return cls(seed, keep, threshold)

    def __str__(self) -> str:
        keep = f":keep={'+'.join(self.keep)}" if self.keep else ""
        return f"{self.seed}{keep}" + ("" if self.threshold is None else f":threshold={self.threshold:g}")


@dataclass(frozen=True)
class Anonymise:
    """A face drawn anew until a recogniser does not know the person."""

    name: str = "anonymise"
    summary: str = "another person's face; the recogniser must not know it"
    classes: tuple[int, ...] = FACE
    """Classes whose pixels may change; where the outline of the face moves, others' may, too."""
    range: str = "SEED"
    """What it takes, for people."""

    def check(self, amount: object) -> str:
        """The amount as ``AnonymiseOptions`` writes it.

        Raises:
            UserError: it is none.
        """
        return str(AnonymiseOptions.parse("" if amount is None else str(amount)))

    def apply(self, label_map: LabelMap, amount: object = None) -> NoReturn:
        """Refuse: a mask alone cannot be made anonymous, see ``anonymiser.Anonymiser``.

        Raises:
            UserError: always.
        """
        raise UserError("anonymise redraws photographs: use 'maskgan edit PHOTO --apply anonymise', without --mask")


ANONYMISE = Anonymise()


def _seed(text: str) -> int:
    if not text.isdecimal() or len(text) > 19 or int(text) > MAX_SEED:
        raise UserError(f"anonymise: the seed is a whole number from 0 to {MAX_SEED}, not {text!r}")
    return int(text)


def _parts(text: str) -> tuple[str, ...]:
    parts = {part.strip() for part in text.split("+")}
    if unknown := sorted(parts - set(KEPT_PARTS)):
        raise UserError(f"anonymise: keeps {', '.join(KEPT_PARTS)}, not {unknown[0]!r}")
    return tuple(part for part in KEPT_PARTS if part in parts)


def _threshold(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not -1 <= value <= 1:
        raise UserError(f"anonymise: a threshold is a cosine from -1 to 1, not {text!r}")
    return value

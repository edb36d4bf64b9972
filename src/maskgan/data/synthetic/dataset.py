"""Synthetic faces with exact label maps: data for tests, and to try the program without a download.

A face depends on (seed, index) alone, not on how many there are; at another size it is the same face.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskgan.data.pairs import FacePair
from maskgan.data.synthetic.canvas import Colour, Pose
from maskgan.data.synthetic.compose import HAIR_STYLES, HAT_STYLES, Traits, compose
from maskgan.errors import UserError
from maskgan.images import MIN_SIDE

MAX_SIZE = 4096

_SKINS: tuple[Colour, ...] = (
    (255, 224, 196), (241, 194, 152), (224, 172, 125), (198, 134, 88), (141, 85, 50), (95, 58, 38),
)  # fmt: skip
_HAIRS: dict[str, Colour] = {
    "Black_Hair": (32, 26, 26),
    "Brown_Hair": (98, 62, 38),
    "Blond_Hair": (222, 186, 112),
    "Gray_Hair": (168, 168, 172),
    "red": (160, 70, 34),
}
_EYES: tuple[Colour, ...] = ((74, 46, 28), (60, 110, 160), (70, 120, 70), (110, 80, 40))
_METALS: tuple[Colour, ...] = ((225, 190, 90), (200, 205, 215), (190, 40, 60), (40, 90, 170))


class SyntheticPairs:
    """``count`` synthetic faces, each rendered on access. Keys are ``00000``, ``00001`` and so on.

    Raises:
        UserError: no face is asked for, or the size is below 16 or above 4096 pixels.
    """

    def __init__(self, count: int, size: int = 256, seed: int = 0) -> None:
        if not 1 <= count <= 100_000:
            raise UserError(f"{count} synthetic faces: ask for 1 to 100000")
        _check_size(size)
        self._size = size
        self.seed = seed
        self.keys: Sequence[str] = [f"{index:05d}" for index in range(count)]

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> FacePair:
        # Through the keys, so that an index from the end, or beyond it, does what it does in a list.
        return synthetic_face(self.seed, self._size, int(self.keys[index]))


def synthetic_face(seed: int, size: int, index: int = 0) -> FacePair:
    """Draw face ``index`` of ``seed``: a picture and a label map, both ``size`` pixels a side.

    Raises:
        UserError: the size is below 16 or above 4096 pixels.
    """
    _check_size(size)
    picture, label_map = compose(sample_traits(seed, index), size)
    return FacePair(f"{index:05d}", picture, label_map)


def sample_traits(seed: int, index: int) -> Traits:
    """What face ``index`` of ``seed`` looks like."""
    rng = np.random.default_rng([seed, index])

    def some(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    def chance(probability: float) -> bool:
        return bool(rng.random() < probability)

    def colour(low: int = 30, high: int = 230) -> Colour:
        red, green, blue = (int(v) for v in rng.integers(low, high, 3))
        return red, green, blue

    def pick(colours: Sequence[Colour]) -> Colour:
        return colours[int(rng.integers(len(colours)))]

    makeup = chance(0.4)
    open_mouth = chance(0.5)
    return Traits(
        pose=Pose(
            yaw=float(np.clip(rng.normal(0, 12), -30, 30)),
            pitch=float(np.clip(rng.normal(0, 6), -15, 15)),
            roll=float(np.clip(rng.normal(0, 4), -12, 12)),
            scale=some(0.94, 1.06),
            shift=(some(-0.02, 0.02), some(-0.02, 0.02)),
        ),
        backdrop=(colour(40, 255), colour(20, 200)),
        discs=tuple((some(-0.6, 0.6), some(-0.6, 0.3), some(0.03, 0.14)) for _ in range(int(rng.integers(0, 7)))),
        skin=pick(_SKINS),
        face_width=some(0.92, 1.06),
        jaw=some(0.82, 1.08),
        eye_colour=pick(_EYES),
        eye_opening=some(0.016, 0.029),
        eye_tilt=some(-0.004, 0.01),
        brow_thickness=some(0.014, 0.03),
        brow_arch=some(0.008, 0.03),
        nose_width=some(0.045, 0.065),
        lips=(190, 40, 60) if makeup else (186, 100, 92),
        lip_fullness=some(0.016, 0.03),
        mouth_width=some(0.085, 0.12),
        smile=some(-0.012, 0.035),
        mouth_opening=some(0.02, 0.06) if open_mouth else 0.0,
        hair_style=HAIR_STYLES[int(rng.integers(len(HAIR_STYLES)))],
        hair=pick(tuple(_HAIRS.values())),
        hair_seed=int(rng.integers(2**31)),
        beard=not makeup and chance(0.35),
        makeup=makeup,
        glasses=colour(10, 120) if chance(0.25) else None,
        sunglasses=chance(0.2),
        hat=HAT_STYLES[int(rng.integers(1, len(HAT_STYLES)))] if chance(0.2) else "none",
        hat_colour=colour(),
        earrings=pick(_METALS) if chance(0.45) else None,
        necklace=pick(_METALS) if chance(0.3) else None,
        cloth=colour(),
        neckline=some(0.02, 0.1),
        stripes=chance(0.3),
        light=some(-1, 1),
    )


def visible_attributes(traits: Traits) -> set[str]:
    """Which of CelebA's 40 attributes a synthetic face has, as far as the rendering shows them."""
    glasses = traits.glasses is not None
    bald = traits.hair_style == "bald"
    shown = {
        "Bald": bald,
        "Bangs": traits.hair_style == "fringe",
        "Bushy_Eyebrows": traits.brow_thickness > 0.025,
        "Eyeglasses": glasses,
        "Heavy_Makeup": traits.makeup,
        "Mouth_Slightly_Open": traits.mouth_opening > 0,
        "No_Beard": not traits.beard,
        "Pale_Skin": traits.skin == _SKINS[0],
        "Smiling": traits.smile > 0.012,
        "Wearing_Earrings": traits.earrings is not None,
        "Wearing_Hat": traits.hat != "none",
        "Wearing_Lipstick": traits.makeup,
        "Wearing_Necklace": traits.necklace is not None,
    }
    shown |= {name: not bald and traits.hair == hair for name, hair in _HAIRS.items() if name.endswith("_Hair")}
    return {name for name, has in shown.items() if has}


def _check_size(size: int) -> None:
    if not MIN_SIDE <= size <= MAX_SIZE:
        raise UserError(f"{size} pixels a side: synthetic faces have {MIN_SIDE} to {MAX_SIZE}")

"""Edits by name, such as ``smile=0.6`` or ``glasses=clear``, each confined to its own parts.

A named edit of the mask says which classes it moves (its part) and which may be covered or uncovered (its ground). A
lock keeps every other label as it was, and rendering keeps every pixel of other classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from maskgan.editing import accessories, hair_edits, mask_edits
from maskgan.editing.anonymise import ANONYMISE, Anonymise
from maskgan.editing.looks import LOOKS, Look
from maskgan.editing.mask_warps import extend_upwards, fill_from_nearest, scale_part, thicken_part, warp_part
from maskgan.errors import UserError
from maskgan.face_parts import (
    BACKGROUND,
    BROWS,
    CLOTH,
    EARRING,
    EARS,
    EYES,
    FACE,
    FEATURES,
    GLASSES,
    HAIR,
    HAT,
    MOUTH,
    NECK,
    NECKLACE,
    NOSE,
    SKIN,
    bounding_box,
)
from maskgan.labels import LabelMap

_AROUND_HEAD = (BACKGROUND, NECK, CLOTH)

Amount = float | str
"""A number, one of an edit's choices such as ``clear``, or a colour."""


@dataclass(frozen=True)
class NamedEdit:
    """An edit of the mask that has a name."""

    name: str
    summary: str
    part: tuple[int, ...]
    """Classes that it moves, adds or takes away."""
    ground: tuple[int, ...]
    """Classes that may be covered or uncovered."""
    change: Callable[[LabelMap, Amount], LabelMap]
    """From a label map and an amount to the edited one."""
    low: float = 0.0
    """Least amount; 0 changes nothing."""
    high: float = 1.0
    """Greatest amount."""
    choices: tuple[str, ...] = ()
    """Words in place of amounts."""
    switch: bool = False
    """Whether every amount over 0 does the same."""

    @property
    def classes(self) -> tuple[int, ...]:
        """Classes whose pixels may change."""
        return tuple(sorted({*self.part, *self.ground}))

    @property
    def range(self) -> str:
        """The amounts that it takes, for people."""
        return "|".join(self.choices) if self.choices else f"{self.low:g}..{self.high:g}"

    def apply(self, label_map: LabelMap, amount: Amount | None = None) -> LabelMap:
        """Edit a mask.

        Args:
            label_map: H x W uint8 0..18; it stays as it is.
            amount: within ``low``..``high``, or one of ``choices``; ``None`` for the greatest, or the first choice.

        Returns:
            H x W uint8; equal to ``label_map`` where the old or the new label is not among ``classes``.

        Raises:
            UserError: the amount is out of range, or the face lacks what is edited.
        """
        amount = self.check(amount)
        if amount == 0:
            return label_map.copy()
        changed = self.change(label_map, amount)
        free = np.isin(label_map, self.classes) & np.isin(changed, self.classes)
        return np.where(free, changed, label_map)

    def check(self, amount: Amount | None) -> Amount:
        """The amount to apply.

        Raises:
            UserError: it is out of range.
        """
        if amount is None:
            return self.choices[0] if self.choices else self.high
        if isinstance(amount, str) != bool(self.choices) or (self.choices and amount not in self.choices):
            raise UserError(f"{self.name}: takes {self.range}, not {amount}")
        if not isinstance(amount, str) and not self.low <= amount <= self.high:
            raise UserError(f"{self.name}: takes {self.range}, not {amount:g}")
        return amount


def parse_edit(text: str) -> tuple[NamedEdit | Look | Anonymise, Amount]:
    """``NAME``, ``NAME=AMOUNT``, ``NAME=COLOUR`` or ``anonymise=SEED`` as an edit and a checked amount.

    Raises:
        UserError: there is no such edit, the amount is out of range, or the colour is none.
    """
    name, equals, value = text.strip().partition("=")
    if name in LOOKS:
        return LOOKS[name], LOOKS[name].check(value)
    if name == ANONYMISE.name:
        return ANONYMISE, ANONYMISE.check(value)
    if name not in EDITS:
        names = ", ".join((*EDITS, *LOOKS, ANONYMISE.name))
        raise UserError(f"{name!r} is no edit; 'maskgan edits' lists them: {names}")
    edit = EDITS[name]
    if not equals:
        return edit, edit.check(None)
    if edit.choices:
        return edit, edit.check(value)
    try:
        amount = float(value)
    except ValueError:
        raise UserError(f"{name}: takes {edit.range}, not {value!r}") from None
    if not math.isfinite(amount):
        raise UserError(f"{name}: takes {edit.range}, not {value}")
    return edit, edit.check(amount)


def _number(change: Callable[[LabelMap, float], LabelMap]) -> Callable[[LabelMap, Amount], LabelMap]:
    """An edit that takes numbers; ``NamedEdit.check`` keeps words away."""
    return lambda label_map, amount: change(label_map, float(amount))


def _choice(change: Callable[[LabelMap, str], LabelMap]) -> Callable[[LabelMap, Amount], LabelMap]:
    return lambda label_map, amount: change(label_map, str(amount))


def _eyes_wider(label_map: LabelMap, amount: float) -> LabelMap:
    for eye in EYES:
        label_map = scale_part(label_map, [eye], [SKIN], height=1 + 0.45 * amount, width=1 + 0.12 * amount)
    return label_map


def _eyes_closed(label_map: LabelMap, amount: float) -> LabelMap:
    for eye in EYES:
        label_map = thicken_part(label_map, [eye], [SKIN], 1 - 0.8 * amount)
    return label_map


def _brows_raised(label_map: LabelMap, amount: float) -> LabelMap:
    box = bounding_box(np.isin(label_map, (*FACE, GLASSES)))
    if box is None or not np.isin(label_map, BROWS).any():
        raise UserError("the mask shows no brows, so they cannot be raised")
    up = 0.06 * amount * (box[1] - box[0])
    return warp_part(label_map, BROWS, [SKIN], lambda rows, columns: (rows + up, columns))


def _brows_thicker(label_map: LabelMap, amount: float) -> LabelMap:
    for brow in BROWS:
        label_map = thicken_part(label_map, [brow], [SKIN], 1 + 0.6 * amount)
    return label_map


def _lips_fuller(label_map: LabelMap, amount: float) -> LabelMap:
    return scale_part(label_map, MOUTH, [SKIN], height=1 + 0.45 * amount, width=1 + 0.05 * amount)


def _nose_wider(label_map: LabelMap, amount: float) -> LabelMap:
    return scale_part(label_map, [NOSE], [SKIN], width=1 + 0.35 * amount)


_OUTLINE = (SKIN, *EARS, EARRING)
_EAR_LOBES = 0.6  # their height, as a fraction of the face's


def _face_narrower(label_map: LabelMap, amount: float) -> LabelMap:
    """Cheeks, jaw and ears move towards the middle, least at the brow and most at the jaw."""
    box = bounding_box(np.isin(label_map, FACE))
    if box is None:
        raise UserError("the mask shows no face, so it cannot be made narrower")
    top, bottom, left, right = box
    middle = (left + right - 1) / 2
    start = top + 0.25 * (bottom - top)

    def backward(rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        down = np.clip((rows - start) / max(bottom - start, 1), 0, 1)
        scale = 1 - 0.22 * amount * np.sqrt(down)
        return rows, middle + (columns - middle) / scale

    # What lies on the skin stays in its place, and the skin below it moves.
    bare = np.where(np.isin(label_map, FEATURES), SKIN, label_map).astype(label_map.dtype)
    narrower = warp_part(bare, _OUTLINE, (HAIR, HAT, *_AROUND_HEAD), backward)
    uncovered = np.isin(bare, _OUTLINE) & ~np.isin(narrower, _OUTLINE)
    # By distance alone the neck would spread sideways: it comes out right above where it is, from below the ears on.
    behind = fill_from_nearest(narrower, uncovered, (BACKGROUND, HAIR, HAT))
    below_ears = round(top + _EAR_LOBES * (bottom - top))
    rows, columns = np.indices(label_map.shape)
    beside = np.abs(columns - middle) - np.isin(narrower[min(below_ears, bottom - 1)], FACE).sum() / 2
    slanting = uncovered & (rows - below_ears >= beside)
    return extend_upwards(behind, slanting, {NECK: NECK, NECKLACE: NECK, CLOTH: CLOTH})


def _remove(label_map: LabelMap, edit: Callable[[LabelMap], LabelMap], thing: int) -> LabelMap:
    """What takes things away leaves a face that wears none as it is."""
    return edit(label_map) if accessories.is_worn(label_map, thing) else label_map.copy()


_EDITS = (
    NamedEdit("smile", "the mouth smiles, or frowns", MOUTH, (SKIN,), _number(mask_edits.smile), low=-1.0),
    NamedEdit(
        "open-mouth",
        "the mouth opens",
        MOUTH,
        (SKIN,),
        _number(lambda label_map, amount: mask_edits.open_mouth(label_map, 0.8 * amount)),
    ),
    NamedEdit("lips-fuller", "fuller or thinner lips", MOUTH, (SKIN,), _number(_lips_fuller), low=-1.0),
    NamedEdit("eyes-wider", "wider or narrower eyes", EYES, (SKIN,), _number(_eyes_wider), low=-1.0),
    NamedEdit("eyes-closed", "the eyes close", EYES, (SKIN,), _number(_eyes_closed)),
    NamedEdit("brows-raised", "the brows rise, or sink", BROWS, (SKIN,), _number(_brows_raised), low=-1.0),
    NamedEdit("brows-thicker", "thicker or thinner brows", BROWS, (SKIN,), _number(_brows_thicker), low=-1.0),
    NamedEdit("nose-wider", "a wider or narrower nose", (NOSE,), (SKIN,), _number(_nose_wider), low=-1.0),
    NamedEdit(
        "face-narrower",
        "a narrower or wider face",
        _OUTLINE,
        (HAIR, HAT, *_AROUND_HEAD),
        _number(_face_narrower),
        low=-1.0,
    ),
    NamedEdit(
        "hair-longer",
        "longer or shorter hair",
        (HAIR,),
        (*_AROUND_HEAD, *EARS, EARRING),
        _number(hair_edits.longer),
        low=-1.0,
    ),
    NamedEdit("hair-fuller", "fuller or thinner hair", (HAIR,), _AROUND_HEAD, _number(hair_edits.fuller), low=-1.0),
    NamedEdit("fringe", "a fringe, or none", (HAIR,), (SKIN, *BROWS), _number(hair_edits.fringe), low=-1.0),
    NamedEdit("bald", "the hair goes", (HAIR, SKIN), _AROUND_HEAD, _number(hair_edits.bald)),
    NamedEdit(
        "glasses",
        "clear glasses or sunglasses",
        (GLASSES,),
        (*FACE, *EARS, HAIR),
        _choice(accessories.glasses),
        choices=("clear", "sun"),
    ),
    NamedEdit(
        "hat",
        "a hat",
        (HAT,),
        (SKIN, HAIR, *_AROUND_HEAD, *EARS, *BROWS),
        _choice(accessories.hat),
        choices=("beanie", "cap", "brim"),
    ),
    NamedEdit(
        "earrings",
        "earrings, from studs to large hoops",
        (EARRING,),
        (*EARS, SKIN, HAIR, NECK, BACKGROUND, CLOTH),
        _number(accessories.earrings),
    ),
    NamedEdit("necklace", "a necklace", (NECKLACE,), (NECK,), _number(accessories.necklace)),
    NamedEdit(
        "remove-glasses",
        "glasses go",
        (GLASSES,),
        (*FACE, *EARS, HAIR),
        _number(lambda label_map, _: _remove(label_map, accessories.without_glasses, GLASSES)),
        switch=True,
    ),
    NamedEdit(
        "remove-hat",
        "the hat goes, and hair comes in its place",
        (HAT,),
        (HAIR, SKIN, *_AROUND_HEAD),
        _number(lambda label_map, _: _remove(label_map, accessories.without_hat, HAT)),
        switch=True,
    ),
    NamedEdit(
        "remove-earrings",
        "earrings go",
        (EARRING,),
        (*EARS, SKIN, HAIR, *_AROUND_HEAD),
        _number(lambda label_map, _: _remove(label_map, accessories.without_earrings, EARRING)),
        switch=True,
    ),
)

EDITS: Mapping[str, NamedEdit] = MappingProxyType({edit.name: edit for edit in _EDITS})
"""All named edits of the mask, by name."""

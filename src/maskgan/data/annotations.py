"""The three text files that come with CelebAMask-HQ: attributes, head poses, and the way back to CelebA."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from maskgan.errors import UserError
from maskgan.text_files import read_lines

ATTRIBUTE_FILE = "CelebAMask-HQ-attribute-anno.txt"
POSE_FILE = "CelebAMask-HQ-pose-anno.txt"
MAPPING_FILE = "CelebA-HQ-to-CelebA-mapping.txt"

ATTRIBUTES = (
    "5_o_Clock_Shadow",
    "Arched_Eyebrows",
    "Attractive",
    "Bags_Under_Eyes",
    "Bald",
    "Bangs",
    "Big_Lips",
    "Big_Nose",
    "Black_Hair",
    "Blond_Hair",
    "Blurry",
    "Brown_Hair",
    "Bushy_Eyebrows",
    "Chubby",
    "Double_Chin",
    "Eyeglasses",
    "Goatee",
    "Gray_Hair",
    "Heavy_Makeup",
    "High_Cheekbones",
    "Male",
    "Mouth_Slightly_Open",
    "Mustache",
    "Narrow_Eyes",
    "No_Beard",
    "Oval_Face",
    "Pale_Skin",
    "Pointy_Nose",
    "Receding_Hairline",
    "Rosy_Cheeks",
    "Sideburns",
    "Smiling",
    "Straight_Hair",
    "Wavy_Hair",
    "Wearing_Earrings",
    "Wearing_Hat",
    "Wearing_Lipstick",
    "Wearing_Necklace",
    "Wearing_Necktie",
    "Young",
)
"""The 40 attributes of CelebA, in the order of its file."""

_NUMBER = re.compile(r"\d{1,18}")  # Python refuses to read numbers of thousands of digits
_PICTURE_NAME = re.compile(r"(\d{1,18})\.(?:jpg|png)")


@dataclass(frozen=True)
class Attributes:
    """Yes and no for each face.

    Attributes:
        names: as in the file's header, 40 in CelebAMask-HQ.
        values: -1 or 1 in the order of ``names``, by picture number.
    """

    names: tuple[str, ...]
    values: Mapping[int, tuple[int, ...]]


def read_attributes(path: Path) -> Attributes:
    """Read ``CelebAMask-HQ-attribute-anno.txt``: a count, a line of names, then ``0.jpg  -1 1 ...``.

    Raises:
        UserError: the file is missing or cut off, or a row is not of that form; the message names the line.
    """
    header, rows = _table(path)
    values: dict[int, tuple[int, ...]] = {}
    for number, line, fields in rows:
        if len(fields) != len(header) or not set(fields) <= {"-1", "1"}:
            raise UserError(f"{path}:{line}: expected {len(header)} values of -1 or 1")
        values[number] = tuple(int(field) for field in fields)
    return Attributes(tuple(header), values)


def read_poses(path: Path) -> dict[int, tuple[float, float, float]]:
    """Read ``CelebAMask-HQ-pose-anno.txt``: yaw, pitch and roll in degrees, by picture number.

    Raises:
        UserError: the file is missing or cut off, or a row is not of that form; the message names the line.
    """
    poses: dict[int, tuple[float, float, float]] = {}
    for number, line, fields in _table(path)[1]:
        try:
            yaw, pitch, roll = (float(field) for field in fields)
        except ValueError:
            raise UserError(f"{path}:{line}: expected yaw, pitch and roll in degrees") from None
        poses[number] = (yaw, pitch, roll)
    return poses


def read_mapping(path: Path) -> dict[int, int]:
    """Read ``CelebA-HQ-to-CelebA-mapping.txt``: the number of the original file, by picture number.

    The number is taken from the ``orig_file`` column (``119614.jpg``); ``orig_idx`` is one less.

    Raises:
        UserError: the file is missing, or a row is not of that form; the message names the line.
    """
    originals: dict[int, int] = {}
    for line, fields in text_lines(path):
        if line == 1 and fields[0] == "idx":
            continue
        original = _PICTURE_NAME.fullmatch(fields[-1])
        if len(fields) != 3 or not _NUMBER.fullmatch(fields[0]) or not original:
            raise UserError(f"{path}:{line}: expected 'idx orig_idx orig_file', as in '0 119613 119614.jpg'")
        if int(fields[0]) in originals:
            raise UserError(f"{path}:{line}: picture {fields[0]} comes twice; get the file again")
        originals[int(fields[0])] = int(original[1])
    if not originals:
        raise UserError(f"{path}: holds no rows; get the file again")
    return originals


def _table(path: Path) -> tuple[list[str], list[tuple[int, int, list[str]]]]:
    """Column names, and for each row the picture's number, the line and the other fields."""
    lines = text_lines(path)
    count = int(lines.pop(0)[1][0]) if lines and len(lines[0][1]) == 1 and _NUMBER.fullmatch(lines[0][1][0]) else None
    if not lines or _PICTURE_NAME.fullmatch(lines[0][1][0]):
        raise UserError(f"{path}: has no line of column names; get the file again")
    header = lines.pop(0)[1]
    rows: list[tuple[int, int, list[str]]] = []
    seen: set[int] = set()
    for line, fields in lines:
        name = _PICTURE_NAME.fullmatch(fields[0])
        if not name:
            raise UserError(f"{path}:{line}: expected a row that starts with a picture's name, as in '0.jpg'")
        number = int(name[1])
        if number in seen:
            raise UserError(f"{path}:{line}: {fields[0]} comes twice; get the file again")
        seen.add(number)
        rows.append((number, line, fields[1:]))
    if count is not None and count != len(rows):
        raise UserError(f"{path}: says {count} rows and holds {len(rows)}; cut off? get the file again")
    return header, rows


def text_lines(path: Path) -> list[tuple[int, list[str]]]:
    """Line number and fields of each line that is not blank.

    Raises:
        UserError: the file is missing or no text.
    """
    return [(number, line.split()) for number, line in enumerate(read_lines(path), 1) if line.strip()]

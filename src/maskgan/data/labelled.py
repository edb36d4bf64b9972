"""Faces with attributes and identities, as in CelebA: pictures here, a table there.

Pictures that are not square are cropped to their middle: that makes rows 20..198 of CelebA's aligned 178 x 218.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskgan.data.annotations import ATTRIBUTES, text_lines
from maskgan.data.celebamask_index import PICTURE_FOLDER, find_root, numbered_pictures
from maskgan.data.folder_pairs import files_by_key, picture_folder
from maskgan.data.open_dataset import SYNTHETIC_PREFIX, open_synthetic
from maskgan.data.pairs import PICTURE_SUFFIXES, KeyedCollection
from maskgan.data.synthetic.dataset import SyntheticPairs, sample_traits, visible_attributes
from maskgan.data.tar import TarMember
from maskgan.data.tar_pairs import expand_shards, list_shard, read_member
from maskgan.errors import UserError
from maskgan.files import require_file
from maskgan.images import Picture, decode_picture, read_picture
from maskgan.text_files import ByKey, parse_signs, read_rows, without_suffix


@dataclass(frozen=True)
class LabelledFace:
    """A face and what is known of it.

    Attributes:
        key: its name in the collection.
        picture: S x S x 3, uint8, RGB.
        attributes: 40 uint8 of 0 or 1, in the order of ``ATTRIBUTES``.
        identity: number of the person, from 0; -1 if unknown.
    """

    key: str
    picture: Picture
    attributes: NDArray[np.uint8]
    identity: int


_MAX_DIGITS = 18  # of an identity: Python refuses to read numbers of thousands

LabelledCollection = KeyedCollection[LabelledFace]
"""Faces with labels."""


@dataclass(frozen=True)
class LabelTable:
    """Labels by key.

    Attributes:
        attributes: 40 uint8 of 0 or 1 each.
        identities: as the table writes them; empty where it has none.
    """

    attributes: Mapping[str, NDArray[np.uint8]]
    identities: Mapping[str, str]


def read_label_table(path: Path) -> LabelTable:
    """Read a table of attributes.

    Args:
        path: a table with a column ``key`` or ``image_id`` (or the key in front), CelebA's 40 attributes (-1 or 1, or 0
            or 1) and perhaps ``identity``, separated by commas, semicolons, tabs or blanks; CelebA's and
            CelebAMask-HQ's own text files are such. Keys may have a picture's suffix, and numbers any number of zeros.
            ``identity_CelebA.txt`` is read if it lies beside a text file without identities.

    Raises:
        UserError: the file is missing, lacks a column, a key comes twice, or a row is not of that form; the message
            names the line.
    """
    names, rows = read_rows(path)
    if missing := [name for name in ATTRIBUTES if name not in names]:
        raise UserError(f"{path}: has no column {missing[0]!r}; a table has key and CelebA's 40 attributes")
    signs = parse_signs(rows, ATTRIBUTES, path)
    attributes = {key: np.array(values, dtype=np.uint8) for key, values in signs.items()}
    identities = {row.key: row.values["identity"] for row in rows if row.values.get("identity")}
    people = path.with_name("identity_CelebA.txt")
    if not identities and path.suffix.lower() != ".csv" and people.is_file():
        identities = _read_identities(people)
    return LabelTable(ByKey(attributes), ByKey(identities))


class LabelledPictures:
    """Pictures of a folder or of tar files for which a table has labels.

    Attributes:
        keys: the pictures' names without suffixes.
        damage: what is wrong with tar files as such, unless ``strict``: where they are cut off, names that come twice.

    Raises:
        UserError: there are no pictures, or the table has labels for none of them; if ``strict``, a tar is cut off.
    """

    def __init__(self, spec: str, table: LabelTable, strict: bool = True) -> None:
        self._table = table
        self.damage: list[UserError] = []
        self._files: Mapping[str, Path | tuple[Path, TarMember]] = _pictures(spec, self.damage)
        if strict and self.damage:
            raise self.damage[0]
        self.keys: Sequence[str] = [key for key in self._files if key in table.attributes]
        if not self.keys:
            raise UserError(f"{spec}: the table has labels for none of its pictures; is it that of other data?")
        known = sorted({table.identities[key] for key in self.keys if key in table.identities})
        self._people = {name: number for number, name in enumerate(known)}

    @property
    def people(self) -> int:
        """How many identities there are."""
        return len(self._people)

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> LabelledFace:
        key = self.keys[index]
        identity = self._people[self._table.identities[key]] if key in self._table.identities else -1
        return LabelledFace(key, middle(self._read(key)), self._table.attributes[key], identity)

    def _read(self, key: str) -> Picture:
        place = self._files[key]
        if isinstance(place, Path):
            return read_picture(place)
        path, member = place
        with open(require_file(path), "rb") as shard:
            return decode_picture(read_member(shard, member), f"{path}:{member.name}")


class LabelledSyntheticFaces:
    """Synthetic faces with the attributes that the rendering shows; every face is another person."""

    def __init__(self, pairs: SyntheticPairs) -> None:
        self._pairs = pairs
        self.keys: Sequence[str] = pairs.keys

    @property
    def people(self) -> int:
        """How many identities there are."""
        return len(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> LabelledFace:
        shown = visible_attributes(sample_traits(self._pairs.seed, index))
        attributes = np.array([name in shown for name in ATTRIBUTES], dtype=np.uint8)
        return LabelledFace(self.keys[index], self._pairs[index].picture, attributes, index)


def open_labelled(
    spec: str, table: Path | None, identities: str | None = None, strict: bool = True
) -> LabelledPictures | LabelledSyntheticFaces:
    """Open a collection of faces with labels.

    Args:
        spec: a folder of pictures, or of pairs as for ``open_pairs``; a tar file, a glob or a range of them; or
            ``synthetic:32``.
        table: see ``read_label_table``; synthetic faces need none.
        identities: only people whose numbers in the table lie in this range, both ends included: ``..9000``.
        strict: whether damage of tar files is raised, rather than kept in ``LabelledPictures.damage``.

    Raises:
        UserError: nothing is there, or the table is missing or of another form.
    """
    if spec.startswith(SYNTHETIC_PREFIX):
        return LabelledSyntheticFaces(open_synthetic(spec))
    if table is None:
        raise UserError("--table: the file with the attributes is needed (a CSV, or CelebA's list_attr_celeba.txt)")
    labels = read_label_table(table)
    return LabelledPictures(spec, labels if identities is None else _of_people(labels, identities), strict)


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) <= _MAX_DIGITS


def _of_people(table: LabelTable, identities: str) -> LabelTable:
    low, dots, high = identities.partition("..")
    if not dots or not all(end == "" or _is_number(end) for end in (low, high)):
        raise UserError(f"--identities {identities}: write a range of numbers, as in ..9000 or 9001..")
    first, last = int(low or 0), int(high) if high else None
    people = {
        key: person
        for key, person in table.identities.items()
        if _is_number(person) and first <= int(person) and (last is None or int(person) <= last)
    }
    known = {key: table.attributes[key] for key in people if key in table.attributes}
    return LabelTable(ByKey(known), ByKey(people))


def middle(picture: Picture) -> Picture:
    """The largest square in the middle, S x S x 3."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return picture[top : top + side, left : left + side]


def _pictures(spec: str, damage: list[UserError]) -> Mapping[str, Path | tuple[Path, TarMember]]:
    """Pictures by key; what is wrong with tar files is added to ``damage``."""
    if os.path.isdir(spec):  # noqa: PTH112  (Path.is_dir raises where the name is too long)
        found: dict[str, Path | tuple[Path, TarMember]] = dict(_pictures_of_folder(Path(spec)))
        if not found:
            raise UserError(f"{spec}: no pictures found")
        return found
    found = {}
    shards = expand_shards(spec)
    if not shards:
        raise UserError(f"{spec}: no such folder, tar file or pattern")
    for shard in shards:
        listed, problems = list_shard(shard)
        damage += problems
        for key, members in listed.items():
            # Beside a mask of the same name the picture is the other file.
            suffixes = [s for s in members if s in PICTURE_SUFFIXES]
            if chosen := [s for s in suffixes if s != ".png"] or suffixes:
                found[key] = (shard, members[chosen[0]])
    if not found and damage:
        raise damage[0]
    return found


def _pictures_of_folder(folder: Path) -> dict[str, Path]:
    root = find_root(folder)
    if root is not None and (root / PICTURE_FOLDER).is_dir():
        return numbered_pictures(root)
    return files_by_key(picture_folder(folder), PICTURE_SUFFIXES)


def _read_identities(path: Path) -> dict[str, str]:
    """Who is who, by key, from CelebA's ``identity_CelebA.txt``."""
    identities: dict[str, str] = {}
    for line, fields in text_lines(path):
        if len(fields) != 2:
            raise UserError(f"{path}:{line}: expected a picture's name and a number, as in '000001.jpg 2880'")
        key = without_suffix(fields[0])
        if key in identities:
            raise UserError(f"{path}:{line}: key {key!r} comes twice")
        identities[key] = fields[1]
    return identities

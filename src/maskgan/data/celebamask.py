"""CelebAMask-HQ as it is unpacked: where its files lie, and how part files become a label map.

Layout, with ``k`` the picture's number::

    CelebA-HQ-img/{k}.jpg                                   1024 x 1024
    CelebAMask-HQ-mask-anno/{k // 2000}/{k:05d}_{part}.png  512 x 512, 0 and 255, one for each part that is present
    CelebAMask-HQ-attribute-anno.txt, CelebAMask-HQ-pose-anno.txt, CelebA-HQ-to-CelebA-mapping.txt

Parts may lie in ``CelebAMask-HQ-mask-anno`` itself, and their numbers have any count of zeros. Without parts, label
maps that the authors' ``g_mask.py`` joined are read: ``CelebAMask-HQ-mask/{k}.png``. The text files are read by
``annotations``, and the folders are listed by ``celebamask_index``.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskgan.data.celebamask_index import LABEL_MAP_FOLDERS, PARTS_LIKE, SampleFiles, index_dataset
from maskgan.data.pairs import FacePair, checked_pair
from maskgan.errors import UserError
from maskgan.images import read_label_map, read_picture
from maskgan.labels import LabelMap

PART_THRESHOLD = 128
"""Part pixels of at least this value belong to the part."""

_log = logging.getLogger(__name__)


class CelebAMaskHQ:
    """The pairs of an unpacked CelebAMask-HQ, in order of their numbers; label maps are assembled when asked for.

    Keys are the pictures' numbers in five digits. Pictures are 1024 x 1024 and label maps 512 x 512. Files among the
    parts that are none are named in a warning.

    Raises:
        UserError: a folder is missing (named), nothing is in it, a picture or part is there twice (both named), or an
            order is given for masks that come as parts.
    """

    def __init__(self, folder: Path, order: str = "auto") -> None:
        """List the files; ``order`` is the label order of joined label maps (see ``pairs.from_order``)."""
        self.index = index_dataset(folder, "celebamask-hq" if order == "auto" else order)
        if self.index.errors:
            more = f" ({len(self.index.errors)} such errors)" if len(self.index.errors) > 1 else ""
            raise UserError(self.index.errors[0].reason + more)
        if order not in ("auto", "celebamask-hq") and not self.index.label_maps:
            raise UserError(f"--order {order}: the masks of {folder} are parts, which have their class in their names")
        if unknown := [issue for issue in self.index.warnings if issue.kind == "unknown"]:
            _log.warning("%d files are no parts and are left out of the masks; %s", len(unknown), unknown[0].reason)
        self._numbers = sorted(self.index.pictures)
        self.keys: Sequence[str] = [f"{number:05d}" for number in self._numbers]

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> FacePair:
        """Read one pair; raises ``UserError`` if a file is damaged or the picture has no part at all."""
        return read_sample(self.files(index))[0]

    @property
    def numbers(self) -> Sequence[int]:
        """The pictures' numbers, in order."""
        return self._numbers

    def files(self, index: int) -> SampleFiles:
        """The files of the pair at ``index``."""
        return self.index.files(self._numbers[index])


def read_sample(files: SampleFiles) -> tuple[FacePair, list[Path]]:
    """Read a face and assemble its label map.

    Returns:
        The pair, and parts without content: their classes are taken to be absent.

    Raises:
        UserError: a file is damaged, the parts do not fit each other or the picture, or there is no part.
    """
    label_map, empty = assemble_label_map(files)
    return checked_pair(files.key, read_picture(files.picture), label_map, str(files.picture)), empty


def assemble_label_map(files: SampleFiles) -> tuple[LabelMap, list[Path]]:
    """Paint the parts over each other by rising class index, as the data set's authors do; or read the joined mask.

    Returns:
        H x W uint8, values 0..18; and parts without content.

    Raises:
        UserError: there is no part with content (a mask of nothing but background is never made), one is damaged, or
            sizes differ.
    """
    if files.label_map is not None:
        joined = read_label_map(files.label_map, files.order)
        if not joined.any():
            raise UserError(f"{files.label_map}: is all background; the mask is missing")
        return joined, []
    if not files.parts:
        raise UserError(f"{files.picture}: {missing_masks(files)}")
    label_map: LabelMap | None = None
    empty = []
    for index, path in files.parts:
        part = read_part(path)
        if label_map is None:
            label_map = np.zeros(part.shape, dtype=np.uint8)
        elif part.shape != label_map.shape:
            raise UserError(size_difference(path, part.shape, label_map.shape))
        if not part.any():
            empty.append(path)
        label_map[part] = index
    assert label_map is not None
    if not label_map.any():
        raise UserError(f"{files.picture}: all its {len(empty)} parts are empty, {empty[0]} first; get them again")
    return label_map, empty


def missing_masks(files: SampleFiles) -> str:
    """The message for a picture without parts or joined mask."""
    if files.expected.name in LABEL_MAP_FOLDERS:
        return f"no mask in {files.expected} belongs to it; masks are named like {int(files.key)}.png"
    return f"no part in {files.expected} belongs to it; {PARTS_LIKE}"


def read_part(path: Path) -> NDArray[np.bool_]:
    """Read a part file: H x W, true where the part is.

    Raises:
        UserError: no such file, damaged, or its values are not 0 and 255.
    """
    values = read_picture(path)[..., 0]
    if 0 < values.max() < PART_THRESHOLD:
        raise UserError(f"{path}: its highest value is {values.max()}; a part is 0 and 255, so this is another mask")
    return values >= PART_THRESHOLD


def size_difference(path: Path, shape: tuple[int, ...], other: tuple[int, ...]) -> str:
    """The message for a part that is not of the size of the parts before it."""
    return f"{path}: is {shape[1]}x{shape[0]}, the parts before it {other[1]}x{other[0]}; all must be of one size"

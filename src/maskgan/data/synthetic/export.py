"""Synthetic faces on disk, in each of the forms that real ones come in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from maskgan.data.annotations import ATTRIBUTE_FILE, ATTRIBUTES, MAPPING_FILE, POSE_FILE
from maskgan.data.celebamask_index import PART_FOLDER, PICTURE_FOLDER, PICTURES_PER_FOLDER
from maskgan.data.pairs import FacePair
from maskgan.data.parallel import ProgressCallback
from maskgan.data.shards import encode_pair, shard_path, write_shard
from maskgan.data.splits import FIRST_TEST, FIRST_VAL
from maskgan.data.synthetic.dataset import SyntheticPairs, sample_traits, visible_attributes
from maskgan.errors import UserError
from maskgan.face_parts import FEATURES
from maskgan.files import atomic_path, make_folder
from maskgan.images import resize_label_map, write_label_map, write_picture
from maskgan.labels import CLASSES, LabelMap

_CELEBA_PICTURES = 202_599


def write_celebamask(
    folder: Path, count: int, size: int = 1024, seed: int = 0, progress: ProgressCallback | None = None
) -> None:
    """Write synthetic faces as an unpacked CelebAMask-HQ with all its text files.

    As in the data set, parts have half the pictures' side, and the skin's part runs on beneath the features. The
    first three faces stand for one of training, validation and test each; of the others, nine in ten are training.

    Raises:
        UserError: the folder is not empty, the size is below 32, or something cannot be written.
    """
    if size < 32:
        raise UserError(f"{size} pixels a side: CelebAMask-HQ's form needs 32 or more, for its masks have half of it")
    _require_empty(folder)
    pictures = make_folder(folder / PICTURE_FOLDER)
    for number, pair in enumerate(_rendered(count, size, seed, progress)):
        write_picture(pictures / f"{number}.jpg", pair.picture)
        parts = make_folder(folder / PART_FOLDER / str(number // PICTURES_PER_FOLDER))
        _write_parts(parts, pair.key, resize_label_map(pair.label_map, (size // 2, size // 2)))
    _write_annotations(folder, count, seed)


def write_folder(
    folder: Path, count: int, size: int = 512, seed: int = 0, progress: ProgressCallback | None = None
) -> None:
    """Write synthetic faces as ``images/00000.jpg`` and ``masks/00000.png`` and so on.

    Raises:
        UserError: the folder is not empty, the size is out of range, or something cannot be written.
    """
    _require_empty(folder)
    images, masks = make_folder(folder / "images"), make_folder(folder / "masks")
    for pair in _rendered(count, size, seed, progress):
        write_picture(images / f"{pair.key}.jpg", pair.picture)
        write_label_map(masks / f"{pair.key}.png", pair.label_map)


def write_shards(
    folder: Path,
    count: int,
    size: int = 512,
    seed: int = 0,
    progress: ProgressCallback | None = None,
    pairs_per_shard: int = 1000,
) -> None:
    """Write synthetic faces as ``faces-00000.tar`` and so on.

    Raises:
        UserError: the folder is not empty, the size is out of range, or something cannot be written.
    """
    _require_empty(folder)
    make_folder(folder)
    pairs = _rendered(count, size, seed, progress)
    for number, start in enumerate(range(0, count, pairs_per_shard)):
        some = (next(pairs) for _ in range(min(pairs_per_shard, count - start)))
        write_shard(shard_path(folder, number), (encode_pair(p.key, p.picture, p.label_map) for p in some))


def _rendered(count: int, size: int, seed: int, progress: ProgressCallback | None) -> Iterator[FacePair]:
    pairs = SyntheticPairs(count, size, seed)
    for index in range(count):
        yield pairs[index]
        if progress is not None:
            progress(index + 1, count)


def _require_empty(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"{folder}: is not empty; give a new folder for the synthetic faces")


def _write_parts(folder: Path, key: str, label_map: LabelMap) -> None:
    for face_class in CLASSES[1:]:
        covered = label_map == face_class.index
        if face_class.name == "skin":
            covered |= np.isin(label_map, FEATURES)
        if covered.any():
            with atomic_path(folder / f"{key}_{face_class.name}.png") as temporary:
                Image.fromarray(covered.astype(np.uint8) * 255).save(temporary)


def _write_annotations(folder: Path, count: int, seed: int) -> None:
    traits = [sample_traits(seed, index) for index in range(count)]
    attributes = [str(count), " ".join(ATTRIBUTES)]
    poses = [str(count), "Yaw Pitch Raw"]
    mapping = ["idx     orig_idx    orig_file"]
    for number, face in enumerate(traits):
        has = visible_attributes(face)
        attributes.append(f"{number}.jpg  " + " ".join("1" if name in has else "-1" for name in ATTRIBUTES))
        poses.append(f"{number}.jpg {face.pose.yaw:.6f} {face.pose.pitch:.6f} {face.pose.roll:.6f}")
        original = _original_number(number)
        mapping.append(f"{number:<8d}{original - 1:<12d}{original:06d}.jpg")
    for name, lines in ((ATTRIBUTE_FILE, attributes), (POSE_FILE, poses), (MAPPING_FILE, mapping)):
        with atomic_path(folder / name) as temporary:
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _original_number(number: int) -> int:
    """A made-up number in CelebA, another one for each face."""
    starts = {0: 1, 1: FIRST_VAL, 2: FIRST_TEST}
    which = number if number < 3 else {18: 1, 19: 2}.get(number % 20, 0)
    span = (FIRST_VAL, FIRST_TEST, _CELEBA_PICTURES + 1)[which] - starts[which]
    # 7919 is a prime and divides no span, so numbers differ while there are fewer faces than the span.
    return starts[which] + number * 7919 % span

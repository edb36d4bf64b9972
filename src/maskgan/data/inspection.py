"""Looking through a data set for what is missing, damaged or not aligned: behind ``maskgan prepare --check``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskgan.data.celebamask import missing_masks, read_part, size_difference
from maskgan.data.celebamask_index import Issue, SampleFiles, index_dataset
from maskgan.data.open_dataset import open_pairs
from maskgan.data.pairs import PairCollection, checked_pair
from maskgan.data.parallel import ProgressCallback, run
from maskgan.data.splits import SPLITS
from maskgan.data.writers import REPORT_FILE
from maskgan.errors import UserError
from maskgan.face_parts import SKIN
from maskgan.images import read_label_map, read_picture
from maskgan.labels import LabelMap
from maskgan.text_files import read_keys


def check_source(
    folder: Path, jobs: int | None = None, progress: ProgressCallback | None = None, order: str = "celebamask-hq"
) -> list[Issue]:
    """Read every file of an unpacked CelebAMask-HQ and list what is wrong with it; ``order`` is that of joined masks.

    Raises:
        UserError: the folder of pictures or of parts is missing or empty.
    """
    found = index_dataset(folder, order)
    samples = [found.files(number) for number in sorted(found.pictures)]
    issues = [*found.errors, *found.warnings, *_equal_pictures(samples)]
    with closing(run(inspect_sample, samples, jobs)) as results:
        for done, result in enumerate(results, 1):
            issues += result
            if progress is not None:
                progress(done, len(samples))
    return issues


def check_prepared(folder: Path, jobs: int | None = None, progress: ProgressCallback | None = None) -> list[Issue]:
    """Read every pair that ``maskgan prepare`` wrote into ``folder`` and list what is wrong.

    Raises:
        UserError: no pairs are there.
    """
    pairs = open_pairs(str(folder))
    issues = _unpaired(folder)
    for name in SPLITS if _has_splits(folder) else ():
        path = folder / "splits" / f"{name}.txt"
        if not path.is_file():
            issues.append(Issue("missing", "", f"{path}: no such file; prepare again to the end"))
            continue
        missing = set(read_keys(path)) - set(pairs.keys)
        for key in sorted(missing):
            issues.append(Issue("missing", key, f"{path}: names {key}, which is not in the data"))
    with closing(run(partial(_inspect_read, pairs), range(len(pairs)), jobs)) as results:
        for done, result in enumerate(results, 1):
            issues += result
            if progress is not None:
                progress(done, len(pairs))
    return issues


def inspect_sample(files: SampleFiles) -> list[Issue]:
    """Read every file of a face and list all that is wrong with it."""
    issues = []
    label_map: LabelMap | None = None
    seen: dict[bytes, Path] = {}
    if files.label_map is not None:
        try:
            label_map = read_label_map(files.label_map, files.order)
        except UserError as error:
            issues.append(Issue("damaged", files.key, str(error)))
    elif not files.parts:
        issues.append(Issue("missing", files.key, f"{files.picture}: {missing_masks(files)}"))
    for index, path in files.parts:
        try:
            part = read_part(path)
        except UserError as error:
            issues.append(Issue("damaged", files.key, str(error)))
            continue
        if not part.any():
            issues.append(Issue("empty", files.key, f"{path}: is all black; the part is missing"))
        elif (twin := seen.setdefault(sha256(part.tobytes()).digest(), path)) != path:
            issues.append(Issue("duplicate", files.key, f"{path}: shows the same as {twin.name}"))
        if label_map is None:
            label_map = np.zeros(part.shape, dtype=np.uint8)
        if part.shape != label_map.shape:
            issues.append(Issue("misaligned", files.key, size_difference(path, part.shape, label_map.shape)))
            continue
        label_map[part] = index
    try:
        picture = read_picture(files.picture)
    except UserError as error:
        return [*issues, Issue("damaged", files.key, str(error))]
    if label_map is not None:
        issues += inspect_pair(files.key, picture, label_map, str(files.picture))
    return issues


def inspect_pair(key: str, picture: NDArray[np.uint8], label_map: LabelMap, name: str) -> list[Issue]:
    """What is wrong with a picture and its label map, both readable."""
    issues = []
    try:
        checked_pair(key, picture, label_map, name)
    except UserError as error:
        issues.append(Issue("misaligned", key, str(error)))
    if not (label_map == SKIN).any():
        issues.append(Issue("no skin", key, f"{name}: its label map shows no skin"))
    return issues


def _equal_pictures(samples: Sequence[SampleFiles]) -> list[Issue]:
    """Pictures of the same bytes under several numbers. Only files of equal size are read."""
    by_size: dict[int, list[SampleFiles]] = {}
    for sample in samples:
        by_size.setdefault(sample.picture.stat().st_size, []).append(sample)
    issues = []
    for group in by_size.values():
        first: dict[bytes, Path] = {}
        for sample in group if len(group) > 1 else ():
            twin = first.setdefault(sha256(sample.picture.read_bytes()).digest(), sample.picture)
            if twin != sample.picture:
                issues.append(Issue("duplicate", sample.key, f"{sample.picture}: is the same file as {twin.name}"))
    return issues


def _inspect_read(pairs: PairCollection, index: int) -> list[Issue]:
    key = pairs.keys[index]
    try:
        pair = pairs[index]
    except UserError as error:
        return [Issue("damaged", key, str(error))]
    return inspect_pair(key, pair.picture, pair.label_map, key)


def _unpaired(folder: Path) -> list[Issue]:
    """Pictures without masks and masks without pictures, in ``images/`` and ``masks/``."""
    if not (folder / "images").is_dir():
        return []
    stems = {
        name: {path.stem: path for path in sorted((folder / name).iterdir()) if not path.name.startswith(".")}
        for name in ("images", "masks")
    }
    issues = []
    for name, other in (("images", "masks"), ("masks", "images")):
        for key in sorted(stems[name].keys() - stems[other].keys()):
            issues.append(Issue("missing", key, f"{stems[name][key]}: has nothing of its name in {other}/"))
    return issues


def _has_splits(folder: Path) -> bool:
    """Whether there should be split lists: prepare writes none where the source has no mapping to CelebA."""
    try:
        return json.loads((folder / REPORT_FILE).read_text(encoding="utf-8"))["splits"] != {}
    except (OSError, ValueError, LookupError, TypeError):
        return True

"""Looking through a data set for what is missing, damaged or not aligned: behind ``maskgan prepare --check``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskgan.data.celebamask import Finding, SampleFiles, read_part, size_difference, survey
from maskgan.data.opening import open_pairs
from maskgan.data.pairs import PairCollection, checked_pair
from maskgan.data.parallel import run
from maskgan.data.splits import SPLITS
from maskgan.errors import UserError
from maskgan.images import read_picture
from maskgan.labels import INDEX, LabelMap

Progress = Callable[[int, int], None]
"""Called with how many items are done, and how many there are."""


def check_source(folder: Path, jobs: int | None = None, progress: Progress | None = None) -> list[Finding]:
    """Read every file of an unpacked CelebAMask-HQ and list what is wrong with it.

    Raises:
        UserError: the folder of pictures or of parts is missing or empty.
    """
    found = survey(folder)
    samples = [found.files(number) for number in sorted(found.pictures)]
    findings = [*found.faults, *found.oddities, *_equal_pictures(samples)]
    with closing(run(inspect_sample, samples, jobs)) as results:
        for done, result in enumerate(results, 1):
            findings += result
            if progress is not None:
                progress(done, len(samples))
    return findings


def check_prepared(folder: Path, jobs: int | None = None, progress: Progress | None = None) -> list[Finding]:
    """Read every pair that ``maskgan prepare`` wrote into ``folder`` and list what is wrong.

    Raises:
        UserError: no pairs are there.
    """
    pairs = open_pairs(str(folder))
    findings = _unpaired(folder)
    for name in SPLITS:
        path = folder / "splits" / f"{name}.txt"
        if not path.is_file():
            findings.append(Finding("missing", "", f"{path}: no such file; prepare again to the end"))
            continue
        missing = set(path.read_text(encoding="utf-8").split()) - set(pairs.keys)
        for key in sorted(missing):
            findings.append(Finding("missing", key, f"{path}: names {key}, which is not in the data"))
    with closing(run(partial(_inspect_read, pairs), range(len(pairs)), jobs)) as results:
        for done, result in enumerate(results, 1):
            findings += result
            if progress is not None:
                progress(done, len(pairs))
    return findings


def inspect_sample(files: SampleFiles) -> list[Finding]:
    """Read every file of a face and list all that is wrong with it."""
    findings = []
    label_map: LabelMap | None = None
    seen: dict[bytes, Path] = {}
    if not files.parts:
        reason = f"{files.picture}: no part in {files.expected} belongs to it"
        findings.append(Finding("missing", files.key, reason))
    for index, path in files.parts:
        try:
            part = read_part(path)
        except UserError as error:
            findings.append(Finding("damaged", files.key, str(error)))
            continue
        if not part.any():
            findings.append(Finding("damaged", files.key, f"{path}: is all black; the part is missing"))
        elif (twin := seen.setdefault(sha256(part.tobytes()).digest(), path)) != path:
            findings.append(Finding("duplicate", files.key, f"{path}: shows the same as {twin.name}"))
        if label_map is None:
            label_map = np.zeros(part.shape, dtype=np.uint8)
        if part.shape != label_map.shape:
            findings.append(Finding("misaligned", files.key, size_difference(path, part.shape, label_map.shape)))
            continue
        label_map[part] = index
    try:
        picture = read_picture(files.picture)
    except UserError as error:
        return [*findings, Finding("damaged", files.key, str(error))]
    if label_map is not None:
        findings += inspect_pair(files.key, picture, label_map, str(files.picture))
    return findings


def inspect_pair(key: str, picture: NDArray[np.uint8], label_map: LabelMap, name: str) -> list[Finding]:
    """What is wrong with a picture and its label map, both readable."""
    findings = []
    try:
        checked_pair(key, picture, label_map, name)
    except UserError as error:
        findings.append(Finding("misaligned", key, str(error)))
    if not (label_map == INDEX["skin"]).any():
        findings.append(Finding("no skin", key, f"{name}: its label map shows no skin"))
    return findings


def _equal_pictures(samples: Sequence[SampleFiles]) -> list[Finding]:
    """Pictures of the same bytes under several numbers. Only files of equal size are read."""
    by_size: dict[int, list[SampleFiles]] = {}
    for sample in samples:
        by_size.setdefault(sample.picture.stat().st_size, []).append(sample)
    findings = []
    for group in by_size.values():
        first: dict[bytes, Path] = {}
        for sample in group if len(group) > 1 else ():
            twin = first.setdefault(sha256(sample.picture.read_bytes()).digest(), sample.picture)
            if twin != sample.picture:
                findings.append(Finding("duplicate", sample.key, f"{sample.picture}: is the same file as {twin.name}"))
    return findings


def _inspect_read(pairs: PairCollection, index: int) -> list[Finding]:
    key = pairs.keys[index]
    try:
        pair = pairs[index]
    except UserError as error:
        return [Finding("damaged", key, str(error))]
    return inspect_pair(key, pair.picture, pair.label_map, key)


def _unpaired(folder: Path) -> list[Finding]:
    """Pictures without masks and masks without pictures, in ``images/`` and ``masks/``."""
    if not (folder / "images").is_dir():
        return []
    stems = {
        name: {path.stem: path for path in sorted((folder / name).iterdir()) if not path.name.startswith(".")}
        for name in ("images", "masks")
    }
    findings = []
    for name, other in (("images", "masks"), ("masks", "images")):
        for key in sorted(stems[name].keys() - stems[other].keys()):
            findings.append(Finding("missing", key, f"{stems[name][key]}: has nothing of its name in {other}/"))
    return findings

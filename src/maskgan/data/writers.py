"""Writing the pairs of an unpacked CelebAMask-HQ, as a folder or as shards, as far as they are not there yet."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from maskgan.data.celebamask import CelebAMaskHQ, read_sample
from maskgan.data.celebamask_index import SampleFiles
from maskgan.data.pairs import MASK_SUFFIXES, FacePair
from maskgan.data.parallel import run
from maskgan.data.shards import EncodedPair, encode_pair, shard_path, write_shard
from maskgan.data.tar_pairs import ShardPairs
from maskgan.errors import UserError
from maskgan.files import atomic_path, make_folder
from maskgan.images import encode_label_map, resize_label_map, resize_picture, write_label_map, write_picture

REPORT_FILE = "report.json"
"""What ``maskgan prepare`` found, in its output."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PrepareOptions:
    """What to write.

    Attributes:
        size: pictures and masks are shrunk to this side at most; None keeps them as they are.
        pairs_per_shard: pairs in each tar shard; None writes ``images/`` and ``masks/``.
        order: label order of joined masks (see ``pairs.from_order``); parts have none.
    """

    size: int | None = None
    pairs_per_shard: int | None = None
    order: str = "auto"


@dataclass(frozen=True)
class SampleResult:
    """The outcome for one pair of the source.

    Attributes:
        key: its name.
        written: whether this run wrote it; False if it was there, or is damaged.
        problem: why it was left out; None for a whole pair.
        empty: parts without content, which were taken to be absent.
    """

    key: str
    written: bool = False
    problem: str | None = None
    empty: tuple[str, ...] = ()


def write_folder_pairs(
    source: CelebAMaskHQ, out: Path, options: PrepareOptions, jobs: int | None
) -> Generator[SampleResult, None, None]:
    """Write ``out/images`` and ``out/masks`` as far as they are missing; a result for each pair of the source.

    Raises:
        UserError: ``out/images`` holds another picture, or something cannot be written.
    """
    images, masks = make_folder(out / "images"), make_folder(out / "masks")
    samples = [source.files(index) for index in range(len(source))]
    pictures, labelled = _visible(images), _visible(masks)
    if foreign := sorted(pictures - {_picture_name(sample, options) for sample in samples}):
        raise UserError(f"{images / foreign[0]}: not a picture of this source; remove it, or give another folder")
    whole = {s.key for s in samples if _picture_name(s, options) in pictures and f"{s.key}.png" in labelled}
    for key in sorted(whole):
        yield SampleResult(key)
    missing = [sample for sample in samples if sample.key not in whole]
    with closing(run(partial(_write_pair, images, masks, options), missing, jobs)) as results:
        yield from results


def _visible(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def _picture_name(sample: SampleFiles, options: PrepareOptions) -> str:
    return f"{sample.key}.jpg" if options.size is not None else f"{sample.key}{sample.picture.suffix.lower()}"


def _write_pair(images: Path, masks: Path, options: PrepareOptions, sample: SampleFiles) -> SampleResult:
    try:
        pair, empty = read_sample(sample)
    except UserError as error:
        return SampleResult(sample.key, problem=str(error))
    # From here on an error is the output's (a full disk), and ends the run.
    target = images / _picture_name(sample, options)
    if options.size is None:
        _link(sample.picture, target)
    else:
        pair = _downsized(pair, options.size)
        write_picture(target, pair.picture)
    write_label_map(masks / f"{sample.key}.png", pair.label_map)
    return SampleResult(sample.key, written=True, empty=tuple(map(str, empty)))


def _link(source: Path, target: Path) -> None:
    """Hard link, or copy where the file system has no links or lies elsewhere."""
    if target.is_file():  # the run before was stopped between picture and mask
        return
    with suppress(OSError):
        os.link(source, target)
        return
    with atomic_path(target) as temporary:
        shutil.copyfile(source, temporary)


def _downsized(pair: FacePair, size: int) -> FacePair:
    """Neither side over ``size``; never enlarged."""

    def bounded(shape: tuple[int, ...]) -> tuple[int, int]:
        factor = min(1.0, size / max(shape[:2]))
        return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))

    return FacePair(
        pair.key,
        resize_picture(pair.picture, bounded(pair.picture.shape)),
        resize_label_map(pair.label_map, bounded(pair.label_map.shape)),
    )


def write_shard_pairs(
    source: CelebAMaskHQ, out: Path, options: PrepareOptions, jobs: int | None
) -> Generator[SampleResult, None, None]:
    """Write ``out/shards`` as far as they are missing; a result for each pair of the source.

    Raises:
        UserError: ``out/shards`` holds another shard, or something cannot be written.
    """
    assert options.pairs_per_shard is not None
    folder = make_folder(out / "shards")
    samples = [source.files(index) for index in range(len(source))]
    # A shard's pairs are fixed by the source alone, so that one damaged pair does not shift all others.
    starts = range(0, len(samples), options.pairs_per_shard)
    groups = {shard_path(folder, i): samples[start : start + options.pairs_per_shard] for i, start in enumerate(starts)}
    if foreign := sorted(set(folder.glob("*.tar")) - groups.keys()):
        raise UserError(f"{foreign[0]}: not a shard of this source; remove it, or give another folder")
    pending = {path: group for path, group in groups.items() if not _holds(path, group)}
    for path, group in groups.items():
        if path not in pending:
            yield from (SampleResult(sample.key) for sample in group)
    work = [sample for group in pending.values() for sample in group]
    with closing(run(partial(_encode, options), work, jobs)) as results:
        for path, group in pending.items():
            finished: list[SampleResult] = []
            encoded: list[EncodedPair] = []
            for _ in group:
                pair, result = next(results)
                finished.append(result)
                if pair is not None:
                    encoded.append(pair)
            if encoded:
                write_shard(path, encoded)
            yield from finished


def _holds(path: Path, group: Sequence[SampleFiles]) -> bool:
    """Whether the shard is there with all its pairs. One that lacks damaged pairs is made again, to name them."""
    if not path.is_file():
        return False
    try:
        return list(ShardPairs([path]).keys) == [sample.key for sample in group]
    except UserError as error:
        _log.warning("%s; it is made again", error)
        return False


def _encode(options: PrepareOptions, sample: SampleFiles) -> tuple[EncodedPair | None, SampleResult]:
    try:
        pair, empty = read_sample(sample)
    except UserError as error:
        return None, SampleResult(sample.key, problem=str(error))
    result = SampleResult(sample.key, written=True, empty=tuple(map(str, empty)))
    suffix = sample.picture.suffix.lower()
    if options.size is None and suffix not in MASK_SUFFIXES:
        return EncodedPair(pair.key, suffix, sample.picture.read_bytes(), encode_label_map(pair.label_map)), result
    if options.size is not None:
        pair = _downsized(pair, options.size)
    return encode_pair(pair.key, pair.picture, pair.label_map), result

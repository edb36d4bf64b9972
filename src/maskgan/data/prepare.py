"""Turning an unpacked CelebAMask-HQ into pairs that are quick to read: the work behind ``maskgan prepare``.

Everything is written under a temporary name and renamed when whole, so whatever exists is whole; the same call again
makes only what is missing. ``prepare.json`` in the output remembers the options, so that two runs cannot be mixed.
"""

from __future__ import annotations

import csv
import json
import logging
import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from maskgan.data.annotations import ATTRIBUTE_FILE, MAPPING_FILE, POSE_FILE, read_attributes, read_mapping, read_poses
from maskgan.data.celebamask import CelebAMaskHQ
from maskgan.data.celebamask_index import Issue
from maskgan.data.folder_pairs import FolderPairs
from maskgan.data.pairs import PairCollection
from maskgan.data.parallel import ProgressCallback
from maskgan.data.plausibility import first_masks, warn_of_common_issues
from maskgan.data.splits import SPLITS, celeba_split, write_split_lists
from maskgan.data.tar_pairs import ShardPairs
from maskgan.data.writers import REPORT_FILE, PrepareOptions, SampleResult, write_folder_pairs, write_shard_pairs
from maskgan.errors import UserError
from maskgan.files import atomic_path, make_folder
from maskgan.images import resize_label_map, resize_picture, write_picture
from maskgan.labels import colourise

OPTIONS_FILE = "prepare.json"
PREVIEW_SIDE = 256
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Report:
    """What a run did.

    Attributes:
        found: pictures in the source.
        prepared: pairs in the output.
        written: pairs that this run wrote; the others were there.
        splits: pairs in each split list; none if the source has no mapping to CelebA.
        unlisted: pairs in no list, for the mapping file is missing or has no row for them.
        damaged: what was left out, and why.
        empty: part files without content, whose classes were taken to be absent.
        unused: files of the source that belong to no picture, and why.
    """

    found: int
    prepared: int
    written: int
    splits: dict[str, int]
    unlisted: int
    damaged: list[Issue]
    empty: list[Issue]
    unused: list[Issue]


@dataclass(frozen=True)
class _Tables:
    """The source's text files, read before the long work so that a fault in them is not found hours later."""

    originals: dict[int, int] | None
    columns: list[str]
    rows: dict[int, list[str]]


def prepare(
    source_folder: Path,
    out: Path,
    options: PrepareOptions | None = None,
    *,
    jobs: int | None = None,
    previews: int = 6,
    progress: ProgressCallback | None = None,
) -> Report:
    """Assemble all label maps, and write pairs, split lists, attributes, previews and a report.

    Written into ``out``: ``images/00000.jpg`` (a hard link where possible, else a copy; encoded anew if shrunk) and
    ``masks/00000.png``, or ``shards/faces-00000.tar`` and so on; ``splits/{train,val,test}.txt``;
    ``attributes.csv``; ``previews/``; ``report.json``. Damaged pairs are left out and reported.

    Args:
        source_folder: an unpacked CelebAMask-HQ.
        out: a new or empty folder, or one that an earlier run with the same options began.
        options: what to write.
        jobs: processes; None is one for each core.
        previews: how many pictures of a face beside its coloured mask to write.
        progress: called after each pair.

    Raises:
        UserError: nothing is found, files are missing or double, ``out`` holds something else, or no pair is whole.
    """
    options = options or PrepareOptions()
    source = CelebAMaskHQ(source_folder, options.order)
    warn_of_common_issues(first_masks(source), str(source_folder), options.order)
    tables = _read_tables(source)
    _claim(out, options)
    write_pairs = write_folder_pairs if options.pairs_per_shard is None else write_shard_pairs
    results: list[SampleResult] = []
    with closing(write_pairs(source, out, options, jobs)) as written:
        for result in written:
            results.append(result)
            if progress is not None:
                progress(len(results), len(source))
    damaged = [Issue("damaged", result.key, result.problem) for result in results if result.problem is not None]
    good = [result.key for result in results if result.problem is None]
    if not good:
        raise UserError(f"{source_folder}: none of {len(source)} pairs is whole; the first: {damaged[0].reason}")
    lists = _split_keys(good, tables)
    if lists:
        write_split_lists(out / "splits", lists)
    _write_attributes(out / "attributes.csv", good, tables)
    _write_previews(out, options, previews)
    report = Report(
        found=len(source),
        prepared=len(good),
        written=sum(result.written for result in results),
        splits={name: len(keys) for name, keys in lists.items()},
        unlisted=len(good) - sum(len(keys) for keys in lists.values()),
        damaged=damaged,
        empty=_empty_parts(out / REPORT_FILE, results),
        unused=source.index.warnings,
    )
    with atomic_path(out / REPORT_FILE) as temporary:
        temporary.write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")
    return report


def _read_tables(source: CelebAMaskHQ) -> _Tables:
    root = source.index.root
    columns: list[str] = []
    rows: dict[int, list[str]] = {number: [] for number in source.numbers}
    if (root / ATTRIBUTE_FILE).is_file():
        attributes = read_attributes(root / ATTRIBUTE_FILE)
        columns += [_checked_name(root / ATTRIBUTE_FILE, name) for name in attributes.names]
        for number, row in rows.items():
            row += map(str, attributes.values.get(number, [""] * len(attributes.names)))
    else:
        _log.warning("%s: no such file; attributes.csv will lack the attributes", root / ATTRIBUTE_FILE)
    if (root / POSE_FILE).is_file():
        poses = read_poses(root / POSE_FILE)
        columns += ["yaw", "pitch", "roll"]
        for number, row in rows.items():
            row += map(str, poses.get(number, [""] * 3))
    if not (root / MAPPING_FILE).is_file():
        _log.warning(
            "%s: no such file; there will be no split lists, for CelebA's splits follow it", root / MAPPING_FILE
        )
        return _Tables(None, columns, rows)
    originals = read_mapping(root / MAPPING_FILE)
    if not originals.keys() & rows.keys():
        raise UserError(f"{root / MAPPING_FILE}: has no row for any of the pictures; get the file again")
    return _Tables(originals, columns, rows)


def _checked_name(path: Path, name: str) -> str:
    """A column's name; spreadsheets run cells that begin with signs such as ``=`` as formulas.

    Raises:
        UserError: it is none that an attribute can have.
    """
    if not re.fullmatch(r"\w[\w -]*", name):
        raise UserError(f"{path}: attribute {name!r}: names are letters, digits, '_' and '-'; correct the second line")
    return name


def _claim(out: Path, options: PrepareOptions) -> None:
    """Make ``out`` this run's: new, empty, or begun with the same options. Sweeps up after a run that was killed."""
    make_folder(out)
    record = out / OPTIONS_FILE
    if record.is_file():
        try:
            before = PrepareOptions(**json.loads(record.read_text(encoding="utf-8")))
        except (ValueError, TypeError):
            raise UserError(f"{record}: not a record of prepare's options; give a new folder") from None
        if before != options:
            raise UserError(
                f"{out}: was prepared with {_spell(before)}, now asked for {_spell(options)}; give another folder"
            )
    elif any(not path.name.startswith(".") for path in out.iterdir()):
        raise UserError(f"{out}: holds something that prepare did not write; give a new or empty folder")
    else:
        with atomic_path(record) as temporary:
            temporary.write_text(json.dumps(asdict(options)) + "\n", encoding="utf-8")
    for folder in (out, *(out / name for name in ("images", "masks", "shards", "splits", "previews"))):
        for unfinished in folder.glob(".*.tmp*"):
            unfinished.unlink(missing_ok=True)


def _spell(options: PrepareOptions) -> str:
    size = "full size" if options.size is None else f"--size {options.size}"
    shards = "" if options.pairs_per_shard is None else f" and --shards {options.pairs_per_shard}"
    return size + shards + ("" if options.order == "auto" else f" and --order {options.order}")


def _empty_parts(report: Path, results: Sequence[SampleResult]) -> list[Issue]:
    """Parts without content of the pairs written now, and of those that an earlier run wrote and reported."""
    reason = "is all black; the part was taken to be absent"
    found = [Issue("empty", result.key, f"{path}: {reason}") for result in results for path in result.empty]
    kept = {result.key for result in results if result.problem is None and not result.written}
    try:
        before = [Issue(**issue) for issue in json.loads(report.read_text(encoding="utf-8"))["empty"]]
    except (OSError, ValueError, LookupError, TypeError):
        before = []
    return sorted([*found, *(issue for issue in before if issue.key in kept)], key=lambda issue: issue.reason)


def _split_keys(keys: Sequence[str], tables: _Tables) -> dict[str, list[str]]:
    if tables.originals is None:
        return {}
    lists: dict[str, list[str]] = {name: [] for name in SPLITS}
    for key in sorted(keys):
        if int(key) in tables.originals:
            lists[celeba_split(tables.originals[int(key)])].append(key)
    return lists


def _write_attributes(path: Path, keys: Sequence[str], tables: _Tables) -> None:
    if not tables.columns:
        return
    with atomic_path(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["key", *tables.columns])
        table.writerows([key, *tables.rows[int(key)]] for key in sorted(keys))


def _write_previews(out: Path, options: PrepareOptions, count: int) -> None:
    """A few faces beside their coloured masks, spread evenly over the data."""
    shards = sorted((out / "shards").glob("*.tar"))
    pairs: PairCollection = FolderPairs(out) if options.pairs_per_shard is None else ShardPairs(shards)
    folder = make_folder(out / "previews")
    for index in sorted({int(i) for i in np.linspace(0, len(pairs) - 1, min(count, len(pairs)))}):
        pair = pairs[index]
        side = (PREVIEW_SIDE, PREVIEW_SIDE)
        mask = colourise(resize_label_map(pair.label_map, side))
        write_picture(folder / f"{pair.key}.png", np.hstack([resize_picture(pair.picture, side), mask]))

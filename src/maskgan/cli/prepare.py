"""``maskgan prepare``: from an unpacked CelebAMask-HQ to pairs that are quick to read."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maskgan.cli.lines import echo_line
from maskgan.cli.options import order_option
from maskgan.errors import MaskGANError, UserError

if TYPE_CHECKING:
    from maskgan.data.celebamask_index import Issue

_log = logging.getLogger(__name__)


@click.command("prepare", short_help="Convert CelebAMask-HQ to pairs for training.")
@click.argument("source", metavar="CELEBAMASK_DIR", type=click.Path(path_type=Path))
@click.argument("out", metavar="[OUT]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--size",
    type=click.IntRange(16, 4096),
    help="Shrink images and masks to this side, in pixels.  [default: as they are]",
)
@click.option("--shards", type=click.IntRange(min=1), metavar="N", help="Write tar shards of N pairs each.")
@order_option
@click.option("--jobs", type=click.IntRange(1, 1024), help="Processes to work with.  [default: one for each core]")
@click.option("--previews", type=click.IntRange(0, 1000), default=6, show_default=True, help="Coloured previews.")
@click.option("--check", is_flag=True, help="Write nothing; list what is damaged or missing in OUT, or in the source.")
def command(
    source: Path,
    out: Path | None,
    size: int | None,
    shards: int | None,
    order: str,
    jobs: int | None,
    previews: int,
    check: bool,
) -> None:
    """Assemble the label maps of CELEBAMASK_DIR, the unpacked CelebAMask-HQ, and write pairs into OUT.

    OUT gets images/ and masks/ (or shards/), CelebA's split lists in splits/, attributes.csv, a few previews/ and
    report.json. Pictures are hard links to the originals where that is possible. Stopped with Ctrl-C, the same command
    resumes. Damaged pairs are left out and listed in report.json.

    With --check, everything in OUT is read if OUT exists, else everything in CELEBAMASK_DIR; the exit code is 1 if
    something is wrong with it.
    """
    if check:
        _check(source, out, order, jobs)
        return
    if out is None:
        raise UserError("give OUT, the folder to write, or --check to write nothing")
    from maskgan.data.prepare import prepare
    from maskgan.data.writers import REPORT_FILE, PrepareOptions

    with _bar("prepare") as progress:
        report = prepare(
            source, out, PrepareOptions(size, shards, order), jobs=jobs, previews=previews, progress=progress
        )
    splits = ", ".join(f"{count} {name}" for name, count in report.splits.items()) or "no split lists"
    echo_line(f"{out}: {report.prepared} of {report.found} pairs ({report.written} new): {splits}")
    if report.unlisted and report.splits:
        _log.warning("%d pairs are in no split list: the mapping file has no row for them", report.unlisted)
    if report.unused:
        reason = report.unused[0].reason
        _log.warning("%d files belong to no picture; see %s; %s", len(report.unused), out / REPORT_FILE, reason)
    if report.empty:
        reason = report.empty[0].reason
        _log.warning("%d part files are empty; see %s; %s", len(report.empty), out / REPORT_FILE, reason)
    if report.damaged:
        reason = report.damaged[0].reason
        _log.warning("%d damaged pairs are left out; see %s; %s", len(report.damaged), out / REPORT_FILE, reason)


def _check(source: Path, out: Path | None, order: str, jobs: int | None) -> None:
    from maskgan.data.inspection import check_prepared, check_source

    with _bar("check") as progress:
        if out is not None and out.exists():
            checked, issues = out, check_prepared(out, jobs, progress)
        else:
            checked, issues = (
                source,
                check_source(source, jobs, progress, "celebamask-hq" if order == "auto" else order),
            )
    for issue in issues:
        echo_line(f"{issue.kind}: {issue.reason}")
    if issues:
        raise MaskGANError(f"{checked}: {_count(issues)}")
    echo_line(f"{checked}: nothing is damaged or missing")


def _count(issues: Sequence[Issue]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in Counter(issue.kind for issue in issues).most_common())


@contextmanager
def _bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, where that is a terminal."""
    from tqdm import tqdm

    with tqdm(desc=title, unit="pair", leave=False, disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress

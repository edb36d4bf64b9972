"""Many inputs at once: files and folders in, a folder out, and a failure of one that does not stop the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from maskgan.errors import MaskGANError, UserError

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".avif", ".heic", ".heif", ".gif")
"""What is taken from a folder of pictures."""

JobT = TypeVar("JobT")
_log = logging.getLogger(__name__)


def expand_inputs(paths: Sequence[Path]) -> list[Path]:
    """Files as they are; of folders, the pictures in them by name, hidden files left out.

    Raises:
        UserError: a folder cannot be read or holds no picture.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        try:
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES and p.name[0] != ".")
        except OSError as error:
            raise UserError(f"{path}: cannot be read: {error.strerror}") from error
        if not inside:
            raise UserError(f"{path}: holds no pictures ({', '.join(PICTURE_SUFFIXES)})")
        found += inside
    return found


def is_batch(paths: Sequence[Path]) -> bool:
    """Whether arguments name several inputs, so that outputs go into a folder."""
    return len(paths) > 1 or any(path.is_dir() for path in paths)


def outputs_for(inputs: Sequence[Path], output: Path, batch: bool, suffix: str | None = None) -> list[Path]:
    """The output of each input: ``output`` itself, or a file of the input's name in it.

    Args:
        inputs: the files.
        output: what was given as output.
        batch: whether it is a folder, there or not.
        suffix: of the names in a folder; the inputs' own if absent, where they can be written, else ``.png``.
    """
    from maskgan.images import check_picture_path

    if not batch:
        return [output]
    outputs = []
    for path in inputs:
        own = suffix
        if own is None:
            try:
                check_picture_path(path)
                own = path.suffix
            except UserError:
                own = ".png"
        outputs.append(output / f"{path.stem}{own}")
    return outputs


def companion(given: Path, path: Path, option: str) -> Path:
    """The file that belongs to an input: ``given`` itself, or the file of the input's name in the folder ``given``.

    Raises:
        UserError: the folder has no such file, or several.
    """
    if not given.is_dir():
        return given
    found = sorted(p for p in given.iterdir() if p.stem == path.stem and p.suffix.lower() in PICTURE_SUFFIXES)
    if path.parent.is_dir() and given.samefile(path.parent):
        found = [p for p in found if p.name != path.name]
    if len(found) != 1:
        what = "no file" if not found else f"several files ({', '.join(p.name for p in found)})"
        raise UserError(f"{option} {given}: has {what} for {path}; a mask has its picture's name: {path.stem}.png")
    return found[0]


def run_batch(jobs: Sequence[JobT], work: Callable[[JobT], None]) -> None:
    """Do jobs one after the other; of several, those that fail are reported and left out.

    Raises:
        UserError: the only job failed.
        MaskGANError: some of several failed.
    """
    if len(jobs) == 1:
        work(jobs[0])
        return
    failed = 0
    for job in jobs:
        try:
            work(job)
        except UserError as error:
            _log.error("%s", error)
            failed += 1
    if failed:
        # The exit code 1 tells scripts that the rest is done; 2 means that nothing is.
        raise MaskGANError(f"{failed} of {len(jobs)} inputs failed, the others are done; see the lines above")

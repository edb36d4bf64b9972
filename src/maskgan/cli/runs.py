"""``maskgan runs``: take a training run to another machine in a few small files."""

from __future__ import annotations

from pathlib import Path

import click

from maskgan.cli.lines import echo_line

_PATH = click.Path(path_type=Path)


@click.group("runs", short_help="Pack a training run to resume elsewhere.")
def command() -> None:
    """Pack a training run in files of at most 16 MiB, and unpack it to resume it elsewhere."""


@command.command("pack", short_help="Pack a run folder in small files.")
@click.argument("run", type=_PATH)
@click.option("-o", "--output", required=True, type=_PATH, help="Folder for the pack; one that is there is replaced.")
def pack(run: Path, output: Path) -> None:
    """Write the run folder RUN, of one stage or of 'train all', as a few small files.

    The pack trains on as the run would have, but for rounding; samples and earlier snapshots stay behind.
    """
    from maskgan.training import archive

    for path in archive.pack(run, output):
        echo_line(f"{path}  {path.stat().st_size / 2**20:.1f} MiB")


@command.command("unpack", short_help="Unpack a run folder.")
@click.argument("pack", metavar="FOLDER", type=_PATH)
@click.argument("run", type=_PATH)
def unpack(pack: Path, run: Path) -> None:
    """Make the run folder RUN from the pack in FOLDER; the command that trained it then resumes it."""
    from maskgan.training import archive

    archive.unpack(pack, run)
    echo_line(run)

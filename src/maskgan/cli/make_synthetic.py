"""``maskgan make-synthetic``: synthetic faces with exact masks, to try the program without a download."""

from __future__ import annotations

from pathlib import Path

import click

from maskgan.cli.lines import echo_line

FORMS = ("folder", "celebamask", "shards")


@click.command("make-synthetic", short_help="Synthetic faces with masks, to try without data.")
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--count", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many faces.")
@click.option(
    "--size", type=click.IntRange(32, 4096), default=512, show_default=True, help="Side of the images, in pixels."
)
@click.option("--form", type=click.Choice(FORMS), default="folder", show_default=True, help="How they lie on disk.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed, other faces.")
def command(out: Path, count: int, size: int, form: str, seed: int) -> None:
    """Write synthetic faces with their masks into OUT, a new folder.

    Forms: 'folder' is images/ and masks/; 'celebamask' is CelebAMask-HQ as unpacked, with part files of half the
    pictures' side and all text files; 'shards' is tar files. Training needs none on disk:
    --data synthetic:32 renders 32 of them on access.
    """
    from tqdm import tqdm

    from maskgan.data.synthetic import export

    write = {
        "folder": export.write_folder,
        "celebamask": export.write_celebamask,
        "shards": export.write_shards,
    }[form]
    with tqdm(desc="draw", unit="face", total=count, leave=False, disable=None) as bar:

        def progress(done: int, _total: int) -> None:
            bar.update(done - bar.n)

        write(out, count, size, seed, progress)
    echo_line(f"{out}: {count} faces")

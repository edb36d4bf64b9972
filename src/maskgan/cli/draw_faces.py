"""``maskgan draw-faces``: drawn faces with exact masks, to try the program without a download."""

from __future__ import annotations

from pathlib import Path

import click

FORMS = ("folder", "celebamask", "shards")


@click.command("draw-faces", short_help="Drawn faces with masks, to try without data.")
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--count", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many faces.")
@click.option("--size", type=click.IntRange(32, 4096), default=512, show_default=True, help="Side of the pictures.")
@click.option("--form", type=click.Choice(FORMS), default="folder", show_default=True, help="How they lie on disk.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed, other faces.")
def command(out: Path, count: int, size: int, form: str, seed: int) -> None:
    """Draw faces with their masks into OUT, a new folder.

    Forms: 'folder' is images/ and masks/; 'celebamask' is CelebAMask-HQ as unpacked, with part files of half the
    pictures' side and all text files; 'shards' is tar files. To train on drawn faces, none need be written:
    --data drawn:32 draws 32 of them as they are needed.
    """
    from tqdm import tqdm

    from maskgan.data import drawn_forms

    write = {
        "folder": drawn_forms.write_folder,
        "celebamask": drawn_forms.write_celebamask,
        "shards": drawn_forms.write_shards,
    }[form]
    with tqdm(desc="draw", unit="face", total=count, leave=False, disable=None) as bar:

        def progress(done: int, _total: int) -> None:
            bar.update(done - bar.n)

        write(out, count, size, seed, progress)
    click.echo(f"{out}: {count} faces")

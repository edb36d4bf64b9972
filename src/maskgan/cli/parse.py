"""``maskgan parse``: a mask from a picture."""

from __future__ import annotations

from pathlib import Path

import click

from maskgan.cli.options import DEVICES, resolve_device


@click.command("parse", short_help="Read the mask of a face from a picture.")
@click.argument("image", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Label map to write, a PNG.")
@click.option("--overlay", type=click.Path(path_type=Path), help="Picture of the mask's colours over the face.")
@click.option("--opacity", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Of these colours.")
@click.option("--parser", type=click.Path(path_type=Path), help="Parser weights.  [those that ship]")
@click.option("--device", type=DEVICES, help="Where to compute.  [cuda if there is one, else cpu]")
def command(
    image: Path, output: Path, overlay: Path | None, opacity: float, parser: Path | None, device: str | None
) -> None:
    """Find skin, eyes, mouth, hair and the other classes in IMAGE, and write them as a label map of its size.

    The face should fill the picture as in CelebA-HQ: upright, eyes a little above the middle.
    """
    import numpy as np

    from maskgan.assets import shipped_weights
    from maskgan.cli.opening import require_writable
    from maskgan.editing.parsing import Parser
    from maskgan.errors import UserError
    from maskgan.images import read_picture, write_label_map, write_picture
    from maskgan.labels import colourise

    if output.suffix.lower() != ".png":
        raise UserError(f"{output}: label maps are PNG files; write a name that ends in .png")
    for path in (output, *([] if overlay is None else [overlay])):
        require_writable(path)
    picture = read_picture(image)
    read = Parser(shipped_weights("parser") if parser is None else parser, resolve_device(device))
    label_map = read(picture)
    write_label_map(output, label_map)
    if overlay is not None:
        mixed = picture * (1 - opacity) + colourise(label_map) * opacity
        write_picture(overlay, np.rint(mixed).astype(np.uint8))
    click.echo(output)

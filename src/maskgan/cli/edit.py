"""``maskgan edit``: a face follows an edited mask."""

from __future__ import annotations

from pathlib import Path

import click

from maskgan.cli.options import network_options, order_option, resolve_device


@click.command("edit", short_help="A face follows its edited mask.")
@click.argument("image", type=click.Path(path_type=Path))
@click.option("--mask", required=True, type=click.Path(path_type=Path), help="The picture's own mask.")
@click.option("--edited", required=True, type=click.Path(path_type=Path), help="The mask after editing, same size.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Picture to write.")
@click.option(
    "--blend",
    type=click.Choice(["full", "region"]),
    default="region",
    show_default=True,
    help="full: the network's picture; region: the original's pixels away from the edit.",
)
@click.option(
    "--refine",
    metavar="STEPS",
    type=click.IntRange(0, 1000),
    default=0,
    show_default=True,
    help="Fit the network to IMAGE first, so that the result looks more like the person; 40 take seconds.",
)
@order_option
@network_options
def command(
    image: Path,
    mask: Path,
    edited: Path,
    output: Path,
    blend: str,
    refine: int,
    order: str,
    weights: str | None,
    device: str | None,
    precision: str,
) -> None:
    """Render the face of IMAGE so that it follows an edited mask.

    The result has the size of IMAGE. Masks are label maps (values 0..18) or colour masks; 'maskgan labels' lists them.
    """
    from tqdm import tqdm

    from maskgan.cli.opening import open_editor, require_writable
    from maskgan.images import read_label_map, read_picture
    from maskgan.provenance import write_edited

    require_writable(output)
    picture = read_picture(image)
    before, after = read_label_map(mask, order), read_label_map(edited, order)
    editor = open_editor(weights, resolve_device(device), precision)
    editor.set_source(picture, before)
    with tqdm(desc="refine", unit="step", total=refine, leave=False, disable=None) as bar:

        def progress(done: int, _total: int) -> None:
            bar.update(done - bar.n)

        editor.refine(refine, progress)
    editor.set_mask(after)
    write_edited(output, editor.render("full" if blend == "full" else "region"))
    click.echo(output)

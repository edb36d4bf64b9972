"""``maskgan edit``: a face follows an edited mask."""

from __future__ import annotations

from pathlib import Path

import click

from maskgan.cli.options import network_options, order_option, resolve_device


@click.command("edit", short_help="A face follows its edited mask, or borrows a look.")
@click.argument("image", type=click.Path(path_type=Path))
@click.option("--mask", required=True, type=click.Path(path_type=Path), help="The picture's own mask.")
@click.option("--edited", type=click.Path(path_type=Path), help="The mask after editing, same size.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Picture to write.")
@click.option(
    "--blend",
    type=click.Choice(["full", "region"]),
    default="region",
    show_default=True,
    help="full: the network's picture; region: the original's pixels far from the edit.",
)
@click.option(
    "--refine",
    metavar="STEPS",
    type=click.IntRange(0, 1000),
    default=0,
    show_default=True,
    help="Fit the network to IMAGE first, so that the result looks more like the person; 40 take seconds.",
)
@click.option("--style", type=click.Path(path_type=Path), help="Another face, whose look is borrowed.")
@click.option("--style-mask", type=click.Path(path_type=Path), help="That picture's own mask.")
@click.option(
    "--style-parts",
    metavar="CLASS,...",
    help="Borrow the look of these classes alone, such as hair,u_lip,l_lip; see maskgan labels.  [default: everything]",
)
@click.option(
    "--style-strength",
    type=click.FloatRange(0, 1),
    default=1.0,
    show_default=True,
    help="How much of that look is mixed in.",
)
@order_option
@network_options
def command(
    image: Path,
    mask: Path,
    edited: Path | None,
    output: Path,
    blend: str,
    refine: int,
    style: Path | None,
    style_mask: Path | None,
    style_parts: str | None,
    style_strength: float,
    order: str,
    weights: str | None,
    enhance: bool,
    device: str | None,
    precision: str,
) -> None:
    """Render the face of IMAGE so that it follows an edited mask, or borrows the look of another face, or both.

    Where everything is borrowed the result is the network's picture, as with --blend full.

    The result has the size of IMAGE. Masks are label maps (values 0..18) or colour masks; 'maskgan labels' lists them.
    """
    from tqdm import tqdm

    from maskgan.cli.opening import open_editor, require_writable
    from maskgan.errors import UserError
    from maskgan.images import read_label_map, read_picture
    from maskgan.provenance import write_edited

    if edited is None and style is None:
        raise UserError("nothing to do: give --edited, a mask to follow, or --style, a face whose look to borrow")
    if (style is None) != (style_mask is None):
        raise UserError("--style and --style-mask belong together; give both")
    if style is None and style_parts is not None:
        raise UserError("--style-parts: of which face? give --style and --style-mask too")
    require_writable(output)
    picture = read_picture(image)
    before = read_label_map(mask, order)
    after = before if edited is None else read_label_map(edited, order)
    editor = open_editor(weights, resolve_device(device), precision, enhance)
    editor.set_source(picture, before)
    if style is not None and style_mask is not None:
        parts = None if style_parts is None else [part.strip() for part in style_parts.split(",")]
        editor.set_style(read_picture(style), read_label_map(style_mask, order), style_strength, parts)
    with tqdm(desc="refine", unit="step", total=refine, leave=False, disable=None) as bar:

        def progress(done: int, _total: int) -> None:
            bar.update(done - bar.n)

        editor.refine(refine, progress)
    editor.set_mask(after)
    write_edited(output, editor.render("full" if blend == "full" else "region"))
    click.echo(output)

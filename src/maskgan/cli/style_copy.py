"""``maskgan style-copy``: the style of one face on another mask."""

from __future__ import annotations

from pathlib import Path

import click

from maskgan.cli.lines import echo_line
from maskgan.cli.options import (
    nearest_colour_option,
    network_options,
    order_option,
    overwrite_option,
    resolve_device,
    sign_option,
)


@click.command("style-copy", short_help="Render a mask in the style of a face.")
@click.argument("style_image", type=click.Path(path_type=Path))
@click.option("--style-mask", required=True, type=click.Path(path_type=Path), help="STYLE_IMAGE's own mask.")
@click.option("--onto", required=True, type=click.Path(path_type=Path), help="Mask to render.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Image to write.")
@order_option
@nearest_colour_option
@sign_option
@overwrite_option
@network_options
def command(
    style_image: Path,
    style_mask: Path,
    onto: Path,
    output: Path,
    order: str,
    nearest_colour: bool,
    sign: tuple[Path, Path] | None,
    overwrite: bool,
    weights: str | None,
    device: str | None,
    precision: str,
) -> None:
    """Render a mask in the style of STYLE_IMAGE.

    The result has the size of that mask.
    """
    from maskgan.cli.opening import open_editor, open_signer_for, require_writable
    from maskgan.files import check_outputs
    from maskgan.images import fit_label_map, read_label_map, read_picture
    from maskgan.provenance import write_edited

    check_outputs([output], [style_image, style_mask, onto], overwrite)
    require_writable(output)
    signer = open_signer_for(sign, [output])
    picture = read_picture(style_image)
    own, target = (read_label_map(path, order, nearest_colour) for path in (style_mask, onto))
    own = fit_label_map(own, picture, str(style_mask), str(style_image))
    editor = open_editor(weights, resolve_device(device), precision)
    editor.set_style(picture, own)
    write_edited(output, editor.render_style_onto(target), signer=signer)
    echo_line(output)

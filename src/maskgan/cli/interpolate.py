"""``maskgan interpolate``: interpolates masks, and faces, between two masks."""

from __future__ import annotations

from pathlib import Path

import click

from maskgan.cli.lines import echo_line
from maskgan.cli.options import network_options, order_option, overwrite_option, resolve_device
from maskgan.errors import UserError


@click.command("interpolate", short_help="Interpolate between two masks, and render the faces.")
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("last", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="A strip (.png) or a .gif.")
@click.option(
    "-n",
    "--count",
    type=click.IntRange(2, 1000),
    default=8,
    show_default=True,
    help="Number of masks; a GIF shows them forwards and backwards, in 2 N - 2 frames.",
)
@click.option("--mask-vae", type=click.Path(path_type=Path), help="MaskVAE weights.  [those that ship]")
@click.option("--image", type=click.Path(path_type=Path), help="Image of mask FIRST; renders each mask in its style.")
@order_option
@overwrite_option
@network_options
def command(
    first: Path,
    last: Path,
    output: Path,
    count: int,
    mask_vae: Path | None,
    image: Path | None,
    order: str,
    overwrite: bool,
    weights: str | None,
    device: str | None,
    precision: str,
) -> None:
    """Interpolate between FIRST and LAST in MaskVAE's latent space; with --image, render each mask."""
    import numpy as np

    from maskgan.cli.opening import open_editor, open_manifold, require_writable, require_writable_file
    from maskgan.files import check_outputs
    from maskgan.images import read_label_map, read_picture, write_animation, write_picture
    from maskgan.labels import colourise

    check_outputs([output], [path for path in (first, last, image) if path is not None], overwrite)
    animated = output.suffix.lower() == ".gif"
    (require_writable_file if animated else require_writable)(output)
    device = resolve_device(device)
    start, end = read_label_map(first, order), read_label_map(last, order)
    masks = open_manifold(mask_vae, device).interpolate(start, end, count)
    frames = [colourise(label_map) for label_map in masks]
    if image is not None:
        editor = open_editor(weights, device, precision)
        editor.set_source(read_picture(image), start)
        for i, label_map in enumerate(masks):
            frames[i] = np.concatenate([editor.render_style_onto(label_map), frames[i]], axis=0)
    elif weights is not None:
        raise UserError("--weights: faces are shown with --image only")
    if animated:
        write_animation(output, [*frames, *frames[-2:0:-1]])
    else:
        write_picture(output, np.concatenate(frames, axis=1))
    echo_line(output)

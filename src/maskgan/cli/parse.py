"""``maskgan parse``: a mask from an image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from maskgan.cli.lines import echo_line
from maskgan.cli.options import DEVICES, FiniteRange, overwrite_option, resolve_device

if TYPE_CHECKING:
    from maskgan.editing.face_detection import FaceDetector


@click.command("parse", short_help="Predict the mask of a face from an image.")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Label map to write, a PNG, or a folder."
)
@click.option(
    "--overlay", type=click.Path(path_type=Path), help="Image of the mask's colours over the face, or a folder."
)
@click.option(
    "--opacity", type=FiniteRange(0, 1), default=0.5, show_default=True, help="Opacity of the colours of --overlay."
)
@click.option("--parser", type=click.Path(path_type=Path), help="Parser weights.  [those that ship]")
@click.option("--device", type=DEVICES, help="Where to compute.  [cuda if there is one, else cpu]")
@overwrite_option
def command(
    images: tuple[Path, ...],
    output: Path,
    overlay: Path | None,
    opacity: float,
    parser: Path | None,
    device: str | None,
    overwrite: bool,
) -> None:
    """Find skin, eyes, mouth, hair and the other classes in IMAGE, and write them as a label map of its size.

    The face should fill the image as in CelebA-HQ: upright, eyes a little above the middle; a warning says where it
    does not. For several images, or a folder of them, the outputs are folders.
    """
    import logging
    from functools import cache

    import numpy as np

    from maskgan.assets import shipped_weights
    from maskgan.cli.batch import expand_inputs, is_batch, outputs_for, run_batch
    from maskgan.cli.opening import open_detector, require_writable, require_writable_file
    from maskgan.editing.parsing import Parser
    from maskgan.errors import UserError
    from maskgan.files import check_outputs, make_folder
    from maskgan.images import read_picture, write_label_map, write_picture
    from maskgan.labels import colourise
    from maskgan.mask_check import framing_issue
    from maskgan.metrics.mask_shape import broken_rules

    log = logging.getLogger(__name__)
    sources, batch = expand_inputs(images), is_batch(images)
    if not batch:
        require_writable_file(output)
    if not batch and output.suffix.lower() != ".png":
        raise UserError(f"{output}: label maps are PNG files; write a name that ends in .png")
    outputs = outputs_for(sources, output, batch, ".png")
    overlays = [] if overlay is None else outputs_for(sources, overlay, batch, ".png")
    check_outputs([*outputs, *overlays], sources, overwrite)
    if batch:
        for folder in (output, *([] if overlay is None else [overlay])):
            make_folder(folder)
    for path in (*outputs, *overlays):
        require_writable(path)
    first = None if batch else read_picture(sources[0])  # bad input is told before the weights are read
    read = Parser(shipped_weights("parser") if parser is None else parser, resolve_device(device))

    @cache
    def detector() -> FaceDetector:
        return open_detector(resolve_device(device))

    def parse(index: int) -> None:
        source = sources[index]
        picture = read_picture(source) if first is None else first
        label_map = read(picture)
        if framing_issue(label_map) is not None or broken_rules(label_map):
            if not detector().detect(picture):
                log.warning("%s: no face was found; the mask will not fit one", source)
            else:
                log.warning(
                    "%s: the face is not upright in the middle, filling the picture; cut it out first with 'maskgan "
                    "frame cut'",
                    source,
                )
        write_label_map(outputs[index], label_map)
        if overlays:
            mixed = picture * (1 - opacity) + colourise(label_map) * opacity
            write_picture(overlays[index], np.rint(mixed).astype(np.uint8))
        echo_line(outputs[index])
        if overlays:
            echo_line(overlays[index])

    run_batch(range(len(sources)), parse)

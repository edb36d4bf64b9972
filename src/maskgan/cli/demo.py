"""``maskgan demo``: edits sample portraits, before and after on one grid."""

from __future__ import annotations

from pathlib import Path

import click

from maskgan.cli.lines import echo_line
from maskgan.cli.options import network_options, resolve_device

_EDITED = (7, 5)
_STYLE = 2


@click.command("demo", short_help="Edit sample portraits, before and after on one grid.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("out/demo.png"),
    show_default=True,
    help="Image to write.",
)
@network_options
def command(output: Path, weights: str | None, device: str | None, precision: str) -> None:
    """Edit sample portraits: a wider smile, longer hair, glasses, another face's style."""
    from maskgan.assets import portrait
    from maskgan.cli.opening import open_editor, require_writable
    from maskgan.editing.showcase import Portrait, showcase
    from maskgan.files import make_folder
    from maskgan.images import read_label_map, read_picture, write_picture

    make_folder(output.parent)
    require_writable(output)
    editor = open_editor(weights, resolve_device(device), precision)
    edited = [portrait(number) for number in _EDITED]
    portraits = [Portrait(read_picture(p), read_label_map(m)) for p, m in (*edited, portrait(_STYLE))]
    write_picture(output, showcase(editor, portraits[:-1], portraits[-1]))
    echo_line(output.resolve())

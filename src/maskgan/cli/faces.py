"""``maskgan faces``: where the faces of a photograph are."""

from __future__ import annotations

import json
from pathlib import Path

import click

from maskgan.cli.lines import echo_line
from maskgan.cli.options import DEVICES, resolve_device


@click.command("faces", short_help="List the faces in a photograph.")
@click.argument("photograph", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Write JSON: score, box (left, top, width, height), frame.")
@click.option("--device", type=DEVICES, help="Where to compute.  [cuda if there is one, else cpu]")
def command(photograph: Path, as_json: bool, device: str | None) -> None:
    """List the faces in PHOTOGRAPH, the largest first, with their places in pixels.

    The number of a face is what 'maskgan frame cut --face' takes; its frame is what --at takes. A photograph without
    a face gives a line that says so, or an empty list with --json, and exit code 0.
    """
    from dataclasses import asdict

    from maskgan.cli.opening import open_detector
    from maskgan.images import read_picture

    picture = read_picture(photograph)
    found = open_detector(resolve_device(device)).detect(picture)
    if as_json:
        click.echo(json.dumps([asdict(face) for face in found]))
        return
    if not found:
        echo_line(f"{photograph}: no face was found")
        return
    click.echo(f"{'face':>4}  {'score':>5}  {'box: left, top, width, height':31s}  frame: X,Y,SIDE,ANGLE")
    for number, face in enumerate(found, 1):
        box = ", ".join(f"{value:.0f}" for value in face.box)
        frame = ",".join(f"{getattr(face.frame, name):.1f}" for name in ("x", "y", "side", "angle"))
        click.echo(f"{number:4d}  {face.score:5.2f}  {box:31s}  {frame}")

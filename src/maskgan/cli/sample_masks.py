"""``maskgan sample-masks``: random masks from MaskVAE."""

from __future__ import annotations

from pathlib import Path

import click

from maskgan.cli.lines import echo_line
from maskgan.cli.options import DEVICES, resolve_device


@click.command("sample-masks", short_help="Sample masks from MaskVAE.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder to write masks into.")
@click.option("--mask-vae", type=click.Path(path_type=Path), help="MaskVAE weights.  [those that ship]")
@click.option("-n", "--count", type=click.IntRange(1, 100_000), default=8, show_default=True)
@click.option("--size", type=click.IntRange(16, 2048), default=512, show_default=True, help="Side in pixels.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--device", type=DEVICES, help="Where to compute.  [default: cuda if there is one, else cpu]")
def command(output: Path, mask_vae: Path | None, count: int, size: int, seed: int, device: str | None) -> None:
    """Write random masks as label maps, 0000.png and so on."""
    from maskgan.cli.opening import open_manifold
    from maskgan.files import make_folder
    from maskgan.images import write_label_map

    manifold = open_manifold(mask_vae, resolve_device(device))
    make_folder(output)
    for i, label_map in enumerate(manifold.sample(count, seed, (size, size))):
        write_label_map(output / f"{i:04d}.png", label_map)
    echo_line(output)

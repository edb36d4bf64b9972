"""``maskgan weights``: what a weights file says about itself, and smaller files."""

from __future__ import annotations

from pathlib import Path

import click


@click.group("weights", short_help="Show or convert weights files.")
def command() -> None:
    """Show or convert weights files."""


@command.command("show")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
def show(files: tuple[Path, ...]) -> None:
    """Say what FILES hold and where they come from; without FILES, those that ship."""
    from maskgan.assets import SHIPPED_KINDS, shipped_weights
    from maskgan.checkpoints.weights import read_info, sha256

    for path in files or tuple(shipped_weights(kind) for kind in SHIPPED_KINDS):
        info = read_info(path)
        click.echo(f"{path}")
        click.echo(f"  {info.kind}, {info.resolution} px, {info.step} pictures seen, {info.label_order} order")
        click.echo(f"  {path.stat().st_size / 1e6:.1f} MB, sha256 {sha256(path)}")
        click.echo(f"  from: {info.provenance}")
        click.echo(f"  terms: {info.licence}")


@command.command("convert")
@click.argument("source", metavar="IN.safetensors", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUT.safetensors", type=click.Path(path_type=Path))
@click.option("--half", is_flag=True, help="Store as float16: half the size, as the weights that ship.")
def convert(source: Path, target: Path, half: bool) -> None:
    """Write a weights file again, as float32 or float16."""
    import torch

    from maskgan.checkpoints.weights import fingerprint, load_weights, save_weights

    network, info = load_weights(source)
    save_weights(target, network, info, torch.float16 if half else torch.float32)
    click.echo(f"{target}: {info.kind}, {target.stat().st_size / 1e6:.1f} MB, sha256 {fingerprint(target)}")

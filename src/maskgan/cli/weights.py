"""``maskgan weights``: which there are, whether they are whole, what a file says of itself, files made of others."""

from __future__ import annotations

from pathlib import Path

import click

from maskgan.cli.lines import echo_line
from maskgan.cli.options import FiniteRange

_FILE = click.Path(path_type=Path)


@click.group("weights", invoke_without_command=True, short_help="List, verify, show, convert or interpolate weights.")
@click.pass_context
def command(context: click.Context) -> None:
    """List, verify, show, convert or interpolate weights files; 'maskgan weights' alone lists those in use.

    Every command takes other weights from a file (--weights, --parser, --mask-vae and the like), or all of them from a
    folder: set MASKGAN_WEIGHTS=FOLDER. What the folder holds as edit.safetensors, mask-vae.safetensors,
    parser.safetensors, attributes.safetensors or identity.safetensors is used in place of what ships.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_weights)


@command.command("list", short_help="List the weights in use.")
def list_weights() -> None:
    """List the weights in use: those that ship, or those of the folder MASKGAN_WEIGHTS."""
    from maskgan.assets import SHIPPED_MODELS, shipped_weights, weights_folder
    from maskgan.checkpoints.comparison import printable
    from maskgan.checkpoints.weights import fingerprint, read_info

    click.echo(f"{'model type':14s}{'side':>7s}{'size':>10s}{'last run saw':>15s}  {'sha256':14s}terms")
    for model_type in SHIPPED_MODELS:
        path = shipped_weights(model_type)
        info = read_info(path)
        click.echo(
            f"{info.model_type:14s}{info.resolution:>4d} px{path.stat().st_size / 1e6:>7.1f} MB{info.step:>15,d}  "
            f"{fingerprint(path):14s}{printable(info.licence)}"
        )
        if path.parent != weights_folder():
            echo_line(f"  from {path}")


@command.command("verify", short_help="Compare weights with their SHA256SUMS.")
@click.argument("folder", required=False, type=_FILE)
def verify(folder: Path | None) -> None:
    """Compare the hashes of weights with the SHA256SUMS beside them; without FOLDER, of those that ship."""
    from maskgan.assets import weights_folder
    from maskgan.checkpoints.manifest import MANIFEST, mismatches, read_manifest
    from maskgan.errors import UserError

    place = weights_folder() if folder is None else folder
    if not place.is_dir():
        raise UserError(f"{place}: no such folder")
    if found := mismatches(place):
        cure = "install maskgan again" if folder is None else "get them again"
        raise UserError(f"{place}: {'; '.join(f'{name}: {mismatch}' for name, mismatch in found.items())}; {cure}")
    echo_line(f"{place}: {len(read_manifest(place / MANIFEST))} files are as {MANIFEST} says")


@command.command("show", short_help="Describe weights files.")
@click.argument("files", nargs=-1, type=_FILE)
def show(files: tuple[Path, ...]) -> None:
    """Say what FILES hold and where they come from; without FILES, the weights in use."""
    from maskgan.assets import SHIPPED_MODELS, shipped_weights
    from maskgan.checkpoints.comparison import printable
    from maskgan.checkpoints.weights import read_info, sha256

    for path in files or tuple(shipped_weights(model_type) for model_type in SHIPPED_MODELS):
        info = read_info(path)
        echo_line(f"{path}")
        seen = f"{info.step} images in the last run"
        click.echo(f"  {info.model_type}, {info.resolution} px, {seen}, {info.label_order} order")
        click.echo(f"  {path.stat().st_size / 1e6:.1f} MB, sha256 {sha256(path)}")
        click.echo(f"  from: {printable(info.provenance)}")
        click.echo(f"  terms: {printable(info.licence)}")


@command.command("convert", short_help="Write weights as float32 or float16.")
@click.argument("source", metavar="IN.safetensors", type=_FILE)
@click.argument("target", metavar="OUT.safetensors", type=_FILE)
@click.option("--half", is_flag=True, help="Store as float16: half the size, as the weights that ship.")
def convert(source: Path, target: Path, half: bool) -> None:
    """Write a weights file again, as float32 or float16."""
    import torch

    from maskgan.checkpoints.weights import fingerprint, load_weights, save_weights

    loaded, info = load_weights(source)
    save_weights(target, loaded, info, torch.float16 if half else torch.float32)
    echo_line(f"{target}: {info.model_type}, {target.stat().st_size / 1e6:.1f} MB, sha256 {fingerprint(target)}")


@command.command("interpolate", short_help="Interpolate two networks' weights (WiSE-FT).")
@click.argument("first", metavar="FIRST.safetensors", type=_FILE)
@click.argument("second", metavar="SECOND.safetensors", type=_FILE)
@click.argument("target", metavar="OUT.safetensors", type=_FILE)
@click.option(
    "--alpha", type=FiniteRange(0, 1), default=0.5, show_default=True, help="Position between FIRST (0) and SECOND (1)."
)
@click.option("--half", is_flag=True, help="Store as float16.")
def interpolate(first: Path, second: Path, target: Path, alpha: float, half: bool) -> None:
    """Interpolate the weights of two networks of one training run (WiSE-FT)."""
    import torch

    from maskgan.checkpoints.weights import fingerprint, interpolate_weights, load_weights, save_weights

    loaded, info = interpolate_weights(load_weights(first), load_weights(second), alpha)
    save_weights(target, loaded, info, torch.float16 if half else torch.float32)
    echo_line(f"{target}: {info.model_type}, {target.stat().st_size / 1e6:.1f} MB, sha256 {fingerprint(target)}")

"""``maskgan export-onnx``: the networks that editing needs as ONNX files."""

from __future__ import annotations

from pathlib import Path

import click

from maskgan.cli.lines import echo_line

_FILE = click.Path(path_type=Path)


@click.command("export-onnx", short_help="Write the networks of the editor as ONNX files.")
@click.argument("output", metavar="OUT", type=_FILE)
@click.option("--weights", type=_FILE, help="Dense mapping or edit weights.  [default: those in use]")
@click.option("--parser", type=_FILE, help="Parser weights.  [default: those in use]")
@click.option("--mask-vae", type=_FILE, help="MaskVAE weights.  [default: those in use]")
@click.option("--overwrite", is_flag=True, help="Replace the folder OUT whatever it holds.")
def command(output: Path, weights: Path | None, parser: Path | None, mask_vae: Path | None, overwrite: bool) -> None:
    """Write one ONNX file a network and manifest.json into the folder OUT.

    Style encoder, generator, parser, MaskVAE and face detector, for ONNX Runtime or any other engine. Weights are
    stored as float16 and computed in float32. Each file says where its weights come from and under which terms. An
    earlier export in OUT is replaced. Needs the extra export.
    """
    from maskgan.export.folders import atomic_folder, check_folder
    from maskgan.export.networks import MANIFEST, Exporter, WeightsFiles

    check_folder(output, MANIFEST, overwrite)
    exporter = Exporter(WeightsFiles(weights, parser, mask_vae))
    with atomic_folder(output, MANIFEST, overwrite) as folder:
        networks = exporter.write(folder)["networks"]
    for entry in networks.values():
        click.echo(
            f"{entry['file']:22s}{entry['bytes'] / 1e6:>7.2f} MB  sha256 {entry['sha256'][:12]}  {entry['licence']}"
        )
    echo_line(f"{output}: {len(networks)} networks, {sum(e['bytes'] for e in networks.values()) / 1e6:.1f} MB")

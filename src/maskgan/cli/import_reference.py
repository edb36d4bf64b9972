"""``maskgan import-reference``: the authors' published weights to our format."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click


@click.command(name="import-reference", short_help="Convert the authors' published weights.")
@click.argument("source", metavar="IN.pth", type=click.Path(path_type=Path))
@click.argument("destination", metavar="OUT.safetensors", type=click.Path(path_type=Path))
@click.option(
    "--model",
    type=click.Choice(["auto", "G", "D", "B", "V"]),
    default="auto",
    show_default=True,
    help="Which network it is: generator, discriminator, blender, mask VAE; auto tells it by the tensors' names.",
)
def command(source: Path, destination: Path, model: Literal["auto", "G", "D", "B", "V"]) -> None:
    """Convert weights of the reference code (a .pth state dict of PyTorch 0.4 or later) to safetensors.

    Every tensor must be there with the paper's shape. No code from the file is run.
    """
    from maskgan.checkpoints import metadata, reference, registry, weights

    weights.require_suffix(destination)
    network = reference.convert_reference(source, model)
    letter = reference.reference_model(network)
    info = metadata.WeightsInfo(
        model_type=registry.model_type_of(network),
        config=reference.PAPER_CONFIGS[letter],
        resolution=reference.RESOLUTION,
        step=0,
        provenance=f"imported from the reference's {source.name} (sha256 {weights.sha256(source)})",
        licence=reference.LICENCE,
    )
    weights.save_weights(destination, network, info)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    click.echo(
        f"{destination}: {info.model_type} ({letter}), {len(network.state_dict())} tensors, {parameters:,} parameters, "
        f"sha256 {weights.fingerprint(destination)}"
    )

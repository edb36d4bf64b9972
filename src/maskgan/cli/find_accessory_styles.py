"""``maskgan find-accessory-styles``: styles of accessories and open mouths for faces that show none."""

from __future__ import annotations

from pathlib import Path

import click

from maskgan.cli.lines import echo_line
from maskgan.cli.options import DEVICES, resolve_device


@click.command("find-accessory-styles", short_help="Find styles of accessories for faces that wear none.")
@click.option("--data", required=True, help="Folder, tar file, glob of tar files, or synthetic:N.")
@click.option("--order", default="auto", show_default=True, help="Label order of the masks, as for training.")
@click.option("--keys", help="Faces to find them in: ranges such as 00000..04249, or a file with a key a line.  [all]")
@click.option("--weights", type=click.Path(path_type=Path), help="Edit network.  [the one that ships]")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File to write, .safetensors.")
@click.option("--device", type=DEVICES, help="Where to compute.  [cuda if there is one, else cpu]")
def command(data: str, order: str, keys: str | None, weights: Path | None, output: Path, device: str | None) -> None:
    """Find typical style codes of hats, glasses, earrings, necklaces and open mouths in faces that show them.

    Editing uses them where an edit adds what a face lacks, so that a hat has a cloth and an open mouth is dark behind
    the teeth. The file belongs to one weights file.
    """
    from maskgan.assets import shipped_weights
    from maskgan.checkpoints.weights import require_suffix

    require_suffix(output)
    path = shipped_weights("edit") if weights is None else weights
    for kind, count in write_accessory_styles(output, data, order, keys, path, resolve_device(device)).items():
        click.echo(f"{kind}: {count}")
    echo_line(output)


def write_accessory_styles(
    output: Path, data: str, order: str, keys: str | None, weights: Path, device: str = "cpu"
) -> dict[str, int]:
    """Find the styles of accessories in faces, for the edit network in the file ``weights``, and write them.

    Returns:
        How many styles of each kind.

    Raises:
        UserError: a file cannot be read or written, or the network is no edit network.
    """
    from tqdm import tqdm

    from maskgan.data.open_dataset import open_pairs
    from maskgan.data.pairs import select
    from maskgan.editing.accessory_styles import find_accessory_styles, save_accessory_styles
    from maskgan.editing.renderer import Renderer

    renderer = Renderer.from_weights(weights, device)
    everything = open_pairs(data, order)
    pairs = everything if keys is None else select(everything, keys)
    read = (pairs[i] for i in tqdm(range(len(pairs)), "faces", unit="face", leave=False, disable=None))
    styles = find_accessory_styles(renderer, ((pair.picture, pair.label_map) for pair in read))
    save_accessory_styles(output, styles, weights)
    return {kind: len(codes) for kind, codes in styles.items()}

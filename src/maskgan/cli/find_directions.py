"""``maskgan find-directions``: latent directions of a smile, a narrower face, more hair."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from maskgan.cli.lines import echo_line
from maskgan.cli.options import DEVICES, order_option, resolve_device
from maskgan.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from maskgan.data.pairs import PairCollection


@click.command("find-directions", short_help="Find latent directions that change one property of a face.")
@click.option("--data", required=True, help="Folder, tar file, glob of tar files, or synthetic:N.")
@click.option("--keys", help="Faces to find them in: ranges such as 00000..04249, or a file with a key a line.  [all]")
@click.option("--test-keys", help="Faces to measure them on.  [none]")
@order_option
@click.option("--mask-vae", type=click.Path(path_type=Path), help="MaskVAE weights.  [those that ship]")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File to write, .safetensors.")
@click.option("--device", type=DEVICES, help="Where to compute.  [cuda if there is one, else cpu]")
def command(
    data: str,
    keys: str | None,
    test_keys: str | None,
    order: str,
    mask_vae: Path | None,
    output: Path,
    device: str | None,
) -> None:
    """Find the directions along which the editor moves masks: smile, open mouth, narrower face, more hair.

    With --test-keys, prints by how many standard deviations a whole step changes each property of other faces.
    """
    from maskgan.assets import shipped_weights
    from maskgan.checkpoints.weights import require_suffix
    from maskgan.data.open_dataset import open_pairs
    from maskgan.data.pairs import select
    from maskgan.data.plausibility import first_masks, warn_of_common_issues
    from maskgan.editing.mask_manifold import MaskManifold
    from maskgan.evaluation.directions import measure_directions

    require_suffix(output)
    vae = shipped_weights("mask-vae") if mask_vae is None else mask_vae
    device = resolve_device(device)
    everything = open_pairs(data, order)
    pairs = everything if keys is None else select(everything, keys)
    tested = None if test_keys is None else select(everything, test_keys)
    warn_of_common_issues(first_masks(pairs), data, order)
    shapes = write_directions(output, pairs, vae, device)
    if tested is not None:
        moving = MaskManifold.from_weights(vae, device, output)
        others = (tested[i].label_map for i in range(len(tested)))
        click.echo(measure_directions(moving, others, shapes.std(axis=0)).to_markdown())
    echo_line(output)


def write_directions(output: Path, pairs: PairCollection, mask_vae: Path, device: str) -> NDArray[np.float64]:
    """Find the directions of the MaskVAE in the file ``mask_vae`` and write them.

    Returns:
        The shapes of the faces that they were found in, N x len(FaceShape).

    Raises:
        UserError: the faces are too few or too alike, or a file cannot be read or written.
    """
    import numpy as np
    from tqdm import tqdm

    from maskgan.editing.mask_directions import find_directions, save_directions
    from maskgan.editing.mask_manifold import MaskManifold
    from maskgan.metrics.face_geometry import shapes_of

    manifold = MaskManifold.from_weights(mask_vae, device)
    masks = (pairs[i].label_map for i in tqdm(range(len(pairs)), "masks", unit="mask", leave=False, disable=None))
    whole, shapes = shapes_of(masks)
    codes = np.array([manifold.encode(label_map) for label_map in whole], dtype=np.float64)
    save_directions(output, find_directions(codes, shapes), mask_vae)
    return shapes


def belongs(directions: Path, mask_vae: Path) -> bool:
    """Whether ``directions`` is a whole file of directions found in ``mask_vae``."""
    from maskgan.editing.mask_directions import load_directions

    try:
        load_directions(directions, mask_vae)
    except UserError:
        return False
    return True

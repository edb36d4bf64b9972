"""``maskgan simulate-edits``: precomputes the edited masks of editing training."""

from __future__ import annotations

from pathlib import Path

import click

from maskgan.cli.lines import echo_line
from maskgan.cli.options import DEVICES, FiniteRange, order_option, resolve_device


@click.command("simulate-edits", short_help="Precompute the edited masks of editing training.")
@click.option("--data", required=True, help="Folder, tar file, glob of tar files, or synthetic:N.")
@click.option("--keys", help="Which pairs: ranges such as 00000..04249, or a file with a key a line.  [all]")
@order_option
@click.option("--mask-vae", type=click.Path(path_type=Path), help="MaskVAE weights.  [those that ship]")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder to write masks into.")
@click.option(
    "--strength",
    type=FiniteRange(0, min_open=True),
    default=2.5,
    show_default=True,
    help="Masks move by 1/STRENGTH of the way.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the pairing of masks.")
@click.option("--device", type=DEVICES, help="Where to compute.  [cuda if there is one, else cpu]")
def command(
    data: str,
    keys: str | None,
    order: str,
    mask_vae: Path | None,
    output: Path,
    strength: float,
    seed: int,
    device: str | None,
) -> None:
    """Write KEY.inter.png and KEY.outer.png for each mask: a step towards another face's mask, and one away from it.

    'maskgan train ebst --edits FOLDER' then trains without MaskVAE.
    """
    import numpy as np
    from tqdm import tqdm

    from maskgan.cli.opening import open_manifold
    from maskgan.data.open_dataset import open_pairs
    from maskgan.data.pairs import select
    from maskgan.data.plausibility import first_masks, warn_of_common_issues
    from maskgan.data.stored_edits import write_edits
    from maskgan.errors import UserError

    everything = open_pairs(data, order)
    pairs = everything if keys is None else select(everything, keys)
    if len(pairs) < 2:
        raise UserError(f"{data}: edits lead towards other faces' masks, so at least 2 pairs are needed")
    if strength <= 0:
        raise UserError(f"--strength must be over 0, is {strength}")
    warn_of_common_issues(first_masks(pairs), data, order)
    manifold = open_manifold(mask_vae, resolve_device(device))
    ring = np.random.default_rng(seed).permutation(len(pairs))
    other = pairs[int(ring[-1])].label_map
    for index in tqdm(ring, "edits", unit="mask", leave=False, disable=None):
        pair = pairs[int(index)]
        write_edits(output, pair.key, manifold.simulate_edits(pair.label_map, other, strength))
        other = pair.label_map
    echo_line(output)

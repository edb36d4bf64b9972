"""``maskgan bulk``: recipes over collections."""

from __future__ import annotations

from pathlib import Path

import click

from maskgan.cli.options import network_options, resolve_device


@click.command("bulk", short_help="Edit collections of photographs by recipes.")
@click.argument("inputs", nargs=-1, required=True, metavar="SHARDS...")
@click.option(
    "--recipe",
    "recipes",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What to do with every photograph, as maskgan edit --save-recipe writes it. Several give several results.",
)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for the shards.")
@click.option(
    "--require",
    default="",
    metavar="CONDITION,...",
    help="Leave out results that do not meet these, such as identity>=0.5,edit=found; also agreement and changed.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 1024),
    help="Processes, or Ray's actors.  [default: one a core, or one a GPU; one under torchrun]",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="local: processes of this machine, or torchrun's; ray: Ray Data, here or on the cluster of RAY_ADDRESS.",
)
@click.option("--framed", is_flag=True, help="Each picture is one face framed as in CelebA-HQ; look for none.")
@click.option(
    "--format",
    type=click.Choice(["same", "png", "jpeg"]),
    default="same",
    show_default=True,
    help="Of the results; same: JPEG for JPEG, otherwise PNG.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(1, 256),
    default=8,
    show_default=True,
    help="Photographs edited together, and faces in a batch of a network.",
)
@click.option(
    "--pictures-per-shard",
    type=click.IntRange(1, 100_000),
    default=256,
    show_default=True,
    help="Photographs of a folder that become one shard.",
)
@click.option(
    "--max-bad-samples",
    type=click.IntRange(0),
    default=100,
    show_default=True,
    help="Pictures of one shard that may fail before the command ends.",
)
@network_options
def command(
    inputs: tuple[str, ...],
    recipes: tuple[Path, ...],
    output: Path,
    require: str,
    processes: int | None,
    engine: str,
    framed: bool,
    format: str,
    batch_size: int,
    pictures_per_shard: int,
    max_bad_samples: int,
    weights: str | None,
    device: str | None,
    precision: str,
) -> None:
    """Edit every photograph in SHARDS by every recipe: shards of pictures in, shards of results out.

    SHARDS are tar files as WebDataset has them, globs or ranges of them such as 'faces-{000..127}.tar', or folders of
    photographs. Each gives one tar file in the output folder, with the edited picture, the masks before and after, the
    region that changed, and a JSON of what was measured for each photograph and recipe.

    A shard has a temporary name until it is done. The same command again does only what is missing or what has another
    input by now, however the one before ended. Photographs that cannot be edited are listed in the JSON file beside
    each shard, and the exit code is 1 then.
    """
    import logging
    import os
    import time

    from maskgan.assets import shipped_weights
    from maskgan.bulk.engines import run_job
    from maskgan.bulk.job import BulkJob, BulkOptions, read_recipes
    from maskgan.bulk.measures import MODELS
    from maskgan.bulk.progress import Totals
    from maskgan.bulk.requirements import parse_requirements
    from maskgan.bulk.shards import find_shards
    from maskgan.checkpoints.weights import sha256
    from maskgan.editing.recipes import weights_in_use
    from maskgan.errors import MaskGANError

    named = read_recipes(recipes)
    requirements = parse_requirements(require)
    shards = find_shards(inputs, pictures_per_shard)
    network = shipped_weights("edit") if weights is None else Path(weights)
    in_use = weights_in_use(network)
    for one, path in zip(named, recipes, strict=True):
        if others := one.recipe.other_weights(in_use):
            logging.getLogger(__name__).warning(
                "%s was made with other weights (%s), so results can differ", path, ", ".join(others)
            )
    place = resolve_device(device)
    job = BulkJob(
        shards=shards,
        recipes=named,
        output=output,
        requirements=requirements,
        options=BulkOptions(
            weights=network,
            device=place,
            precision="bf16" if precision == "bf16" else "fp32",
            framed=framed,
            batch_size=batch_size,
            format=format,  # type: ignore[arg-type]
            max_bad_samples=max_bad_samples,
        ),
        hashes={**in_use, **{model: sha256(shipped_weights(model)) for model in MODELS}},
    )
    job.prepare_output()
    started = time.perf_counter()
    totals = Totals.of(job)
    with totals.bar() as bar:
        for report in run_job(job, engine, processes):
            bar.update()
            totals.add(report)
    click.echo(totals.summary(time.perf_counter() - started))
    if (problem := totals.problem()) is not None:
        if "WORLD_SIZE" not in os.environ:
            raise MaskGANError(problem)
        # torchrun ends all its processes where one ends with an error.
        logging.getLogger(__name__).error("%s", problem)

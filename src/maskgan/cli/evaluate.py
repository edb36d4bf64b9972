"""``maskgan evaluate``: measure networks on real pairs."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import click

from maskgan.cli.options import given_options, network_options, order_option, resolve_device
from maskgan.evaluation.config import TASKS, EvaluationConfig, check_applicable, tasks_with

_GROUPS = "Male,Young,Pale_Skin,Big_Nose,Gray_Hair,Bald,Heavy_Makeup,Eyeglasses,Wearing_Hat"
_FILE = click.Path(path_type=Path)


# The sign that click takes for "leave these lines as they are" is an escape, which docstrings should not hold.
_HELP = """Measure networks on real faces, and print tables.

\b
reconstruct  do rendered faces follow their masks and styles?
style-copy   is another face's style transferred? (supplement, Table 1)
smile        do faces smile with another's mouth, and keep their identity?
interactive  how accurate are scripted edits (brows, mouth, hair, glasses, hat)?
groups       for whom are results worse, by attributes and skin tone?
masks        does MaskVAE reconstruct masks, and sample valid ones?
attributes   how accurate is the attribute classifier?
verification how well does the identity embedding tell people apart?

Tables have a row of real images and one of the identity baseline, the source returned unchanged, and name the networks
that measure. An option that has no effect on the task is refused.
"""


@click.command("evaluate", help=_HELP, short_help="Measure networks on real pairs.")
@click.option("--task", type=click.Choice(TASKS), default="reconstruct", show_default=True)
@click.option("--data", required=True, help="Folder, tar file, or glob of tar files.")
@click.option("--keys", help="Which faces: ranges such as 04500..04999, or a file with a key a line.  [all]")
@order_option
@click.option("--system", "systems", multiple=True, metavar="NAME=PATH", help="Weights, or a folder of outputs.")
@click.option(
    "--blend",
    type=click.Choice(["full", "region"]),
    default="full",
    show_default=True,
    help="full: measure the network's image; region: with the source's own pixels far from the edit "
    f"({tasks_with('blend')}).",
)
@click.option(
    "--refine",
    metavar="STEPS",
    type=click.IntRange(0, 1000),
    default=0,
    show_default=True,
    help="Add a row for each network, refined to each photograph.",
)
@click.option("--table", type=_FILE, help="Attributes of the faces, as a CSV.  [the classifier's predictions]")
@click.option(
    "--by",
    default=_GROUPS,
    help=f"Attributes of CelebA to group by (groups).  [default: {_GROUPS.replace(',', ', ')}]",
)
@click.option("--identities", help="A range of the table's people, as in '9193..'.  [all]")
@click.option(
    "--count", type=click.IntRange(2, 100_000), default=500, show_default=True, help="Cases per group, at most."
)
@click.option("--save-cases", type=_FILE, help="Write the list of cases, to run another program on it.")
@click.option("--cases", type=_FILE, help="Take the cases from such a list.")
@click.option("--parser", type=_FILE, help="Face parser weights.  [those that ship]")
@click.option("--classifier", type=_FILE, help="Attribute classifier weights.  [those that ship]")
@click.option("--identity", type=_FILE, help="Identity embedding: own weights, dlib's or an ArcFace.  [own]")
@click.option("--inception", type=_FILE, help="Inception-v3 for FID.  [Fréchet distance in EfficientNet-Lite2]")
@click.option("--mask-vae", type=_FILE, help="MaskVAE weights (masks).  [those that ship]")
@click.option("--side", type=click.IntRange(32, 2048), default=256, show_default=True, help="Side of the images.")
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses cases and random masks.")
@click.option("--batch-size", type=click.IntRange(1, 1024), default=8, show_default=True, help="Images per batch.")
@click.option("--grid", type=_FILE, help=f"Image of the first outputs to write ({tasks_with('grid')}).")
@click.option("-o", "--output", type=_FILE, help="JSON file to write.")
@network_options
@click.pass_context
def command(
    context: click.Context,
    /,
    task: str,
    output: Path | None,
    device: str | None,
    **options: Any,
) -> None:
    """See ``_HELP``."""
    from maskgan.cli.opening import require_writable, require_writable_file

    check_applicable(task, given_options(context))
    for path in (output, options["save_cases"]):
        if path is not None:
            require_writable_file(path)
    if options["grid"] is not None:
        require_writable(options["grid"])

    from maskgan.evaluation.tasks import evaluate
    from maskgan.files import atomic_path

    report = evaluate(EvaluationConfig(task=task, device=resolve_device(device), **options))
    click.echo(report.markdown)
    if output is not None:
        with atomic_path(output) as temporary:
            temporary.write_text(json.dumps(_without_nan(report.record), indent=2) + "\n")


def _without_nan(value: Any) -> Any:
    """``value`` with null for every number that is not finite: JSON has no NaN."""
    if isinstance(value, dict):
        return {name: _without_nan(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""``maskgan evaluate``: measure networks on real pairs."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import click

from maskgan.cli.options import network_options, resolve_device
from maskgan.errors import UserError

_TASKS = (
    "reconstruct",
    "style-copy",
    "smile",
    "interactive",
    "groups",
    "detail",
    "masks",
    "attributes",
    "verification",
)
_WITH_GRID = ("style-copy", "smile", "interactive")
_WITH_REFINEMENT = ("reconstruct", "smile", "interactive", "groups")  # faces rendered in their own style
_GROUPS = "Male,Young,Pale_Skin,Big_Nose,Gray_Hair,Bald,Heavy_Makeup,Eyeglasses,Wearing_Hat"
_FILE = click.Path(path_type=Path)


# The sign that click takes for "leave these lines as they are" is an escape, which docstrings should not hold.
_HELP = """Measure networks on real faces, and print tables.

\b
reconstruct  do rendered faces follow their masks and styles?
style-copy   does another face's look come over? (supplement, Table 1)
smile        do faces smile with another's mouth, and stay who they are?
interactive  are scripted edits (brows, mouth, hair, glasses, hat) followed?
groups       for whom are results worse, by attributes and skin tone?
detail       how sharp are pictures of twice the network's size?
masks        does MaskVAE give masks back, and draw valid ones?
attributes   how often is the classifier right?
verification how well does the embedding tell people apart?

Every table has rows of real pictures, and of identity baseline, to read the others by.
"""


@click.command("evaluate", help=_HELP, short_help="Measure networks on real pairs.")
@click.option("--task", type=click.Choice(_TASKS), default="reconstruct", show_default=True)
@click.option("--data", required=True, help="Folder, tar file, or glob of tar files.")
@click.option("--keys", help="Which faces: ranges such as 04500..04999, or a file with a key a line.  [all]")
@click.option("--system", "systems", multiple=True, metavar="NAME=PATH", help="Weights, or a folder of answers.")
@click.option("--blend", type=click.Choice(["full", "region"]), default="full", show_default=True)
@click.option(
    "--refine",
    metavar="STEPS",
    type=click.IntRange(0, 1000),
    default=0,
    show_default=True,
    help="Adds a row for each network, fitted to each photograph first.",
)
@click.option("--table", type=_FILE, help="Attributes of the faces, as a CSV.  [what the classifier sees]")
@click.option("--by", default=_GROUPS, show_default=True, help="For the task 'groups': attributes of CelebA.")
@click.option("--identities", help="For the last two tasks: a range of the table's people, as in '9193..'.  [all]")
@click.option(
    "--count", type=click.IntRange(2, 100_000), default=500, show_default=True, help="Cases a group, at most."
)
@click.option("--save-cases", type=_FILE, help="Write the list of cases: the same questions for another program.")
@click.option("--cases", type=_FILE, help="Take the cases from such a list.")
@click.option("--parser", type=_FILE, help="Parser weights.  [those that ship]")
@click.option("--classifier", type=_FILE, help="Attribute classifier weights.  [those that ship]")
@click.option("--identity", type=_FILE, help="Identity embedding: own weights, or an ArcFace as ONNX.  [own]")
@click.option("--inception", type=_FILE, help="Inception-v3 for FID.  [a distance in EfficientNet's features]")
@click.option("--mask-vae", type=_FILE, help="MaskVAE weights, for the task 'masks'.  [those that ship]")
@click.option("--side", type=click.IntRange(32, 2048), help="Pixels compared.  [256; for the task 'detail' 512]")
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses who borrows whose style.")
@click.option("--grid", type=_FILE, help="Picture of the first answers to write.")
@click.option("-o", "--output", type=_FILE, help="JSON file to write.")
@network_options
def command(task: str, output: Path | None, device: str | None, **options: Any) -> None:
    """See ``_HELP``."""
    from maskgan.cli.evaluate_tasks import TASKS, EvaluationConfig
    from maskgan.cli.opening import require_writable
    from maskgan.files import atomic_path

    if options["grid"] is not None:
        if task not in _WITH_GRID:
            raise UserError(f"--grid: only {', '.join(_WITH_GRID)} have answers to show")
        require_writable(options["grid"])
    if options["refine"] and task not in _WITH_REFINEMENT:
        raise UserError(f"--refine: only {', '.join(_WITH_REFINEMENT)} render faces in their own style")
    if options["side"] is None:
        options["side"] = 512 if task == "detail" else 256
    settings = EvaluationConfig(device=resolve_device(device), **options)
    measured = TASKS[task](settings)
    click.echo(measured.markdown)
    if output is not None:
        record = {"task": task, **settings.record(), **measured.record}
        with atomic_path(output) as temporary:
            temporary.write_text(json.dumps(_without_nan(record), indent=2) + "\n")


def _without_nan(value: Any) -> Any:
    """``value`` with null for every number that is none: JSON has no NaN."""
    if isinstance(value, dict):
        return {name: _without_nan(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

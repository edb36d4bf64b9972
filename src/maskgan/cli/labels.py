"""``maskgan labels``: show the 19 classes, say what a mask holds, convert masks."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maskgan.cli.lines import echo_line
from maskgan.cli.options import LABEL_ORDERS, nearest_colour_option, overwrite_option

if TYPE_CHECKING:
    from maskgan.labels import LabelMap


@click.group("labels", short_help="Show the 19 classes; inspect and convert masks.", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Show the 19 classes, inspect a mask, or convert masks between label orders."""
    if context.invoked_subcommand is None:
        _show()


@command.command("show")
def show() -> None:
    """List the classes: index in each known order, name, colour."""
    _show()


@command.command("inspect", short_help="Describe a mask, and what looks wrong with it.")
@click.argument("mask", type=click.Path(path_type=Path))
@nearest_colour_option
def inspect(mask: Path, nearest_colour: bool) -> None:
    """Say which classes MASK holds, which label order it seems to follow, and what looks wrong with it."""
    import numpy as np

    from maskgan.images import read_label_map
    from maskgan.label_order import guess_order
    from maskgan.labels import ORDERS
    from maskgan.mask_check import warn_of_issues

    label_map = read_label_map(mask, "celebamask-hq", nearest_colour)
    warn_of_issues(label_map, str(mask), order_known=True)  # the order is said below
    guess = guess_order(label_map)
    echo_line(f"{mask}: {label_map.shape[1]}x{label_map.shape[0]}, most likely in {guess.order} order")
    for value, count in zip(*np.unique(label_map, return_counts=True), strict=True):
        click.echo(f"{value:5d}  {ORDERS[guess.order][value]:12s}{count / label_map.size:7.2%}")


@command.command("convert", short_help="Convert masks between label orders, or to colours.")
@click.argument("masks", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File, or folder for several.")
@click.option(
    "--from",
    "source",
    type=click.Choice([*LABEL_ORDERS, "auto"]),
    default="auto",
    show_default=True,
    help="Label order of MASKS; auto: the one that 'maskgan labels inspect' names.",
)
@click.option(
    "--to",
    "target",
    type=click.Choice(LABEL_ORDERS),
    default="celebamask-hq",
    show_default=True,
    help="Label order to write.",
)
@click.option("--colour", is_flag=True, help="Write colour masks in place of label maps.")
@nearest_colour_option
@overwrite_option
def convert(
    masks: tuple[Path, ...],
    output: Path,
    source: str,
    target: str,
    colour: bool,
    nearest_colour: bool,
    overwrite: bool,
) -> None:
    """Convert MASKS (label maps or colour masks, or folders) to label maps in another order, or to colour masks."""
    from maskgan.cli.batch import expand_inputs, is_batch, outputs_for, run_batch
    from maskgan.errors import UserError
    from maskgan.files import check_outputs, make_folder
    from maskgan.images import write_label_map, write_picture
    from maskgan.labels import colourise, convert_order

    if colour and target != "celebamask-hq":
        raise UserError("--colour: colours are those of CelebAMask-HQ, so --to must stay celebamask-hq")
    sources, batch = expand_inputs(masks), is_batch(masks) or output.is_dir()
    outputs = outputs_for(sources, output, batch, ".png")
    check_outputs(outputs, sources, overwrite)
    if batch:
        make_folder(output)

    def work(index: int) -> None:
        label_map = _read_in_any_order(sources[index], source, nearest_colour)
        if colour:
            write_picture(outputs[index], colourise(label_map))
        else:
            write_label_map(outputs[index], convert_order(label_map, "celebamask-hq", target))
        echo_line(outputs[index])

    run_batch(range(len(sources)), work)


def _read_in_any_order(path: Path, order: str, nearest_colour: bool) -> LabelMap:
    """A mask in CelebAMask-HQ order; with ``auto`` its own order is guessed, and logged where it is another one."""
    from maskgan.images import read_label_map
    from maskgan.label_order import guess_order
    from maskgan.labels import convert_order
    from maskgan.mask_check import warn_of_issues

    if order != "auto":
        return read_label_map(path, order, nearest_colour)
    label_map = read_label_map(path, "celebamask-hq", nearest_colour)
    guess = guess_order(label_map).order
    if guess != "celebamask-hq":
        logging.getLogger(__name__).info("%s: read in %s order; --from celebamask-hq keeps its labels", path, guess)
    label_map = convert_order(label_map, guess)
    warn_of_issues(label_map, str(path), order_known=True)
    return label_map


def _show() -> None:
    from maskgan.labels import CLASSES, ORDERS

    others = [order for order in ORDERS if order != "celebamask-hq"]
    click.echo("index  " + "".join(f"{'in ' + order:>16s}" for order in others) + "  name        colour    meaning")
    for c in CLASSES:
        indices = "".join(f"{ORDERS[order].index(c.name):16d}" for order in others)
        colour = "#{:02x}{:02x}{:02x}".format(*c.colour)
        click.echo(f"{c.index:5d}  {indices}  {c.name:10s}  {colour}   {c.title}")
    click.echo("\nLeft and right are the person's: the left eye lies on the right of the picture.")

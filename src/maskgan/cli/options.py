"""Options that several commands share."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class FiniteRange(click.FloatRange):
    """A ``click.FloatRange`` that refuses what is no number and what is infinite: NaN lies within every range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number.

        Raises:
            click.BadParameter: it is none, not finite or out of range.
        """
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


DEVICES = click.Choice(["cpu", "cuda", "mps"])
PRECISIONS = click.Choice(["fp32", "bf16"])
LABEL_ORDERS = ("celebamask-hq", "face-parsing")
"""Keys of ``maskgan.labels.ORDERS``, which help pages show without importing numpy."""


def network_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--weights``, ``--device``, ``--precision``: what renders, and how."""
    for option in (
        click.option("--precision", type=PRECISIONS, default="fp32", show_default=True, help="Type of the arithmetic."),
        click.option("--device", type=DEVICES, help="Where to compute.  [default: cuda if there is one, else cpu]"),
        click.option(
            "--weights",
            metavar="FILE",
            help="Dense mapping or edit weights.  [default: those that ship; see maskgan weights]",
        ),
    ):
        function = option(function)
    return function


order_option: Decorator = click.option(
    "--order",
    default="auto",
    show_default=True,
    metavar="ORDER",
    help="Label order of the masks: celebamask-hq, face-parsing, or auto (celebamask-hq, with a warning in doubt).",
)

nearest_colour_option: Decorator = click.option(
    "--nearest-colour",
    is_flag=True,
    help="Give colours of masks that stand for no class, such as soft edges of a brush, the nearest class's; up to 16 "
    "megapixels.",
)

overwrite_option: Decorator = click.option(
    "--overwrite", is_flag=True, help="Allow an output to take the place of an input."
)

sign_option: Decorator = click.option(
    "--sign",
    nargs=2,
    metavar="CERT KEY",
    type=click.Path(path_type=Path),
    help="Sign content credentials (C2PA) with these PEM files; what cannot be signed is not written.",
)


def given_options(context: click.Context) -> list[str]:
    """Names of the options that stand on the command line."""
    return [name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]


def resolve_device(device: str | None) -> str:
    """The device asked for, or the best there is.

    Raises:
        UserError: the device asked for is not there.
    """
    import torch

    from maskgan.errors import UserError

    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device is None:
        return "cuda" if present["cuda"] else "cpu"
    if not present[device]:
        raise UserError(f"--device {device}: this machine has none; use --device cpu")
    return device

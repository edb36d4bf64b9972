"""``--refine``: what the network knows is fitted to one photograph before its pictures are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from maskgan.cli.options import Decorator

if TYPE_CHECKING:
    from maskgan.editing.session import FaceEditor

_DEFAULT_STEPS = 40  # where an edit network draws all of a person


def refine_option(when_default: str) -> Decorator:
    """The option.

    Args:
        when_default: when the network is refined without it, for the help text.
    """
    return click.option(
        "--refine",
        metavar="STEPS",
        type=click.IntRange(0, 1000),
        help="Fit what the network knows to IMAGE first, so that generated images look more like the person; 40 take "
        f"seconds.  [default: {_DEFAULT_STEPS} {when_default}, else 0]",
    )


def refine_source(editor: FaceEditor, steps: int | None, draws_person: bool) -> None:
    """Refine an editor to its source, with a bar on a terminal.

    Args:
        editor: with a source.
        steps: as given; ``None``: the default.
        draws_person: whether the whole person is drawn anew, in the own style. One pass of the encoder gives an edit
            network styles that draw somebody like them.

    Raises:
        UserError: as for ``FaceEditor.refine``.
    """
    from tqdm import tqdm

    if steps is None:
        steps = _DEFAULT_STEPS if draws_person and editor.renderer.uses_context else 0
    with tqdm(desc="refine", unit="step", total=steps, leave=False, disable=None) as bar:

        def progress(done: int, _total: int) -> None:
            bar.update(done - bar.n)

        editor.refine(steps, progress)

"""``--refine``: what the network knows is fitted to one photograph before its pictures are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from maskgan.cli.options import Decorator

if TYPE_CHECKING:
    from maskgan.editing.session import FaceEditor

_DEFAULT_STEPS = 40  # where an edit network draws all of a person

refine_option: Decorator = click.option(
    "--refine",
    metavar="STEPS",
    type=click.IntRange(0, 1000),
    help="Fit what the network knows to IMAGE first, so that a generated image looks more like the person.  "
    f"[default: {_DEFAULT_STEPS}, which take seconds, for --blend full by an edit network, else 0]",
)


def refine_source(editor: FaceEditor, steps: int | None, draws_person: bool) -> None:
    """Refine an editor to its source, with a bar on a terminal.

    Args:
        editor: with a source.
        steps: as given; ``None``: the default.
        draws_person: whether the whole person is drawn anew, in a style of which something is their own. One pass of
            the encoder gives an edit network styles that draw somebody like them.

    Raises:
        UserError: as for ``FaceEditor.refine``.
    """
    from tqdm import tqdm

    if steps is None:
        steps = _DEFAULT_STEPS if draws_person and editor.renderer.uses_context else 0
    if not steps:
        return
    with tqdm(desc="refine", unit="step", total=steps, leave=False, disable=None) as bar:

        def progress(done: int, _total: int) -> None:
            bar.update(done - bar.n)

        editor.refine(steps, progress)

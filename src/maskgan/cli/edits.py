"""``maskgan edits``: the edits that have names."""

from __future__ import annotations

import click


@click.command("edits", short_help="List the edits that have names.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(as_json: bool) -> None:
    """List the edits of 'maskgan edit --apply': name, amounts, and what each does. Amount 0 changes nothing."""
    import json

    from maskgan.editing.anonymise import ANONYMISE, Anonymise
    from maskgan.editing.looks import LOOKS, Look
    from maskgan.editing.named_edits import EDITS, NamedEdit

    edits: list[NamedEdit | Look | Anonymise] = [*EDITS.values(), *LOOKS.values(), ANONYMISE]
    if as_json:
        rows = [{"name": e.name, "amounts": e.range, "summary": e.summary} for e in edits]
        click.echo(json.dumps(rows, indent=2))
        return
    for edit in edits:
        click.echo(f"{edit.name:16} {edit.range:16} {edit.summary}")

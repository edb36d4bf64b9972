"""Prints nothing; fails if the help of a command cannot be shown. Needs no torch, as ``maskgan --help`` needs none."""

from __future__ import annotations

import sys

import click

from maskgan.cli.main import cli


def show(command: click.Command, context: click.Context) -> int:
    """The number of commands below ``command`` whose help was made."""
    assert command.get_help(context)
    if not isinstance(command, click.Group):
        return 1
    count = 0
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None, name
        count += show(found, click.Context(found, info_name=name, parent=context))
    return count


commands = show(cli, click.Context(cli, info_name="maskgan"))
print(f"Python {sys.version.split()[0]}: the help of {commands} commands")
assert "torch" not in sys.modules

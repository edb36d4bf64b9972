"""Every command that the documents show is one that the program understands; every link leads somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from maskgan.cli.main import cli

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def shown_commands() -> list[tuple[str, str]]:
    """(document, command line) of every ``maskgan`` command in a shell block."""
    found = []
    for document in DOCUMENTS:
        for block in re.findall(r"```sh\n(.*?)```", document.read_text(), flags=re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if match := re.match(r"(?:torchrun .* -m )?(maskgan .*)", line.strip()):
                    found.append((document.name, match[1]))
    return found


@pytest.mark.parametrize(("document", "line"), shown_commands(), ids=lambda text: text[:60])
def test_shown_commands_are_understood(document: str, line: str) -> None:
    arguments = shlex.split(line, comments=True)[1:]
    command: click.Command = cli
    context = click.Context(cli, info_name="maskgan")
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        name, found, arguments = command.resolve_command(context, arguments)
        assert found is not None, f"{document}: {name}"
        command = found
        if not isinstance(command, click.Group):
            command.make_context(name, list(arguments))
        elif arguments:
            context = click.Context(command, info_name=name, parent=context)


def test_the_documents_show_the_main_commands() -> None:
    shown = " ".join(line for _, line in shown_commands())
    for name in ("edit", "style-copy", "prepare", "train dense-mapping", "train all", "evaluate"):
        assert f"maskgan {name}" in shown


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        if "://" not in target:
            assert (document.parent / target).exists(), target

"""The documents: commands are understood and run, options exist, links and anchors lead somewhere, the site builds."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from maskgan import __version__
from maskgan.cli.main import cli, main

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
        *ROOT.glob("docs/**/*.md"),
    ]
)
OTHER_PROGRAMS = re.compile(r"^(?:\w+=\S+ )*(?:python|pip|git|make|torchrun|pytest|sha256sum|tar|node|\.ci/run)\b")

FOREIGN_OPTIONS = frozenset(
    {"--nnodes", "--node-rank", "--rdzv-endpoint", "--shm-size", "--sort"}  # of torchrun, docker, tar
)


def shell_lines(block: str) -> Iterator[str]:
    """Lines of a shell block, continuations joined, without those of an earlier commit (``git switch --detach``)."""
    at_earlier_commit = False
    for line in block.replace("\\\n", " ").splitlines():
        if line.startswith("git switch"):
            at_earlier_commit = "--detach" in line
        elif not at_earlier_commit and line.strip():
            yield line.strip()


def shown_commands() -> list[tuple[str, str]]:
    """(document, command line) of every ``maskgan`` command in a shell block."""
    found = []
    for document in DOCUMENTS:
        for block in re.findall(r"```sh\n(.*?)```", document.read_text(), flags=re.DOTALL):
            for line in shell_lines(block):
                if match := re.match(r"(?:torchrun .* -m |\S+/bin/)?(maskgan .*)", line):
                    found.append((document.name, match[1]))
    return found


def test_paths_in_documents_and_comments_exist() -> None:
    rooms = "src|tests|docs|benchmarks|losses|networks|training|editing|evaluation|metrics|server|cli|data|checkpoints"
    missing = []
    for document in DOCUMENTS:
        for path in re.findall(rf"`((?:{rooms})/[\w./-]+)`", document.read_text()):
            if not any((base / path).exists() for base in (ROOT, ROOT / "src" / "maskgan")):
                missing.append((document.name, path))
    for source in (ROOT / "src").rglob("*.py"):
        for path in re.findall(r"\bdocs/[\w./-]+\.md\b", source.read_text()):
            if not (ROOT / path).exists():
                missing.append((source.name, path))
    assert not missing


def runnable_blocks() -> list[tuple[str, list[str]]]:
    """(document, lines) of every shell block that ``<!-- run -->`` precedes."""
    return [
        (str(document.relative_to(ROOT)), list(shell_lines(block)))
        for document in DOCUMENTS
        for block in re.findall(r"<!-- run -->\n```sh\n(.*?)```", document.read_text(), flags=re.DOTALL)
    ]


@cache
def known_options() -> frozenset[str]:
    """Every option of every command."""
    options: set[str] = set()
    commands: list[click.Command] = [cli]
    while commands:
        command = commands.pop()
        context = click.Context(command)
        for parameter in command.get_params(context):
            options.update([*parameter.opts, *parameter.secondary_opts])
        if isinstance(command, click.Group):
            commands += [
                found for name in command.list_commands(context) if (found := command.get_command(context, name))
            ]
    return frozenset(options)


def anchor(heading: str) -> str:
    """The anchor that GitHub and MyST give a heading."""
    text = re.sub(r"[*`]|\[([^]]*)\]\([^)]*\)", lambda match: match[1] or "", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-")


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


@pytest.mark.parametrize(("document", "lines"), runnable_blocks(), ids=[name for name, _ in runnable_blocks()])
def test_commands_run(document: str, lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    written = []
    for line in lines:
        words = shlex.split(line.replace("/tmp/", f"{tmp_path}/"), comments=True)
        if not words:
            continue
        if words[0] == "cd":
            monkeypatch.chdir(words[1])
            continue
        assert words[0] == "maskgan", f"{document}: only maskgan and cd can run here: {line}"
        assert main(words[1:]) == 0, f"{document}: {line}"
        written += [Path(word) for word in words if word.startswith(f"{tmp_path}/")]
    assert written, f"{document}: no command writes below /tmp/"
    for path in written:
        assert path.exists(), f"{document}: {path.name} was not written"


def test_main_documents_have_commands_that_run() -> None:
    documents = {document for document, _ in runnable_blocks()}
    assert {"README.md", "docs/command-line.md", "docs/training.md", "docs/evaluation.md"} <= documents


def test_python_example_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    exec(compile(ast.parse(code), "README.md", "exec"), {})
    assert (tmp_path / "smile.png").is_file()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_named_options_exist(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    text = text.split("## Renamed options")[0]  # the changelog's table of old names ends the document
    unknown = [
        option
        for span in re.findall(r"`([^`]+)`", text)
        if not OTHER_PROGRAMS.match(" ".join(span.split()))
        for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", span)
        if option not in known_options() | FOREIGN_OPTIONS
    ]
    assert not unknown


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    for target, fragment in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", text):
        if "://" in target:
            continue
        path = document.parent / target if target else document
        assert path.exists(), target
        if fragment:
            headings = re.findall(r"^#+ (.+)$", path.read_text(), flags=re.MULTILINE)
            assert fragment in map(anchor, headings), f"{target}#{fragment}"


def test_site_builds_without_warnings(tmp_path: Path) -> None:
    options = [
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-t",
        "pages",
        "-b",
        "dummy",
        "-c",
        ROOT / "docs",
        ROOT,
        tmp_path,
    ]
    build = subprocess.run([sys.executable, *map(str, options)], capture_output=True, text=True)
    assert (build.returncode, build.stderr) == (0, "")


def test_architecture_names_every_room_and_files_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    rows = [
        set(re.findall(r"`(\w+)`", line.split("|")[2])) for line in text.splitlines() if re.match(r"\| \d+ \|", line)
    ]
    assert rows == [{room.strip().removeprefix("maskgan.") for room in layer.split("|")} for layer in reversed(layers)]
    for path in re.findall(r"`([\w/]+\.py)`", text):
        assert (ROOT / "src" / "maskgan" / path).is_file(), path


def test_every_experiment_is_dated_indexed_and_short() -> None:
    folder = ROOT / "docs" / "experiments"
    index = (folder / "README.md").read_text()
    for path in folder.glob("*.md"):
        if path.name == "README.md":
            continue
        text = path.read_text()
        assert f"]({path.name})" in index, path.name
        assert re.search(r"^\*20\d\d-\d\d-\d\d", text, flags=re.MULTILINE), path.name
        assert all(part in text for part in ("**Question.**", "**Setup.**", "**Answer.**")), path.name
        assert len(text.splitlines()) <= 120, path.name


def test_model_card_is_short() -> None:
    assert len((ROOT / "docs" / "model-card.md").read_text().splitlines()) <= 120


def test_version_is_the_same_everywhere() -> None:
    assert re.search(
        rf"^## {re.escape(__version__)} - 20\d\d-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE
    )
    assert f"version: {__version__}\n" in (ROOT / "CITATION.cff").read_text()


def test_metadata_name_the_licences_of_code_and_weights() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "MIT AND LicenseRef-Non-Commercial-Research"
    assert "src/maskgan/assets/weights/LICENSE" in project["license-files"]
    for path in project["license-files"]:
        assert (ROOT / path).is_file(), path
    assert "non-commercial research" in (ROOT / "src/maskgan/assets/weights/LICENSE").read_text()

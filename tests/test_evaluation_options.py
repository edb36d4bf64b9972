"""Options of ``maskgan evaluate``: those that have no effect on a task are refused, outputs are checked first."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from maskgan.cli.evaluate import command
from maskgan.cli.main import main
from maskgan.cli.options import given_options
from maskgan.evaluation.config import TASK_OPTIONS, TASKS, EvaluationConfig, check_applicable, flag
from maskgan.evaluation.tables import distance_cell, few_images_note, number, percent
from test_docs import shell_lines

ROOT = Path(__file__).parent.parent
EVERYWHERE = {"task", "data", "keys", "device", "output"}
VALUES = {  # as the user writes them; files are missing
    "systems": "a=missing.safetensors",
    "weights": "missing.safetensors",
    "order": "auto",
    "blend": "full",
    "refine": "2",
    "by": "Male",
    "identities": "1..2",
    "count": "4",
    "side": "64",
    "seed": "1",
    "batch_size": "2",
    "precision": "fp32",
}
OPTIONS = frozenset[str]().union(*TASK_OPTIONS.values())
UNUSED = [(task, name) for task in TASKS for name in sorted(OPTIONS - TASK_OPTIONS[task])]


def test_every_option_of_the_command_belongs_to_some_task() -> None:
    names = {parameter.name for parameter in command.params}
    assert names - EVERYWHERE == OPTIONS
    assert names - {"output"} == set(EvaluationConfig.__dataclass_fields__)


@pytest.mark.parametrize(("task", "name"), UNUSED)
def test_options_without_effect_are_refused(
    task: str, name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = [flag(name), VALUES.get(name, str(tmp_path / "missing"))]
    assert main(["evaluate", "--task", task, "--data", "synthetic:4:64", *arguments]) == 2
    error = capsys.readouterr().err
    assert f"{flag(name)}: has no effect on --task {task}; it belongs to " in error and error.count("\n") == 1


@pytest.mark.parametrize(("task", "name"), [("style-copy", "count"), ("style-copy", "seed"), ("smile", "count")])
def test_options_that_choose_cases_are_refused_beside_a_list(
    task: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--cases", "missing.json", flag(name), "4"]
    assert main(["evaluate", "--task", task, "--data", "synthetic:4:64", *arguments]) == 2
    assert f"{flag(name)}: has no effect with --cases" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["-o", "--save-cases", "--grid"])
def test_outputs_are_checked_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.setattr("maskgan.evaluation.tasks.evaluate", lambda _: pytest.fail("work began"))
    (tmp_path / "folder.png").mkdir()
    arguments = ["evaluate", "--task", "smile", "--data", "synthetic:4:64"]
    for path, reason in ((tmp_path / "no" / "a.png", "no such folder"), (tmp_path / "folder.png", "is a folder")):
        assert main([*arguments, option, str(path)]) == 2
        error = capsys.readouterr().err
        assert reason in error and str(path.parent if "no such" in reason else path) in error


def test_cells_and_cautions() -> None:
    assert (number(None, 2), percent(None), distance_cell("FID", None, None)) == ("-", "-", "-")
    assert (number(1.234, 2), percent(0.5), percent(0.0123, 2)) == ("1.23", "50.0%", "1.23%")
    assert distance_cell("FID", 10.04, 0.0123) == "10.0 / 12.3" and distance_cell("other", 10.04, 0.01) == "10.0"
    assert few_images_note("FID", 2048) == []
    caution = "\n".join(few_images_note("FID", 500))
    assert "FID from 500 images" in caution and "rank deficient" in caution


DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documented_commands_give_no_option_without_effect(document: Path) -> None:
    for block in re.findall(r"```sh\n(.*?)```", document.read_text(), flags=re.DOTALL):
        for line in shell_lines(block):
            if match := re.match(r"(?:\S*/)?maskgan evaluate (.*)", line):
                arguments = shlex.split(match[1], comments=True)
                context = command.make_context("evaluate", arguments)
                check_applicable(context.params["task"], given_options(context))

"""The layout of the code: module length and parameter counts stay within what a reader can hold."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "maskgan"
MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES = 350
MAX_PARAMETERS = 8


def parameter_count(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Parameters of a function, without ``self`` and ``cls``; ``*args`` and ``**kwargs`` count as one each."""
    arguments = function.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    extra = [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
    return len(names) - (names[:1] in (["self"], ["cls"])) + len(extra)


def long_signatures(tree: ast.AST, most: int) -> list[str]:
    """``name: count`` of each function with more than ``most`` parameters."""
    return [
        f"{node.name}: {count}"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (count := parameter_count(node)) > most
    ]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_is_short(module: Path) -> None:
    lines = len(module.read_text().splitlines())
    assert lines <= MAX_LINES


@pytest.mark.parametrize(
    "module",
    [module for module in MODULES if module.relative_to(PACKAGE).parts[0] != "cli"],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_functions_have_few_parameters(module: Path) -> None:
    found = long_signatures(ast.parse(module.read_text()), MAX_PARAMETERS)
    assert found == []


def test_the_check_counts_parameters() -> None:
    tree = ast.parse("def long(a, b=1, *rest, c, **more): ...\nclass A:\n    async def short(self, a, /): ...\n")
    assert long_signatures(tree, 4) == ["long: 5"]
    assert long_signatures(tree, 0) == ["long: 5", "short: 1"]

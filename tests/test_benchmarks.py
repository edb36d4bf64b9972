"""Every benchmark can be started: what it imports from the package and from other benchmarks is there."""

import importlib
from pathlib import Path

import benchmarks
import pytest


@pytest.mark.parametrize("name", sorted(path.stem for path in Path(benchmarks.__path__[0]).glob("*.py")))
def test_a_benchmark_can_be_imported(name: str) -> None:
    assert importlib.import_module(f"benchmarks.{name}").__doc__

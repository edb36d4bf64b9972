"""The list of tested versions fits pyproject.toml, and the audit of it says what it could not check."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked() -> dict[str, Version]:
    lines = (ROOT / "requirements" / "tested.txt").read_text().splitlines()
    found = [re.fullmatch(r"([a-z0-9-]+)==([\w.]+)", line) for line in lines if not line.startswith("#")]
    assert all(found)  # no hashes, no addresses, no builds of one machine such as +cpu
    return {match[1]: Version(match[2]) for match in found if match}


def requirements() -> Iterator[Requirement]:
    for text in (*PROJECT["dependencies"], *(t for extra in PROJECT["optional-dependencies"].values() for t in extra)):
        yield Requirement(text)


@pytest.mark.parametrize("requirement", list(requirements()), ids=str)
def test_each_requirement_has_a_tested_version_in_its_range(requirement: Requirement) -> None:
    version = locked()[canonical(requirement.name)]
    assert requirement.specifier.contains(version, prereleases=True)


def test_torch_is_the_makefiles_and_nothing_is_cuda() -> None:
    versions = locked()
    assert f"TORCH := torch=={versions['torch']}\n" in (ROOT / "Makefile").read_text()
    assert [name for name in versions if re.search("nvidia|cuda|triton|torchvision|torchaudio", name)] == []
    assert list(versions) == sorted(versions)


def test_make_and_the_audit_use_the_list() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "--constraint requirements/tested.txt" in makefile and ".ci/audit.py" in makefile
    assert audit_module().TESTED == ROOT / "requirements" / "tested.txt"


def audit_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GOOD: dict[str, Any] = {"name": "click", "version": "8.5.1", "vulns": []}
UNKNOWN: dict[str, Any] = {"name": "numpy", "skip_reason": "Dependency not found on PyPI"}
BAD: dict[str, Any] = {"name": "pillow", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.0"]}]}


@pytest.mark.parametrize(
    ("packages", "said", "code"),
    [
        ([GOOD], "audit: 1 packages looked up, 0 with known vulnerabilities", 0),
        ([UNKNOWN, UNKNOWN], "audit: skipped, NOTHING WAS CHECKED", 0),
        ([GOOD, UNKNOWN], "numpy: could not be looked up", 1),
        ([GOOD, BAD], "pillow 1.0: PYSEC-1, fixed in 2.0", 1),
    ],
)
def test_the_audit_says_what_it_found_and_what_it_could_not_check(
    packages: list[dict[str, Any]], said: str, code: int
) -> None:
    lines, found = audit_module().verdict(packages)
    assert found == code and any(line.startswith(said) for line in lines)

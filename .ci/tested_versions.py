"""Writes ``requirements/tested.txt``: the versions of everything that the extras bring, as installed where this runs.

Run it with the Python of an environment in which ``make test`` has passed.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
HEADER = """\
# The versions with which all tests passed, of every package that the extras bring; written by .ci/tested_versions.py.
# "make test" takes them as constraints, "make audit" looks for known vulnerabilities in them. torch is the CPU build
# where there is one; no CUDA package belongs here, and no hashes, which differ between builds.
"""


def canonical(name: str) -> str:
    """A package's name as indexes write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(requirements: list[str]) -> dict[str, str]:
    """Installed versions of what is required, and of what that requires."""
    found: dict[str, str] = {}
    waiting = [(Requirement(text), frozenset[str]()) for text in requirements]
    while waiting:
        requirement, extras = waiting.pop()
        if requirement.marker and not any(requirement.marker.evaluate({"extra": e}) for e in (extras or {""})):
            continue
        name = canonical(requirement.name)
        if name in found and not requirement.extras:
            continue
        try:
            package = distribution(requirement.name)
        except PackageNotFoundError:
            sys.exit(f"{requirement.name}: not installed here; install the extras first")
        found[name] = package.version.partition("+")[0]
        waiting += [(Requirement(text), frozenset(requirement.extras)) for text in package.requires or []]
    return found


def main() -> None:
    """Write the file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    found = closure([*project["dependencies"], *(text for extra in extras for text in extra)])
    lines = [f"{name}=={version}\n" for name, version in sorted(found.items()) if not name.startswith("nvidia-")]
    (ROOT / "requirements" / "tested.txt").write_text(HEADER + "".join(lines))


main()

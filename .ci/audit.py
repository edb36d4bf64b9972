"""Looks for known vulnerabilities in the tested versions: ``make audit``.

pip-audit asks PyPI. Where pip-audit or PyPI's advisories cannot be reached, a line says that nothing was checked; a
list of which only a part could be looked up fails. Ends with code 1 if there are vulnerabilities.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TESTED = ROOT / "requirements" / "tested.txt"
TOOLS = ROOT / "build" / "audit"
SKIPPED = "audit: skipped, NOTHING WAS CHECKED: "


def verdict(packages: Sequence[Mapping[str, Any]]) -> tuple[list[str], int]:
    """What pip-audit's list of packages means: lines to print, and the exit code."""
    missing = [package["name"] for package in packages if "skip_reason" in package]
    if len(missing) == len(packages):
        return [f"{SKIPPED}PyPI's advisories cannot be reached from here; it told nothing of any package"], 0
    lines, vulnerable = [f"{name}: could not be looked up" for name in missing], 0
    for package in packages:
        found = package.get("vulns", [])
        vulnerable += bool(found)
        for one in found:
            fixed = ", ".join(one["fix_versions"]) or "no version yet"
            lines.append(f"{package['name']} {package['version']}: {one['id']}, fixed in {fixed}")
    looked_up = len(packages) - len(missing)
    lines.append(f"audit: {looked_up} packages looked up, {vulnerable} with known vulnerabilities")
    return lines, 1 if vulnerable or missing else 0


def audit() -> tuple[list[str], int]:
    """Install pip-audit where it is not yet, beside our own packages, and ask it."""
    environment = {**os.environ, "PYTHONPATH": str(TOOLS)}
    if not (TOOLS / "pip_audit").is_dir():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(TOOLS), "pip-audit"]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return [f"{SKIPPED}pip-audit cannot be installed from here"], 0
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(TESTED), "--no-deps", "--disable-pip"]
    command += ["--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    try:
        return verdict(json.loads(done.stdout)["dependencies"])
    except (ValueError, LookupError):
        last = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        return [f"{SKIPPED}pip-audit gave no list ({last[:120]})"], 0


if __name__ == "__main__":
    said, code = audit()
    print("\n".join(said))
    sys.exit(code)

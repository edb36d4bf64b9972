"""The editor's page: its modules under Node.js, its types, and itself in a real browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parent / "page"
BROWSER = os.environ.get("CHROMIUM", "/usr/bin/chromium")
UNIT_TESTS = sorted(PAGE.glob("*.test.js"))
BROWSER_TESTS = sorted((PAGE / "browser").glob("*.test.js"))

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="NO NODE.JS: the page was not tested at all")
has_packages = pytest.mark.skipif(
    not (PAGE / "node_modules" / "playwright-core").is_dir(), reason="NO NPM PACKAGES: run tests/page/setup.sh"
)


def run(*command: str) -> None:
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(command, cwd=PAGE, env=environment, capture_output=True, text=True, timeout=540)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_the_page_s_modules() -> None:
    assert UNIT_TESTS
    run("node", "--test", *(path.name for path in UNIT_TESTS))


@has_packages
def test_the_page_s_types() -> None:
    run("node", "node_modules/typescript/bin/tsc")


@pytest.mark.slow
@has_packages
@pytest.mark.skipif(not Path(BROWSER).exists(), reason=f"NO CHROMIUM at {BROWSER}: the browser tests were not run")
@pytest.mark.parametrize("path", BROWSER_TESTS, ids=lambda path: path.name.removesuffix(".test.js"))
def test_the_page_in_a_browser(path: Path) -> None:
    run("node", "--test", f"browser/{path.name}")

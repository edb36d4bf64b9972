"""The editor's page: its modules under Node.js, its types, and itself in a real browser."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PAGE = Path(__file__).parent / "page"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
UNIT_TESTS = sorted(PAGE.glob("*.test.js"))
BROWSER_TESTS = sorted((PAGE / "browser").glob("*.test.js"))

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="NO NODE.JS: the page was not tested at all")
has_packages = pytest.mark.skipif(
    not (PAGE / "node_modules" / "playwright-core").is_dir(), reason="NO NPM PACKAGES: run tests/page/setup.sh"
)


def run(*command: str, **variables: str) -> None:
    environment = {**os.environ, "PYTHON": sys.executable, **variables}
    done = subprocess.run(command, cwd=PAGE, env=environment, capture_output=True, text=True, timeout=540)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def kind_of(test: Path) -> str:
    """The page's own modules, those of its engine, or the whole engine with networks."""
    if test.name == "engine-app.test.js":
        return "engine with networks"
    return "engine" if test.name.startswith("engine-") else "page"


@pytest.mark.parametrize("kind", ["engine with networks", "engine", "page"])
def test_the_page_s_modules(kind: str) -> None:
    tests = [path.name for path in UNIT_TESTS if kind_of(path) == kind]
    assert tests
    run("node", "--test", *tests)


@has_packages
def test_the_page_s_types() -> None:
    run("node", "node_modules/typescript/bin/tsc")


@pytest.fixture(scope="module")
def editor_address() -> Iterator[str]:
    """The address of an editor that all browser tests share, but for those that stop and start one of their own."""
    command = [sys.executable, "-m", "maskgan", "serve", "--quiet", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield next(re.search(r"http:\S+", line)[0] for line in server.stdout if "http:" in line)
        finally:
            server.terminate()


@pytest.mark.slow
@has_packages
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"NO CHROMIUM at {CHROMIUM}: the browser tests were not run")
@pytest.mark.parametrize("path", BROWSER_TESTS, ids=lambda path: path.name.removesuffix(".test.js"))
def test_the_page_in_a_browser(path: Path, editor_address: str) -> None:
    run("node", "--test", f"browser/{path.name}", EDITOR_ADDRESS=editor_address, BROWSER="chromium")


@pytest.fixture(scope="module")
def firefox() -> str:
    """Playwright's build of Firefox, the only one that it can drive."""
    ask = 'import("playwright-core").then(({ firefox }) => console.log(firefox.executablePath()))'
    path = os.environ.get("FIREFOX") or subprocess.check_output(["node", "-e", ask], cwd=PAGE, text=True).strip()
    if not Path(path).exists():
        pytest.skip(f"NO FIREFOX of Playwright at {path}: the browser tests were not run in it")
    return path


@has_packages
@pytest.mark.slow
@pytest.mark.parametrize("path", BROWSER_TESTS, ids=lambda path: path.name.removesuffix(".test.js"))
def test_the_page_in_firefox(path: Path, editor_address: str, firefox: str) -> None:
    run("node", "--test", f"browser/{path.name}", EDITOR_ADDRESS=editor_address, BROWSER="firefox", FIREFOX=firefox)

"""The page in few files: its modules as one script, its style sheets as one, its icons inside the HTML.

The page needs no build: its files work as they are, and the server joins them when it is asked for the page. A module
becomes a function that returns its exports, in the order in which modules import each other. What a browser has under
an address with a hash never changes, so it need not ask again.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import threading
from dataclasses import dataclass
from pathlib import Path

_IMPORT = re.compile(r'^import\s+(?:(\{[^}]*\}|\*\s+as\s+\w+)\s+from\s+)?"([^"]+)";\n', re.MULTILINE)
_DYNAMIC_IMPORT = re.compile(r'\bimport\("(\.[^"]+)"\)')
_EXPORT = re.compile(r"^export ((?:async )?function\*?|class|const) (\w+)", re.MULTILINE)
_OTHER = re.compile(r"^(?:import\b(?!\()|export\b).*$", re.MULTILINE)
_RENAMED = re.compile(r"\b(\w+) as (\w+)")
_COMMENT = re.compile(r"^[ \t]*/\*(?:(?!\*/).)*\*/[ \t]*\n|/\*\*(?:(?!\*/).)*\*/", re.MULTILINE | re.DOTALL)
_STYLE_SHEET = re.compile(r'<link rel="stylesheet" href="([^"]+)" />')
_SCRIPT = re.compile(r'<script type="module" src="([^"]+)"></script>')


class BundleError(ValueError):
    """A module has an import or export that the bundle does not support."""


@dataclass(frozen=True)
class Asset:
    """A file under an address with its hash."""

    name: str
    media_type: str
    data: bytes
    packed: bytes  # gzip


@dataclass(frozen=True)
class Bundle:
    """The page's HTML and the files that it loads."""

    html: bytes
    assets: dict[str, Asset]  # by name


class PageBundle:
    """The bundle of a page's folder, made anew when one of its files has changed."""

    def __init__(self, page: Path) -> None:
        self._page = page
        self._lock = threading.Lock()
        self._stamps: dict[str, int] = {}
        self._bundle: Bundle | None = None

    def current(self) -> Bundle:
        """The bundle of the files as they are.

        Raises:
            BundleError: a module has an import or export of an unsupported form.
        """
        with self._lock:
            stamps = {str(path): path.stat().st_mtime_ns for path in self._page.rglob("*.*") if path.is_file()}
            if self._bundle is None or stamps != self._stamps:
                self._bundle = build_bundle(self._page)
                self._stamps = stamps
            return self._bundle


def build_bundle(page: Path) -> Bundle:
    """Join the page's files.

    Args:
        page: the folder with ``index.html``, whose addresses begin with ``page/``.
    """
    html = (page / "index.html").read_text(encoding="utf-8")
    sheets = _STYLE_SHEET.findall(html)
    style = "".join((page.parent / sheet).read_text(encoding="utf-8") for sheet in sheets)
    script = _SCRIPT.search(html)
    assert script is not None and sheets
    styles = _asset("styles", "css", "text/css", style)
    code = _asset("app", "js", "text/javascript", join_modules(page.parent / script[1], page))
    for i, sheet in enumerate(sheets):
        link = f'<link rel="stylesheet" href="page/{styles.name}" />' if i == 0 else ""
        html = html.replace(f'<link rel="stylesheet" href="{sheet}" />', link)
    # The page asks for this first; the browser may fetch it while it reads the script.
    preload = '<link rel="preload" href="api/info" as="fetch" crossorigin="anonymous" />'
    html = html.replace(script[0], f'<script type="module" src="page/{code.name}"></script>\n    {preload}')
    icons = (page / "icons.svg").read_text(encoding="utf-8").replace("<svg ", "<svg hidden ", 1)
    html = html.replace("</body>", f"{icons}</body>")
    return Bundle(html.encode(), {asset.name: asset for asset in (styles, code)})


def join_modules(entry: Path, root: Path) -> str:
    """One module with the code of ``entry`` and all that it imports statically.

    Args:
        entry: the module that runs.
        root: the folder that dynamic imports are made relative to, where the result is served.

    Raises:
        BundleError: an import or export of an unsupported form, or modules that import each other in a circle.
    """
    order: list[Path] = []
    _collect(entry.resolve(), order, ())
    names = {path: f"m{i}" for i, path in enumerate(order)}
    return "".join(_wrapped(path, names, root.resolve()) for path in order)


def _collect(path: Path, order: list[Path], within: tuple[Path, ...]) -> None:
    """Append a module to ``order``, after all that it imports."""
    if path in within:
        raise BundleError(f"{path.name} imports itself through {', '.join(other.name for other in within)}")
    if path in order:
        return
    for found in _IMPORT.finditer(_without_comments(path)):
        _collect((path.parent / found[2]).resolve(), order, (*within, path))
    order.append(path)


def _wrapped(path: Path, names: dict[Path, str], root: Path) -> str:
    code = _without_comments(path)
    exports = [found[2] for found in _EXPORT.finditer(code)]

    def names_of(imports: str) -> str:
        return _RENAMED.sub(r"\1: \2", imports)

    def imported(found: re.Match[str]) -> str:
        module = names[(path.parent / found[2]).resolve()]
        if found[1] is None:
            return ""
        if found[1].startswith("*"):
            return f"const {found[1].split()[-1]} = {module};\n"
        return f"const {names_of(found[1])} = {module};\n"

    def dynamic(found: re.Match[str]) -> str:
        target = (path.parent / found[1]).resolve()
        if _IMPORT.search(_without_comments(target)):
            raise BundleError(f"{target.name} is loaded later and imports modules, which would then exist twice")
        return f'import("./{target.relative_to(root).as_posix()}")'

    code = _IMPORT.sub(imported, code)
    code = _DYNAMIC_IMPORT.sub(dynamic, code)
    code = _EXPORT.sub(r"\1 \2", code)
    other = _OTHER.search(code)
    if other is not None:
        raise BundleError(f"{path.name}: {other[0]!r} is not supported in the page's bundle")
    return f"const {names[path]} = (() => {{\n{code}return {{ {', '.join(exports)} }};\n}})();\n"


def _without_comments(path: Path) -> str:
    """A module's code without the comments that document types."""
    return _COMMENT.sub("", path.read_text(encoding="utf-8"))


def _asset(stem: str, suffix: str, media_type: str, text: str) -> Asset:
    data = text.encode()
    digest = hashlib.sha256(data).hexdigest()[:16]
    return Asset(f"{stem}-{digest}.{suffix}", media_type, data, gzip.compress(data, 9, mtime=0))

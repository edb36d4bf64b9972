"""The editor as a folder of static files: the page, its networks, and the runtime that runs them in the browser."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from maskgan import __version__
from maskgan.assets import portrait, weights_folder
from maskgan.checkpoints.weights import sha256
from maskgan.export.folders import write_json
from maskgan.export.networks import MANIFEST, Exporter
from maskgan.export.runtime_files import PACKED, copy_runtime
from maskgan.server.limits import Limits
from maskgan.server.page_info import PORTRAITS, ServerInfo, page_info

RECORD = "export.json"
PAGE = Path(__file__).parent.parent / "server" / "page"

_SERVICE_WORKER = "service-worker.js"
_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'"
)
_CHARSET = '<meta charset="utf-8" />'
_KEPT_BY_WORKER = (".onnx", PACKED)  # large files, which the page's worker keeps; the service worker keeps the others


def write_web(folder: Path, exporter: Exporter, runtime: Path | None) -> dict[str, Any]:
    """Write the editor into an empty folder, and return what its ``export.json`` holds.

    Args:
        folder: to write into.
        exporter: the networks.
        runtime: an unpacked package ``onnxruntime-web``; ``None``: npm fetches it.

    Raises:
        UserError: the runtime is not to be had.
        MaskGANError: torch cannot export a network.
    """
    variants = copy_runtime(folder / "runtime", runtime)
    (folder / "networks").mkdir()
    manifest = exporter.write(folder / "networks")
    write_json(folder / "networks" / MANIFEST, {**manifest, "info": _info(manifest)})
    shutil.copyfile(weights_folder() / "LICENSE", folder / "networks" / "LICENSE")
    _copy_page(folder)
    _copy_portraits(folder / "portraits")
    files = {name: {"bytes": size, "sha256": digest} for name, size, digest in _listing(folder)}
    record = {
        "format": RECORD,
        "version": __version__,
        "hash": hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest(),
        "runtime": {
            variant: {role: f"runtime/{name}" for role, name in names.items()} for variant, names in variants.items()
        },
        "files": files,
    }
    write_json(folder / RECORD, record)
    _write_service_worker(folder, record)
    return record


def first_visit_bytes(record: dict[str, Any], variant: str) -> int:
    """Bytes that a first visit loads from a server that compresses nothing.

    Where there is WebGPU, WebAssembly is loaded as well: the page compares the two, and falls back to it.
    """
    unused = {names["binary"] for other, names in record["runtime"].items() if other not in ("wasm", variant)}
    return sum(entry["bytes"] for name, entry in record["files"].items() if name not in unused)


def _info(manifest: dict[str, Any]) -> dict[str, Any]:
    generator = manifest["networks"]["generator"]
    renderer = ServerInfo("browser", generator["weights_sha256"], manifest["resolution"], generator["licence"])
    directions = [direction["name"] for direction in manifest["directions"]]
    return page_info(renderer, directions, manifest["style"]["has_parts"], refinement=False, limits=Limits())


def _copy_page(folder: Path) -> None:
    shutil.copytree(PAGE, folder / "page", ignore=shutil.ignore_patterns("index.html", _SERVICE_WORKER))
    html = (PAGE / "index.html").read_text()
    assert _CHARSET in html
    metas = (
        f'{_CHARSET}\n    <meta http-equiv="Content-Security-Policy" content="{_POLICY}" />\n'
        '    <meta name="referrer" content="no-referrer" />\n'
        '    <meta name="maskgan-engine" content="browser" />'
    )
    (folder / "index.html").write_text(html.replace(_CHARSET, metas, 1))


def _copy_portraits(folder: Path) -> None:
    folder.mkdir()
    for number in PORTRAITS:
        for path in portrait(number):
            shutil.copyfile(path, folder / path.name)
    shutil.copyfile(portrait(1)[0].parent / "NOTICE.md", folder / "NOTICE.md")


def _listing(folder: Path) -> Iterator[tuple[str, int, str]]:
    """Path, bytes and SHA-256 of each file below a folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.stat().st_size, sha256(path)


def _write_service_worker(folder: Path, record: dict[str, Any]) -> None:
    # The folder itself stands for index.html, which some hosts redirect there.
    small = [name for name in record["files"] if not name.endswith(_KEPT_BY_WORKER) and name != "index.html"]
    exported = json.dumps({"hash": record["hash"], "files": [".", RECORD, *small]})
    text = (PAGE / _SERVICE_WORKER).read_text()
    (folder / _SERVICE_WORKER).write_text(f"self.EXPORT = {exported};\n\n{text}")

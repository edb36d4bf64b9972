"""The editor as static files: what the folder holds, what it refuses to replace, and the server to look at it with."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from maskgan.cli.main import main
from maskgan.errors import UserError
from maskgan.export.networks import Exporter, WeightsFiles
from maskgan.export.runtime_files import LOCKED, VARIANTS, copy_runtime
from maskgan.export.static_server import static_server
from maskgan.export.web import PAGE, first_visit_bytes
from maskgan.labels import CLASSES

pytest.importorskip("onnx")

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files of the runtime's names."""
    folder = tmp_path_factory.mktemp("onnxruntime-web")
    (folder / "dist").mkdir()
    for script, stem in VARIANTS.values():
        for name in (script, f"{stem}.mjs", f"{stem}.wasm"):
            (folder / "dist" / name).write_bytes(f"{name} ".encode() * 100)
    return folder


@pytest.fixture(scope="module")
def exported(runtime: Path, tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The editor with a tiny dense mapping network."""
    out = tmp_path_factory.mktemp("export") / "web"
    assert main(["export-web", str(out), "--weights", str(tiny_weights), "--runtime", str(runtime)]) == 0
    return out


def record_of(folder: Path) -> dict:
    return json.loads((folder / "export.json").read_text())


def test_the_record_lists_every_file_with_its_hash(exported: Path) -> None:
    files = record_of(exported)["files"]
    there = {path.relative_to(exported).as_posix() for path in exported.rglob("*") if path.is_file()}
    assert set(files) == there - {"export.json", "service-worker.js"}
    for name, entry in files.items():
        data = (exported / name).read_bytes()
        assert entry == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    page = {f"page/{path.relative_to(PAGE).as_posix()}" for path in PAGE.rglob("*") if path.is_file()}
    assert page - set(files) == {"page/index.html", "page/service-worker.js"}
    assert {"networks/LICENSE", "runtime/LICENSE", "portraits/NOTICE.md", "portraits/portrait-9.png"} <= set(files)


def test_the_page_names_its_engine_and_a_strict_policy(exported: Path) -> None:
    html = (exported / "index.html").read_text()
    assert '<meta name="maskgan-engine" content="browser" />' in html
    policy = html.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0]
    assert "default-src 'self'" in policy
    assert "script-src 'self' 'wasm-unsafe-eval';" in policy
    assert "'unsafe-eval'" not in policy
    assert "http" not in policy
    assert 'href="/' not in html, "addresses are relative, so that the folder can lie anywhere"
    assert 'src="/' not in html


def test_the_manifest_carries_what_a_server_would_answer(exported: Path, tiny_weights: Path) -> None:
    info = json.loads((exported / "networks" / "manifest.json").read_text())["info"]
    assert [c["name"] for c in info["classes"]] == [c.name for c in CLASSES]
    assert info["weights"]["sha256"] == hashlib.sha256(tiny_weights.read_bytes()).hexdigest()
    assert info["weights"]["resolution"] == 64
    assert (info["device"], info["refinement"]) == ("browser", False)
    assert [p["number"] for p in info["portraits"]] == list(range(1, 10))


def test_the_runtime_is_there_in_both_kinds_with_binaries_packed(exported: Path) -> None:
    record = record_of(exported)
    for variant, (script, stem) in VARIANTS.items():
        names = record["runtime"][variant]
        assert names == {
            "script": f"runtime/{script}",
            "module": f"runtime/{stem}.mjs",
            "binary": f"runtime/{stem}.wasm.gzip",
        }
        assert gzip.decompress((exported / names["binary"]).read_bytes()) == f"{stem}.wasm ".encode() * 100
    both = sum(entry["bytes"] for entry in record["files"].values())
    other = record["files"][record["runtime"]["webgpu"]["binary"]]["bytes"]
    assert first_visit_bytes(record, "wasm") == both - other
    assert first_visit_bytes(record, "webgpu") == both, "WebAssembly is there to be compared with and fallen back to"


def test_the_service_worker_keeps_the_small_files_of_this_version(exported: Path) -> None:
    record = record_of(exported)
    text = (exported / "service-worker.js").read_text()
    first, rest = text.split("\n", 1)
    kept = json.loads(first.removeprefix("self.EXPORT = ").removesuffix(";"))
    assert kept["hash"] == record["hash"]
    assert {".", "export.json", "page/main.js", "networks/manifest.json"} <= set(kept["files"])
    assert not [name for name in kept["files"] if name.endswith((".onnx", ".gzip"))]
    assert rest.lstrip() == (PAGE / "service-worker.js").read_text()


def test_the_same_weights_give_the_same_version_and_others_another(
    exported: Path, runtime: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    again = tmp_path / "web"
    shutil.copytree(exported, again)
    (again / "left-over.txt").write_text("from before")
    assert main(["export-web", str(again), "--weights", str(tiny_weights), "--runtime", str(runtime)]) == 0
    assert not (again / "left-over.txt").exists(), "an earlier export is replaced as a whole"
    assert record_of(again) == record_of(exported)
    assert [path.name for path in tmp_path.iterdir()] == ["web"]


def test_other_folders_are_refused_before_any_work(runtime: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "export.json").write_text('{"format": "something else"}')
    assert main(["export-web", str(tmp_path), "--runtime", str(runtime)]) == 2
    assert "holds other files" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["export.json"]


def test_a_runtime_that_lacks_a_file_leaves_nothing(runtime: Path, tiny_weights: Path, tmp_path: Path, capsys) -> None:
    broken = tmp_path / "runtime"
    shutil.copytree(runtime, broken)
    (broken / "dist" / "ort-wasm-simd-threaded.wasm").unlink()
    out = tmp_path / "web"
    assert main(["export-web", str(out), "--weights", str(tiny_weights), "--runtime", str(broken)]) == 2
    assert "lacks ort-wasm-simd-threaded.wasm" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["runtime"]


def test_without_npm_a_folder_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"npm is missing.*--runtime"):
        copy_runtime(tmp_path / "out", None)


def test_the_locked_runtime_is_the_one_that_the_page_s_tests_use() -> None:
    ours = json.loads((LOCKED / "package-lock.json").read_text())["packages"]["node_modules/onnxruntime-web"]
    tested = json.loads((ROOT / "tests/page/package-lock.json").read_text())["packages"]["node_modules/onnxruntime-web"]
    assert (ours["version"], ours["integrity"]) == (tested["version"], tested["integrity"])


def test_terms_of_the_weights_are_named_once(tiny_weights: Path) -> None:
    licences = Exporter(WeightsFiles(face=tiny_weights)).licences
    assert licences[0] == "none"
    assert len(set(licences)) == len(licences)


@pytest.fixture
def address(exported: Path) -> Iterator[str]:
    with static_server(exported, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html"),
        ("/page/main.js", "text/javascript"),
        ("/runtime/ort.wasm.min.mjs", "text/javascript"),
        ("/networks/manifest.json", "application/json"),
        ("/networks/parser.onnx", "application/octet-stream"),
        ("/runtime/ort-wasm-simd-threaded.wasm.gzip", "application/octet-stream"),
    ],
)
def test_the_local_server_names_types_and_isolates(address: str, path: str, media_type: str) -> None:
    with urlopen(address + path) as response:
        assert response.headers.get_content_type() == media_type
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert response.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        assert "Content-Encoding" not in response.headers


def test_a_port_in_use_is_named(exported: Path) -> None:
    with static_server(exported, 0) as server, pytest.raises(UserError, match=r"--serve \d+: cannot listen there"):
        static_server(exported, server.server_address[1])

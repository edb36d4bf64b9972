"""What a project file may hold is bounded, and what is saved can be opened again."""

from __future__ import annotations

import bz2
import io
import json
import lzma
import zipfile

import httpx
import numpy as np
import pytest
from server_helpers import PICTURE, TIGHT_LIMITS, begin, own_mask, png

from maskgan.server import projects
from maskgan.server.http_errors import HTTPError
from maskgan.server.limits import Limits

LABELS = png(np.zeros((64, 64), dtype=np.uint8))


@pytest.fixture
def limits() -> Limits:
    return TIGHT_LIMITS


def project(method: int = zipfile.ZIP_DEFLATED, **parts: bytes) -> bytes:
    manifest = json.dumps({"format": 1, "editor": {}}).encode()
    content = {"project.json": manifest, "source.png": PICTURE, "mask.png": LABELS, "edited.png": LABELS}
    content |= {name.replace("_", "."): data for name, data in parts.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def editor_text(depth: int) -> str:
    return '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_projects_are_stored_or_deflated(method: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for open_method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        assert projects.read_project(project(open_method), TIGHT_LIMITS).editor == b"{}"

    def unpacked(*_: object, **__: object) -> None:
        raise AssertionError("a bomb began to unpack")

    bomb = project(method, source_png=bytes(50_000_000))
    assert len(bomb) < 50_000
    monkeypatch.setattr(bz2, "BZ2Decompressor", unpacked)
    monkeypatch.setattr(lzma, "LZMADecompressor", unpacked)
    with pytest.raises(HTTPError, match="compressed in a way that is not read"):
        projects.read_project(bomb, TIGHT_LIMITS)


@pytest.mark.parametrize("kind", ["many parts", "a long comment", "zip64", "no end"])
def test_a_projects_directory_is_small(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    good = project()
    end = good[-22:]
    data = {
        "many parts": good[:-22] + end[:12] + (70_000).to_bytes(4, "little") + end[16:],
        "a long comment": good[:-2] + b"\x05\0hello",
        "zip64": good[:-22] + b"PK\x06\x07" + bytes(16) + end,
        "no end": good[:-1],
    }[kind]

    def opened(*_: object) -> None:
        raise AssertionError("the directory was read")

    monkeypatch.setattr(zipfile.ZipFile, "_RealGetContents", opened)
    with pytest.raises(HTTPError):
        projects.read_project(data, TIGHT_LIMITS)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "editor",
    [
        "NaN", "[Infinity]", '{"a": -Infinity}', '{"a": 1e999}', '{"a": "\\ud800"}', editor_text(65), editor_text(300),
        "[" * 5000, '{"a": ' + "[" * 100 + "]" * 100 + "}", "\ufeff{}", '{"a": ' + "9" * 5000 + "}", "", "[]", "null",
    ],
    ids=lambda text: text[:12] or "empty",
)  # fmt: skip
async def test_what_saving_takes_opening_gives_back(client: httpx.AsyncClient, editor: str) -> None:
    """What cannot be opened again is refused when it is saved, and in a project that somebody made."""
    session = await begin(client)
    mask = (await own_mask(client, session)).tobytes()
    path = f"/api/sessions/{session['id']}/project"
    for body in (editor.encode(), editor.encode("utf-16")):
        assert (await client.post(path, files={"mask": mask, "editor": body})).status_code == 400
    made = project(project_json=b'{"format": 1, "editor": ' + editor.encode() + b"}")
    assert (await client.post("/api/sessions", files={"project": made})).status_code == 400


@pytest.mark.anyio
@pytest.mark.parametrize(
    "editor",
    [editor_text(64), '{"a": ' + "9" * 400 + "}", '{"a": ["ä", "\\u00e4", 1e22, 1e5, -0.0, null, true]}',
     ' {"a" : 1}\n', '{"a": [' + "1e22," * 150_000 + "1]}"],
    ids=["nested", "digits", "kinds", "spaces", "large"],
)  # fmt: skip
async def test_what_the_page_keeps_comes_back(client: httpx.AsyncClient, editor: str) -> None:
    session = await begin(client)
    mask = (await own_mask(client, session)).tobytes()
    saved = await client.post(f"/api/sessions/{session['id']}/project", files={"mask": mask, "editor": editor.encode()})
    assert saved.status_code == 200 and saved.headers["cache-control"] == "no-store"
    again = await client.post("/api/sessions", files={"project": saved.content})
    assert again.status_code == 201 and again.headers["content-type"] == "application/json"
    assert again.json()["project"] == {"editor": json.loads(editor), "style": False}
    assert set(again.json()) == {"id", "width", "height", "parsed", "warnings", "project"}

"""The page's bundle: modules joined in order, its files compressed and cached by hash, single files for development."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from maskgan.server.app import PAGE
from maskgan.server.page_bundle import BundleError, PageBundle, build_bundle, join_modules


def write(folder: Path, **modules: str) -> Path:
    for name, code in modules.items():
        (folder / f"{name}.js").write_text(code)
    return folder / "main.js"


def run(code: str, tmp_path: Path) -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("NO NODE.JS")
    script = tmp_path / "joined.mjs"
    script.write_text(code)
    return subprocess.run([node, str(script)], capture_output=True, text=True, check=True, timeout=60).stdout


def test_modules_keep_their_own_names_and_run_once_in_order(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main='import { value as other,\n  Shape } from "./a.js";\nimport * as b from "./b.js";\n'
        "const value = 1;\nconsole.log(value, other, new Shape().area(), b.value);\n"
        'void import("./c.js").then(({ C }) => console.log(C));\n',
        a='import { value as base } from "./b.js";\n/** Doc. @type {import("./none.js").X} */\n'
        "export const value = base + 1;\nexport class Shape {\n  area() {\n    /** @type {number} */ const side = 5;\n"
        "    return side; /** Not code. */\n  }\n}\n",
        b='console.log("b runs");\nexport const value = 40;\n',
        c="export const C = 7;\n",
    )
    code = join_modules(main, tmp_path)
    assert "Doc." not in code and "Not code" not in code and "none.js" not in code
    assert run(code, tmp_path) == "b runs\n1 41 5 40\n7\n"


@pytest.mark.parametrize(
    ("modules", "words"),
    [
        ({"main": 'import x from "./a.js";\n', "a": ""}, "not supported"),
        ({"main": "export default 1;\n"}, "not supported"),
        ({"main": "const x = 1;\nexport { x };\n"}, "not supported"),
        ({"main": 'import { a } from "./a.js";\n', "a": 'import { m } from "./main.js";\n'}, "imports itself"),
        ({"main": 'void import("./a.js");\n', "a": 'import { b } from "./b.js";\n', "b": ""}, "exist twice"),
    ],
)
def test_what_the_bundle_cannot_join_is_named(tmp_path: Path, modules: dict[str, str], words: str) -> None:
    with pytest.raises(BundleError, match=words):
        join_modules(write(tmp_path, **modules), tmp_path)


def test_the_shipped_page_is_one_script_and_one_style_sheet(tmp_path: Path) -> None:
    bundle = build_bundle(PAGE)
    html = bundle.html.decode()
    assert sorted(Path(name).suffix for name in bundle.assets) == [".css", ".js"]
    assert re.findall(r'(?:href|src)="(page/[^"]*\.(?:css|js))"', html) == [f"page/{name}" for name in bundle.assets]
    assert 'id="icon-mark"' in html and "icons.svg" not in html
    for asset in bundle.assets.values():
        assert gzip.decompress(asset.packed) == asset.data
    script = next(asset for asset in bundle.assets.values() if asset.name.endswith(".js"))
    assert len(script.packed) < 80_000
    assert not re.search(r"\beval\(|new Function", script.data.decode())
    if shutil.which("node") is not None:
        joined = tmp_path / "joined.mjs"
        joined.write_bytes(script.data)
        subprocess.run(["node", "--check", str(joined)], check=True, timeout=60)
    for name in re.findall(r'import\("\./([^"]*)"\)', script.data.decode()):
        assert (PAGE / name).is_file()


def test_the_bundle_follows_a_changed_file(tmp_path: Path) -> None:
    page = tmp_path / "page"
    shutil.copytree(PAGE, page)
    bundle = PageBundle(page)
    first = bundle.current()
    assert bundle.current() is first
    (page / "styles" / "theme.css").write_text("body { color: red }\n")
    changed = bundle.current()
    assert changed is not first
    assert set(changed.assets) & set(first.assets) == {name for name in first.assets if name.endswith(".js")}


@pytest.mark.anyio
async def test_the_page_comes_compressed_and_its_files_are_kept_by_hash(client: httpx.AsyncClient) -> None:
    page = await client.get("/")
    assert page.headers["content-encoding"] == "gzip" and page.headers["cache-control"] == "no-cache"
    for name in re.findall(r'"(page/(?:app|styles)-[^"]*)"', page.text):
        asset = await client.get(f"/{name}")
        assert asset.status_code == 200 and asset.headers["content-encoding"] == "gzip"
        assert "immutable" in asset.headers["cache-control"] and asset.headers["vary"] == "Accept-Encoding"
        plain = await client.get(f"/{name}", headers={"Accept-Encoding": "identity"})
        assert plain.text == asset.text and "content-encoding" not in plain.headers
    assert (await client.get("/page/app-0123456789abcdef.js")).status_code == 404
    assert 'src="page/main.js"' in (await client.get("/?modules")).text
    assert (await client.get("/page/main.js")).headers["content-encoding"] == "gzip"


@pytest.mark.anyio
async def test_masks_come_compressed_where_gzip_is_accepted(client: httpx.AsyncClient) -> None:
    session = (await client.post("/api/sessions", json={"portrait": 1})).json()
    path = f"/api/sessions/{session['id']}/mask"
    packed = await client.get(path)
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(packed.content) / 10
    plain = await client.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == packed.content and len(plain.content) == session["width"] * session["height"]

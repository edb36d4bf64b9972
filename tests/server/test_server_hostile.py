"""What strangers may send: the server answers with one line, stays up, and its memory stays bounded."""

from __future__ import annotations

import asyncio
import gzip
import json
import struct
import time
import zipfile
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from io import BytesIO

import httpx
import numpy as np
import pytest
from PIL import Image
from server_helpers import PICTURE, begin, editor_app, own_mask, png, render, running

from maskgan.images import SourceImage
from maskgan.server.inference_service import InferenceService
from maskgan.server.limits import Limits

pytestmark = pytest.mark.anyio

LIMITS = Limits(upload_bytes=1 << 20, project_bytes=2 << 20, editor_bytes=1 << 16, pixels=1_000_000, body_seconds=0.5)


@pytest.fixture
def limits() -> Limits:
    return LIMITS


@pytest.fixture
async def client(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    yield client
    assert (await client.get("/healthz")).json()["status"] == "ok"


def refused(answer: httpx.Response, *statuses: int) -> str:
    """The one line that a error gives."""
    assert answer.status_code in (statuses or range(400, 500)), answer.text
    message = answer.json()["error"]
    assert message and "\n" not in message and len(message) < 400
    return message


def huge_png(width: int, height: int) -> bytes:
    """A PNG whose header tells of more than there is."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", len(header)) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    return PICTURE[:8] + chunk + PICTURE[33:]


@pytest.mark.parametrize(
    ("picture", "status"),
    [
        (b"", 415),
        (b"not a picture", 415),
        (PICTURE[:60], 400),
        (huge_png(30_000, 30_000), 413),
        (huge_png(2**31 - 1, 2**31 - 1), 413),
        (huge_png(1001, 1000), 413),
        (huge_png(0, 0), 415),
        (png(np.zeros((15, 15, 3), dtype=np.uint8)), 400),
        (png(np.zeros((16, 100, 3), dtype=np.uint8)), 400),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n", 415),
        (bytes(LIMITS.upload_bytes + (1 << 20)), 415),
        (bytes(LIMITS.project_bytes + (1 << 20)), 413),
    ],
    ids=[
        "empty",
        "text",
        "truncated",
        "30000",
        "2^31",
        "megapixel",
        "nothing",
        "tiny",
        "narrow",
        "EPS",
        "zeros",
        "bytes",
    ],
)
async def test_pictures_that_are_none(client: httpx.AsyncClient, picture: bytes, status: int) -> None:
    refused(await client.post("/api/sessions", files={"picture": picture}), status)
    refused(await client.post("/api/faces", files={"picture": picture}), status, 413)


async def test_masks_that_are_none(client: httpx.AsyncClient) -> None:
    labels = np.zeros((64, 64), dtype=np.uint8)
    foreign, jpeg = labels + 30, BytesIO()
    Image.fromarray(labels).save(jpeg, "JPEG")
    for mask in (b"", png(foreign), jpeg.getvalue(), png(labels[:32]), huge_png(30_000, 30_000)):
        refused(await client.post("/api/sessions", files={"picture": PICTURE, "mask": mask}))


@pytest.mark.parametrize(
    "crop",
    [
        "", "[]", "{}", "null", '{"x": 1}', '{"x": "1", "y": 1, "side": 20}', '{"x": NaN, "y": 1, "side": 20}',
        '{"x": 1e999, "y": 1, "side": 20}', '{"x": 1, "y": 1, "side": 1}', '{"x": 1, "y": 1, "side": 1e9}',
        '{"x": -1e9, "y": 1, "side": 20}', '{"x": true, "y": 1, "side": 20}', "[" * 5000, '{"x": 1, "y": 1, "side": 0}',
    ],
)  # fmt: skip
async def test_crops_that_are_none(client: httpx.AsyncClient, crop: str) -> None:
    refused(await client.post("/api/sessions", files={"picture": PICTURE}, data={"crop": crop}), 400)


async def test_label_maps_that_are_none(client: httpx.AsyncClient) -> None:
    session = await begin(client)
    path = f"/api/sessions/{session['id']}"
    mask = await own_mask(client, session)
    foreign = mask.copy()
    foreign[100, 100] = 200
    assert "200" in refused(await render(client, session, foreign), 400)
    assert "262144" in refused(await render(client, session, mask[:-1]), 400)
    bomb = gzip.compress(bytes(50_000_000))
    packed = {"Content-Encoding": "gzip"}
    cut = gzip.compress(mask.tobytes())[:-9]
    for route in ("render", "result", "mask.png"):
        refused(await client.post(f"{path}/{route}", content=b""), 400)
        refused(await client.post(f"{path}/{route}", content=bytes(300_000)), 413)
        refused(await client.post(f"{path}/{route}", content=bomb, headers=packed), 413)
        refused(await client.post(f"{path}/{route}", content=cut, headers=packed), 400)
        refused(await client.post(f"{path}/{route}", content=b"no gzip", headers=packed), 400)
        refused(await client.post(f"{path}/{route}", content=mask.tobytes(), headers={"Content-Encoding": "br"}), 415)
        refused(await client.post(f"{path}/{route}", json={"mask": [1, 2]}), 415)
    for query in (
        "quality=best",
        "blend=none",
        "style_strength=2",
        "style_strength=-1",
        "style_strength=nan",
        "style_strength=x",
    ):
        refused(await client.post(f"{path}/render?{query}", content=mask.tobytes()), 400)
    refused(await client.post(f"{path}/result?format=exe", content=mask.tobytes()), 400)


async def test_lengths_that_no_number_holds(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": "9" * 5000}
    refused(await client.post("/api/sessions", content=b"{}", headers=headers), 413)


async def test_bodies_that_stream_without_end_are_cut_off(client: httpx.AsyncClient) -> None:
    session = await begin(client)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100_000_000:
            sent += 65536
            yield bytes(65536)

    answer = await client.post(f"/api/sessions/{session['id']}/render", content=endless())
    refused(answer, 413)
    assert sent < 1_000_000


async def test_bodies_that_drip_are_cut_off(client: httpx.AsyncClient) -> None:
    session = await begin(client)

    async def dripping() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x"
            await asyncio.sleep(0.1)

    began = time.perf_counter()
    refused(await client.post(f"/api/sessions/{session['id']}/render", content=dripping()), 408)
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize(
    "move",
    [
        "", "[]", "{}", '{"amount": 1}', '{"towards": {"portrait": 99}, "amount": 1}', '{"towards": 3, "amount": 1}',
        '{"towards": "style", "amount": 1}', '{"random": -1, "amount": 1}', '{"random": 1, "amount": -1}',
        '{"random": 1e3, "amount": 1}', '{"random": 1}', '{"direction": "up", "amount": 1}',
        '{"direction": ["x"], "amount": 1}', '{"direction": "wider-smile", "amount": 9}',
        '{"direction": "wider-smile", "random": 1, "amount": 0}', '{"direction": "wider-smile", "amount": Infinity}',
    ],
)  # fmt: skip
async def test_moves_that_are_none(client: httpx.AsyncClient, move: str) -> None:
    session = await begin(client)
    mask = (await own_mask(client, session)).tobytes()
    path = f"/api/sessions/{session['id']}/move"
    refused(await client.post(path, files={"mask": mask}, data={"move": move}), 400, 404)
    refused(await client.post(path, files={"mask": mask[1:]}, data={"move": '{"random": 1, "amount": 0}'}), 400)
    refused(await client.post(path, files={"mask": mask}), 400)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "", 415),
        (b"", "text/plain", 415),
        (b"", "multipart/form-data", 400),
        (b"", "multipart/form-data; boundary=", 400),
        (b"", f"multipart/form-data; boundary={'x' * 71}", 400),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x", 400),
        (b"--x\r\n\r\nvalue\r\n--x--", "multipart/form-data; boundary=x", 400),
        (b'--x\r\nContent-Disposition: form-data; name="picture"\r\n\r\nhello', "multipart/form-data; boundary=x", 400),
        (b"--x--", "multipart/form-data; boundary=x", 400),
        (b"--x\r\n" * 1000, "multipart/form-data; boundary=x", 400),
        (
            b"--x\r\nContent-Disposition: " + b"a" * 100_000 + b"\r\n\r\n\r\n--x--",
            "multipart/form-data; boundary=x",
            400,
        ),
        (b"[1]", "application/json", 400),
        (b'{"portrait": "7"}', "application/json", 400),
        (b'{"portrait": true}', "application/json", 400),
        (b'{"portrait": 0}', "application/json", 404),
        (b'{"portrait": 7', "application/json", 400),
        (b"[" * 50_000, "application/json", 400),
        (b" " * 100_000, "application/json", 413),
    ],
)
async def test_bodies_that_are_none(client: httpx.AsyncClient, body: bytes, content_type: str, status: int) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    refused(await client.post("/api/sessions", content=body, headers=headers), status)
    session = await begin(client)
    refused(await client.post(f"/api/sessions/{session['id']}/style", content=body, headers=headers), status)


async def test_fuzzed_requests_are_refused_or_served(client: httpx.AsyncClient) -> None:
    """Whole good requests with bytes changed, cut, doubled: never an internal error."""
    generator = np.random.default_rng(5)
    session = await begin(client)
    path = f"/api/sessions/{session['id']}"
    mask = await own_mask(client, session)
    project = (await client.post(f"{path}/project", files={"mask": mask.tobytes()}, data={"editor": "{}"})).content
    good = [
        client.build_request("POST", "/api/sessions", files={"picture": PICTURE}),
        client.build_request("POST", "/api/sessions", files={"project": project}),
        client.build_request(
            "POST", f"{path}/move", files={"mask": mask.tobytes(), "move": b'{"random":1,"amount":1}'}
        ),
        client.build_request("POST", f"{path}/render", content=mask.tobytes()),
        client.build_request("POST", f"{path}/style", json={"portrait": 3}),
    ]
    for request in good:
        await request.aread()
        assert (await client.send(request)).status_code in (200, 201), request.url
        for _ in range(25):
            body = bytearray(request.content)
            for _ in range(generator.integers(1, 6)):
                start = int(generator.integers(0, max(len(body), 1)))
                length = int(generator.choice([1, 4, 100]))
                match generator.integers(0, 3):
                    case 0:
                        body[start : start + length] = generator.bytes(len(body[start : start + length]))
                    case 1:
                        del body[start : start + length]
                    case _:
                        body[start:start] = body[start : start + length]
            headers = {"Content-Type": request.headers.get("content-type", "")}
            answer = await client.post(request.url, content=bytes(body), headers=headers)
            assert answer.status_code < 500, answer.text
            if answer.status_code >= 400:
                refused(answer)


def zip_of(parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


async def test_hostile_projects_are_refused(client: httpx.AsyncClient) -> None:
    labels = png(np.zeros((64, 64), dtype=np.uint8))
    about = json.dumps({"format": 1, "editor": {}}).encode()
    good = {"project.json": about, "source.png": PICTURE, "mask.png": labels, "edited.png": labels}
    assert (await begin(client, project=zip_of(good)))["project"] == {"editor": {}, "style": False}
    assert (await begin(client, project=zip_of({**good, "../../evil": b"x", "/etc/passwd": b"y"})))["project"]
    bomb = bytes(LIMITS.project_bytes + 1)
    bad = {
        "no zip": b"PK\x03\x04 and so on",
        "cut off": zip_of(good)[:-30],
        "a bomb as picture": zip_of({**good, "source.png": bomb}),
        "a bomb as JSON": zip_of({**good, "project.json": b" " * (LIMITS.editor_bytes * 4)}),
        "a huge picture": zip_of({**good, "source.png": huge_png(30_000, 30_000)}),
        "a missing part": zip_of({name: data for name, data in good.items() if name != "mask.png"}),
        "a newer format": zip_of({**good, "project.json": b'{"format": 2, "editor": {}}'}),
        "no format": zip_of({**good, "project.json": b"{}"}),
        "no JSON": zip_of({**good, "project.json": b"{"}),
        "not a number": zip_of({**good, "project.json": b'{"format": 1, "editor": {"a": NaN}}'}),
        "infinite": zip_of({**good, "project.json": b'{"format": 1, "editor": {"a": 1e999}}'}),
        "half a character": zip_of({**good, "project.json": b'{"format": 1, "editor": {"a": "\\ud800"}}'}),
        "masks of two sizes": zip_of({**good, "edited.png": png(np.zeros((32, 32), dtype=np.uint8))}),
        "a mask of other proportions": zip_of(
            {**good, **dict.fromkeys(("mask.png", "edited.png"), png(np.zeros((32, 64), dtype=np.uint8)))}
        ),
        "labels over 18": zip_of({**good, "edited.png": png(np.full((64, 64), 77, dtype=np.uint8))}),
    }
    for name, data in bad.items():
        assert refused(await client.post("/api/sessions", files={"project": data})), name
    locked = bytearray(zip_of(good))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # each part says that it is encrypted
        start = -1
        while (start := locked.find(signature, start + 1)) >= 0:
            locked[start + offset] |= 1
    refused(await client.post("/api/sessions", files={"project": bytes(locked)}), 400)


async def test_what_the_page_keeps_is_bounded(client: httpx.AsyncClient) -> None:
    session = await begin(client)
    path = f"/api/sessions/{session['id']}/project"
    mask = (await own_mask(client, session)).tobytes()
    large = json.dumps({"a": "x" * LIMITS.editor_bytes})
    refused(await client.post(path, files={"mask": mask}, data={"editor": large}), 413)
    refused(await client.post(path, files={"mask": mask}, data={"editor": "[]"}), 400)
    refused(await client.post(path, files={"mask": mask}), 400)


@pytest.mark.parametrize(
    "path",
    [
        "/page/../app.py", "/page/..%2fapp.py", "/page/%2e%2e/app.py", "/page//etc/passwd", "/page/%00", "/page/",
        "/page/..%5capp.py", "/page/....//app.py", "/page/" + "a" * 5000, "/api/portraits/..%2f..%2fx.jpg",
        "/api/portraits/-1.jpg", "/api/portraits/1e1.jpg", "/api/portraits/" + "9" * 5000 + ".jpg",
        "/api/portraits/1.jpg?size=0", "/api/portraits/1.jpg?size=100000", "/api/sessions/../about/mask",
        "/api/sessions/%00/mask", "/docs", "/redoc", "/api/sessions", "/api/sessions/x/render", "/etc/passwd",
    ],
)  # fmt: skip
async def test_paths_lead_nowhere_else(client: httpx.AsyncClient, path: str) -> None:
    refused(await client.get(httpx.URL(f"http://127.0.0.1:8080{path}")), 400, 404, 405)


async def test_hundreds_of_sessions_leave_the_server_up_and_small(service: InferenceService) -> None:
    probe = service.face(SourceImage.plain(_small()[0]), _small()[1])
    limits = replace(LIMITS, sessions=50, session_bytes=30 * probe.nbytes)
    app = editor_app(service, limits)
    async with running(app) as client:
        for _ in range(300):
            await begin(client)
        for _ in range(4):
            await begin(client, picture=PICTURE)
        held = app.state.editor.sessions
        assert 0 < len(held) <= 50 and held.nbytes <= limits.session_bytes
        assert (await client.get("/healthz")).json()["sessions"] == len(held)
        session = await begin(client)
        assert (await render(client, session, await own_mask(client, session))).status_code == 200


def _small() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((512, 512, 3), dtype=np.uint8), np.zeros((512, 512), dtype=np.uint8)

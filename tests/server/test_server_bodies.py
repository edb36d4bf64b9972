"""What a request carries is bounded: cookies, numbers, bodies, content types."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import httpx
import numpy as np
import pytest
from server_helpers import PICTURE, TIGHT_LIMITS, begin, editor_app, own_mask, running
from starlette.requests import Request

from maskgan.server import multipart, request_body
from maskgan.server.app_state import AppState
from maskgan.server.http_errors import HTTPError
from maskgan.server.inference_service import InferenceService
from maskgan.server.limits import Limits
from maskgan.server.request_body import ByteBudget, finite_number, read_body
from maskgan.server.security import cookie_values


@pytest.fixture
def limits() -> Limits:
    return TIGHT_LIMITS


@pytest.mark.parametrize(
    "noise", ["\\" * 60_000, '"' * 60_000, ";" * 60_000, "=" * 60_000, 'a="\\' * 20_000, " " * 60_000]
)
def test_long_cookie_headers_are_not_looked_at(noise: str) -> None:
    assert cookie_values(f"t=token; {noise}", "t") == []
    assert cookie_values(f"t=token; {noise[:10_000]}", "t") == ["token"]


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("", []),
        ("t", [""]),
        ("t=", [""]),
        ("t=a", ["a"]),
        (" t = a ; u=b", ["a"]),
        ("u=b;t=a", ["a"]),
        ("t=a; t=b", ["a", "b"]),
        ("tt=a; t2=b; T=c", []),
        ("t=a=b", ["a=b"]),
        ('u="; t=inner"; t=a', ['inner"', "a"]),
    ],
)
def test_cookies_are_read(header: str, values: list[str]) -> None:
    assert cookie_values(header, "t") == values


@pytest.mark.anyio
async def test_no_cookie_of_another_server_hides_ours(service: InferenceService) -> None:
    async with running(editor_app(service, token="a-token-for-tests")) as client:
        for cookie in (
            "maskgan-token-8080=x; maskgan-token-8080=a-token-for-tests",
            "maskgan-token-8080=a-token-for-tests",
        ):
            assert (await client.get("/api/info", headers={"Cookie": cookie})).status_code == 200
        too_long = "maskgan-token-8080=a-token-for-tests; " + "\\" * 60_000
        assert (await client.get("/api/info", headers={"Cookie": too_long})).status_code == 401


@pytest.mark.parametrize("digits", [400, 4000])
def test_numbers_that_no_float_holds(digits: int) -> None:
    assert finite_number(int("9" * digits)) is None
    assert finite_number(-int("9" * digits)) is None
    for value in (float("nan"), float("inf"), True, None, "1", [1]):
        assert finite_number(value) is None
    assert finite_number(3) == 3.0


@pytest.mark.anyio
@pytest.mark.parametrize("number", ["9" * 400, "-" + "9" * 400, "9" * 5000, "1e400", "NaN", "-Infinity", "true", "[1]"])
async def test_every_number_of_a_request_is_checked(client: httpx.AsyncClient, number: str) -> None:
    session = await begin(client)
    path = f"/api/sessions/{session['id']}"
    mask = (await own_mask(client, session)).tobytes()
    answers = [
        await client.post("/api/sessions", files={"picture": PICTURE}, data={"crop": json_of("x", number)}),
        await client.post("/api/sessions", files={"picture": PICTURE}, data={"crop": json_of("side", number)}),
        await client.post("/api/faces", files={"picture": PICTURE}, data={"crop": json_of("angle", number)}),
        await client.post(f"{path}/move", files={"mask": mask}, data={"move": f'{{"random": 1, "amount": {number}}}'}),
        await client.post(f"{path}/move", files={"mask": mask}, data={"move": f'{{"random": {number}, "amount": 1}}'}),
        await client.post("/api/sessions", content=f'{{"portrait": {number}}}', headers=JSON),
        await client.post(f"{path}/refinement", content=f'{{"steps": {number}}}', headers=JSON),
        await client.post(f"{path}/render", params={"style_strength": number}, content=mask),
        await client.get("/api/portraits/1.jpg", params={"size": number}),
    ]
    assert all(answer.status_code in (400, 404) for answer in answers), [answer.text[:80] for answer in answers]


JSON = {"Content-Type": "application/json"}


def json_of(name: str, number: str) -> str:
    fields = {"x": "32", "y": "32", "side": "40", "angle": "0", name: number}
    return "{" + ", ".join(f'"{key}": {value}' for key, value in fields.items()) + "}"


def request_of(*chunks: bytes, **headers: str) -> Request:
    """A request whose body arrives in these chunks."""
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> dict[str, object]:
        return messages.pop(0)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": raw}, receive)


@pytest.mark.anyio
async def test_bodies_share_a_budget() -> None:
    budget = ByteBudget(100)
    with budget.lease() as lease:
        assert await read_body(request_of(b"a" * 60), 1000, 5, lease) == b"a" * 60
        assert budget.held == 60
        with pytest.raises(HTTPError) as refused, budget.lease() as other:
            await read_body(request_of(b"b" * 30, b"b" * 30), 1000, 5, other)
        assert refused.value.status == 503 and refused.value.headers["Connection"] == "close"
        assert budget.held == 60
        with pytest.raises(HTTPError) as refused, budget.lease() as other:
            # What a packed body may become counts, and not what came.
            await read_body(request_of(gzip.compress(bytes(10)), content_encoding="gzip"), 50, 5, other)
        assert refused.value.status == 503
    assert budget.held == 0


@pytest.mark.anyio
@pytest.mark.parametrize("packed", [False, True])
async def test_large_bodies_are_unpacked_apart_from_the_event_loop(
    packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = np.random.default_rng(0).integers(0, 4, 2 << 20, dtype=np.uint8).tobytes()
    threads = []
    to_thread = asyncio.to_thread

    async def noted(function: Callable[..., bytes], *arguments: object) -> bytes:
        def call() -> bytes:
            threads.append(threading.current_thread())
            return function(*arguments)

        return await to_thread(call)

    monkeypatch.setattr(request_body.asyncio, "to_thread", noted)
    headers = {"content_encoding": "gzip"} if packed else {}
    sent = gzip.compress(body, 1) if packed else body
    assert await read_body(request_of(sent[:1000], sent[1000:], **headers), 4 << 20, 5) == body
    assert threads and threading.main_thread() not in threads
    threads.clear()
    assert await read_body(request_of(b"small"), 4 << 20, 5) == b"small"
    assert not threads


@pytest.mark.anyio
async def test_slow_uploads_take_no_turn(service: InferenceService) -> None:
    app = editor_app(service, replace(TIGHT_LIMITS, uploads=1))
    state: AppState = app.state.editor
    async with running(app) as client:
        gate, arriving = asyncio.Event(), [asyncio.Event() for _ in range(6)]
        request = client.build_request("POST", "/api/sessions", files={"picture": PICTURE})
        content, headers = request.read(), {"Content-Type": request.headers["content-type"]}

        async def slow(number: int) -> AsyncIterator[bytes]:
            yield content[:-10]
            arriving[number].set()
            await gate.wait()
            yield content[-10:]

        waiting = [
            asyncio.create_task(client.post("/api/sessions", content=slow(number), headers=headers))
            for number in range(6)
        ]
        for event in arriving:
            await event.wait()
        assert state.receiving.held > 0 and not state.uploading.locked()
        assert (await client.post("/api/sessions", files={"picture": PICTURE})).status_code == 201
        gate.set()
        assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {201}
        assert state.receiving.held == 0


@pytest.mark.parametrize(
    "noise", ['x="' + ";" * 60_000, "a=b;" * 15_000, '\\"' * 30_000], ids=["semicolons", "parameters", "escapes"]
)
def test_long_content_types_are_not_parsed(noise: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(_: str) -> dict[str, str]:
        raise AssertionError("it was parsed")

    monkeypatch.setattr(multipart, "_parameters", parsed)
    with pytest.raises(HTTPError, match="damaged"):
        multipart.parse_form(b"--x--", f"multipart/form-data; {noise}; boundary=x")

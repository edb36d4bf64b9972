"""What a stranger could drive up is bounded: bytes, nesting, connections, threads; each bound over its kind."""

from __future__ import annotations

import asyncio
import bz2
import contextlib
import gzip
import io
import json
import logging
import lzma
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
import numpy as np
import pytest
import uvicorn
from server_helpers import begin, editor_app, own_mask, png, render, running
from starlette.requests import Request
from uvicorn.server import ServerState

from maskgan.cli.main import main
from maskgan.errors import UserError
from maskgan.server import app_state, multipart, projects, request_body
from maskgan.server.app_state import AppState
from maskgan.server.connection import CONNECTIONS, HEADER_SECONDS, STALL_SECONDS, BoundedProtocol
from maskgan.server.executor import DaemonExecutor
from maskgan.server.http_errors import HTTPError
from maskgan.server.inference_service import InferenceService
from maskgan.server.limits import Limits
from maskgan.server.memory import limit_arenas, release_memory
from maskgan.server.request_body import ByteBudget, finite_number, read_body
from maskgan.server.runner import address_of, open_socket
from maskgan.server.security import cookie_values

PICTURE = png(np.full((64, 64, 3), 127, dtype=np.uint8))
LABELS = png(np.zeros((64, 64), dtype=np.uint8))
LIMITS = Limits(upload_bytes=1 << 20, project_bytes=4 << 20, editor_bytes=1 << 20, body_seconds=20)


@pytest.fixture
async def client(service: InferenceService) -> AsyncIterator[httpx.AsyncClient]:
    async with running(editor_app(service, LIMITS)) as client:
        yield client


# --- cookies ---


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


# --- projects ---


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
        assert projects.read_project(project(open_method), LIMITS).editor == b"{}"

    def unpacked(*_: object, **__: object) -> None:
        raise AssertionError("a bomb began to unpack")

    bomb = project(method, source_png=bytes(50_000_000))
    assert len(bomb) < 50_000
    monkeypatch.setattr(bz2, "BZ2Decompressor", unpacked)
    monkeypatch.setattr(lzma, "LZMADecompressor", unpacked)
    with pytest.raises(HTTPError, match="compressed in a way that is not read"):
        projects.read_project(bomb, LIMITS)


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
        projects.read_project(data, LIMITS)


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


# --- numbers ---


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


# --- bodies ---


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
    app = editor_app(service, replace(LIMITS, uploads=1))
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


# --- connections ---


class Transport(asyncio.Transport):
    """What a protocol writes to, without a network."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False
        self.unread = 0
        self.written = b""

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close

    def get_write_buffer_size(self) -> int:
        return self.unread

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def hello(_: dict[str, object], __: object, send: Callable[..., object]) -> None:
    """An application that answers at once."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


class Timer:
    """A timer that is fired by hand."""

    def __init__(self, delay: float, call: Callable[[], object]) -> None:
        self.delay, self.call, self.cancelled = delay, call, False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """An event loop whose time is told by the test."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []
        self.tasks: list[asyncio.Task[None]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[..., object], *arguments: object) -> Timer:
        self.timers.append(Timer(delay, partial(callback, *arguments)))
        return self.timers[-1]

    def create_task(self, work: Coroutine[object, object, None], **named: object) -> asyncio.Task[None]:
        self.tasks.append(asyncio.create_task(work))
        return self.tasks[-1]

    def fire(self, delay: float) -> None:
        """Let pass the time of the timers of this length."""
        timers, self.timers = self.timers, []
        for timer in timers:
            if timer.delay == delay and not timer.cancelled:
                timer.call()
            elif not timer.cancelled:
                self.timers.append(timer)

    async def settle(self) -> None:
        """Let all requests be answered."""
        await asyncio.gather(*self.tasks)


REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Connections:
    """Connections to a server of one small application."""

    def __init__(self, app: Callable[..., object] = hello) -> None:
        self.loop = Loop()
        self._config = uvicorn.Config(app, log_config=None, limit_concurrency=CONNECTIONS)  # type: ignore[arg-type]
        self._state = ServerState()

    def connect(self) -> tuple[BoundedProtocol, Transport]:
        protocol, transport = BoundedProtocol(self._config, self._state, {}, self.loop), Transport()
        protocol.connection_made(transport)
        self.loop.now += 1
        return protocol, transport


@pytest.mark.anyio
@pytest.mark.parametrize("sent", [b"", b"G", REQUEST[:-1], REQUEST[:20], b"POST / HTTP/1.1\r\nContent-Length: 5\r\n"])
async def test_headers_have_a_deadline(sent: bytes) -> None:
    connections = Connections()
    protocol, transport = connections.connect()
    for number in range(len(sent)):
        protocol.data_received(sent[number : number + 1])  # a drip does not put it off
    assert len(connections.loop.timers) == 1
    connections.loop.fire(HEADER_SECONDS)
    assert transport.closed


@pytest.mark.anyio
@pytest.mark.parametrize("sent", [b"G", REQUEST[:-1]])
async def test_headers_of_later_requests_have_a_deadline(sent: bytes) -> None:
    for pipelined in (True, False):
        connections = Connections()
        protocol, transport = connections.connect()
        protocol.data_received(REQUEST + sent if pipelined else REQUEST)
        await connections.loop.settle()
        if not pipelined:
            protocol.data_received(sent)
        assert b"200 OK" in transport.written
        connections.loop.fire(HEADER_SECONDS)
        assert transport.closed


@pytest.mark.anyio
async def test_a_body_that_follows_its_answer_has_a_deadline() -> None:
    connections = Connections()
    protocol, transport = connections.connect()
    protocol.data_received(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
    await connections.loop.settle()
    protocol.data_received(b"x")
    connections.loop.fire(HEADER_SECONDS)
    assert transport.closed


@pytest.mark.anyio
async def test_whole_requests_have_no_deadline_but_that_of_keeping_alive() -> None:
    connections = Connections()
    protocol, transport = connections.connect()
    for _ in range(3):
        protocol.data_received(REQUEST)
        await connections.loop.settle()
        connections.loop.fire(HEADER_SECONDS)
        assert not transport.closed and protocol.is_idle
    assert transport.written.count(b"200 OK") == 3


@pytest.mark.anyio
async def test_idle_connections_give_way_and_busy_ones_stay() -> None:
    gate = asyncio.Event()

    async def slow(scope: dict[str, object], receive: object, send: Callable[..., object]) -> None:
        await gate.wait()
        await hello(scope, receive, send)

    connections = Connections(slow)
    busy, busy_transport = connections.connect()
    busy.data_received(REQUEST)
    idle = [connections.connect() for _ in range(CONNECTIONS - 2)]
    assert not any(transport.closed for _, transport in idle)
    for number in range(3):
        protocol, transport = connections.connect()
        assert [transport.closed for _, transport in idle[: number + 2]] == [True] * (number + 1) + [False]
        idle[number][0].connection_lost(None)
    protocol.data_received(REQUEST)
    gate.set()
    await connections.loop.settle()
    assert b"200 OK" in transport.written and b"200 OK" in busy_transport.written


@pytest.mark.anyio
async def test_readers_that_stall_are_left() -> None:
    connections = Connections()
    for progress, closed in ((100, False), (0, True)):
        protocol, transport = connections.connect()
        transport.unread = 1000
        protocol.pause_writing()
        transport.unread -= progress
        connections.loop.fire(STALL_SECONDS)
        assert transport.closed == closed
    protocol, transport = connections.connect()
    transport.unread = 1000
    protocol.pause_writing()
    protocol.resume_writing()
    connections.loop.fire(STALL_SECONDS)
    assert not transport.closed


@pytest.mark.anyio
async def test_accepted_connections_send_without_delay() -> None:
    """Both where asyncio sees the listener's protocol, and where it was handed a bare socket."""
    seen: list[socket.socket] = []

    class Watched(BoundedProtocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            seen.append(transport.get_extra_info("socket"))

    bare = socket.socket()
    bare.bind(("127.0.0.1", 0))
    config = uvicorn.Config(hello, log_config=None)  # type: ignore[arg-type]
    listener = open_socket("127.0.0.1", 0)
    assert listener.proto == socket.IPPROTO_TCP
    for own in (listener, bare):
        server = await asyncio.get_running_loop().create_server(lambda: Watched(config, ServerState(), {}), sock=own)
        async with server:
            _, writer = await asyncio.open_connection(*own.getsockname())
            while not seen:
                await asyncio.sleep(0.01)
            assert seen.pop().getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
            writer.close()


# --- threads, memory, the log, the address ---


def test_threads_do_not_hold_the_exit() -> None:
    code = """
import threading
from maskgan.server.executor import DaemonExecutor
executor = DaemonExecutor(2, "stuck")
for _ in range(3):
    executor.submit(threading.Event().wait)
executor.shutdown(wait=False, cancel_futures=True)
print("done")
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert ended.stdout == "done\n"


def test_threads_run_what_they_are_given() -> None:
    executor = DaemonExecutor(2, "working")
    futures = [executor.submit(pow, number, 2) for number in range(50)]
    assert [future.result(20) for future in futures] == [number**2 for number in range(50)]
    with pytest.raises(ZeroDivisionError):
        executor.submit(divmod, 1, 0).result(20)
    gate, begun = threading.Event(), threading.Barrier(3)

    def held() -> bool:
        begun.wait(20)
        return gate.wait(20)

    working = [executor.submit(held) for _ in range(2)]
    begun.wait(20)
    late = executor.submit(pow, 2, 2)
    assert late.cancel()
    gate.set()
    executor.shutdown()
    assert all(future.result() for future in working)
    with pytest.raises(RuntimeError):
        executor.submit(pow, 2, 2)


@pytest.mark.slow
def test_a_server_that_is_told_to_stop_ends_though_an_upload_never_decodes(tiny_weights: Path, tmp_path: Path) -> None:
    code = """
import pathlib, sys, threading
from maskgan.cli.main import main
from maskgan.server import app_state

def stuck(*_):
    pathlib.Path(sys.argv[2]).touch()
    threading.Event().wait()

app_state.parse_form = stuck
sys.exit(main(["serve", "--port", "0", "--quiet", "--weights", sys.argv[1]]))
"""
    decoding = tmp_path / "decoding"
    command = [sys.executable, "-c", code, str(tiny_weights), str(decoding)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = next(word for word in process.stdout.readline().split() if word.startswith("http://"))

        def post() -> None:
            with contextlib.suppress(httpx.HTTPError):
                httpx.post(f"{address}api/sessions", files={"picture": PICTURE}, timeout=120)

        for _ in range(3):  # one more than there are threads
            thread = threading.Thread(
                target=post,
                daemon=True,
            )
            thread.start()
        deadline = time.monotonic() + 60
        while not decoding.exists():
            assert time.monotonic() < deadline, "no upload was decoded"
            time.sleep(0.05)
        assert httpx.get(f"{address}healthz").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.mark.anyio
async def test_memory_of_sessions_that_ended_is_given_back(
    service: InferenceService, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_arenas()
    assert release_memory() in (True, False)
    released = []
    monkeypatch.setattr(app_state, "release_memory", lambda: released.append(threading.current_thread()))
    app = editor_app(service)
    async with running(app) as client:
        state: AppState = app.state.editor
        session = await begin(client)
        await state.sweep()
        assert released == []
        await client.delete(f"/api/sessions/{session['id']}")
        await state.sweep()
        await state.sweep()
        assert len(released) == 1 and released[0] is not threading.main_thread()


class Full(io.StringIO):
    """A file on a disk that is full."""

    def write(self, _: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.anyio
@pytest.mark.parametrize("broken", [Full(), None], ids=["full", "closed"])
async def test_a_log_that_cannot_be_written_costs_no_answer(
    client: httpx.AsyncClient, service: InferenceService, monkeypatch: pytest.MonkeyPatch, broken: io.StringIO | None
) -> None:
    main(["labels"])  # installs the handler of the program
    if broken is None:
        broken = io.StringIO()
        broken.close()
    monkeypatch.setattr(sys, "stderr", broken)
    assert logging.getLogger("maskgan").handlers
    answer = await client.post("/api/sessions", files={"picture": PICTURE[:60]})
    assert answer.status_code == 400 and "damaged" in answer.json()["error"]

    def faulty(*_: object) -> None:
        raise ValueError("a fault")

    monkeypatch.setattr(service, "face", faulty)
    answer = await client.post("/api/sessions", files={"picture": PICTURE})
    assert answer.status_code == 500 and "internal error" in answer.json()["error"]
    assert main(["edit", "nothing.png"]) == 2


@pytest.mark.anyio
async def test_nothing_of_a_face_stays_in_caches(client: httpx.AsyncClient) -> None:
    session = await begin(client, picture=PICTURE)
    path = f"/api/sessions/{session['id']}"
    await client.post(f"{path}/style", files={"picture": PICTURE})
    mask = (await own_mask(client, session)).tobytes()
    answers = [
        await client.get(f"{path}/picture.png"),
        await client.get(f"{path}/mask"),
        await client.get(f"{path}/edited"),
        await client.get(f"{path}/style.jpg"),
        await render(client, session, await own_mask(client, session)),
        await client.post(f"{path}/result", content=mask),
        await client.post(f"{path}/mask.png", content=mask),
        await client.post(f"{path}/project", files={"mask": mask, "editor": b"{}"}),
        await client.post(f"{path}/move", files={"mask": mask, "move": b'{"random": 1, "amount": 0}'}),
    ]
    assert {(answer.status_code, answer.headers["cache-control"]) for answer in answers} == {(200, "no-store")}
    assert "immutable" in (await client.get("/api/portraits/1.jpg")).headers["cache-control"]


@pytest.mark.parametrize("host", ["0.0.0.0", "0", "0.0", "0x0", "::", "::0", "*", "127.0.0.1", "localhost"])
def test_the_address_can_be_opened(host: str) -> None:
    try:
        listener = open_socket(host, 0)
    except UserError:
        pytest.skip(f"this machine does not listen on {host}")
    with listener:
        address = httpx.URL(address_of(listener, host, None))
        assert address.host not in ("", "*", "0", "0.0", "0x0", "0.0.0.0", "::", "::0")
        with socket.create_connection((address.host, address.port), timeout=20):
            pass

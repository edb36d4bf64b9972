"""Connections are bounded: headers, bodies and readers have deadlines, idle ones give way."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from functools import partial

import pytest
import uvicorn
from uvicorn.server import ServerState

from maskgan.server.connection import CONNECTIONS, HEADER_SECONDS, STALL_SECONDS, BoundedProtocol
from maskgan.server.runner import open_socket


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

"""HTTP connections that cost little: deadlines for request headers and stalled readers, idle ones give way to new ones.

uvicorn closes a connection that is idle after an answer; one that never sends a whole request, or never reads its
answer, it keeps for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS = 512
"""Connections at once; a new one beyond them takes the place of the one that has been idle longest."""

HEADER_SECONDS = 10.0
"""Seconds in which a request line and its headers must arrive, from the connection or from their first byte."""

STALL_SECONDS = 60.0
"""Seconds in which a client must read something of an answer that waits for it."""


class BoundedProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol with these bounds."""

    connections_limit = CONNECTIONS
    header_seconds = HEADER_SECONDS
    stall_seconds = STALL_SECONDS

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.idle_since = 0.0
        """When it began to wait for a request, as the event loop tells time."""
        self._header_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no request of it is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; another connection may have to give way."""
        own_socket = transport.get_extra_info("socket")
        if own_socket is not None and own_socket.family in (socket.AF_INET, socket.AF_INET6):
            # Headers and body are two writes: without this the second waits for the first's acknowledgement (40 ms).
            with contextlib.suppress(OSError):
                own_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)
        self._become_idle()
        self._expect_headers()
        self._make_room()

    def data_received(self, data: bytes) -> None:
        """Take bytes of a request."""
        if self.is_idle:
            self._expect_headers()
        super().data_received(data)
        self._request_may_have_begun()

    def on_response_complete(self) -> None:
        """Wait for the next request, part of which may be here already."""
        self._become_idle()
        super().on_response_complete()
        if self.is_idle and self.conn.trailing_data[0]:
            self._expect_headers()
        self._request_may_have_begun()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        for timer in (self._header_timer, self._stall_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client reads slower than the answer is written."""
        super().pause_writing()
        self._stall_timer = self.loop.call_later(self.stall_seconds, self._check_stall, self._unread())

    def resume_writing(self) -> None:
        """The client has read enough."""
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
        super().resume_writing()

    def _become_idle(self) -> None:
        self.idle_since = self.loop.time()

    def _expect_headers(self) -> None:
        if self._header_timer is None:
            self._header_timer = self.loop.call_later(self.header_seconds, self.transport.abort)

    def _request_may_have_begun(self) -> None:
        if not self.is_idle and self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _check_stall(self, unread_before: int) -> None:
        unread = self._unread()
        if unread >= unread_before:
            self.transport.abort()
        else:
            self._stall_timer = self.loop.call_later(self.stall_seconds, self._check_stall, unread)

    def _unread(self) -> int:
        return self.transport.get_write_buffer_size()

    def _make_room(self) -> None:
        others = [cast(BoundedProtocol, other) for other in self.connections if other is not self]
        open_ones = [other for other in others if not other.transport.is_closing()]
        if len(open_ones) + 1 < self.connections_limit:
            return
        if idle := [other for other in open_ones if other.is_idle]:
            min(idle, key=lambda other: other.idle_since).transport.abort()

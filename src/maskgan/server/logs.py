"""One line of JSON for each request: what was asked, how it went, how long it took; never what a person drew."""

from __future__ import annotations

import json
import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("maskgan.server")


class RequestLog:
    """ASGI middleware that writes these lines."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request and write its line."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status, sent, received = 0, 0, 0

        async def counting_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def counting_send(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, counting_receive, counting_send)
        finally:
            line = {
                "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
                "method": scope["method"],
                # The route and not the path: an id in a log would open the session to who reads it.
                "route": getattr(scope.get("route"), "path", None) or "-",
                "status": status,
                "ms": round(1000 * (time.perf_counter() - began), 1),
                "in": received,
                "out": sent,
            }
            log.info(json.dumps(line))

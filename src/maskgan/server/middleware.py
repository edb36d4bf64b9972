"""One line of JSON for each request: what was asked, how it went, how long it took; never what a person drew."""

from __future__ import annotations

import json
import logging
import time
import traceback
from pathlib import Path

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("maskgan.server")


class RequestLogMiddleware:
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
                # The route and not the path: an id in a log would open the session to its readers.
                "route": getattr(scope.get("route"), "path", None) or "-",
                "status": status,
                "ms": round(1000 * (time.perf_counter() - began), 1),
                "in": received,
                "out": sent,
            }
            log.info(json.dumps(line))


class InternalErrorMiddleware:
    """ASGI middleware that answers an internal error with 500 and logs where it happened."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        begun = False

        async def noting_send(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noting_send)
        except Exception as error:
            if scope["type"] != "http":
                raise
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(frame.filename).name}:{frame.lineno}"
            reason = (str(error).splitlines() or [""])[0]
            log.error(json.dumps({"error": f"{type(error).__name__}: {reason}", "where": where}))
            if not begun:
                message = "internal error, see the server's log; what you drew is safe in the page"
                await JSONResponse({"error": message}, 500)(scope, receive, send)

"""Answers compressed with gzip where that helps: texts, JSON and label maps, which shrink to a few percent."""

from __future__ import annotations

import gzip

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_TYPES = frozenset(
    {"application/json", "application/octet-stream", "image/svg+xml", "text/css", "text/html", "text/javascript"}
)
_MIN_BYTES = 1024
_LEVEL = 4  # a label map of 512 x 512 takes 2 ms


class CompressionMiddleware:
    """ASGI middleware that compresses whole answers of these types for clients that accept gzip."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or "gzip" not in Headers(scope=scope).get("accept-encoding", "").lower():
            await self._app(scope, receive, send)
            return
        start: Message | None = None  # held back until the body is complete
        body = bytearray()

        async def compressing_send(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_compressible(message):
                start = message
                return
            if start is None or message["type"] != "http.response.body":
                await send(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body", False):
                return
            data = bytes(body)
            headers = MutableHeaders(scope=start)
            headers.add_vary_header("Accept-Encoding")
            if len(data) >= _MIN_BYTES:
                data = gzip.compress(data, _LEVEL, mtime=0)
                headers["Content-Encoding"] = "gzip"
                headers["Content-Length"] = str(len(data))
            await send(start)
            start = None
            await send({"type": "http.response.body", "body": data})

        await self._app(scope, receive, compressing_send)


def _is_compressible(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    # Files to save keep the length that the browser shows as progress.
    if "content-encoding" in headers or "content-disposition" in headers:
        return False
    return start["status"] in (200, 201) and media_type in _TYPES

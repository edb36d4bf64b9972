"""Reading what a request carries, within bounds: bytes as they arrive, gzip, JSON."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncGenerator
from typing import Any

from starlette.requests import Request

from maskgan.server.http_errors import HTTPError, bad_request, unsupported_media_type

_JSON_BYTES = 64 << 10
_LENGTH_DIGITS = 18  # Python refuses to read numbers of thousands


async def read_body(request: Request, limit: int, seconds: float) -> bytes:
    """The body, unpacked if it came as gzip.

    Args:
        request: whose body was not read yet.
        limit: bytes that the body may have, as sent and unpacked.
        seconds: in which it must arrive.

    Raises:
        HTTPError: 400 its gzip is damaged, 408 it came too slowly, 413 it is over ``limit``, 415 it is packed
            otherwise.
        ClientDisconnect: the client went away.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise unsupported_media_type(f"a body packed as {encoding[:20]!r} is not read; send it as it is, or as gzip")
    _require_length(request, limit)
    body = bytearray()
    async for chunk in _arriving(request, limit, seconds):
        body += chunk
    return bytes(body) if encoding == "identity" else _unpacked(bytes(body), limit)


async def read_json(request: Request, seconds: float) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        HTTPError: as ``read_body``; 400 it is no JSON object.
    """
    return parse_json(await read_body(request, _JSON_BYTES, seconds), "the body")


def parse_json(text: bytes, name: str) -> dict[str, Any]:
    """A JSON object from its text.

    Raises:
        HTTPError: 400, it is none.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise bad_request(f"{name} is not JSON") from None
    if not isinstance(value, dict):
        raise bad_request(f"{name} should be a JSON object")
    return value


def media_type(request: Request) -> str:
    """The body's type, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _require_length(request: Request, limit: int) -> None:
    length = request.headers.get("content-length")
    if length is not None and length.isdecimal() and (len(length) > _LENGTH_DIGITS or int(length) > limit):
        raise _over(limit)


async def _arriving(request: Request, limit: int, seconds: float) -> AsyncGenerator[bytes, None]:
    """The body's chunks, until there are too many bytes or too much time has passed."""
    size = 0
    stream = aiter(request.stream())
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise HTTPError(408, "the request came too slowly; try again", {"Connection": "close"}) from None
        size += len(chunk)
        if size > limit:
            raise _over(limit)
        yield chunk


def _unpacked(packed: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        body = unpacker.decompress(packed, limit + 1)
    except zlib.error:
        raise bad_request("the body's gzip is damaged") from None
    if len(body) > limit:
        raise _over(limit)
    if not unpacker.eof or unpacker.unused_data:
        raise bad_request("the body's gzip is cut off or followed by something else")
    return body


def _over(limit: int) -> HTTPError:
    # The rest of the body is not read, so the connection cannot go on.
    return HTTPError(413, f"more than {limit} bytes are not read here; send less", {"Connection": "close"})

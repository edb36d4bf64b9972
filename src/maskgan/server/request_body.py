"""Reading what a request carries, within bounds: bytes as they arrive, gzip, JSON."""

from __future__ import annotations

import asyncio
import json
import math
import zlib
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from typing import Any

from starlette.requests import Request

from maskgan.server.http_errors import HTTPError, bad_request, service_unavailable, unsupported_media_type

_JSON_BYTES = 64 << 10
_LENGTH_DIGITS = 18  # Python refuses to read numbers of thousands
_INLINE_BYTES = 1 << 20  # more than this is joined and unpacked on a thread, for the event loop would stand still


class Lease:
    """Bytes that one request holds of a ``ByteBudget``."""

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self._held = 0

    def take(self, count: int) -> None:
        """Hold ``count`` more bytes.

        Raises:
            HTTPError: 503, all requests together would hold more than the budget.
        """
        if self._budget.held + count > self._budget.limit:
            error = service_unavailable("too many files are being sent at this moment; try again in a few seconds", 3)
            error.headers["Connection"] = "close"  # the rest of the body is not read
            raise error
        self._budget.held += count
        self._held += count

    def release(self) -> None:
        """Release all bytes."""
        self._budget.held -= self._held
        self._held = 0


class ByteBudget:
    """A bound on the bytes that the bodies of all requests take together."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    @contextmanager
    def lease(self) -> Generator[Lease, None, None]:
        """What a request takes until the block ends."""
        lease = Lease(self)
        try:
            yield lease
        finally:
            lease.release()


async def read_body(request: Request, limit: int, seconds: float, lease: Lease | None = None) -> bytes:
    """The body, unpacked if it came as gzip.

    Args:
        request: whose body was not read yet.
        limit: bytes that the body may have, as sent and unpacked.
        seconds: in which it must arrive.
        lease: what counts its bytes; ``None``: nothing, for a body that is small.

    Raises:
        HTTPError: 400 its gzip is damaged, 408 it came too slowly, 413 it is over ``limit``, 415 it is packed
            otherwise, 503 its bytes are over what ``lease`` has.
        ClientDisconnect: the client went away.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise unsupported_media_type(f"a body packed as {encoding[:20]!r} is not read; send it as it is, or as gzip")
    _require_length(request, limit)
    body = bytearray()
    async for chunk in _arriving(request, limit, seconds):
        if lease is not None:
            lease.take(len(chunk))
        body += chunk
    if encoding == "identity":
        return bytes(body) if len(body) <= _INLINE_BYTES else await asyncio.to_thread(bytes, body)
    if lease is not None:
        lease.take(limit)  # it is not known before how much comes out
    return _unpacked(body, limit) if limit <= _INLINE_BYTES else await asyncio.to_thread(_unpacked, body, limit)


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
        value = json.loads(text.decode())  # given bytes, it would guess at UTF-16 and UTF-32
    except (ValueError, RecursionError):
        raise bad_request(f"{name} is not JSON") from None
    if not isinstance(value, dict):
        raise bad_request(f"{name} should be a JSON object")
    return value


def finite_number(value: Any) -> float | None:
    """A number of a JSON text; ``None`` where it is none, not finite, or larger than any float."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:  # an integer of hundreds of digits
        return None
    return number if math.isfinite(number) else None


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


def _unpacked(packed: bytearray, limit: int) -> bytes:
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

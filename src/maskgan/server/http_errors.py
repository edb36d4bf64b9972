"""Errors that end a request: a status, one line that says what to do, and headers."""

from __future__ import annotations

from collections.abc import Mapping


class HTTPError(Exception):
    """Ends a request with ``status`` and ``{"error": message}``."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


def bad_request(message: str) -> HTTPError:
    """400: the request is malformed."""
    return HTTPError(400, message)


def payload_too_large(message: str) -> HTTPError:
    """413: the body is over a limit."""
    return HTTPError(413, message)


def unsupported_media_type(message: str) -> HTTPError:
    """415: the body has a media type that is not accepted."""
    return HTTPError(415, message)


def service_unavailable(message: str, seconds: int = 1) -> HTTPError:
    """503: retry in ``seconds``."""
    return HTTPError(503, message, {"Retry-After": str(seconds)})

"""Requests that are refused: a status, one line that says what to do, and headers."""

from __future__ import annotations

from collections.abc import Mapping


class RefusalError(Exception):
    """Ends a request with ``status`` and ``{"error": message}``."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


def bad_input(message: str) -> RefusalError:
    """400: what was sent makes no sense."""
    return RefusalError(400, message)


def too_large(message: str) -> RefusalError:
    """413: what was sent is over a bound."""
    return RefusalError(413, message)


def wrong_type(message: str) -> RefusalError:
    """415: what was sent has another type than is read here."""
    return RefusalError(415, message)


def too_busy(message: str, seconds: int = 1) -> RefusalError:
    """503: come again in ``seconds``."""
    return RefusalError(503, message, {"Retry-After": str(seconds)})

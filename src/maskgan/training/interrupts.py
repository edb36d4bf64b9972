"""Stopping a run between two steps, where its state is whole."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from maskgan.errors import UserError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Deadline:
    """When training stops before its budget is spent, counted from now.

    Args:
        minutes: from now; ``None``: train until the budget is spent.

    Raises:
        UserError: ``minutes`` is not a positive number.
    """

    def __init__(self, minutes: float | None = None) -> None:
        if minutes is not None and not minutes > 0:
            raise UserError(f"--stop-after must be over 0 minutes, is {minutes}")
        self._end = math.inf if minutes is None else time.monotonic() + 60 * minutes

    @property
    def passed(self) -> bool:
        """Whether training should stop now."""
        return time.monotonic() >= self._end


class StopRequest:
    """Whether somebody asked the run to stop."""

    def __init__(self) -> None:
        self.received = False

    def _receive(self, number: int, _: FrameType | None) -> None:
        if self.received:  # the second Ctrl-C means now
            raise KeyboardInterrupt
        self.received = True


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Take note of Ctrl-C and of a polite kill in place of dying from them; outside the main thread, of nothing."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, request._receive) for number in _SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

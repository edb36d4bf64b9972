"""Threads for the event loop's long work that do not hold the exit of the process."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")

_Call = Callable[[], None]


class DaemonExecutor(Executor):
    """A ``ThreadPoolExecutor`` whose threads are daemons.

    Python waits for the threads of a ``ThreadPoolExecutor`` before it exits; a decoder that does not return would keep
    a server alive that was told to stop.
    """

    def __init__(
        self,
        threads: int,
        name: str,  # prefix of the threads' names
    ) -> None:
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._stopped = False
        self._threads = [
            threading.Thread(target=_work, args=(self._calls,), name=f"{name}-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self, fn: Callable[Arguments, Result], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Future[Result]:
        """Run a function on the first free thread.

        Raises:
            RuntimeError: the executor was shut down.
        """
        if self._stopped:
            raise RuntimeError("the executor was shut down")
        future: Future[Result] = Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        self._calls.put(call)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; threads end after those that wait, or with ``cancel_futures`` after those at hand."""
        self._stopped = True
        while cancel_futures and not self._calls.empty():
            try:
                self._calls.get_nowait()
            except queue.Empty:
                break
        for _ in self._threads:
            self._calls.put(None)
        if wait:
            for thread in self._threads:
                thread.join()


def _work(calls: queue.SimpleQueue[Any]) -> None:
    call: _Call | None
    while (call := calls.get()) is not None:
        call()
        call = None  # what it holds must not live until the next one comes

"""The same work on many items, on all cores."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from maskgan.errors import MaskGANError

Task = TypeVar("Task")
Result = TypeVar("Result")

ProgressCallback = Callable[[int, int], None]
"""Called with the number of items done and the total."""

_CHUNK = 4  # items that a process takes at once; few, so that an interruption ends soon


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(
    function: Callable[[Task], Result], tasks: Sequence[Task], jobs: int | None = None
) -> Generator[Result, None, None]:
    """Results of ``function`` for ``tasks``, in order.

    An exception of ``function`` is raised here, and ends the work. When the caller stops early (an error, Ctrl-C),
    each process ends what it has in hand and no more is begun; use ``contextlib.closing`` to have that at once.

    Args:
        function: defined at the top of a module; it and the tasks travel to other processes.
        tasks: what to work on.
        jobs: processes; 1 works in this one. None: one for each core.

    Raises:
        MaskGANError: a process died.
    """
    jobs = min(jobs or available_cores(), max(1, len(tasks)))
    if jobs == 1:
        yield from map(function, tasks)
        return
    # Forking a process that has threads (torch, OpenMP) can deadlock; a fresh interpreter cannot.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(jobs, mp_context=context, initializer=_start_worker)
    try:
        yield from executor.map(function, tasks, chunksize=_CHUNK)
    except BrokenProcessPool as error:
        raise MaskGANError("a worker process died, perhaps for want of memory; try again with fewer --jobs") from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    # Ctrl-C reaches every process of the terminal; only the first one decides what to do about it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    """End with the parent, even if it was killed: idle workers would wait for it for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

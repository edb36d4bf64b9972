"""Where the shards of a job are edited: in this process, in several of this machine, or in those of torchrun.

Each shard is edited by one process, so the files do not depend on how many there are.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import SimpleQueue

import torch

from maskgan.bulk.batch_editor import BatchEditor
from maskgan.bulk.job import BulkJob
from maskgan.bulk.shard_runner import ShardReport, edit_shard
from maskgan.bulk.shards import Shard
from maskgan.errors import MaskGANError


def run_job(job: BulkJob, engine: str, processes: int | None) -> Iterator[ShardReport | None]:
    """Edit the shards that are not done; what became of each, ``None`` if another process has it.

    Args:
        job: what is asked for.
        engine: ``local`` or ``ray``.
        processes: how many, or how many of Ray's actors; ``None``: one a core, or one a GPU. Under torchrun its own
            processes do the work.

    Raises:
        UserError: as for ``edit_shard``.
        MaskGANError: a process died.
    """
    shards = shards_of_this_process(job)
    if not shards:
        return iter(())
    if engine == "ray":
        from maskgan.bulk.ray_engine import run_ray

        return run_ray(job, shards, processes)
    count = min(processes or _available_processes(job.options.device), len(shards))
    if "WORLD_SIZE" in os.environ or count == 1:
        return run_here(job, shards)
    return run_processes(job, shards, count)


def _available_processes(device: str) -> int:
    """One process a GPU, or one a core."""
    if device != "cpu":
        return max(torch.cuda.device_count(), 1)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def shards_of_this_process(job: BulkJob) -> list[Shard]:
    """Of the shards that are not done, those of this process: its share under torchrun, all without it.

    The shares are of all shards, so that they do not depend on what is done.
    """
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    own = {shard.name for shard in job.shards[rank::world]}
    return [shard for shard in job.missing if shard.name in own]


def run_here(job: BulkJob, shards: list[Shard]) -> Iterator[ShardReport | None]:
    """Edit shards in this process, one after the other; what became of each, ``None`` if another process has it.

    Raises:
        UserError: as for ``edit_shard``.
    """
    if "LOCAL_RANK" in os.environ and job.options.device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        editor = BatchEditor(job.options)
        for shard in shards:
            yield edit_shard(job, shard, editor)
    finally:
        torch.set_num_threads(threads)


def run_processes(job: BulkJob, shards: list[Shard], count: int) -> Iterator[ShardReport | None]:
    """Edit shards in ``count`` processes of one thread each; what became of them, as they are done.

    Raises:
        UserError: as for ``edit_shard``.
        MaskGANError: a process died.
    """
    context = multiprocessing.get_context("spawn")
    numbers = context.SimpleQueue()
    for number in range(count):
        numbers.put(number)
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"  # read by the processes as they start
    try:
        with ProcessPoolExecutor(count, context, _begin, (job, numbers)) as pool:
            try:
                for future in as_completed([pool.submit(_work, shard) for shard in shards]):
                    yield future.result()
            except BrokenProcessPool:
                raise MaskGANError(
                    "a process died, perhaps for want of memory; the same command again does what is missing"
                ) from None
            finally:
                _stop(pool)
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


class _Worker:
    """What a process of the pool keeps between shards."""

    job: BulkJob | None = None
    editor: BatchEditor | None = None


def _begin(job: BulkJob, numbers: SimpleQueue[int]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when to stop
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    number = numbers.get()
    if job.options.device == "cuda":
        torch.cuda.set_device(number % torch.cuda.device_count())
    _Worker.job = job


def _work(shard: Shard) -> ShardReport | None:
    assert _Worker.job is not None
    if _Worker.editor is None:  # here and not at the beginning, so that errors reach the caller
        _Worker.editor = BatchEditor(_Worker.job.options)
    return edit_shard(_Worker.job, shard, _Worker.editor)


def _end_with_parent() -> None:
    """A killed parent cannot tell its processes to stop."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _stop(pool: ProcessPoolExecutor) -> None:
    """Drop what is not begun; end what runs, whose shards stay undone, if the caller does not wait for it."""
    pool.shutdown(wait=False, cancel_futures=True)
    for process in list((pool._processes or {}).values()):
        process.terminate()

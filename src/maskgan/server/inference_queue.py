"""One queue before the network: bounded, in turn, several renders in one pass where that helps.

Long work comes in slices, each a job in the background of all others: a slice that runs is the most that a render waits
for it. A thread of its own would take cores from every render for as long as it works.

All bookkeeping happens on the event loop, so it needs no locks; the work happens on one thread, for the network uses
all cores by itself and two passes at once would only be in each other's way.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from maskgan.server.http_errors import HTTPError, service_unavailable

Request = TypeVar("Request")
Result = TypeVar("Result")
_IDLE_SECONDS = 0.3
"""Seconds after somebody's picture in which slices hold back: the page asks for the sharp picture 0.2 s after a stroke,
and for the next preview sooner."""
_MAX_DELAY = 1.0
"""Seconds after which a slice takes its turn among previews: drawing without pause must not starve it."""

Run = Callable[[Sequence[Any]], Sequence[Any]]


@dataclass(frozen=True)
class JobResult(Generic[Result]):
    """What a job gave, and how long it took in seconds."""

    result: Result
    waited: float
    worked: float


def _new_future() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


@dataclass(eq=False)
class _Job:
    run: Run
    request: Any
    group: Hashable | None  # jobs of one group may be run together
    owner: str | None  # whose next render supersedes this one
    low_priority: bool  # full renders go before it
    supersedable: bool
    is_slice: bool = False
    future: asyncio.Future[JobResult[Any] | None] = field(default_factory=_new_future)
    since: float = field(default_factory=time.perf_counter)


class InferenceQueue:
    """Runs jobs one after another on one thread."""

    def __init__(
        self,
        limit: int,  # jobs that may wait
        batch_size: int,  # renders in one pass
    ) -> None:
        self._limit = limit
        self._batch_size = batch_size
        self._waiting: list[_Job] = []
        self._slices: list[_Job] = []
        self._last_slice = 0.0  # when it ended
        self._last_answer = -math.inf  # when the last job ended that was no slice
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inference")
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    def __len__(self) -> int:
        """How many jobs wait that somebody asked for; slices do not count."""
        return len(self._waiting)

    def start(self) -> None:
        """Begin to work; called on the running event loop."""
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Let the job at hand end, and give up those that wait and those that come."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        _fail([*self._waiting, *self._slices], _stopping())
        self._waiting.clear()
        self._slices.clear()
        await asyncio.to_thread(self._thread.shutdown)

    async def call(self, work: Callable[[], Result], *, low_priority: bool = False) -> JobResult[Result]:
        """Run ``work`` alone, in its turn; a ``low_priority`` job takes turns with previews.

        Raises:
            HTTPError: 503, too many jobs wait.
        """
        job = _Job(lambda requests: [work() for _ in requests], None, None, None, low_priority, supersedable=False)
        done = await self._submit(job)
        assert done is not None
        return done

    async def render(
        self,
        run: Callable[[Sequence[Request]], Sequence[Result]],
        request: Request,
        group: Hashable,
        owner: str,
        preview: bool,
    ) -> JobResult[Result] | None:
        """Run a render, perhaps together with others.

        Args:
            run: renders several requests, and gives their results in the same order.
            request: what to render.
            group: requests of one group, which have one ``run``, may be rendered together.
            owner: a newer render of the same owner takes the place of a preview that still waits.
            preview: whether it may be superseded so.

        Returns:
            The result, or ``None`` if it was superseded.

        Raises:
            HTTPError: 503, too many jobs wait.
        """
        return await self._submit(_Job(run, request, group, owner, low_priority=preview, supersedable=preview))

    async def background(self, work: Callable[[], Result]) -> Result:
        """Run a slice of long work when nobody draws, or else about once a second; those of several take turns."""
        if self._stopped:
            raise _stopping()
        job = _Job(
            lambda requests: [work() for _ in requests],
            None,
            None,
            None,
            low_priority=True,
            supersedable=False,
            is_slice=True,
        )
        self._slices.append(job)
        self._arrived.set()
        done = await job.future
        assert done is not None
        return done.result

    async def _submit(self, job: _Job) -> JobResult[Any] | None:
        if self._stopped:
            raise _stopping()
        own = [other for other in self._waiting if job.owner is not None and other.owner == job.owner]
        overtaken = next((other for other in own if other.supersedable), None)
        if overtaken is not None:
            # The newer one takes the older one's place in the queue, so that drawing without pause is served too.
            self._waiting[self._waiting.index(overtaken)] = job
            if not overtaken.future.done():
                overtaken.future.set_result(None)
        elif len(self._waiting) >= self._limit:
            raise service_unavailable("too many people edit at this moment; try again in a second")
        else:
            self._waiting.append(job)
        self._arrived.set()
        try:
            return await job.future
        finally:
            if job.future.cancelled() and job in self._waiting:
                self._waiting.remove(job)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while not (jobs := self._next()):
                self._arrived.clear()
                await self._arrival()
            began = time.perf_counter()
            try:
                results = await loop.run_in_executor(self._thread, jobs[0].run, [job.request for job in jobs])
            except asyncio.CancelledError:
                _fail(jobs, _stopping())
                raise
            except Exception as error:
                _fail(jobs, error)
                continue
            finally:
                self._note_end(jobs[0])
            worked = time.perf_counter() - began
            for job, result in zip(jobs, results, strict=True):
                if not job.future.done():
                    job.future.set_result(JobResult(result, began - job.since, worked))

    async def _arrival(self) -> None:
        """Until a job comes, or the time of a slice that waits."""
        with contextlib.suppress(TimeoutError):
            idle_in = self._last_answer + _IDLE_SECONDS - time.perf_counter()
            async with asyncio.timeout(max(idle_in, 0.01) if self._slices else None):
                await self._arrived.wait()

    def _note_end(self, job: _Job) -> None:
        if job.is_slice:
            self._last_slice = time.perf_counter()
        else:
            self._last_answer = time.perf_counter()

    def _next(self) -> list[_Job]:
        """What to do now: a job and others of its group, up to the bound; none if none waits.

        Low priority last: a preview is worth little once the pen has moved on.
        """
        waiting = [job for job in self._waiting if not job.future.done()]  # the others were given up
        self._slices = [job for job in self._slices if not job.future.done()]
        if self._slices and self._may_slice(waiting):
            return [self._slices.pop(0)]
        waiting.sort(key=lambda job: job.low_priority)  # stable: in their order otherwise
        first = waiting[:1]
        like = [j for j in waiting[1:] if j.group is not None and j.group == first[0].group][: self._batch_size - 1]
        self._waiting = [job for job in self._waiting if job not in first and job not in like]
        return [*first, *like]

    def _may_slice(self, waiting: Sequence[_Job]) -> bool:
        """Whether it is the turn of the first slice; full renders always go before it."""
        now = time.perf_counter()
        overdue = now - max(self._slices[0].since, self._last_slice) > _MAX_DELAY
        idle = not waiting and now - self._last_answer > _IDLE_SECONDS
        return idle or (overdue and all(job.low_priority for job in waiting))


def _stopping() -> HTTPError:
    return service_unavailable("the server stops; start it again")


def _fail(jobs: Iterable[_Job], error: Exception) -> None:
    for job in jobs:
        if not job.future.done():
            job.future.set_exception(error)

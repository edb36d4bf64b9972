"""Refinement of faces as background jobs: bounded in number, with progress, cancellable."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Literal

from maskgan.editing.face_model import FaceModel
from maskgan.errors import UserError
from maskgan.server.faces import Face
from maskgan.server.http_errors import HTTPError, service_unavailable
from maskgan.server.inference_queue import InferenceQueue
from maskgan.server.inference_service import InferenceService
from maskgan.server.limits import Limits
from maskgan.server.middleware import log

_RETRY_SECONDS = 3

State = Literal["running", "done", "failed"]


class RefinementJob:
    """One face's refinement: how far it is, and what it gave."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.done = 0
        self.model: FaceModel | None = None
        """What makes the face's pictures, once it is done."""
        self.error: str | None = None
        """Why it failed, in a line."""
        self._end: Callable[[], object] = lambda: None

    @property
    def state(self) -> State:
        """Where it stands; a cancelled job no longer changes."""
        if self.error is not None:
            return "failed"
        return "running" if self.model is None else "done"

    @property
    def nbytes(self) -> int:
        """Memory that its result takes."""
        return 0 if self.model is None else self.model.nbytes

    def when_cancelled(self, end: Callable[[], object]) -> None:
        """Take what ends the work."""
        self._end = end

    def cancel(self) -> None:
        """End it after the step at hand; its place is free at once."""
        self._end()


class Refinements:
    """The jobs of a server."""

    def __init__(
        self, service: InferenceService, queue: InferenceQueue, limits: Limits, grown: Callable[[], None]
    ) -> None:
        """Without jobs yet.

        Args:
            service: the networks.
            queue: runs the steps, each a slice.
            limits: how many jobs at once.
            grown: called after each job that gave something, which takes memory.
        """
        self._service = service
        self._queue = queue
        self._limits = limits
        self._grown = grown
        self._running: dict[RefinementJob, asyncio.Task[None]] = {}

    def begin(self, face: Face, steps: int) -> RefinementJob:
        """Begin to refine what the network knows of a face; called on the running event loop.

        Raises:
            HTTPError: 503, too many others are under way.
        """
        if len(self._running) >= self._limits.refinements:
            raise service_unavailable(
                "other faces are being fitted at this moment; try again in a few seconds", _RETRY_SECONDS
            )
        job = RefinementJob(steps)
        task = asyncio.create_task(self._work(job, face))
        self._running[job] = task
        task.add_done_callback(lambda _: self._running.pop(job, None))
        job.when_cancelled(partial(self._cancel, job))
        return job

    def stop(self) -> None:
        """Cancel all jobs."""
        for job in list(self._running):
            self._cancel(job)

    def _cancel(self, job: RefinementJob) -> None:
        task = self._running.pop(job, None)
        if task is not None:
            task.cancel()

    async def _work(self, job: RefinementJob, face: Face) -> None:
        try:
            refinement = await self._queue.background(partial(self._service.start_refinement, face, job.steps))
            while await self._queue.background(refinement.step):
                job.done += 1
            model = await self._queue.background(partial(self._service.refined_model, face, refinement))
        except (HTTPError, UserError) as error:
            job.error = str(error)
        except Exception as error:
            # It has no request whose answer would tell.
            reason = (str(error).splitlines() or [""])[0]
            log.error(json.dumps({"error": f"{type(error).__name__}: {reason}", "where": "refinement"}))
            job.error = "refinement failed with an internal error, see the server's log; edit on without it"
        else:
            job.model = model
            self._grown()

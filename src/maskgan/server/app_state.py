"""What all routes of one server share: its networks, its queue, its sessions and its threads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import ParamSpec, TypeVar

from starlette.requests import ClientDisconnect, Request

from maskgan.editing.pipeline import StyleReference
from maskgan.images import SourceImage
from maskgan.labels import LabelMap
from maskgan.server.executor import DaemonExecutor
from maskgan.server.faces import Face
from maskgan.server.http_errors import unsupported_media_type
from maskgan.server.inference_queue import InferenceQueue
from maskgan.server.inference_service import InferenceService
from maskgan.server.limits import Limits
from maskgan.server.memory import release_memory
from maskgan.server.multipart import OVERHEAD as FORM_OVERHEAD
from maskgan.server.multipart import Form, parse_form
from maskgan.server.page_info import ServerInfo
from maskgan.server.portraits import shipped_portrait
from maskgan.server.refinement_jobs import Refinements
from maskgan.server.request_body import ByteBudget, Lease, media_type, read_body
from maskgan.server.sessions import Sessions
from maskgan.server.uploads import picture_pixels

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")

_THREADS = 2  # of each pool; Pillow computes without Python's lock
_SWEEP_SECONDS = 60.0


class AppState:
    """The server apart from its routes."""

    def __init__(self, service: InferenceService, info: ServerInfo, limits: Limits) -> None:
        self.service = service
        self.info = info
        self.limits = limits
        self.sessions = Sessions(limits)
        self.queue = InferenceQueue(limits.waiting, limits.batch_size)
        self.refinements = Refinements(service, self.queue, limits, grown=self.sessions.shrink)
        # Held from the last byte of an upload until its session stands, and while a large picture is made to save:
        # decoded photographs are the largest things here, so only a few may be worked on.
        self.uploading = asyncio.Semaphore(limits.uploads)
        self.saving = asyncio.Semaphore(limits.uploads)
        self._large = asyncio.Semaphore(1)
        self.receiving = ByteBudget(limits.receiving_bytes)
        self._decoding = DaemonExecutor(_THREADS, "decoding")
        self._encoding = DaemonExecutor(_THREADS, "encoding")
        self._portrait_faces: dict[int, asyncio.Task[Face]] = {}
        self._portrait_styles: dict[int, asyncio.Task[StyleReference]] = {}
        self._sweeping: asyncio.Task[None] | None = None
        self._released = 0  # of the sessions that ended, those whose memory was released

    async def start(self) -> None:
        """Begin to work; called on the running event loop."""
        self.queue.start()
        self._sweeping = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """End all threads and tasks."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        self.refinements.stop()
        await self.queue.stop()
        for pool in (self._decoding, self._encoding):
            pool.shutdown(wait=False, cancel_futures=True)

    async def decode(
        self, function: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
    ) -> Result:
        """Run what opens uploads on the threads for that."""
        return await asyncio.get_running_loop().run_in_executor(self._decoding, partial(function, *arguments, **named))

    async def encode(
        self, function: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
    ) -> Result:
        """Run what makes files for answers on the threads for that."""
        return await asyncio.get_running_loop().run_in_executor(self._encoding, partial(function, *arguments, **named))

    @asynccontextmanager
    async def large_turn(self, pixels: int) -> AsyncGenerator[None, None]:
        """A turn to work on a picture of so many pixels: one at a time where it is large, at once where it is not."""
        if pixels <= self.limits.large_pixels:
            yield
            return
        async with self._large:
            yield

    async def portrait_face(self, number: int) -> Face:
        """A shipped portrait as a face to edit; computed once, shared by all sessions."""
        return await self._once(self._portrait_faces, number, self.service.face)

    async def portrait_style(self, number: int) -> StyleReference:
        """A shipped portrait as a style reference; computed once, shared by all sessions."""

        def compute(source: SourceImage, label_map: LabelMap) -> StyleReference:
            return self.service.reference(source.picture, label_map)

        return await self._once(self._portrait_styles, number, compute)

    async def _once(
        self, kept: dict[int, asyncio.Task[Result]], number: int, compute: Callable[[SourceImage, LabelMap], Result]
    ) -> Result:
        if number not in kept:
            kept[number] = asyncio.create_task(self._from_portrait(number, compute))
        try:
            # Shielded: a client that disconnects does not cancel it for the others.
            return await asyncio.shield(kept[number])
        finally:
            task = kept.get(number)
            if task is not None and task.done() and (task.cancelled() or task.exception()):
                del kept[number]

    async def _from_portrait(self, number: int, compute: Callable[[SourceImage, LabelMap], Result]) -> Result:
        source, label_map = await self.decode(shipped_portrait, number)
        return (await self.queue.call(partial(compute, source, label_map))).result

    async def sweep(self) -> None:
        """End the sessions that nobody uses, and give the memory of those that ended back to the system."""
        self.sessions.expire()
        if self.sessions.ended > self._released:
            self._released = self.sessions.ended
            await self.encode(release_memory)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            await self.sweep()


async def read_upload_form(request: Request, state: AppState, limit: int, lease: Lease | None = None) -> Form:
    """A request's form, its parts ``limit`` bytes together at most; a ``lease`` counts them.

    Raises:
        HTTPError: as ``request_body.read_body`` and ``multipart.parse_form``.
    """
    content_type = request.headers.get("content-type", "")
    if media_type(request) != "multipart/form-data":
        raise unsupported_media_type("a form is needed here: multipart/form-data")
    body = await read_body(request, limit + FORM_OVERHEAD, state.limits.body_seconds, lease)
    return await state.decode(parse_form, body, content_type)


@asynccontextmanager
async def upload_turn(
    request: Request, state: AppState, limit: int, turns: asyncio.Semaphore
) -> AsyncGenerator[Form, None]:
    """A request's form and, as long as the block runs, one of ``turns`` to work on it.

    The turn is taken once the form is here: who sends slowly keeps nobody else waiting.

    Raises:
        HTTPError: as ``read_upload_form``.
    """
    with state.receiving.lease() as lease:
        form = await read_upload_form(request, state, limit, lease)
        async with turns, state.large_turn(await state.decode(picture_pixels, form)):
            yield form


async def until_disconnect(request: Request, work: Awaitable[Result]) -> Result:
    """Wait for ``work``; cancel it when the client disconnects.

    Raises:
        ClientDisconnect: it did.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

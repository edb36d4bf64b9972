"""What bounds the server: the queue before the network, and the sessions that it holds."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import httpx
import numpy as np
import pytest
from server_helpers import begin, editor_app, own_mask, render, running

from maskgan.images import Picture, SourceImage
from maskgan.labels import LabelMap
from maskgan.server import inference_queue
from maskgan.server.faces import Face
from maskgan.server.http_errors import HTTPError
from maskgan.server.inference_queue import InferenceQueue
from maskgan.server.inference_service import InferenceService, RenderRequest
from maskgan.server.limits import Limits
from maskgan.server.sessions import Session, Sessions

pytestmark = pytest.mark.anyio


class Worker:
    """Renders numbers, and does not begin before it may."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.batches: list[list[int]] = []

    def render(self, requests: Sequence[int]) -> list[int]:
        assert self.open.wait(10)
        self.batches.append(list(requests))
        return [10 * number for number in requests]


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
async def queue() -> AsyncIterator[InferenceQueue]:
    queue = InferenceQueue(limit=3, batch_size=2)
    queue.start()
    yield queue
    await queue.stop()


def asked(queue: InferenceQueue, worker: Worker, number: int, owner: str, preview: bool = True) -> asyncio.Task:
    return asyncio.create_task(queue.render(worker.render, number, group="size", owner=owner, preview=preview))


async def test_jobs_of_one_size_run_together_in_their_order(queue: InferenceQueue, worker: Worker) -> None:
    tasks = [asked(queue, worker, 0, "a")]
    await asyncio.sleep(0.01)  # the first is at work
    tasks += [asked(queue, worker, number, owner) for number, owner in ((1, "b"), (2, "c"), (3, "d"))]
    await asyncio.sleep(0.01)
    worker.open.set()
    results = [(await task).result for task in tasks]
    assert results == [0, 10, 20, 30]
    assert worker.batches == [[0], [1, 2], [3]]


async def test_a_newer_render_takes_the_place_of_a_waiting_preview(queue: InferenceQueue, worker: Worker) -> None:
    first = asked(queue, worker, 0, "a")
    await asyncio.sleep(0.01)
    overtaken = asked(queue, worker, 1, "a")
    other = asked(queue, worker, 2, "b", preview=False)
    await asyncio.sleep(0.01)
    newest = asked(queue, worker, 3, "a", preview=False)
    assert await overtaken is None
    stays = asked(queue, worker, 4, "a")  # a full render is not superseded
    await asyncio.sleep(0.01)
    worker.open.set()
    assert [(await task).result for task in (first, newest, other, stays)] == [0, 30, 20, 40]
    assert worker.batches == [[0], [3, 2], [4]]


async def test_who_waits_for_the_picture_goes_before_previews(queue: InferenceQueue, worker: Worker) -> None:
    first = asked(queue, worker, 0, "a")
    await asyncio.sleep(0.01)
    previews = [asked(queue, worker, number, str(number)) for number in (1, 2)]
    await asyncio.sleep(0.01)
    full = asked(queue, worker, 3, "b", preview=False)
    await asyncio.sleep(0.01)
    worker.open.set()
    await asyncio.gather(first, full, *previews)
    assert worker.batches == [[0], [3, 1], [2]]


async def test_patient_jobs_take_turns_with_previews(queue: InferenceQueue, worker: Worker) -> None:
    first = asked(queue, worker, 0, "a")
    await asyncio.sleep(0.01)
    low_priority = asyncio.create_task(queue.call(lambda: worker.render([1]), low_priority=True))
    await asyncio.sleep(0.01)
    preview = asked(queue, worker, 2, "b")
    await asyncio.sleep(0.01)
    full = asked(queue, worker, 3, "c", preview=False)
    await asyncio.sleep(0.01)
    worker.open.set()
    await asyncio.gather(first, low_priority, preview, full)
    assert worker.batches == [[0], [3, 2], [1]]  # 2 rides with 3, being of its group


async def test_slices_run_when_nobody_draws(
    queue: InferenceQueue, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference_queue, "_IDLE_SECONDS", 0.1)
    worker.open.set()
    slices = [asyncio.create_task(queue.background(lambda n=n: worker.render([n]))) for n in (10, 11)]
    await asyncio.sleep(0)
    assert len(queue) == 0
    await asked(queue, worker, 0, "a")
    assert worker.batches[-1] == [0] and len(worker.batches) <= 2, "the second holds back while the pen rests"
    given_up = asyncio.create_task(queue.background(lambda: worker.render([12])))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(*slices)
    await asyncio.sleep(0.02)
    assert sorted(worker.batches) == [[0], [10], [11]]


async def test_an_overdue_slice_takes_its_turn_before_previews_alone(
    queue: InferenceQueue, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference_queue, "_MAX_DELAY", 0.0)
    first = asked(queue, worker, 0, "a")
    await asyncio.sleep(0.01)
    slice_ = asyncio.create_task(queue.background(lambda: worker.render([1])))
    others = [asked(queue, worker, 2, "b"), asked(queue, worker, 3, "c", preview=False)]
    await asyncio.sleep(0.01)
    worker.open.set()
    await asyncio.gather(first, slice_, *others)
    assert worker.batches == [[0], [3, 2], [1]]
    worker.open.clear()
    first = asked(queue, worker, 4, "a", preview=False)
    await asyncio.sleep(0.01)
    slice_, preview = asyncio.create_task(queue.background(lambda: worker.render([5]))), asked(queue, worker, 6, "b")
    await asyncio.sleep(0.01)
    worker.open.set()
    await asyncio.gather(first, slice_, preview)
    assert worker.batches[-3:] == [[4], [5], [6]]


async def test_what_its_client_gave_up_is_not_rendered(queue: InferenceQueue, worker: Worker) -> None:
    first = asked(queue, worker, 0, "a")
    await asyncio.sleep(0.01)
    given_up, kept = asked(queue, worker, 1, "b"), asked(queue, worker, 2, "c")
    await asyncio.sleep(0.01)
    assert len(queue) == 2
    given_up.cancel()
    await asyncio.sleep(0.01)
    assert len(queue) == 1
    worker.open.set()
    await asyncio.gather(first, kept)
    assert worker.batches == [[0], [2]]


async def test_a_full_queue_says_come_again(queue: InferenceQueue, worker: Worker) -> None:
    tasks = [asked(queue, worker, 0, "0")]
    await asyncio.sleep(0.01)
    tasks += [asked(queue, worker, number, str(number)) for number in range(1, 4)]
    await asyncio.sleep(0.01)
    with pytest.raises(HTTPError) as refused:
        await queue.call(lambda: None)
    assert refused.value.status == 503 and int(refused.value.headers["Retry-After"]) >= 1
    worker.open.set()
    await asyncio.gather(*tasks)
    assert (await queue.call(lambda: "room again")).result == "room again"


async def test_a_failing_job_fails_alone(queue: InferenceQueue) -> None:
    with pytest.raises(ZeroDivisionError):
        await queue.call(lambda: 1 // 0)
    assert (await queue.call(lambda: 1)).result == 1


async def test_a_stopping_queue_leaves_nobody_waiting(worker: Worker) -> None:
    queue = InferenceQueue(limit=3, batch_size=1)
    queue.start()
    tasks = [asked(queue, worker, number, str(number)) for number in range(3)]
    await asyncio.sleep(0.01)
    asyncio.get_running_loop().call_later(0.05, worker.open.set)
    await queue.stop()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, HTTPError) and result.status == 503 for result in results)


@pytest.fixture
def small_face(service: InferenceService, face: tuple[Picture, LabelMap]) -> Face:
    return service.face(SourceImage.plain(face[0]), face[1])


def test_the_oldest_sessions_give_way(small_face: Face) -> None:
    sessions = Sessions(Limits(sessions=3))
    held = [Session(small_face, small_face.label_map) for _ in range(3)]
    for session in held:
        sessions.add(session)
    sessions.get(held[0].id)
    sessions.add(Session(small_face, small_face.label_map))
    assert len(sessions) == 3 and sessions.get(held[0].id) is held[0]
    with pytest.raises(HTTPError, match="ended"):
        sessions.get(held[1].id)


def test_ten_thousand_sessions_stay_within_memory(small_face: Face) -> None:
    limits = Limits(session_bytes=20 * Session(small_face, small_face.label_map.copy()).nbytes)
    sessions = Sessions(limits)
    for _ in range(10_000):
        sessions.add(Session(small_face, small_face.label_map.copy()))
        assert len(sessions) <= 20
    assert sessions.nbytes <= limits.session_bytes
    assert len(sessions) == 20


def test_a_face_larger_than_the_bound_is_held_alone(small_face: Face) -> None:
    sessions = Sessions(Limits(session_bytes=small_face.nbytes // 2))
    for _ in range(3):
        session = Session(small_face, small_face.label_map)
        sessions.add(session)
        assert len(sessions) == 1 and sessions.get(session.id) is session


def test_sessions_grow_old(small_face: Face) -> None:
    now = 0.0
    sessions = Sessions(Limits(session_age=100), clock=lambda: now)
    used, forgotten = (Session(small_face, small_face.label_map) for _ in range(2))
    sessions.add(used)
    sessions.add(forgotten)
    now = 90.0
    sessions.get(used.id)
    now = 110.0
    sessions.expire()
    assert len(sessions) == 1 and sessions.get(used.id) is used


def test_faces_count_all_that_they_hold(small_face: Face) -> None:
    photograph = np.zeros((2000, 2000, 3), dtype=np.uint8)
    large = replace(small_face.model, picture=photograph)
    larger = replace(small_face, source=SourceImage.plain(photograph), model=large)
    assert larger.nbytes - small_face.nbytes == pytest.approx(12e6, rel=0.01)


async def test_previews_are_superseded_and_the_queue_is_bounded_over_http(
    service: InferenceService, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, gate = threading.Event(), threading.Event()
    original = service.render

    def held(requests: Sequence[RenderRequest]) -> list[Picture]:
        began.set()
        assert gate.wait(10)
        return original(requests)

    monkeypatch.setattr(service, "render", held)
    async with running(editor_app(service, Limits(waiting=2))) as client:
        sessions = [await begin(client) for _ in range(4)]
        masks = [await own_mask(client, session) for session in sessions]

        def ask(i: int) -> asyncio.Task[httpx.Response]:
            return asyncio.create_task(render(client, sessions[i], masks[i]))

        working = ask(0)
        assert await asyncio.to_thread(began.wait, 10)
        overtaken, other = ask(1), ask(2)
        async with asyncio.timeout(10):
            while (await client.get("/healthz")).json()["queue"] < 2:
                await asyncio.sleep(0.01)
        full = await render(client, sessions[3], masks[3])
        assert full.status_code == 503 and int(full.headers["retry-after"]) >= 1
        newest = ask(1)
        assert (await overtaken).status_code == 204
        gate.set()
        assert [answer.status_code for answer in await asyncio.gather(working, newest, other)] == [200, 200, 200]

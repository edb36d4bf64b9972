"""Threads, memory, the log and the address of a server that runs for long."""

from __future__ import annotations

import contextlib
import io
import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from server_helpers import PICTURE, TIGHT_LIMITS, begin, editor_app, own_mask, render, running

from maskgan.cli.main import main
from maskgan.errors import UserError
from maskgan.server import app_state
from maskgan.server.app_state import AppState
from maskgan.server.executor import DaemonExecutor
from maskgan.server.inference_service import InferenceService
from maskgan.server.limits import Limits
from maskgan.server.memory import configure_allocation, release_memory
from maskgan.server.runner import address_of, open_socket


@pytest.fixture
def limits() -> Limits:
    return TIGHT_LIMITS


def test_threads_do_not_hold_the_exit() -> None:
    code = """
import threading
from maskgan.server.executor import DaemonExecutor
executor = DaemonExecutor(2, "stuck")
for _ in range(3):
    executor.submit(threading.Event().wait)
executor.shutdown(wait=False, cancel_futures=True)
print("done")
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert ended.stdout == "done\n"


def test_threads_run_what_they_are_given() -> None:
    executor = DaemonExecutor(2, "working")
    futures = [executor.submit(pow, number, 2) for number in range(50)]
    assert [future.result(20) for future in futures] == [number**2 for number in range(50)]
    with pytest.raises(ZeroDivisionError):
        executor.submit(divmod, 1, 0).result(20)
    gate, begun = threading.Event(), threading.Barrier(3)

    def held() -> bool:
        begun.wait(20)
        return gate.wait(20)

    working = [executor.submit(held) for _ in range(2)]
    begun.wait(20)
    late = executor.submit(pow, 2, 2)
    assert late.cancel()
    gate.set()
    executor.shutdown()
    assert all(future.result() for future in working)
    with pytest.raises(RuntimeError):
        executor.submit(pow, 2, 2)


@pytest.mark.slow
def test_a_server_that_is_told_to_stop_ends_though_an_upload_never_decodes(tiny_weights: Path, tmp_path: Path) -> None:
    code = """
import pathlib, sys, threading
from maskgan.cli.main import main
from maskgan.server import app_state

def stuck(*_):
    pathlib.Path(sys.argv[2]).touch()
    threading.Event().wait()

app_state.parse_form = stuck
sys.exit(main(["serve", "--port", "0", "--quiet", "--weights", sys.argv[1]]))
"""
    decoding = tmp_path / "decoding"
    command = [sys.executable, "-c", code, str(tiny_weights), str(decoding)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = next(word for word in process.stdout.readline().split() if word.startswith("http://"))

        def post() -> None:
            with contextlib.suppress(httpx.HTTPError):
                httpx.post(f"{address}api/sessions", files={"picture": PICTURE}, timeout=120)

        for _ in range(3):  # one more than there are threads
            thread = threading.Thread(
                target=post,
                daemon=True,
            )
            thread.start()
        deadline = time.monotonic() + 60
        while not decoding.exists():
            assert time.monotonic() < deadline, "no upload was decoded"
            time.sleep(0.05)
        assert httpx.get(f"{address}healthz").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.mark.anyio
async def test_memory_of_sessions_that_ended_is_given_back(
    service: InferenceService, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure_allocation()
    assert release_memory() in (True, False)
    released = []
    monkeypatch.setattr(app_state, "release_memory", lambda: released.append(threading.current_thread()))
    app = editor_app(service)
    async with running(app) as client:
        state: AppState = app.state.editor
        session = await begin(client)
        await state.sweep()
        assert released == []
        await client.delete(f"/api/sessions/{session['id']}")
        await state.sweep()
        await state.sweep()
        assert len(released) == 1 and released[0] is not threading.main_thread()


class Full(io.StringIO):
    """A file on a disk that is full."""

    def write(self, _: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.anyio
@pytest.mark.parametrize("broken", [Full(), None], ids=["full", "closed"])
async def test_a_log_that_cannot_be_written_costs_no_answer(
    client: httpx.AsyncClient, service: InferenceService, monkeypatch: pytest.MonkeyPatch, broken: io.StringIO | None
) -> None:
    main(["labels"])  # installs the handler of the program
    if broken is None:
        broken = io.StringIO()
        broken.close()
    monkeypatch.setattr(sys, "stderr", broken)
    assert logging.getLogger("maskgan").handlers
    answer = await client.post("/api/sessions", files={"picture": PICTURE[:60]})
    assert answer.status_code == 400 and "damaged" in answer.json()["error"]

    def faulty(*_: object) -> None:
        raise ValueError("a fault")

    monkeypatch.setattr(service, "face", faulty)
    answer = await client.post("/api/sessions", files={"picture": PICTURE})
    assert answer.status_code == 500 and "internal error" in answer.json()["error"]
    assert main(["edit", "nothing.png"]) == 2


@pytest.mark.anyio
async def test_nothing_of_a_face_stays_in_caches(client: httpx.AsyncClient) -> None:
    session = await begin(client, picture=PICTURE)
    path = f"/api/sessions/{session['id']}"
    await client.post(f"{path}/style", files={"picture": PICTURE})
    mask = (await own_mask(client, session)).tobytes()
    answers = [
        await client.get(f"{path}/picture.png"),
        await client.get(f"{path}/mask"),
        await client.get(f"{path}/edited"),
        await client.get(f"{path}/style.jpg"),
        await render(client, session, await own_mask(client, session)),
        await client.post(f"{path}/result", content=mask),
        await client.post(f"{path}/mask.png", content=mask),
        await client.post(f"{path}/project", files={"mask": mask, "editor": b"{}"}),
        await client.post(f"{path}/move", files={"mask": mask, "move": b'{"random": 1, "amount": 0}'}),
    ]
    assert {(answer.status_code, answer.headers["cache-control"]) for answer in answers} == {(200, "no-store")}
    assert "immutable" in (await client.get("/api/portraits/1.jpg")).headers["cache-control"]


@pytest.mark.parametrize("host", ["0.0.0.0", "0", "0.0", "0x0", "::", "::0", "*", "127.0.0.1", "localhost"])
def test_the_address_can_be_opened(host: str) -> None:
    try:
        listener = open_socket(host, 0)
    except UserError:
        pytest.skip(f"this machine does not listen on {host}")
    with listener:
        address = httpx.URL(address_of(listener, host, None))
        assert address.host not in ("", "*", "0", "0.0", "0x0", "0.0.0.0", "::", "::0")
        with socket.create_connection((address.host, address.port), timeout=20):
            pass

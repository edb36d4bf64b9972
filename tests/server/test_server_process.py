"""The real server on a real socket: starting, serving, clients that leave, stopping."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import numpy as np
import pytest
import uvicorn
from server_helpers import begin, editor_app, own_mask, picture_of, png, render, tiny_service

from maskgan.cli.main import main
from maskgan.errors import UserError
from maskgan.images import Picture
from maskgan.server.inference_service import RenderRequest
from maskgan.server.runner import DEFAULT_PORT, address_of, open_socket


def serve(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "maskgan", "serve", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def address_in(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    return next(word for word in line.split() if word.startswith("http://"))


@pytest.fixture
def server(tiny_weights: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = serve("--port", "0", "--weights", str(tiny_weights))
    try:
        yield process, address_in(process)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_it_serves_logs_and_ends_quietly(server: tuple[subprocess.Popen[str], str], tiny_weights: Path) -> None:
    process, address = server

    async def use() -> None:
        async with httpx.AsyncClient(base_url=address, timeout=30) as client:
            session = await begin(client, picture=png(np.full((64, 64, 3), 90, dtype=np.uint8)))
            assert session["parsed"]
            mask = await own_mask(client, session)
            mask[100:200, 100:200] = 13
            answers = await asyncio.gather(*(render(client, session, mask, quality="full") for _ in range(8)))
            assert all(picture_of(answer).shape == (64, 64, 3) for answer in answers)

    asyncio.run(use())
    port = address.rstrip("/").rpartition(":")[2]
    second = serve("--port", port, "--weights", str(tiny_weights))
    _, error = second.communicate(timeout=60)
    assert second.returncode == 2
    assert error.startswith(f"maskgan: error: port {port} is in use; choose another with --port")
    assert error.count("\n") == 1
    process.send_signal(signal.SIGINT)
    output, log = process.communicate(timeout=30)
    assert process.returncode == 0 and output == "The editor has ended.\n"
    lines = [json.loads(line) for line in log.splitlines()]
    renders = [line for line in lines if line["route"] == "/api/sessions/{session_id}/render"]
    assert len(renders) == 8
    assert all(line["status"] == 200 and line["in"] == 512 * 512 and line["out"] > 0 for line in renders)


@pytest.mark.slow
def test_beyond_this_machine_a_token_is_needed(tiny_weights: Path) -> None:
    process = serve("--host", "0.0.0.0", "--port", "0", "--quiet", "--weights", str(tiny_weights))
    try:
        address = httpx.URL(address_in(process)).copy_with(host="127.0.0.1")
        with httpx.Client() as client:
            assert client.get(address.copy_with(raw_path=b"/api/info")).status_code == 401
            assert client.get(address).status_code != 401
            assert client.get(address.copy_with(raw_path=b"/api/info")).status_code == 200
    finally:
        process.terminate()
        assert process.wait(30) == 0
        process.communicate()


def test_help_needs_no_torch_and_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "import sys; from maskgan.cli.main import main; main(['serve', '--help']); sys.exit('torch' in sys.modules)"
    help_text = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "--token" in help_text
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["serve"]) == 2
    assert "pip install 'maskgan[serve]'" in capsys.readouterr().err
    assert main(["serve", "--token", "a b;c"]) == 2


@pytest.mark.parametrize(("given", "policy"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_that_wait_leave_the_cores_to_others(
    monkeypatch: pytest.MonkeyPatch, given: str | None, policy: str
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", given or "")
    if given is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")
    assert main(["serve", "--host", "no.such.address.invalid"]) == 2
    assert os.environ["OMP_WAIT_POLICY"] == policy


def test_a_port_in_use_is_passed_over_unless_it_was_asked_for() -> None:
    with open_socket("127.0.0.1", None) as first, open_socket("127.0.0.1", None) as second:
        ports = [listener.getsockname()[1] for listener in (first, second)]
        assert DEFAULT_PORT <= ports[0] < ports[1]
        assert address_of(second, "127.0.0.1", "secret") == f"http://127.0.0.1:{ports[1]}/?token=secret"
        with pytest.raises(UserError, match=f"port {ports[0]} is in use"):
            open_socket("127.0.0.1", ports[0])


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.1", "a" * 300, ""])
def test_addresses_that_are_not_this_machines(host: str) -> None:
    with pytest.raises(UserError, match=r"--host .*127\.0\.0\.1 always works"):
        open_socket(host, 0)


@pytest.mark.anyio
async def test_a_client_that_leaves_has_its_render_dropped(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = tiny_service(tiny_weights)
    began, gate, rendered = threading.Event(), threading.Event(), []
    original = service.render

    def held(requests: Sequence[RenderRequest]) -> list[Picture]:
        began.set()
        assert gate.wait(20)
        rendered.extend(requests)
        return original(requests)

    monkeypatch.setattr(service, "render", held)
    listener = open_socket("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(editor_app(service), log_config=None))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        async with httpx.AsyncClient(base_url=address, timeout=30) as client:
            sessions = [await begin(client) for _ in range(2)]
            masks = [await own_mask(client, session) for session in sessions]
            working = asyncio.create_task(render(client, sessions[0], masks[0]))
            assert await asyncio.to_thread(began.wait, 20)
            leaving = asyncio.create_task(render(client, sessions[1], masks[1]))
            await _until_waiting(client, 1)
            leaving.cancel()
            await _until_waiting(client, 0)
            gate.set()
            assert (await working).status_code == 200
            assert len(rendered) == 1
    finally:
        gate.set()
        server.should_exit = True
        await serving


async def _until_waiting(client: httpx.AsyncClient, number: int) -> None:
    async with asyncio.timeout(20):
        while (await client.get("/healthz")).json()["queue"] != number:
            await asyncio.sleep(0.02)


def test_addresses_of_ipv6_are_bracketed() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        listener = open_socket("::1", 0)
    except UserError:
        pytest.skip("this machine has no IPv6 loopback")
    with listener:
        assert address_of(listener, "::1", None).startswith("http://[::1]:")

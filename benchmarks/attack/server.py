"""A server of its own process to attack, and misuses of its interface: it answers one line, and stays up."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from benchmarks.attack.mutation import variant
from benchmarks.memory import resident_megabytes
from PIL import Image

ALIVE_SECONDS = 5.0
"""In which the server must answer while it is attacked."""
STOP_SECONDS = 15.0
"""In which it must end when it is told to; requests at hand get five of them."""

_CROP = b'{"x": 30, "y": 30, "side": 32}'
_SWEEP_SECONDS = 65.0  # the server gives memory back every minute
_IDLE = 600  # connections, more than a server holds


@dataclass
class Served:
    """A server that runs.

    Attributes:
        address: ``http://127.0.0.1:PORT``.
        process: its process.
    """

    address: str
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        """Its port."""
        return httpx.URL(self.address).port or 80

    def memory(self) -> int:
        """Resident MB now; 0 where the system does not tell."""
        return resident_megabytes(self.process.pid)

    def is_alive(self) -> bool:
        """Whether it answers within the bound."""
        try:
            return httpx.get(f"{self.address}/healthz", timeout=ALIVE_SECONDS).status_code == 200
        except httpx.HTTPError:
            return False


@dataclass
class Misuse:
    """What misuses brought to light."""

    tried: int = 0
    faults: list[str] = field(default_factory=list)


@contextmanager
def serving(weights: Path | None, misuse: Misuse) -> Iterator[Served]:
    """A server until the block ends; whether it then ends in time and without a fault in its log is a finding, too."""
    options = [] if weights is None else ["--weights", str(weights)]
    command = [sys.executable, "-m", "maskgan", "serve", "--port", "0", *options]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            address = next((word for word in line.split() if word.startswith("http://")), None)
            if address is None:
                raise SystemExit("the server did not start")
            yield Served(address.rstrip("/"), process)
            process.send_signal(signal.SIGTERM)
            try:
                if process.wait(STOP_SECONDS) != 0:
                    misuse.faults.append(f"the server ended with code {process.returncode}")
            except subprocess.TimeoutExpired:
                misuse.faults.append(f"the server did not end within {STOP_SECONDS:g} s")
        finally:
            process.kill()
            process.communicate()
        log.seek(0)
        misuse.faults += [line.strip() for line in log if '"error": ' in line or "Traceback" in line]


def misuse_interface(served: Served, rounds: int, misuse: Misuse, first: int = 0) -> None:
    """Requests that make no sense, floods, bombs and slow clients, then mutated requests; all must be answered."""
    for name, request in _raw_requests():
        _expect(misuse, name, _exchange(served, request))
    _hold_idle_connections(served, misuse)
    asyncio.run(_mutated(served, rounds, misuse, first))
    if not served.is_alive():
        misuse.faults.append("after the mutated requests the server does not answer")


def fill_and_empty(served: Served, sessions: int, misuse: Misuse) -> tuple[int, int]:
    """Open photographs of 4 megapixels and end their sessions; the server's memory then, and a sweep later."""
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (2000, 2000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, "JPEG")
    ids = []
    with httpx.Client(base_url=served.address, timeout=120) as client:
        mask = io.BytesIO()
        Image.fromarray(np.zeros((512, 512), np.uint8)).save(mask, "PNG")
        for _ in range(sessions):
            answer = client.post("/api/sessions", files={"picture": buffer.getvalue(), "mask": mask.getvalue()})
            misuse.tried += 1
            if answer.status_code != 201:
                misuse.faults.append(f"session {len(ids)}: {answer.status_code} {answer.text[:80]}")
                break
            ids.append(answer.json()["id"])
        full = served.memory()
        for session in ids:
            client.delete(f"/api/sessions/{session}")  # the longest unused ones have given way
        time.sleep(_SWEEP_SECONDS)
    return full, served.memory()


def _raw_requests() -> Iterator[tuple[str, bytes]]:
    def get(path: str = "/api/info", *headers: str, host: str = "127.0.0.1") -> bytes:
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def post(path: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
        lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers]
        lines.append(f"Content-Length: {len(body) if length is None else length}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    form = "Content-Type: multipart/form-data; boundary=x"
    for noise in ("\\", '"', ";", "=", 'a="\\'):
        yield "cookie", get("/api/info", "Cookie: " + noise * (60_000 // len(noise)))
        yield "content type", post("/api/sessions", b"--x--", "Content-Type: multipart/form-data; " + noise * 50_000)
        yield "accept", get("/api/info", "Accept: " + noise * 50_000)
    for host in ("evil.example", "", "[::1", "127.0.0.1.evil.example", "127.0.0.1:99999999999", "a" * 60_000):
        yield "host", get(host=host)
    for origin in ("https://evil.example", "null", "http://[", "file://"):
        yield "origin", get("/api/info", f"Origin: {origin}")
    for path in ("/page/../app.py", "/page/%2e%2e/app.py", "/page//etc/passwd", "/page/%00", "//etc/passwd"):
        yield "path", get(path)
    for path in (
        "/" + "a" * 60_000,
        f"/api/sessions/{'x' * 50_000}/mask",
        "/?" + "a=b&" * 15_000,
        "/?token=" + "x" * 60_000,
    ):
        yield "long path", get(path)
    for number in ("9" * 400, "1e999", "NaN", "-Infinity", "9" * 5000):
        crop = f'--x\r\nContent-Disposition: form-data; name="crop"\r\n\r\n{{"x": {number}, "y": 1, "side": 20}}\r\n'
        picture = b'--x\r\nContent-Disposition: form-data; name="picture"\r\n\r\n' + _picture() + b"\r\n--x--"
        yield "number", post("/api/sessions", crop.encode() + picture, form)
        yield "number", post("/api/sessions", f'{{"portrait": {number}}}'.encode(), "Content-Type: application/json")
    yield "gzip bomb", post("/api/sessions", gzip.compress(bytes(150 << 20)), form, "Content-Encoding: gzip")
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_DEFLATED):
        bomb = b'--x\r\nContent-Disposition: form-data; name="project"\r\n\r\n' + _bomb(method) + b"\r\n--x--"
        yield "project bomb", post("/api/sessions", bomb, form)
    for depth in (300, 3000, 100_000):
        yield "nesting", post("/api/sessions", b"[" * min(depth, 60_000), "Content-Type: application/json")
    yield "length", post("/api/sessions", b"", form, length=10**18)
    yield "no request", b"\x16\x03\x01" + bytes(500)
    yield "no request", b"GET / HTTP/9.9\r\n\r\n"
    yield "two lengths", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"
    yield "smuggled", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"


def _expect(misuse: Misuse, name: str, answer: bytes | None) -> None:
    misuse.tried += 1
    if answer is None:
        misuse.faults.append(f"{name}: not answered within {ALIVE_SECONDS:g} s")
    elif answer and not re.match(rb"HTTP/1\.1 (2|3|4|503)", answer):
        misuse.faults.append(f"{name}: {answer[:80]!r}")


def _exchange(served: Served, request: bytes) -> bytes | None:
    """The beginning of the answer; empty if the connection was closed, ``None`` if nothing came in time."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=ALIVE_SECONDS) as connection:
        with contextlib.suppress(ConnectionError):  # refused before all of it was sent
            connection.sendall(request)
        try:
            return connection.recv(200)
        except TimeoutError:
            return None
        except ConnectionError:
            return b""


def _hold_idle_connections(served: Served, misuse: Misuse) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(_IDLE):
            try:
                connection = socket.create_connection(("127.0.0.1", served.port), timeout=ALIVE_SECONDS)
            except OSError as error:
                misuse.faults.append(f"connection {number} of {_IDLE}: {error}")
                return
            stack.enter_context(connection)
            if number % 2:
                with contextlib.suppress(ConnectionError):
                    connection.sendall(b"GET / HTTP/1.1\r\n")
        misuse.tried += _IDLE
        if not served.is_alive():
            misuse.faults.append(f"with {_IDLE} idle connections the server does not answer")


async def _mutated(served: Served, rounds: int, misuse: Misuse, first: int) -> None:
    async with httpx.AsyncClient(base_url=served.address, timeout=60) as client:
        begun = (await client.post("/api/sessions", json={"portrait": 7})).json()
        path = f"/api/sessions/{begun['id']}"
        mask = (await client.get(f"{path}/mask")).content
        project = (await client.post(f"{path}/project", files={"mask": mask, "editor": b"{}"})).content
        good = [
            client.build_request("POST", "/api/sessions", files={"picture": _picture()}),
            client.build_request("POST", "/api/sessions", files={"picture": _picture(), "crop": _CROP}),
            client.build_request("POST", "/api/sessions", files={"project": project}),
            client.build_request("POST", "/api/sessions", json={"portrait": 3}),
            client.build_request("POST", f"{path}/style", json={"portrait": 2}),
            client.build_request("POST", f"{path}/move", files={"mask": mask, "move": b'{"random":1,"amount":1}'}),
            client.build_request("POST", f"{path}/render", content=mask),
            client.build_request("POST", f"{path}/mask.png", content=mask),
            client.build_request("POST", f"{path}/refinement", json={"steps": 1}),
        ]
        for number in range(first, first + rounds):
            for request in good:
                body = variant([request.read()], request.url.path.rpartition("/")[2], number)
                headers = {"Content-Type": request.headers.get("content-type", "application/octet-stream")}
                misuse.tried += 1
                try:
                    answer = await client.post(request.url, content=body, headers=headers)
                except httpx.HTTPError as error:
                    misuse.faults.append(f"{request.url.path} {number}: {type(error).__name__}")
                    continue
                if answer.status_code >= 500 and answer.status_code != 503:
                    misuse.faults.append(f"{request.url.path} {number}: {answer.status_code} {answer.text[:80]}")


def _picture() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((64, 64, 3), 120, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def _bomb(method: int) -> bytes:
    buffer = io.BytesIO()
    manifest = json.dumps({"format": 1, "editor": {}})
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("project.json", manifest)
        for name in ("source.png", "mask.png", "edited.png"):
            archive.writestr(name, bytes(64 << 20))
    return buffer.getvalue()

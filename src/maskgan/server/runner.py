"""Running the editor's server: a socket, the networks, and an end without noise."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import re
import signal
import socket
from collections.abc import Callable, Generator
from pathlib import Path

import torch
import uvicorn
from fastapi import FastAPI

from maskgan.assets import shipped_directions, shipped_weights
from maskgan.checkpoints.weights import read_info, sha256
from maskgan.editing.face_detection import FaceDetector
from maskgan.editing.mask_manifold import MaskManifold
from maskgan.editing.parsing import Parser
from maskgan.editing.recipes import weights_in_use
from maskgan.editing.renderer import Precision, Renderer
from maskgan.errors import UserError
from maskgan.server.app import create_app
from maskgan.server.connection import CONNECTIONS, BoundedProtocol
from maskgan.server.inference_service import InferenceService
from maskgan.server.limits import Limits
from maskgan.server.memory import configure_allocation
from maskgan.server.page_info import ServerInfo
from maskgan.server.security import is_loopback, names_of

DEFAULT_PORT = 8080

_TRIED = 100  # ports after the default one
_STOP_SECONDS = 5  # that running requests have when the server stops
_KEEP_ALIVE = 75
_BACKLOG = 128  # connections taken at once; with those that are open, fewer than the files of a process (1024)
_GPU_BATCH = 8
_MAX_THREADS = 8  # a face of 256 px is too small to keep more cores busy


def open_socket(host: str, port: int | None) -> socket.socket:
    """A bound socket; called first, so that no weights are loaded where the port is taken.

    Args:
        host: address to listen on.
        port: ``None``: 8080, or the next one that is free; 0: any.

    Raises:
        UserError: the address is unknown, or the port is in use or may not be used.
    """
    try:
        # The protocol is named, for asyncio sets TCP_NODELAY only where it is.
        family, _, protocol, _, address = socket.getaddrinfo(
            host, port or 0, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )[0]
    except (OSError, UnicodeError):
        raise UserError(f"--host {host}: this machine has no such address; 127.0.0.1 always works") from None
    ports = range(DEFAULT_PORT, DEFAULT_PORT + _TRIED) if port is None else [port]
    for number in ports:
        listener = socket.socket(family, socket.SOCK_STREAM, protocol)
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address[0], number, *address[2:]))
            listener.listen()
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRINUSE and port is None:
                continue
            raise UserError(_why_not(host, number, error)) from None
        return listener
    raise UserError(f"ports {ports[0]} to {ports[-1]} are all in use; choose another with --port")


def address_of(listener: socket.socket, host: str, token: str | None) -> str:
    """What to open in the browser."""
    address, port = listener.getsockname()[:2]
    if ipaddress.ip_address(address.partition("%")[0]).is_unspecified:  # however it was written: 0.0.0.0, ::, 0, *
        name = _own_name()
    elif re.fullmatch(r"[A-Za-z0-9.:-]+", host):
        name = host
    else:
        name = address.replace("%", "%25")  # RFC 6874
    name = f"[{name}]" if ":" in name else name
    return f"http://{name}:{port}/" + ("" if token is None else f"?token={token}")


def editor_app(weights: Path | None, device: str, precision: Precision, host: str, token: str | None) -> FastAPI:
    """The application with its networks loaded and warm.

    Raises:
        UserError: the weights are missing, damaged or of another model type.
    """
    configure_allocation()
    torch.set_num_threads(_threads())
    path = shipped_weights("edit") if weights is None else weights
    renderer = Renderer.from_weights(path, device, precision)
    vae = shipped_weights("mask-vae")
    directions = shipped_directions()
    manifold = MaskManifold.from_weights(vae, device, directions if directions.is_file() else None)
    detector = FaceDetector.from_weights(shipped_weights("face-detector"))
    service = InferenceService(renderer, Parser(shipped_weights("parser"), device), manifold, detector)
    service.warm_up()
    info = read_info(path)
    server_info = ServerInfo(device, sha256(path), info.resolution, info.licence, weights_in_use(path))
    limits = Limits(batch_size=1 if device == "cpu" else _GPU_BATCH)
    return create_app(service, server_info, limits, names=names_of(host) if is_loopback(host) else None, token=token)


def run(app: FastAPI, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Answer requests until SIGINT or SIGTERM; then let running ones finish.

    Args:
        app: what answers.
        listener: where.
        ready: called when the first request can be answered.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        ws="none",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
        timeout_keep_alive=_KEEP_ALIVE,
        limit_concurrency=CONNECTIONS,
        backlog=_BACKLOG,
        http=BoundedProtocol,
    )
    _Server(config, ready).run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """As uvicorn's, but a handled signal is not raised again: stopping on request is no failure."""
        handled = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _threads() -> int:
    """Threads of one pass of the network: all cores, for one pass runs at a time; ``OMP_NUM_THREADS`` takes precedence.

    The event loop and the encoding of pictures need so little beside it that a core set apart for them would idle.
    """
    if os.environ.get("OMP_NUM_THREADS", "").isdecimal():
        return torch.get_num_threads()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _MAX_THREADS)


def _own_name() -> str:
    name = socket.gethostname()
    try:
        socket.getaddrinfo(name, None)
    except OSError:
        return "127.0.0.1"
    return name


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use; choose another with --port, or leave --port away to take a free one"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"port {port} may not be used by this user; choose one above 1023 with --port"
    return f"--host {host}: cannot listen there ({(error.strerror or str(error)).lower()}); 127.0.0.1 always works"

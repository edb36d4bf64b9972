"""A plain server of static files on this machine, for looking at an exported editor."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from maskgan.errors import UserError

ADDRESS = "127.0.0.1"
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",  # with the next, what threads need
    "Cross-Origin-Embedder-Policy": "require-corp",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


class _Handler(SimpleHTTPRequestHandler):
    # Some systems' tables of types are wrong about scripts, and browsers refuse modules of a wrong type.
    extensions_map = {  # noqa: RUF012  (the base class declares it so)
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".json": "application/json",
        ".gzip": "application/octet-stream",
    }

    def end_headers(self) -> None:
        """End the headers of an answer."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


def static_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of a folder on 127.0.0.1; ``serve_forever`` runs it.

    Raises:
        UserError: the port is in use or may not be used.
    """
    try:
        return ThreadingHTTPServer((ADDRESS, port), partial(_Handler, directory=str(folder)))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"--serve {port}: cannot listen there ({reason}); choose another port") from error

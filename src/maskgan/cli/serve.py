"""``maskgan serve``: the editor in the browser."""

from __future__ import annotations

import re
from pathlib import Path

import click

from maskgan.cli.options import network_options, resolve_device

_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,128}")


@click.command("serve", short_help="The editor in the browser: paint the mask, see the face follow.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port.  [default: 8080, or the next one that is free]")
@click.option("--open", "show", is_flag=True, help="Open the browser, where there is one.")
@click.option(
    "--token",
    envvar="MASKGAN_TOKEN",
    help="Access token in the URL.  [default: random on addresses other than loopback, else none]",
)
@click.option("--quiet", is_flag=True, help="Do not log requests.")
@network_options
def command(
    host: str,
    port: int | None,
    show: bool,
    token: str | None,
    quiet: bool,
    weights: str | None,
    device: str | None,
    precision: str,
) -> None:
    """Serve the editor; open the printed address in a browser.

    By default only this machine can reach it. Nothing is kept on disk. Ctrl-C ends it.
    """
    import logging
    import os
    import secrets

    _require_server()
    # The browser computes beside the networks: threads that wait for each other must leave the cores to it. OpenMP
    # reads this once, when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from maskgan.editing.renderer import Precision
    from maskgan.server.runner import address_of, editor_app, open_socket, run
    from maskgan.server.security import is_loopback

    if token is None and not is_loopback(host):
        token = secrets.token_urlsafe(16)
    if token is not None and not _TOKEN.fullmatch(token):
        raise click.BadParameter("8 to 128 letters, digits, '-' and '_' are needed", param_hint="--token")
    if quiet:
        logging.getLogger("maskgan.server").setLevel(logging.WARNING)
    with open_socket(host, port) as listener:
        address = address_of(listener, host, token)
        chosen = None if weights is None else Path(weights)
        arithmetic: Precision = "bf16" if precision == "bf16" else "fp32"
        app = editor_app(chosen, resolve_device(device), arithmetic, host, token)

        def ready() -> None:
            click.echo(f"The editor is at {address} (Ctrl-C ends it)")
            if show:
                _show_in_browser(address)

        run(app, listener, ready)
    click.echo("The editor has ended.")


def _require_server() -> None:
    """Raise unless the packages that serve are installed.

    Raises:
        UserError: one is missing.
    """
    from importlib.util import find_spec

    from maskgan.errors import UserError

    if missing := [name for name in ("fastapi", "uvicorn") if find_spec(name) is None]:
        raise UserError(f"{missing[0]} is not installed; the editor needs it: pip install 'maskgan[serve]'")


def _show_in_browser(address: str) -> None:
    """Open the browser; where there is none, the address that was printed is enough."""
    import contextlib
    import os
    import sys
    import webbrowser

    # Without a display, a browser of the terminal might start and take the terminal over.
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return
    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(address)

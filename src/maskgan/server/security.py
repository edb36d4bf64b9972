"""Who may talk to the server: this page in a person's own browser, and programs that know the token.

A server on the loopback is reachable by every page that the browser shows. Three things keep them out: ``Host`` must
name this machine (a foreign name that was made to point here is refused), ``Origin`` and ``Sec-Fetch-Site`` must not
name another page, and nothing is answered in a form that another page could embed. Beyond the loopback a token is
needed as well.
"""

from __future__ import annotations

import ipaddress
import json
import secrets
from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from maskgan.server.http_errors import HTTPError

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # an address may carry the token
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_MAX_QUERY_FIELDS = 16
_MAX_COOKIE_HEADER = 16 << 10  # browsers send a few kB; what is longer is not looked at
_COOKIE = "maskgan-token"


class SecurityMiddleware:
    """ASGI middleware that lets through what is allowed, and puts the protecting headers on every answer."""

    def __init__(
        self,
        app: ASGIApp,
        names: Iterable[str] | None,  # that Host may give; None: any, where a token guards
        token: str | None,
    ) -> None:
        self._app = app
        self._names = None if names is None else frozenset(names)
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no websockets here
            return
        headers = Headers(scope=scope)
        # An address may carry the token for the page alone: addresses end up in histories.
        offered = _token_in_query(scope) if scope["path"] == "/" else None

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    answer[name] = value
                if self._token is not None and offered is not None and _same(offered, self._token):
                    cookie = f"{_cookie_name(headers)}={self._token}; Path=/; HttpOnly; SameSite=Strict"
                    answer.append("Set-Cookie", cookie)
            await send(message)

        try:
            self._check_host(headers)
            _check_origin(scope, headers)
            self._check_token(headers, offered)
        except HTTPError as error:
            await _refuse(error, send_guarded)
            return
        await self._app(scope, receive, send_guarded)

    def _check_host(self, headers: Headers) -> None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or (self._names is not None and _name_of(hosts[0]) not in self._names):
            raise HTTPError(
                403, "this server answers only to its own address; open the one that 'maskgan serve' printed"
            )

    def _check_token(self, headers: Headers, offered: str | None) -> None:
        if self._token is None:
            return
        given = (*_tokens_in_cookies(headers), _token_in_authorization(headers), offered)
        if not any(token is not None and _same(token, self._token) for token in given):
            raise HTTPError(401, "a token is needed; open the address with ?token=... that 'maskgan serve' printed")


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def names_of(host: str) -> frozenset[str]:
    """What ``Host`` may say to a server that listens on the loopback address ``host``."""
    return _LOCAL_NAMES | {host.lower()}


def cookie_values(header: str, name: str) -> list[str]:
    """The values of the cookies called ``name`` in a ``Cookie`` header; none in one of over 16 KiB.

    One pass over the header: it is read before the token is known, and ``http.cookies`` takes quadratic time.
    Two cookies may share a name where another server of this machine set one for a longer path (RFC 6265, 5.4).
    """
    if len(header) > _MAX_COOKIE_HEADER:
        return []
    pairs = (pair.partition("=") for pair in header.split(";"))
    return [value.strip() for key, _, value in pairs if key.strip() == name]


def _check_origin(scope: Scope, headers: Headers) -> None:
    """Refuse what another page began; opening the editor from a link elsewhere is allowed."""
    if any(_netloc(origin) != headers["host"].lower() for origin in headers.getlist("origin")):
        raise HTTPError(403, "another page may not use this editor")
    opened = scope["method"] == "GET" and scope["path"] == "/" and headers.get("sec-fetch-mode") == "navigate"
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none") and not opened:
        raise HTTPError(403, "another page may not use this editor")


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _name_of(host: str) -> str:
    """The name in ``Host``, without port; brackets of IPv6 addresses removed."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _token_in_query(scope: Scope) -> str | None:
    try:
        values = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=_MAX_QUERY_FIELDS)
    except ValueError:
        return None
    return values.get("token", [None])[0]


def _tokens_in_cookies(headers: Headers) -> list[str]:
    name = _cookie_name(headers)
    return [value for header in headers.getlist("cookie") for value in cookie_values(header, name)]


def _token_in_authorization(headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _cookie_name(headers: Headers) -> str:
    # Cookies know no ports: two servers on one machine must not take each other's.
    port = headers.get("host", "").rpartition(":")[2]
    return f"{_COOKIE}-{port}" if port.isdecimal() else _COOKIE


def _same(offered: str, token: str) -> bool:
    return secrets.compare_digest(offered.encode(), token.encode())


async def _refuse(error: HTTPError, send: Send) -> None:
    body = json.dumps({"error": error.message}).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body)), **error.headers}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})

"""Who may use the server: not other pages, not names that were made to point here, nobody without the token."""

from __future__ import annotations

import httpx
import pytest
from server_helpers import ADDRESS, begin, editor_app, running

from maskgan.server.inference_service import InferenceService
from maskgan.server.security import is_loopback

pytestmark = pytest.mark.anyio

TOKEN = "a-token-for-tests"


@pytest.fixture
async def client(service: InferenceService) -> httpx.AsyncClient:
    async with running(editor_app(service)) as client:
        yield client


@pytest.fixture
async def guarded(service: InferenceService) -> httpx.AsyncClient:
    async with running(editor_app(service, token=TOKEN)) as client:
        yield client


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:9000"}, 200),  # as through a tunnel
        ({"Host": "[::1]:8080"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example:8080"}, 403),
        ({"Host": "[::1"}, 403),
        ({"Host": ""}, 403),
        ({"Origin": ADDRESS}, 200),
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
    ],
)
async def test_only_this_page_is_answered(client: httpx.AsyncClient, headers: dict[str, str], status: int) -> None:
    answer = await client.get("/api/info", headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert "\n" not in answer.json()["error"]
    written = await client.post("/api/sessions", json={"portrait": 7}, headers=headers)
    assert written.status_code == (201 if status == 200 else 403)


async def test_two_hosts_or_origins_are_refused(client: httpx.AsyncClient) -> None:
    for name in ("Host", "Origin"):
        headers = [(name, "evil.example"), (name, ADDRESS if name == "Origin" else "127.0.0.1:8080")]
        assert (await client.get("/healthz", headers=headers)).status_code == 403
        assert (await client.get("/healthz", headers=headers[::-1])).status_code == 403


async def test_the_page_may_be_opened_from_a_link(client: httpx.AsyncClient) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert (await client.get("/", headers=headers)).status_code != 403
    assert (await client.get("/", headers={**headers, "Sec-Fetch-Mode": "no-cors"})).status_code == 403


@pytest.mark.parametrize("path", ["/healthz", "/api/portraits/1.jpg?size=64", "/nothing", "/api/info?token=x"])
async def test_every_answer_is_protected(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers


async def test_faults_are_answered_and_logged_without_what_was_sent(
    client: httpx.AsyncClient,
    service: InferenceService,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no such luck")

    monkeypatch.setattr(service, "face", broken)
    with caplog.at_level("INFO", logger="maskgan.server"):
        answer = await client.post("/api/sessions", json={"portrait": 5})
    assert answer.status_code == 500 and "internal error" in answer.json()["error"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    messages = [record.getMessage() for record in caplog.records]
    assert any('"error": "RuntimeError: no such luck"' in m and "test_server_security.py" in m for m in messages)
    assert any('"route": "/api/sessions", "status": 500' in m for m in messages)


async def test_the_log_never_tells_a_sessions_id_or_the_token(
    guarded: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="maskgan.server"):
        guarded.headers["Authorization"] = f"Bearer {TOKEN}"
        session = await begin(guarded)
        await guarded.get(f"/api/sessions/{session['id']}/mask")
        await guarded.get(f"/?token={TOKEN}")
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert '"route": "/api/sessions/{session_id}/mask", "status": 200' in text
    assert session["id"] not in text and TOKEN not in text


async def test_without_the_token_nothing_is_answered(guarded: httpx.AsyncClient) -> None:
    for path in ("/", "/healthz", "/page/main.js", "/api/info", "/openapi.json", "/?token=wrong", "/?token=%ff"):
        answer = await guarded.get(path)
        assert answer.status_code == 401 and "token" in answer.json()["error"], path
    # In a query it opens the page and nothing else: addresses end up in histories and logs.
    assert (await guarded.get(f"/api/info?token={TOKEN}")).status_code == 401
    many = "&".join(f"{i}=" for i in range(100))
    assert (await guarded.get(f"/?{many}&token={TOKEN}")).status_code == 401
    assert (await guarded.get("/api/info", headers={"Authorization": "Bearer wrong"})).status_code == 401
    assert (await guarded.get("/api/info", headers={"Cookie": "maskgan-token-8080=wrong; ;;=\x7f"})).status_code == 401
    assert (await guarded.get("/api/info", headers={"Authorization": f"Bearer {TOKEN}"})).status_code == 200


async def test_the_address_with_the_token_sets_a_cookie(guarded: httpx.AsyncClient) -> None:
    cookie = (await guarded.get(f"/?token={TOKEN}")).headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and cookie.startswith("maskgan-token-8080=")
    assert (await guarded.get("/api/info")).status_code == 200
    # Any host may be asked for where a token guards; another page may still not.
    assert (await guarded.get("/api/info", headers={"Origin": "https://evil.example"})).status_code == 403


def test_loopback_addresses_are_known() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.1.2.3", "::1", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.2", "example.org"))

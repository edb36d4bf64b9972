"""Fixtures of the editor's HTTP side."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from server_helpers import editor_app, running, tiny_service

from maskgan.assets import portrait
from maskgan.editing.session import FaceEditor
from maskgan.images import read_label_map, read_picture
from maskgan.server.inference_service import InferenceService
from maskgan.server.limits import Limits


@pytest.fixture(scope="session")
def service(tiny_weights: Path) -> InferenceService:
    """Tiny networks behind the editor's server."""
    return tiny_service(tiny_weights)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """What runs asynchronous tests."""
    return "asyncio"


@pytest.fixture
def limits() -> Limits | None:
    """Those of ``client``'s server; files of tests with others have a fixture of their own."""
    return None


@pytest.fixture
async def client(service: InferenceService, limits: Limits | None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server with tiny networks."""
    async with running(editor_app(service, limits)) as client:
        yield client


@pytest.fixture
def editor(tiny_weights: Path) -> FaceEditor:
    """The library's session of the portrait that ``begin`` opens."""
    editor = FaceEditor.from_weights(tiny_weights)
    editor.set_source(read_picture(portrait(7)[0]), read_label_map(portrait(7)[1]))
    return editor

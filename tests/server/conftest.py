"""Fixtures of the editor's HTTP side."""

from __future__ import annotations

from pathlib import Path

import pytest
from server_helpers import tiny_service

from maskgan.server.inference_service import InferenceService


@pytest.fixture(scope="session")
def service(tiny_weights: Path) -> InferenceService:
    """Tiny networks behind the editor's server."""
    return tiny_service(tiny_weights)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """What runs asynchronous tests."""
    return "asyncio"

"""A server with tiny networks for the tests of the editor's HTTP side, and what they send to it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import torch
from fastapi import FastAPI
from PIL import Image

from maskgan.assets import shipped_weights
from maskgan.config import preset
from maskgan.editing.face_detection import FaceDetector
from maskgan.editing.mask_manifold import MaskManifold
from maskgan.editing.parsing import Parser
from maskgan.editing.renderer import Renderer
from maskgan.images import Picture, decode_picture
from maskgan.labels import INDEX, LabelMap
from maskgan.networks.mask_vae import MaskVAE
from maskgan.server.app import create_app
from maskgan.server.inference_service import InferenceService
from maskgan.server.limits import Limits
from maskgan.server.page_info import ServerInfo
from maskgan.server.security import names_of

ADDRESS = "http://127.0.0.1:8080"
TIGHT_LIMITS = Limits(upload_bytes=1 << 20, project_bytes=4 << 20, editor_bytes=1 << 20, body_seconds=20)


def tiny_service(dense_mapping: Path) -> InferenceService:
    """A tiny network that renders, a tiny manifold with one direction, and the parser that ships."""
    torch.manual_seed(0)
    vae = MaskVAE(preset("tiny").mask_vae)
    directions = {"wider-smile": torch.ones(vae.config.latent_size)}
    return InferenceService(
        Renderer.from_weights(dense_mapping),
        Parser(shipped_weights("parser")),
        MaskManifold(vae, directions=directions),
        FaceDetector.from_weights(shipped_weights("face-detector")),
    )


def editor_app(service: InferenceService, limits: Limits | None = None, token: str | None = None) -> FastAPI:
    """The application on the loopback, or beyond it where there is a token."""
    info = ServerInfo("cpu", "0" * 64, 64, "none", {"dense-mapping": "0" * 64})
    return create_app(service, info, limits, names=None if token else names_of("127.0.0.1"), token=token)


@asynccontextmanager
async def running(app: FastAPI) -> AsyncGenerator[httpx.AsyncClient, None]:
    """A client of a running application."""
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
            yield client


async def begin(client: httpx.AsyncClient, **files: bytes | dict[str, Any]) -> dict[str, Any]:
    """Begin a session with the parts of a form, or with portrait 7."""
    if not files:
        answer = await client.post("/api/sessions", json={"portrait": 7})
    else:
        parts = {k: json.dumps(v).encode() if isinstance(v, dict) else v for k, v in files.items()}
        answer = await client.post("/api/sessions", files=parts)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def own_mask(client: httpx.AsyncClient, session: dict[str, Any]) -> LabelMap:
    """A session's own mask, to be written to."""
    content = (await client.get(f"/api/sessions/{session['id']}/mask")).content
    return np.frombuffer(content, np.uint8).reshape(session["height"], session["width"]).copy()


async def render(
    client: httpx.AsyncClient, session: dict[str, Any], mask: LabelMap, **query: str | float
) -> httpx.Response:
    """Ask for a picture of a mask, exact where the server can."""
    return await client.post(
        f"/api/sessions/{session['id']}/render",
        params=query,
        content=mask.tobytes(),
        headers={"Accept": "image/png", "Content-Type": "application/octet-stream"},
    )


def picture_of(answer: httpx.Response) -> Picture:
    """The picture in an answer."""
    assert answer.status_code == 200, answer.text
    return decode_picture(BytesIO(answer.content), "answer")


def png(pixels: Picture | LabelMap) -> bytes:
    """A picture's or a grey mask's file."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


PICTURE = png(np.full((64, 64, 3), 127, dtype=np.uint8))
"""A grey picture as a file."""


def with_mouth(mask: LabelMap) -> LabelMap:
    """The mask of portrait 7 with an open mouth."""
    edited = mask.copy()
    edited[340:370, 220:290] = INDEX["mouth"]
    return edited

"""What needs no session: health, what the server is, shipped portraits, where the face is in a photograph."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from maskgan import __version__
from maskgan.editing.framing import Frame, crop_face
from maskgan.labels import CLASSES, MIRROR
from maskgan.server.app_state import AppState, until_disconnect, upload_turn
from maskgan.server.face_search import search_face
from maskgan.server.faces import downscale
from maskgan.server.image_encoding import encode
from maskgan.server.limits import DISPLAY_SIDE, MAP_SIDE
from maskgan.server.portraits import NUMBERS, shipped_portrait
from maskgan.server.routes.responses import FOREVER, form, picture_answer
from maskgan.server.uploads import compose_frames, framed_picture


def general_routes(state: AppState) -> APIRouter:
    """The routes that need no session."""
    router = APIRouter()

    @router.get("/healthz")
    async def health() -> dict[str, Any]:
        """Whether the server is up, and how much it has to do."""
        return {
            "status": "ok",
            "version": __version__,
            "sessions": len(state.sessions),
            "queue": len(state.queue),
        }

    @router.get("/api/info")
    async def info() -> dict[str, Any]:
        """What the page needs to know before it begins."""
        weights = state.info
        return {
            "version": __version__,
            "device": weights.device,
            "weights": {"sha256": weights.sha256, "resolution": weights.resolution, "licence": weights.licence},
            "classes": [
                {"index": c.index, "name": c.name, "title": c.title, "colour": c.colour, "mirror": int(MIRROR[c.index])}
                for c in CLASSES
            ],
            "portraits": [{"number": number} for number in NUMBERS],
            "directions": [
                {"name": name, "title": name.replace("_", " ").replace("-", " ")}
                for name in state.service.manifold.directions
            ],
            "style_parts": state.service.has_part_styles,
            "limits": {
                "upload_bytes": state.limits.upload_bytes,
                "project_bytes": state.limits.project_bytes,
                "pixels": state.limits.pixels,
                "side": MAP_SIDE,
            },
        }

    @router.get("/api/portraits/{number}.jpg", response_class=Response)
    async def portrait(number: int, size: int = Query(DISPLAY_SIDE, ge=16, le=DISPLAY_SIDE)) -> Response:
        """A shipped portrait, its longer side ``size`` at most."""

        def work() -> bytes:
            return encode(downscale(shipped_portrait(number)[0].picture, size), "jpeg")

        return picture_answer(await state.encode(work), "jpeg", FOREVER)

    @router.post("/api/frame", openapi_extra=form("picture", "crop"))
    async def frame(request: Request) -> dict[str, Any]:
        """Where the face is in ``picture``, or in its ``crop``, both parts of a form; what was sent if none is seen."""
        limits = state.limits
        async with upload_turn(request, state, limits.upload_bytes, state.uploading) as parts:
            source, crop = await state.decode(framed_picture, parts, limits)
            picture = source.picture
            height, width = picture.shape[:2]
            searched = picture if crop is None else await state.decode(crop_face, picture, crop)
            found = await until_disconnect(request, search_face(state, searched))
        if found is not None and crop is not None:
            found = compose_frames(crop, found, searched.shape[0])
        proposal = found or crop or Frame(width / 2, height / 2, min(height, width))
        return {"crop": asdict(proposal), "found": found is not None}

    return router

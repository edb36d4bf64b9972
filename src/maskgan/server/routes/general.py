"""What needs no session: health, what the server is, shipped portraits, where the face is in a photograph."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from maskgan import __version__
from maskgan.editing.framing import Frame, cut_out
from maskgan.labels import CLASSES, MIRROR
from maskgan.server.faces import shrunk
from maskgan.server.limits import DISPLAY_SIDE, MAP_SIDE
from maskgan.server.pictures import encode
from maskgan.server.portraits import NUMBERS, shipped_portrait
from maskgan.server.routes.answers import FOREVER, form, picture_answer
from maskgan.server.search import search_face
from maskgan.server.serving import Serving, read_upload_form, unless_gone
from maskgan.server.uploads import framed_picture, within


def general_routes(serving: Serving) -> APIRouter:
    """The routes that need no session."""
    router = APIRouter()

    @router.get("/healthz")
    async def health() -> dict[str, Any]:
        """Whether the server is up, and how much it has to do."""
        return {
            "status": "ok",
            "version": __version__,
            "sessions": len(serving.sessions),
            "queue": len(serving.queue),
        }

    @router.get("/api/info")
    async def info() -> dict[str, Any]:
        """What the page needs to know before it begins."""
        weights = serving.about
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
                for name in serving.studio.manifold.directions
            ],
            "style_parts": serving.studio.has_part_styles,
            "limits": {
                "upload_bytes": serving.limits.upload_bytes,
                "project_bytes": serving.limits.project_bytes,
                "pixels": serving.limits.pixels,
                "side": MAP_SIDE,
            },
        }

    @router.get("/api/portraits/{number}.jpg", response_class=Response)
    async def portrait(number: int, size: int = Query(DISPLAY_SIDE, ge=16, le=DISPLAY_SIDE)) -> Response:
        """A shipped portrait, its longer side ``size`` at most."""

        def work() -> bytes:
            return encode(shrunk(shipped_portrait(number)[0], size), "jpeg")

        return picture_answer(await serving.encode(work), "jpeg", FOREVER)

    @router.post("/api/frame", openapi_extra=form("picture", "crop"))
    async def frame(request: Request) -> dict[str, Any]:
        """Where the face is in ``picture``, or in its ``crop``, both parts of a form; what was sent if none is seen."""
        limits = serving.limits
        async with serving.uploading:
            parts = await read_upload_form(request, serving, limits.upload_bytes)
            picture, crop = await serving.decode(framed_picture, parts, limits)
            height, width = picture.shape[:2]
            searched = picture if crop is None else await serving.decode(cut_out, picture, crop)
            found = await unless_gone(request, search_face(serving, searched))
        if found is not None and crop is not None:
            found = within(crop, found, searched.shape[0])
        proposal = found or crop or Frame(width / 2, height / 2, min(height, width))
        return {"crop": asdict(proposal), "found": found is not None}

    return router

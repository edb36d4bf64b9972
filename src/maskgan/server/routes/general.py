"""What needs no session: health, what the server is, shipped portraits, where faces are in a photograph, previews."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from maskgan import __version__
from maskgan.editing.face_detection import DetectedFace, FaceDetector
from maskgan.editing.framing import Frame, crop_face
from maskgan.images import Picture
from maskgan.server.app_state import AppState, until_disconnect, upload_turn
from maskgan.server.faces import downscale
from maskgan.server.image_encoding import encode
from maskgan.server.limits import DISPLAY_SIDE
from maskgan.server.page_info import page_info
from maskgan.server.portraits import shipped_portrait
from maskgan.server.routes.responses import FOREVER, PRIVATE, form, picture_answer
from maskgan.server.uploads import compose_frames, decode_uploaded_source, framed_picture


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
        service = state.service
        directions = service.manifold.directions
        return page_info(state.info, directions, service.has_part_styles, refinement=True, limits=state.limits)

    @router.get("/api/portraits/{number}.jpg", response_class=Response)
    async def portrait(number: int, size: int = Query(DISPLAY_SIDE, ge=16, le=DISPLAY_SIDE)) -> Response:
        """A shipped portrait, its longer side ``size`` at most."""

        def work() -> bytes:
            return encode(downscale(shipped_portrait(number)[0].picture, size), "jpeg")

        return picture_answer(await state.encode(work), "jpeg", FOREVER)

    @router.post("/api/faces", openapi_extra=form("picture", "crop"))
    async def faces(request: Request) -> dict[str, Any]:
        """The faces in ``picture``, or in its ``crop``, both parts of a form: largest first, in the picture's pixels.

        ``crop`` in the answer is the largest one's frame; where there is no face, the crop sent, or else the middle.
        """
        limits = state.limits
        async with upload_turn(request, state, limits.upload_bytes, state.uploading) as parts:
            source, crop = await state.decode(framed_picture, parts, limits)
            found = await until_disconnect(request, state.decode(_detect, state.service.detector, source.picture, crop))
        height, width = source.picture.shape[:2]
        proposal = found[0].frame if found else crop or Frame(width / 2, height / 2, min(height, width))
        return {"faces": [asdict(face) for face in found], "crop": asdict(proposal)}

    @router.post("/api/preview", response_class=Response, openapi_extra=form("picture"))
    async def preview(request: Request) -> Response:
        """``picture``, part of a form, as a JPEG of 1024 px at most, for browsers that cannot show its format.

        The headers ``Picture-Width`` and ``Picture-Height`` say how large the picture itself is.
        """
        limits = state.limits
        async with upload_turn(request, state, limits.upload_bytes, state.uploading) as parts:
            source = await state.decode(decode_uploaded_source, parts.require("picture"), limits)
        height, width = source.picture.shape[:2]
        data = await state.encode(lambda: encode(downscale(source.picture, DISPLAY_SIDE), "jpeg", preview=True))
        return picture_answer(data, "jpeg", {**PRIVATE, "Picture-Width": str(width), "Picture-Height": str(height)})

    return router


def _detect(detector: FaceDetector, picture: Picture, crop: Frame | None) -> list[DetectedFace]:
    """The faces of a picture, or of what a crop of it shows, in the picture's pixels."""
    if crop is None:
        return detector.detect(picture)
    searched = crop_face(picture, crop)
    return [_face_in(crop, face, searched.shape[0]) for face in detector.detect(searched)]


def _face_in(crop: Frame, face: DetectedFace, side: int) -> DetectedFace:
    """A face found in what a crop shows at ``side`` pixels, in the photograph's pixels."""
    left, top, width, height = face.box
    corners = [compose_frames(crop, Frame(x, y, 1), side) for x in (left, left + width) for y in (top, top + height)]
    xs, ys = [corner.x for corner in corners], [corner.y for corner in corners]
    box = (min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))
    return DetectedFace(face.score, box, compose_frames(crop, face.frame, side))

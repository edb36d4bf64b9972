"""The style reference of a session."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from maskgan.mask_check import MaskIssue
from maskgan.server.app_state import AppState, until_disconnect, upload_turn
from maskgan.server.faces import downscale
from maskgan.server.http_errors import HTTPError
from maskgan.server.image_encoding import encode
from maskgan.server.request_body import media_type, read_json
from maskgan.server.routes.responses import PRIVATE, form, mask_warnings, picture_answer
from maskgan.server.uploads import Upload, portrait_number

_THUMBNAIL = 256


def style_routes(state: AppState) -> APIRouter:
    """The routes that choose, show and drop a style reference."""
    router = APIRouter(prefix="/api/sessions/{session_id}")

    @router.post("/style", openapi_extra=form("picture", "mask", "order", "crop", portrait=True))
    async def choose(session_id: str, request: Request) -> dict[str, Any]:
        """Use a shipped portrait (JSON) or a picture (form) as style reference."""
        session = state.sessions.get(session_id)
        parsed = False
        issues: tuple[MaskIssue, ...] = ()
        if media_type(request) == "application/json":
            number = portrait_number(await read_json(request, state.limits.body_seconds))
            session.style = await state.portrait_style(number)
        else:
            async with upload_turn(request, state, state.limits.upload_bytes, state.uploading) as parts:
                upload = await state.decode(Upload.of, parts, state.limits)
                work = partial(state.service.reference, upload.source.picture, upload.label_map)
                session.style = (await until_disconnect(request, state.queue.call(work))).result
                parsed, issues = upload.label_map is None, upload.issues
        state.sessions.shrink()
        return {"parsed": parsed, "warnings": mask_warnings(issues)}

    @router.get("/style.jpg", response_class=Response)
    async def show(session_id: str) -> Response:
        """A thumbnail of the style reference."""
        style = state.sessions.get(session_id).style
        if style is None:
            raise HTTPError(404, "no style reference is chosen")
        data = await state.encode(lambda: encode(downscale(style.picture, _THUMBNAIL), "jpeg"))
        return picture_answer(data, "jpeg", PRIVATE)

    @router.delete("/style", status_code=204, response_class=Response)
    async def drop(session_id: str) -> Response:
        """Go back to the face's own style."""
        state.sessions.get(session_id).style = None
        return Response(status_code=204)

    return router

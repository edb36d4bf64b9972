"""The face whose look is borrowed."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from maskgan.server.bodies import media_type, read_json
from maskgan.server.faces import shrunk
from maskgan.server.pictures import encode
from maskgan.server.refusals import RefusalError
from maskgan.server.routes.answers import form, picture_answer
from maskgan.server.serving import Serving, open_upload, unless_gone
from maskgan.server.uploads import portrait_number

_THUMBNAIL = 256


def style_routes(serving: Serving) -> APIRouter:
    """The routes that choose, show and drop a style reference."""
    router = APIRouter(prefix="/api/sessions/{session_id}")

    @router.post("/style", openapi_extra=form("picture", "mask", "order", "crop", portrait=True))
    async def choose(session_id: str, request: Request) -> dict[str, bool]:
        """Borrow the look of a shipped portrait (JSON) or of a picture (form)."""
        session = serving.sessions.get(session_id)
        parsed = False
        if media_type(request) == "application/json":
            number = portrait_number(await read_json(request, serving.limits.body_seconds))
            session.style = await serving.portrait_style(number)
        else:
            async with serving.uploading:
                upload = await open_upload(request, serving)
                work = partial(serving.studio.reference, upload.picture, upload.label_map)
                session.style = (await unless_gone(request, serving.queue.call(work))).result
                parsed = upload.label_map is None
        serving.sessions.shrink()
        return {"parsed": parsed}

    @router.get("/style.jpg", response_class=Response)
    async def show(session_id: str) -> Response:
        """A thumbnail of the style reference."""
        style = serving.sessions.get(session_id).style
        if style is None:
            raise RefusalError(404, "no style reference is chosen")
        data = await serving.encode(lambda: encode(shrunk(style.picture, _THUMBNAIL), "jpeg"))
        return picture_answer(data, "jpeg", {"Cache-Control": "no-store"})

    @router.delete("/style", status_code=204, response_class=Response)
    async def drop(session_id: str) -> Response:
        """Go back to the face's own style."""
        serving.sessions.get(session_id).style = None
        return Response(status_code=204)

    return router

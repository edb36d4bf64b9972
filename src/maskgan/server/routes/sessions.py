"""Beginning a session, what it begins with, ending it."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from maskgan.server.bodies import media_type, read_json
from maskgan.server.pictures import encode, wanted_format
from maskgan.server.projects import Project, read_project
from maskgan.server.routes.answers import FOREVER, form, label_map_answer, picture_answer
from maskgan.server.serving import Serving, read_upload_form, unless_gone
from maskgan.server.sessions import Session
from maskgan.server.uploads import Upload, portrait_number


def session_routes(serving: Serving) -> APIRouter:
    """The routes that begin, show and end sessions."""
    router = APIRouter(prefix="/api/sessions")

    @router.post("", status_code=201, openapi_extra=form("picture", "mask", "order", "crop", "project", portrait=True))
    async def begin(request: Request) -> dict[str, Any]:
        """Begin with a shipped portrait (JSON), a picture, or a project (forms)."""
        if media_type(request) == "application/json":
            number = portrait_number(await read_json(request, serving.limits.body_seconds))
            face = await serving.portrait_face(number)
            return _begun(serving, Session(face, face.label_map), parsed=False)
        async with serving.uploading:
            parts = await read_upload_form(request, serving, serving.limits.project_bytes)
            project = parts.get("project")
            if project is not None:
                opened = await serving.decode(read_project, project, serving.limits)
                return await unless_gone(request, _reopen(serving, opened))
            upload = await serving.decode(Upload.of, parts, serving.limits)
            work = partial(serving.studio.face, upload.picture, upload.label_map)
            face = (await unless_gone(request, serving.queue.call(work))).result
            return _begun(
                serving, Session(face, face.label_map), upload.label_map is None, notice=_notice(upload.likely_order)
            )

    @router.get("/{session_id}/picture.png", response_class=Response)
    async def picture(session_id: str, request: Request) -> Response:
        """The photograph as the page shows it."""
        face = serving.sessions.get(session_id).face
        format = wanted_format(request.headers.get("accept", ""), default="png")
        return picture_answer(await serving.encode(encode, face.display, format), format, {**FOREVER, "Vary": "Accept"})

    @router.get("/{session_id}/mask", response_class=Response)
    async def mask(session_id: str) -> Response:
        """The face's own mask."""
        return label_map_answer(serving.sessions.get(session_id).face.label_map)

    @router.get("/{session_id}/edited", response_class=Response)
    async def edited(session_id: str) -> Response:
        """The edited mask of a reopened project; otherwise the own one."""
        return label_map_answer(serving.sessions.get(session_id).edited)

    @router.delete("/{session_id}", status_code=204, response_class=Response)
    async def end(session_id: str) -> Response:
        """End a session."""
        serving.sessions.get(session_id)
        serving.sessions.remove(session_id)
        return Response(status_code=204)

    return router


async def _reopen(serving: Serving, project: Project) -> dict[str, Any]:
    face = (await serving.queue.call(partial(serving.studio.face, project.picture, project.label_map))).result
    session = Session(face, serving.studio.fitted(face.picture, project.edited))
    if project.style is not None:
        session.style = (await serving.queue.call(partial(serving.studio.reference, *project.style))).result
    about = {"editor": project.editor, "style": session.style is not None}
    return _begun(serving, session, parsed=False, project=about)


def _begun(
    serving: Serving,
    session: Session,
    parsed: bool,
    project: dict[str, Any] | None = None,
    notice: dict[str, str] | None = None,
) -> dict[str, Any]:
    serving.sessions.add(session)
    height, width = session.face.size
    about = {"id": session.id, "width": width, "height": height}
    return {**about, "parsed": parsed, "project": project, "notice": notice}


def _notice(likely_order: str | None) -> dict[str, str] | None:
    """What to tell a person whose mask seems to have another label order: a line, and the ``order`` to send instead."""
    if likely_order is None:
        return None
    text = f"the mask looks like one in the {likely_order!r} label order; it was opened in that of CelebAMask-HQ"
    return {"text": text, "order": likely_order}

"""Beginning a session, what it begins with, ending it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from maskgan.server.app_state import AppState, until_disconnect, upload_turn
from maskgan.server.image_encoding import encode, wanted_format
from maskgan.server.projects import Project, read_project
from maskgan.server.request_body import media_type, read_json
from maskgan.server.routes.responses import PRIVATE, form, label_map_answer, mask_warnings, picture_answer
from maskgan.server.sessions import Session
from maskgan.server.uploads import Upload, portrait_number


def session_routes(state: AppState) -> APIRouter:
    """The routes that begin, show and end sessions."""
    router = APIRouter(prefix="/api/sessions")

    @router.post("", status_code=201, openapi_extra=form("picture", "mask", "order", "crop", "project", portrait=True))
    async def begin(request: Request) -> Any:
        """Begin with a shipped portrait (JSON), a picture, or a project (forms)."""
        if media_type(request) == "application/json":
            number = portrait_number(await read_json(request, state.limits.body_seconds))
            face = await state.portrait_face(number)
            return _session_info(state, Session(face, face.label_map), parsed=False)
        async with upload_turn(request, state, state.limits.project_bytes, state.uploading) as parts:
            project = parts.get("project")
            if project is not None:
                opened = await state.decode(read_project, project, state.limits)
                return await until_disconnect(request, _reopen(state, opened))
            upload = await state.decode(Upload.of, parts, state.limits)
            work = partial(state.service.face, upload.source, upload.label_map)
            face = (await until_disconnect(request, state.queue.call(work))).result
            session = Session(face, face.label_map)
            return _session_info(state, session, upload.label_map is None, warnings=mask_warnings(upload.issues))

    @router.get("/{session_id}/picture.png", response_class=Response)
    async def picture(session_id: str, request: Request) -> Response:
        """The photograph as the page shows it."""
        face = state.sessions.get(session_id).face
        format = wanted_format(request.headers.get("accept", ""), default="png")
        return picture_answer(await state.encode(encode, face.display, format), format, {**PRIVATE, "Vary": "Accept"})

    @router.get("/{session_id}/mask", response_class=Response)
    async def mask(session_id: str) -> Response:
        """The face's own mask."""
        return label_map_answer(state.sessions.get(session_id).face.label_map)

    @router.get("/{session_id}/edited", response_class=Response)
    async def edited(session_id: str) -> Response:
        """The edited mask of a reopened project; otherwise the own one."""
        return label_map_answer(state.sessions.get(session_id).edited)

    @router.delete("/{session_id}", status_code=204, response_class=Response)
    async def end(session_id: str) -> Response:
        """End a session."""
        state.sessions.get(session_id)
        state.sessions.remove(session_id)
        return Response(status_code=204)

    return router


async def _reopen(state: AppState, project: Project) -> Response:
    face = (await state.queue.call(partial(state.service.face, project.source, project.label_map))).result
    session = Session(face, state.service.fit_label_map(face.picture, project.edited))
    if project.style is not None:
        session.style = (await state.queue.call(partial(state.service.reference, *project.style))).result
    info = _session_info(state, session, parsed=False, project={"style": session.style is not None})
    # What the page kept may take megabytes; it is text already, and the event loop has no time to encode it again.
    rest = json.dumps(info).removesuffix("}}").encode()
    return Response(rest + b', "editor": ' + project.editor + b"}}", 201, PRIVATE, "application/json")


def _session_info(
    state: AppState,
    session: Session,
    parsed: bool,
    project: dict[str, Any] | None = None,
    warnings: Sequence[dict[str, str | None]] = (),
) -> dict[str, Any]:
    state.sessions.add(session)
    height, width = session.face.size
    info = {"id": session.id, "width": width, "height": height}
    return {**info, "parsed": parsed, "warnings": list(warnings), "project": project}

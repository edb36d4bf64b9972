"""Named edits: what there are, a mask after some of them, and thumbnails of a face with each."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from maskgan.editing.looks import COLOURS, LOOKS
from maskgan.editing.named_edits import EDITS
from maskgan.editing.photographs import AppliedEdit
from maskgan.editing.pipeline import Edit, finish, generate
from maskgan.images import Picture
from maskgan.labels import LabelMap
from maskgan.server.app_state import AppState, until_disconnect
from maskgan.server.applied_edits import MAX_TEXT, EditsInForce, close_up, one_click
from maskgan.server.faces import Face
from maskgan.server.http_errors import HTTPError
from maskgan.server.image_encoding import encode
from maskgan.server.request_body import read_body
from maskgan.server.routes.responses import LABEL_MAP, PRIVATE, label_map_answer, picture_answer
from maskgan.server.uploads import parse_raw_label_map

Edits = Annotated[
    str | None,
    Query(max_length=MAX_TEXT, description="named edits, as smile=0.6,glasses=clear,hair-colour=red"),
]

_THUMBNAIL = 144


def named_edit_routes(state: AppState) -> APIRouter:
    """The routes of named edits."""
    router = APIRouter()

    @router.get("/api/edits")
    async def edits() -> dict[str, Any]:
        """The edits of the mask, what can be coloured, and the colours that have names."""
        return {
            "edits": [
                {
                    "name": edit.name,
                    "summary": edit.summary,
                    "low": edit.low,
                    "high": edit.high,
                    "choices": list(edit.choices),
                    "switch": edit.switch,
                    "one_click": one_click(edit),
                    "part": list(edit.part),
                    "classes": list(edit.classes),
                }
                for edit in EDITS.values()
            ],
            "looks": [
                {"name": look.name, "summary": look.summary, "classes": list(look.classes)} for look in LOOKS.values()
            ],
            "colours": [{"name": name, "value": value} for name, value in COLOURS.items()],
        }

    @router.post("/api/sessions/{session_id}/edits", response_class=Response, openapi_extra=LABEL_MAP)
    async def apply(session_id: str, request: Request, edits: Edits = None) -> Response:
        """The mask in the body after named edits, one after the other."""
        session = state.sessions.get(session_id)
        wanted = EditsInForce.parse(edits)
        height, width = session.face.size
        body = await read_body(request, height * width, state.limits.body_seconds)
        label_map = parse_raw_label_map(body, session.face.size)
        return label_map_answer(await until_disconnect(request, state.encode(wanted.apply, label_map)))

    @router.get("/api/sessions/{session_id}/edits/{name}.jpg", response_class=Response)
    async def thumbnail(
        session_id: str, name: str, request: Request, choice: Annotated[str | None, Query(max_length=32)] = None
    ) -> Response:
        """The face with one edit, as a click applies it: a small picture of what changes, made when nobody draws."""
        session = state.sessions.get(session_id)
        if name not in EDITS:
            raise HTTPError(404, f"there is no edit {name[:32]!r}")
        applied = EDITS[name], one_click(EDITS[name], choice)
        key = f"{name}={applied[1]}"
        face = session.face
        if key not in face.thumbnails:
            after = await state.encode(EditsInForce((applied,)).apply, face.label_map)
            render = state.queue.background(partial(_rendered, face, after))
            picture = await until_disconnect(request, render)
            face.thumbnails[key] = await state.encode(_thumbnail, face, picture, after, applied)
            state.sessions.shrink()
        return picture_answer(face.thumbnails[key], "jpeg", PRIVATE)

    return router


def _rendered(face: Face, after: LabelMap) -> Picture:
    edit = Edit(face.model, after)
    return finish(edit, None if edit.region.is_empty else generate([edit])[0], face.preview)


def _thumbnail(face: Face, rendered: Picture, after: LabelMap, applied: AppliedEdit) -> bytes:
    edits = EditsInForce((applied,), locked=True)
    picture = edits.finish(face.preview, rendered, face.label_map, after)
    return encode(
        close_up(picture, face.label_map, after, EDITS[applied[0].name].part, _THUMBNAIL), "jpeg", preview=True
    )

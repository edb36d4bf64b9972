"""Pictures of an edited mask: while drawing, when the pen rests, and to save."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from maskgan.editing.pipeline import Blend, Edit
from maskgan.images import Picture, encode_label_map
from maskgan.labels import LabelMap
from maskgan.provenance import encode_edited
from maskgan.server.app_state import AppState, until_disconnect, upload_turn
from maskgan.server.applied_edits import EditsInForce, paint_wide, wide_crop
from maskgan.server.http_errors import bad_request, payload_too_large, unsupported_media_type
from maskgan.server.image_encoding import Format, encode, wanted_format
from maskgan.server.inference_queue import JobResult
from maskgan.server.inference_service import RenderRequest
from maskgan.server.projects import write_project
from maskgan.server.request_body import media_type, read_body
from maskgan.server.routes.named_edits import Edits
from maskgan.server.routes.responses import LABEL_MAP, PRIVATE, download, form, picture_answer
from maskgan.server.sessions import Session
from maskgan.server.uploads import Photograph, parse_raw_label_map

Strength = Annotated[float, Query(ge=0, le=1)]
StyleParts = Annotated[
    str | None, Query(max_length=256, description="classes that take the style, as hair,u_lip; absent: all")
]


@dataclass(frozen=True)
class RenderOptions:
    """How to render an edited mask."""

    blend: Blend
    style_strength: float
    style_parts: str | None
    refined: bool
    edits: EditsInForce
    """Named edits that led to the mask."""


def _render_options(
    blend: Blend = "region",
    style_strength: Strength = 0.0,
    style_parts: StyleParts = None,
    refined: bool = False,
    edits: Edits = None,
    lock: Annotated[bool, Query(description="keep the pixels of classes that none of the edits changes")] = False,
) -> RenderOptions:
    return RenderOptions(blend, style_strength, style_parts, refined, EditsInForce.parse(edits, lock))


RenderQuery = Annotated[RenderOptions, Depends(_render_options)]


def rendering_routes(state: AppState) -> APIRouter:
    """The routes that answer an edited mask."""
    router = APIRouter(prefix="/api/sessions/{session_id}")

    @router.post("/render", response_class=Response, openapi_extra=LABEL_MAP)
    async def render(
        session_id: str,
        request: Request,
        options: RenderQuery,
        quality: Literal["preview", "full"] = "preview",
    ) -> Response:
        """The face that follows the mask in the body; 204 if a newer render overtook this preview."""
        session = state.sessions.get(session_id)
        edited = await _edited_mask(state, session, request)
        preview = quality == "preview"
        canvas = session.face.preview if preview else session.face.display
        done = await _rendered(state, session, request, edited, options, canvas, preview)
        if done is None:
            return Response(status_code=204)
        format: Format = "jpeg" if preview else wanted_format(request.headers.get("accept", ""), default="jpeg")
        picture = await _finished(state, session, edited, options, canvas, done.result)
        data = await state.encode(encode, picture, format, preview)
        timing = f"wait;dur={1000 * done.waited:.1f}, render;dur={1000 * done.worked:.1f}"
        return picture_answer(data, format, {"Server-Timing": timing, **PRIVATE})

    @router.post("/result", response_class=Response, openapi_extra=LABEL_MAP)
    async def result(
        session_id: str,
        request: Request,
        options: RenderQuery,
        format: Format = "png",
    ) -> Response:
        """The picture to save, of the photograph's size, with its metadata, marked as edited by a generative model."""
        session = state.sessions.get(session_id)
        edited = await _edited_mask(state, session, request)
        async with state.saving, state.large_turn(session.face.picture.size // 3):
            done = await _rendered(state, session, request, edited, options, session.face.picture, preview=False)
            assert done is not None
            picture = await _finished(state, session, edited, options, session.face.picture, done.result)
            data = await state.encode(encode_edited, picture, format, session.face.source)
        return download(data, f"image/{format}", f"face.{'jpg' if format == 'jpeg' else format}")

    @router.post("/photograph", response_class=Response, openapi_extra=form("mask", "picture", "crop"))
    async def photograph(
        session_id: str,
        request: Request,
        options: RenderQuery,
        format: Format = "jpeg",
    ) -> Response:
        """As ``result``, put back into the whole photograph; its ``picture`` and ``crop`` are sent again."""
        session = state.sessions.get(session_id)
        limit = state.limits.upload_bytes + session.face.label_map.nbytes
        async with upload_turn(request, state, limit, state.saving) as parts:
            edited = parse_raw_label_map(parts.require("mask"), session.face.size)
            whole = await state.decode(Photograph.of, parts, state.limits, session.face.picture)
            done = await _rendered(state, session, request, edited, options, session.face.picture, preview=False)
            assert done is not None
            changed = await _put_back(state, session, edited, options, whole, done.result)
            data = await state.encode(encode_edited, changed, format, whole.source)
        return download(data, f"image/{format}", f"photograph.{'jpg' if format == 'jpeg' else format}")

    @router.post("/mask.png", response_class=Response, openapi_extra=LABEL_MAP)
    async def mask(session_id: str, request: Request) -> Response:
        """The mask in the body as a PNG that carries the class colours."""
        session = state.sessions.get(session_id)
        edited = await _edited_mask(state, session, request)
        return download(await state.encode(encode_label_map, edited), "image/png", "mask.png")

    @router.post("/project", response_class=Response, openapi_extra=form("mask", "editor"))
    async def project(session_id: str, request: Request) -> Response:
        """Everything, to open again: parts ``mask`` (label map) and ``editor`` (JSON) of a form."""
        session = state.sessions.get(session_id)
        limits = state.limits
        limit = limits.editor_bytes + session.face.label_map.nbytes
        async with upload_turn(request, state, limit, state.saving) as parts:
            edited = parse_raw_label_map(parts.require("mask"), session.face.size)
            if len(parts.require("editor")) > limits.editor_bytes:
                raise payload_too_large(f"'editor' holds more than {limits.editor_bytes >> 20} MB")

            editor = parts.require("editor")
            data = await state.encode(write_project, session.face, edited, session.style, editor)
        return download(data, "application/zip", "face.maskgan")

    return router


async def _edited_mask(state: AppState, session: Session, request: Request) -> LabelMap:
    if media_type(request) not in ("", "application/octet-stream"):
        raise unsupported_media_type("a mask is sent as application/octet-stream: one byte a pixel")
    size = session.face.size
    return parse_raw_label_map(await read_body(request, size[0] * size[1], state.limits.body_seconds), size)


async def _finished(
    state: AppState, session: Session, edited: LabelMap, options: RenderOptions, canvas: Picture, rendered: Picture
) -> Picture:
    """A rendered picture, locked and coloured as the named edits say."""
    if not options.edits.changes_picture:
        return rendered
    return await state.encode(options.edits.finish, canvas, rendered, session.face.label_map, edited)


async def _put_back(
    state: AppState, session: Session, edited: LabelMap, options: RenderOptions, whole: Photograph, rendered: Picture
) -> Picture:
    """The photograph with the edited face, and colours also on what reaches beyond its frame."""
    edits, face = options.edits, session.face
    if not edits.reach_out:
        picture = await _finished(state, session, edited, options, face.picture, rendered)
        return await state.encode(whole.changed, picture)
    locked = await state.encode(edits.lock, face.picture, rendered, face.label_map, edited)
    changed = await state.encode(whole.changed, locked)
    wide = await state.encode(wide_crop, whole, changed)
    parsed = (await state.queue.call(lambda: state.service.fit_label_map(wide.cut, None))).result
    return await state.encode(paint_wide, edits, wide, parsed, edited, changed)


async def _rendered(
    state: AppState,
    session: Session,
    request: Request,
    edited: LabelMap,
    options: RenderOptions,
    canvas: Picture,
    preview: bool,
) -> JobResult[Picture] | None:
    if options.style_strength > 0 and session.style is None:
        raise bad_request("no style reference is chosen; choose one first, or ask for style_strength=0")
    model = session.refined if options.refined else session.face.model
    if model is None:
        raise bad_request("the network is not fitted to this face; POST to refinement first, or ask for refined=false")
    parts = None if options.style_parts is None else state.service.style_parts(options.style_parts.split(","))
    style = None if session.style is None else state.service.style_copy(session.style, options.style_strength, parts)
    edit = Edit(model.preview if preview else model, edited, style, options.blend)
    render = RenderRequest(edit, canvas, session.cache)
    work = state.queue.render(state.service.render, render, state.service.batch_key(render), session.id, preview)
    return await until_disconnect(request, work)

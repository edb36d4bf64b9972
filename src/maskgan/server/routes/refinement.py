"""Refinement to a session's photograph: start, progress, cancel."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from maskgan.server.app_state import AppState
from maskgan.server.http_errors import HTTPError, bad_request, unsupported_media_type
from maskgan.server.refinement_jobs import RefinementJob
from maskgan.server.request_body import media_type, read_json
from maskgan.server.routes.responses import json_body

_STEPS = 40
_BODY = json_body({"steps": {"type": "integer", "default": _STEPS}})


def refinement_routes(state: AppState) -> APIRouter:
    """The routes of refinement."""
    router = APIRouter(prefix="/api/sessions/{session_id}/refinement")

    @router.post("", status_code=202, openapi_extra=_BODY)
    async def begin(session_id: str, request: Request) -> dict[str, Any]:
        """Start a refinement to the photograph in ``steps`` (JSON); an earlier one is dropped."""
        session = state.sessions.get(session_id)
        if media_type(request) != "application/json":
            raise unsupported_media_type('the number of steps is sent as application/json: {"steps": 40}')
        steps = (await read_json(request, state.limits.body_seconds)).get("steps", _STEPS)
        most = state.limits.refinement_steps
        if type(steps) is not int or not 1 <= steps <= most:
            raise bad_request(f"'steps' should be a whole number from 1 to {most}")
        # The session may have ended while the body arrived: a job of it would have nobody to end it.
        if state.sessions.get(session_id).refinement_runs:
            raise HTTPError(409, "this face is being fitted already; wait for it or cancel it first")
        session.refinement = state.refinements.begin(session.face, steps)
        return _status(session.refinement)

    @router.get("")
    async def watch(session_id: str) -> dict[str, Any]:
        """How far it is: ``state`` is none, running, done or failed, the last with an ``error``."""
        return _status(state.sessions.get(session_id).refinement)

    @router.delete("", status_code=204, response_class=Response)
    async def end(session_id: str) -> Response:
        """Cancel the refinement, or drop its result."""
        state.sessions.get(session_id).end_refinement()
        return Response(status_code=204)

    return router


def _status(job: RefinementJob | None) -> dict[str, Any]:
    if job is None:
        return {"state": "none", "step": 0, "steps": 0, "error": None}
    return {"state": job.state, "step": job.done, "steps": job.steps, "error": job.error}

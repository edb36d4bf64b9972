"""The network fitted to a session's photograph: begun, watched, cancelled."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from maskgan.server.bodies import media_type, read_json
from maskgan.server.refining import RefinementJob
from maskgan.server.refusals import RefusalError, bad_input, wrong_type
from maskgan.server.routes.answers import json_body
from maskgan.server.serving import Serving

_STEPS = 40
_BODY = json_body({"steps": {"type": "integer", "default": _STEPS}})


def refinement_routes(serving: Serving) -> APIRouter:
    """The routes of refinement."""
    router = APIRouter(prefix="/api/sessions/{session_id}/refinement")

    @router.post("", status_code=202, openapi_extra=_BODY)
    async def begin(session_id: str, request: Request) -> dict[str, Any]:
        """Begin to fit the network to the photograph, in ``steps`` (JSON); what was fitted before is forgotten."""
        session = serving.sessions.get(session_id)
        if media_type(request) != "application/json":
            raise wrong_type('the number of steps is sent as application/json: {"steps": 40}')
        steps = (await read_json(request, serving.limits.body_seconds)).get("steps", _STEPS)
        most = serving.limits.refinement_steps
        if type(steps) is not int or not 1 <= steps <= most:
            raise bad_input(f"'steps' should be a whole number from 1 to {most}")
        # The session may have ended while the body arrived: a job of it would have nobody to end it.
        if serving.sessions.get(session_id).refinement_runs:
            raise RefusalError(409, "this face is being fitted already; wait for it or cancel it first")
        session.refinement = serving.refinements.begin(session.face, steps)
        return _told(session.refinement)

    @router.get("")
    async def watch(session_id: str) -> dict[str, Any]:
        """How far it is: ``state`` is none, running, done or failed, the last with an ``error``."""
        return _told(serving.sessions.get(session_id).refinement)

    @router.delete("", status_code=204, response_class=Response)
    async def end(session_id: str) -> Response:
        """Cancel it, or forget what was fitted."""
        serving.sessions.get(session_id).end_refinement()
        return Response(status_code=204)

    return router


def _told(job: RefinementJob | None) -> dict[str, Any]:
    if job is None:
        return {"state": "none", "step": 0, "steps": 0, "error": None}
    return {"state": job.state, "step": job.done, "steps": job.steps, "error": job.error}

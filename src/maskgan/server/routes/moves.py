"""Masks moved along MaskVAE's manifold."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from maskgan.labels import LabelMap
from maskgan.server.app_state import AppState, read_upload_form, until_disconnect
from maskgan.server.http_errors import bad_request
from maskgan.server.portraits import shipped_portrait
from maskgan.server.request_body import finite_number, parse_json
from maskgan.server.routes.responses import form, label_map_answer
from maskgan.server.sessions import Session
from maskgan.server.uploads import parse_raw_label_map, portrait_number

_KINDS = ("towards", "random", "direction")
_FORM_BYTES = 64 << 10  # of the move, beside the mask


def move_routes(state: AppState) -> APIRouter:
    """The route that moves masks."""
    router = APIRouter(prefix="/api/sessions/{session_id}")

    @router.post("/move", response_class=Response, openapi_extra=form("mask", "move"))
    async def move(session_id: str, request: Request) -> Response:
        """The part ``mask`` of a form, moved as its part ``move`` (JSON) says."""
        session = state.sessions.get(session_id)
        parts = await read_upload_form(request, state, session.face.label_map.nbytes + _FORM_BYTES)
        label_map = parse_raw_label_map(parts.require("mask"), session.face.size)
        step = await _step(state, session, parse_json(parts.require("move"), "'move'"))
        done = await until_disconnect(request, state.queue.call(partial(step, label_map)))
        return label_map_answer(done.result)

    return router


async def _step(state: AppState, session: Session, move: dict[str, Any]) -> Callable[[LabelMap], LabelMap]:
    """What to do to a mask."""
    kinds = [kind for kind in _KINDS if kind in move]
    if len(kinds) != 1:
        raise bad_request(f"'move' should have just one of {', '.join(_KINDS)}")
    kind, value = kinds[0], move[kinds[0]]
    amount = _amount(move, lowest=0.0 if kind == "random" else -1.0)
    manifold = state.service.manifold
    if kind == "random":
        if type(value) is not int or not 0 <= value < 2**32:
            raise bad_request("'random' should be a seed, an integer from 0 to 4294967295")
        return lambda label_map: manifold.towards_random(label_map, value, amount)
    if kind == "direction":
        if value not in manifold.directions:
            raise bad_request(f"'direction' should be one of {', '.join(manifold.directions) or 'none: none ship'}")
        return lambda label_map: manifold.move_direction(label_map, value, amount)
    other = await _other_mask(state, session, value)
    return lambda label_map: manifold.move_towards(label_map, other, amount)


async def _other_mask(state: AppState, session: Session, towards: Any) -> LabelMap:
    if towards == "style":
        if session.style is None:
            raise bad_request("no style reference is chosen; choose one first")
        return session.style.label_map
    if isinstance(towards, dict):
        return (await state.decode(shipped_portrait, portrait_number(towards)))[1]
    raise bad_request('\'towards\' should be "style" or {"portrait": number}')


def _amount(move: dict[str, Any], lowest: float) -> float:
    amount = finite_number(move.get("amount"))
    if amount is None:
        raise bad_request("'amount' should be a number")
    if not lowest <= amount <= 1:
        raise bad_request(f"'amount' should be between {lowest:g} and 1")
    return amount

"""Recipes: what was done to a session's face, written to a file, and opened again."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from maskgan.editing.label_patch import LabelPatch
from maskgan.editing.looks import Look
from maskgan.editing.photographs import AppliedEdit, apply_edits
from maskgan.editing.recipes import MAX_BYTES, Recipe, edit_to_json, encode_recipe, parse_edits, parse_recipe
from maskgan.labels import LabelMap
from maskgan.server.app_state import AppState, read_upload_form, until_disconnect
from maskgan.server.request_body import parse_json, read_body
from maskgan.server.routes.responses import download, form, json_body
from maskgan.server.sessions import Session
from maskgan.server.uploads import parse_raw_label_map


def recipe_routes(state: AppState) -> APIRouter:
    """The routes of recipes."""
    router = APIRouter(prefix="/api/sessions/{session_id}/recipe")

    @router.post("", response_class=Response, openapi_extra=form("mask", "edits"))
    async def save(session_id: str, request: Request) -> Response:
        """A recipe that leads from the face's own mask to the part ``mask`` of a form.

        Its part ``edits`` may be JSON, ``{"edits": [...]}`` as in a recipe: named edits and colours in force. Where
        they alone do not lead to the mask, labels painted on top of them do.
        """
        session = state.sessions.get(session_id)
        limit = session.face.label_map.nbytes + MAX_BYTES
        parts = await read_upload_form(request, state, limit)
        edited = parse_raw_label_map(parts.require("mask"), session.face.size)
        named = parts.get("edits")
        told = [] if named is None else parse_json(named, "'edits'").get("edits")
        recipe = await state.encode(_recipe_of, state, session.face.label_map, edited, told)
        return download(await state.encode(encode_recipe, recipe), "application/json", "recipe.json")

    @router.put("", openapi_extra=json_body({"format": {"type": "string"}}, ("format",)))
    async def open_recipe(session_id: str, request: Request) -> dict[str, Any]:
        """Do what the recipe in the body says: ``GET edited`` gives the mask then.

        Answers its ``edits``, its choice of ``face``, and ``other_weights``: model types whose weights are not those
        that made it.
        """
        session = state.sessions.get(session_id)
        body = await read_body(request, MAX_BYTES, state.limits.body_seconds)
        recipe = await state.encode(parse_recipe, body, "the recipe")
        session.edited = await until_disconnect(request, state.encode(_edited, session, recipe))
        return {
            "edits": [edit_to_json(edit) for edit in recipe.edits],
            "face": recipe.face,
            "other_weights": recipe.other_weights(state.info.recipe_weights),
        }

    return router


def _recipe_of(state: AppState, own: LabelMap, edited: LabelMap, told: Any) -> Recipe:
    edits = parse_edits(told)
    patch = LabelPatch.between(apply_edits(own, _of_the_mask(edits)), edited)
    painted: tuple[AppliedEdit, ...] = () if patch is None else ((patch, 1.0),)
    return Recipe((*edits, *painted), weights=state.info.recipe_weights)


def _edited(session: Session, recipe: Recipe) -> LabelMap:
    own = session.face.label_map
    edited = apply_edits(own, _of_the_mask(recipe.edits))
    return own if np.array_equal(own, edited) else edited


def _of_the_mask(edits: tuple[AppliedEdit, ...]) -> tuple[AppliedEdit, ...]:
    return tuple(edit for edit in edits if not isinstance(edit[0], Look))

"""A session's edits saved as a recipe, and opened in a session again."""

from __future__ import annotations

import json
from typing import Any

import httpx
import numpy as np
import pytest
from server_helpers import begin, own_mask

from maskgan.editing.named_edits import parse_edit
from maskgan.editing.photographs import apply_edits
from maskgan.editing.recipes import Recipe, encode_recipe, parse_recipe
from maskgan.labels import INDEX, LabelMap

pytestmark = pytest.mark.anyio


async def saved(client: httpx.AsyncClient, session: dict[str, Any], mask: LabelMap, edits: list[Any]) -> httpx.Response:
    parts = {"mask": mask.tobytes(), "edits": json.dumps({"edits": edits}).encode()}
    return await client.post(f"/api/sessions/{session['id']}/recipe", files=parts)


async def opened(client: httpx.AsyncClient, session: dict[str, Any], recipe: bytes) -> httpx.Response:
    return await client.put(f"/api/sessions/{session['id']}/recipe", content=recipe)


async def edited_mask(client: httpx.AsyncClient, session: dict[str, Any]) -> LabelMap:
    content = (await client.get(f"/api/sessions/{session['id']}/edited")).content
    return np.frombuffer(content, np.uint8).reshape(session["height"], session["width"])


async def test_named_edits_and_strokes_come_back(client: httpx.AsyncClient) -> None:
    session = await begin(client)
    own = await own_mask(client, session)
    edited = apply_edits(own, [parse_edit("smile=0.6")])
    edited[10:40, 200:300] = INDEX["hat"]
    named = [{"name": "smile", "amount": 0.6}, {"name": "hair-colour", "amount": "#8e3a1f"}]
    answer = await saved(client, session, edited, named)
    assert answer.status_code == 200 and "recipe.json" in answer.headers["content-disposition"]
    recipe = parse_recipe(answer.content, "answer")
    assert [edit.name for edit, _ in recipe.edits] == ["smile", "hair-colour", "patch"]
    assert recipe.weights == {"dense-mapping": "0" * 64}

    other = await begin(client)
    answer = await opened(client, other, answer.content)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["edits"][:2] == named and told["face"] == "largest" and told["other_weights"] == []
    np.testing.assert_array_equal(await edited_mask(client, other), edited)


async def test_a_mask_that_named_edits_lead_to_needs_no_strokes(client: httpx.AsyncClient) -> None:
    session = await begin(client)
    own = await own_mask(client, session)
    answer = await saved(client, session, apply_edits(own, [parse_edit("smile")]), [{"name": "smile", "amount": 1}])
    assert parse_recipe(answer.content, "answer").edits == (parse_edit("smile"),)
    alone = await client.post(f"/api/sessions/{session['id']}/recipe", files={"mask": own.tobytes()})
    assert parse_recipe(alone.content, "answer").edits == ()


async def test_other_weights_are_told(client: httpx.AsyncClient) -> None:
    session = await begin(client)
    recipe = Recipe((), weights={"parser": "1" * 64})
    assert (await opened(client, session, encode_recipe(recipe))).json()["other_weights"] == ["dense-mapping", "parser"]


async def test_what_is_no_recipe_is_refused_and_changes_nothing(client: httpx.AsyncClient) -> None:
    session = await begin(client)
    own = await own_mask(client, session)
    for body, words in ((b"{}", "is no recipe"), (b"[", "is no JSON"), (b"x" * ((4 << 20) + 1), "bytes are not read")):
        answer = await opened(client, session, body)
        assert answer.status_code in (400, 413) and words in answer.json()["error"]
    bare = np.where(np.isin(own, [INDEX["l_brow"], INDEX["r_brow"]]), 1, own)
    for edits, words in (([{"name": "smirk", "amount": 1}], "'smirk' is no edit"), ("smile", "'edits' is no list")):
        answer = await saved(client, session, bare, edits)  # type: ignore[arg-type]
        assert answer.status_code == 400 and words in answer.json()["error"]
    np.testing.assert_array_equal(await edited_mask(client, session), own)

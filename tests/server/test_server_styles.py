"""The editor's server copies styles and moves masks as the library does."""

from __future__ import annotations

import json

import httpx
import pytest
from server_helpers import begin, own_mask, picture_of, png, render, with_mouth

from maskgan.assets import portrait
from maskgan.editing.session import Blend, FaceEditor
from maskgan.images import read_label_map, read_picture
from maskgan.server.inference_service import InferenceService

pytestmark = pytest.mark.anyio
BLENDS: tuple[Blend, ...] = ("full", "region")


async def test_styles_are_mixed_in_by_strength(client: httpx.AsyncClient, editor: FaceEditor) -> None:
    session = await begin(client)
    path = f"/api/sessions/{session['id']}"
    edited = with_mouth(await own_mask(client, session))
    refused = await render(client, session, edited, style_strength=0.5)
    assert refused.status_code == 400 and "style reference" in refused.json()["error"]
    assert (await client.post(f"{path}/style", json={"portrait": 2})).json() == {"parsed": False, "warnings": []}
    assert picture_of(await client.get(f"{path}/style.jpg")).shape == (256, 256, 3)
    other = read_picture(portrait(2)[0]), read_label_map(portrait(2)[1])
    editor.set_mask(edited)
    seen = []
    for strength in (0.0, 0.4, 1.0):
        editor.set_style(*other, strength)
        seen.append(picture_of(await render(client, session, edited, quality="full", style_strength=strength)))
        assert (seen[-1] == editor.render()).all()
    assert (seen[0] != seen[1]).any() and (seen[1] != seen[2]).any()
    files = {"picture": png(255 - other[0])}
    assert (await client.post(f"{path}/style", files=files)).json() == {"parsed": True, "warnings": []}
    assert (picture_of(await render(client, session, edited, quality="full", style_strength=1)) != seen[2]).any()
    assert (await client.delete(f"{path}/style")).status_code == 204
    assert (await client.get(f"{path}/style.jpg")).status_code == 404
    assert (picture_of(await render(client, session, edited, quality="full")) == seen[0]).all()


async def test_styles_of_parts_are_copied_alone(client: httpx.AsyncClient, editor: FaceEditor) -> None:
    assert (await client.get("/api/info")).json()["style_parts"] is True
    session = await begin(client)
    edited = with_mouth(await own_mask(client, session))
    await client.post(f"/api/sessions/{session['id']}/style", json={"portrait": 2})
    editor.set_mask(edited)
    other = read_picture(portrait(2)[0]), read_label_map(portrait(2)[1])
    asked: dict[str, str | float] = {"quality": "full", "style_strength": 1, "style_parts": "hair,u_lip"}
    seen = []
    for blend in BLENDS:
        editor.set_style(*other, parts=["u_lip", "hair"])
        seen.append(picture_of(await render(client, session, edited, **asked, blend=blend)))
        assert (seen[-1] == editor.render(blend)).all()
    assert (seen[0] != seen[1]).any()
    less = picture_of(await render(client, session, edited, **{**asked, "style_parts": "hair"}))
    assert (less != seen[0]).any(), "another choice of parts is another edit"
    for parts, words in (
        ("hair,beard", "'beard' is not a class"),
        ("", "'' is not a class"),
        ("hair," * 60, "256 char"),
    ):
        refused = await render(client, session, edited, **{**asked, "style_parts": parts})
        assert refused.status_code == 400 and words in refused.json()["error"]
    saved = await client.post(
        f"/api/sessions/{session['id']}/result",
        params={"style_strength": 1, "style_parts": "beard"},
        content=edited.tobytes(),
    )
    assert saved.status_code == 400


@pytest.mark.parametrize(
    "move",
    [
        {"towards": {"portrait": 2}, "amount": 0.5},
        {"towards": "style", "amount": -0.5},
        {"random": 3, "amount": 1.0},
        {"direction": "wider-smile", "amount": -1.0},
    ],
)
async def test_masks_move(client: httpx.AsyncClient, service: InferenceService, move: dict[str, object]) -> None:
    session = await begin(client)
    path = f"/api/sessions/{session['id']}"
    await client.post(f"{path}/style", json={"portrait": 3})
    mask = await own_mask(client, session)
    answer = await client.post(f"{path}/move", files={"mask": mask.tobytes()}, data={"move": json.dumps(move)})
    assert answer.status_code == 200, answer.text
    manifold, amount = service.manifold, float(move["amount"])  # type: ignore[arg-type]
    if "random" in move:
        expected = manifold.towards_random(mask, 3, amount)
    elif "direction" in move:
        expected = manifold.move_direction(mask, "wider-smile", amount)
    else:
        expected = manifold.move_towards(
            mask, read_label_map(portrait(3 if move["towards"] == "style" else 2)[1]), amount
        )
    assert answer.content == expected.tobytes()

"""The editor's server applies named edits as the library does, colours parts, and shows thumbnails of a face."""

from __future__ import annotations

import json

import httpx
import numpy as np
import pytest
from server_helpers import begin, own_mask, picture_of, png, render

from maskgan.assets import portrait
from maskgan.editing.looks import LOOKS
from maskgan.editing.named_edits import EDITS, parse_edit
from maskgan.editing.photographs import apply_edits, lock_pixels
from maskgan.editing.session import FaceEditor
from maskgan.images import Picture, read_label_map, read_picture
from maskgan.labels import INDEX, LabelMap
from maskgan.server.applied_edits import EditsInForce, close_up, one_click

pytestmark = pytest.mark.anyio
HAIR = INDEX["hair"]


async def edited_mask(client: httpx.AsyncClient, session: dict[str, str], mask: LabelMap, edits: str) -> httpx.Response:
    return await client.post(
        f"/api/sessions/{session['id']}/edits",
        params={"edits": edits},
        content=mask.tobytes(),
        headers={"Content-Type": "application/octet-stream"},
    )


def different(one: Picture, other: Picture) -> LabelMap:
    return (one != other).any(axis=-1)


async def test_the_list_names_every_edit_and_what_a_click_applies(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/api/edits")).json()
    assert [edit["name"] for edit in listed["edits"]] == list(EDITS)
    by_name = {edit["name"]: edit for edit in listed["edits"]}
    assert by_name["smile"]["low"] == -1 and by_name["smile"]["one_click"] == 0.7
    assert by_name["glasses"]["choices"] == ["clear", "sun"] and by_name["glasses"]["one_click"] == "clear"
    assert by_name["remove-hat"]["switch"] and by_name["remove-hat"]["one_click"] == 1
    assert INDEX["mouth"] in by_name["smile"]["part"] and INDEX["skin"] in by_name["smile"]["classes"]
    assert [look["name"] for look in listed["looks"]] == list(LOOKS)
    assert {"name": "red", "value": "#8e3a1f"} in listed["colours"]


async def test_masks_are_edited_as_in_the_library(client: httpx.AsyncClient) -> None:
    session = await begin(client)
    mask = await own_mask(client, session)
    text = "smile=-0.4,glasses=sun,hair-longer=0.5,hair-colour=red"
    answer = await edited_mask(client, session, mask, text)
    expected = apply_edits(mask, [parse_edit(part) for part in text.split(",")])
    assert answer.headers["cache-control"] == "no-store"
    assert (np.frombuffer(answer.content, np.uint8).reshape(mask.shape) == expected).all()
    assert (await edited_mask(client, session, mask, "")).content == mask.tobytes()
    bald = np.where(mask == HAIR, 1, mask).astype(np.uint8)
    for edits, words in (
        ("smirk=1", "'smirk' is no edit"),
        ("smile=3", "smile: takes -1..1, not 3"),
        ("smile=0.5,,", "'' is no edit"),
        ("hair-fuller=0.5", "hair-fuller: the mask shows no hair"),
        ("hair-colour=loud", "hair-colour: takes #RRGGBB"),
        ("smile=1," * 400, "2048 char"),
    ):
        refused = await edited_mask(client, session, bald, edits)
        assert refused.status_code == 400 and words in refused.json()["error"], edits


async def test_locked_edits_change_only_their_classes(client: httpx.AsyncClient, editor: FaceEditor) -> None:
    session = await begin(client)
    mask = await own_mask(client, session)
    edits = [parse_edit("smile=1")]
    after = apply_edits(mask, edits)
    editor.set_mask(after)
    loose = picture_of(await render(client, session, after, quality="full", edits="smile=1"))
    assert (loose == editor.render()).all()
    locked = picture_of(await render(client, session, after, quality="full", edits="smile=1", lock=True))
    photograph = read_picture(portrait(7)[0])
    assert (locked == lock_pixels(photograph, loose, (mask, after), edits)).all()
    kept = ~np.isin(mask, EDITS["smile"].classes)
    assert (locked[kept] == photograph[kept]).all() and different(locked, photograph).any()


async def test_colours_are_painted_under_the_edited_mask(client: httpx.AsyncClient) -> None:
    session = await begin(client)
    mask = await own_mask(client, session)
    photograph = read_picture(portrait(7)[0])
    look, colour = LOOKS["hair-colour"], "#8e3a1f"
    painted = picture_of(await render(client, session, mask, quality="full", edits=f"hair-colour={colour}"))
    assert (painted == look.paint(photograph, mask, colour)).all()
    assert not different(painted, photograph)[mask != HAIR].any()
    without = np.where(mask == HAIR, 0, mask).astype(np.uint8)
    plain = picture_of(await render(client, session, without, quality="full"))
    assert (picture_of(await render(client, session, without, quality="full", edits="hair-colour=red")) == plain).all()
    refused = await render(client, session, mask, edits="hair-colour=loud")
    assert refused.status_code == 400 and "hair-colour" in refused.json()["error"]
    saved = await client.post(
        f"/api/sessions/{session['id']}/result", params={"edits": "hair-colour=red"}, content=mask.tobytes()
    )
    assert (picture_of(saved) == painted).all()


async def test_hair_is_coloured_beyond_the_face_s_frame(client: httpx.AsyncClient) -> None:
    picture = read_picture(portrait(7)[0])
    crop = {"x": 256.0, "y": 256.0, "side": 330.0}
    sent = png(picture)
    session = await begin(client, picture=sent, crop=crop)
    mask = await own_mask(client, session)
    parts = {"mask": mask.tobytes(), "picture": sent, "crop": json.dumps(crop).encode()}
    answer = await client.post(
        f"/api/sessions/{session['id']}/photograph",
        params={"format": "png", "edits": "hair-colour=#3f62a8"},
        files=parts,
    )
    changed = different(picture_of(answer), picture)
    hair = read_label_map(portrait(7)[1]) == HAIR
    inside = np.zeros_like(changed)
    inside[256 - 165 : 256 + 165, 256 - 165 : 256 + 165] = True
    assert changed[hair & inside].mean() > 0.6
    assert changed[hair & ~inside].mean() > 0.4, "hair outside of the frame is coloured too"
    assert changed[~hair].mean() < 0.08
    plain = await client.post(f"/api/sessions/{session['id']}/photograph", params={"format": "png"}, files=parts)
    assert (picture_of(plain) == picture).all()


async def test_thumbnails_show_what_a_click_changes(client: httpx.AsyncClient) -> None:
    session = await begin(client)
    path = f"/api/sessions/{session['id']}/edits"
    seen = {}
    for query in ("smile.jpg", "glasses.jpg", "glasses.jpg?choice=sun", "remove-hat.jpg"):
        answer = await client.get(f"{path}/{query}")
        assert answer.headers["cache-control"] == "no-store"
        seen[query] = picture_of(answer)
        assert seen[query].shape == (144, 144, 3)
        assert (await client.get(f"{path}/{query}")).content == answer.content
    assert different(seen["glasses.jpg"], seen["glasses.jpg?choice=sun"]).any()
    for query, status, words in (
        ("smirk.jpg", 404, "there is no edit 'smirk'"),
        ("glasses.jpg?choice=pink", 400, "glasses: takes clear|sun"),
    ):
        refused = await client.get(f"{path}/{query}")
        assert refused.status_code == status and words in refused.json()["error"]
    bald = np.where(await own_mask(client, session) == HAIR, 0, 1).astype(np.uint8)
    without = await begin(client, picture=png(read_picture(portrait(7)[0])), mask=png(bald))
    refused = await client.get(f"/api/sessions/{without['id']}/edits/hair-fuller.jpg")
    assert refused.status_code == 400 and "hair" in refused.json()["error"]


async def test_edits_read_from_requests() -> None:
    edits = EditsInForce.parse("smile=0.5,lip-colour=pink", locked=True)
    assert [(edit.name, amount) for edit, amount in edits.edits] == [("smile", 0.5), ("lip-colour", "#d4789f")]
    assert edits.has_looks and edits.changes_picture
    assert not EditsInForce.parse("smile=0.5").changes_picture and EditsInForce.parse(None) == EditsInForce()
    assert one_click(EDITS["hat"]) == "beanie" and one_click(EDITS["hat"], "cap") == "cap"


def test_close_ups_frame_what_changes() -> None:
    before = np.zeros((100, 100), np.uint8)
    after = before.copy()
    after[70:90, 60:90] = 12
    picture = np.repeat(np.repeat(after[..., None], 2, axis=0), 2, axis=1).repeat(3, axis=-1)
    seen = close_up(picture, before, after, (12,), 51)
    # A frame of 51 about row 80, column 75, kept inside of the picture: rows 49 to 99, columns 49 to 99.
    share = (seen[..., 0] > 6).mean()
    assert share == pytest.approx(600 / 51**2, rel=0.1)
    whole = close_up(picture, before, before, (), 20)
    assert whole.shape == (20, 20, 3)

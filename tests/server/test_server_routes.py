"""The editor's server: each route's good path, and that its pictures are those of an editing session in Python."""

from __future__ import annotations

import asyncio
import gzip
import json
import zipfile
from io import BytesIO

import httpx
import numpy as np
import pytest
from PIL import Image
from server_helpers import begin, own_mask, picture_of, png, render, with_mouth

from maskgan.assets import portrait
from maskgan.editing.renderer import Renderer
from maskgan.editing.session import Blend, FaceEditor
from maskgan.images import decode_label_map, read_label_map, read_picture, resize_label_map, resize_picture
from maskgan.labels import INDEX, LabelMap, convert_order
from maskgan.provenance import DIGITAL_SOURCE_TYPE
from maskgan.server.faces import Face
from maskgan.server.inference_service import InferenceService

pytestmark = pytest.mark.anyio
BLENDS: tuple[Blend, ...] = ("full", "region")


async def test_health_and_about(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json()["status"] == "ok"
    about = (await client.get("/api/info")).json()
    assert [c["index"] for c in about["classes"]] == list(range(19))
    left, right = INDEX["l_eye"], INDEX["r_eye"]
    assert about["classes"][left]["mirror"] == right and about["classes"][right]["mirror"] == left
    assert about["directions"] == [{"name": "wider-smile", "title": "wider smile"}]
    assert len(about["portraits"]) == 9
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert "/api/sessions/{session_id}/render" in paths


async def test_the_page_ships_with_the_server(client: httpx.AsyncClient) -> None:
    page = await client.get("/")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert "http://" not in page.text.replace("http://www.w3.org", "") and "https://" not in page.text
    script = await client.get("/page/main.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["cache-control"] == "no-cache"
    unchanged = await client.get("/page/main.js", headers={"If-None-Match": script.headers["etag"]})
    assert unchanged.status_code == 304


async def test_portraits(client: httpx.AsyncClient) -> None:
    thumbnail = picture_of(await client.get("/api/portraits/3.jpg?size=128"))
    whole = picture_of(await client.get("/api/portraits/3.jpg"))
    assert thumbnail.shape == (128, 128, 3) and whole.shape == (512, 512, 3)
    assert np.abs(whole.astype(int) - read_picture(portrait(3)[0])).mean() < 3
    assert (await client.get("/api/portraits/10.jpg")).status_code == 404


async def test_an_unchanged_mask_gives_the_photograph(client: httpx.AsyncClient) -> None:
    session = await begin(client)
    mask = await own_mask(client, session)
    assert (mask == read_label_map(portrait(7)[1])).all()
    photograph = read_picture(portrait(7)[0])
    assert (picture_of(await client.get(f"/api/sessions/{session['id']}/picture.png")) == photograph).all()
    assert (picture_of(await render(client, session, mask, quality="full")) == photograph).all()
    preview = picture_of(await render(client, session, mask, quality="preview"))
    assert np.abs(preview.astype(int) - photograph).mean() < 4  # JPEG


@pytest.mark.parametrize("blend", ["region", "full"])
async def test_renders_are_those_of_the_python_session(
    client: httpx.AsyncClient, editor: FaceEditor, blend: str
) -> None:
    session = await begin(client)
    edited = with_mouth(await own_mask(client, session))
    editor.set_mask(edited)
    expected = editor.render(blend)  # type: ignore[arg-type]
    answer = await render(client, session, edited, quality="full", blend=blend)
    assert (picture_of(answer) == expected).all()
    assert answer.headers["server-timing"].startswith("wait;dur=")
    preview = picture_of(await render(client, session, edited, quality="preview", blend=blend))
    assert np.abs(preview.astype(int) - expected).mean() < 4
    if blend == "region":
        photograph = read_picture(portrait(7)[0])
        assert (expected[:250] == photograph[:250]).all()
        assert (expected[345:365, 225:285] != photograph[345:365, 225:285]).any(axis=-1).mean() > 0.5


async def test_masks_may_come_packed(client: httpx.AsyncClient) -> None:
    session = await begin(client)
    edited = with_mouth(await own_mask(client, session))
    plain = await render(client, session, edited, quality="full")
    packed = await client.post(
        f"/api/sessions/{session['id']}/render?quality=full",
        content=gzip.compress(edited.tobytes()),
        headers={"Content-Encoding": "gzip", "Accept": "image/png"},
    )
    assert (picture_of(packed) == picture_of(plain)).all()


async def test_large_photographs_are_shown_smaller_and_saved_whole(
    client: httpx.AsyncClient, editor: FaceEditor
) -> None:
    photograph = resize_picture(read_picture(portrait(7)[0]), (1200, 1200))
    mask = read_label_map(portrait(7)[1])
    session = await begin(client, picture=png(photograph), mask=png(mask))
    assert not session["parsed"]
    edited = with_mouth(await own_mask(client, session))
    assert picture_of(await client.get(f"/api/sessions/{session['id']}/picture.png")).shape == (1024, 1024, 3)
    assert picture_of(await render(client, session, edited, quality="preview")).shape == (512, 512, 3)
    assert picture_of(await render(client, session, edited, quality="full")).shape == (1024, 1024, 3)
    editor.set_source(photograph, mask)
    editor.set_mask(edited)
    for format in ("png", "jpeg"):
        saved = await client.post(
            f"/api/sessions/{session['id']}/result", params={"format": format}, content=edited.tobytes()
        )
        assert saved.headers["content-disposition"].startswith("attachment")
        assert DIGITAL_SOURCE_TYPE.encode() in saved.content
        difference = np.abs(picture_of(saved).astype(int) - editor.render())
        assert difference.max() == 0 if format == "png" else difference.mean() < 2


async def test_pictures_without_a_mask_are_parsed(client: httpx.AsyncClient, service: InferenceService) -> None:
    photograph = read_picture(portrait(4)[0])[:, 64:448]
    session = await begin(client, picture=png(photograph))
    assert session["parsed"] and (session["width"], session["height"]) == (384, 512)
    assert (await own_mask(client, session) == service.parser(photograph)).all()


async def test_a_crop_cuts_picture_and_mask_alike(client: httpx.AsyncClient) -> None:
    mask = read_label_map(portrait(7)[1])
    as_picture = np.repeat(mask[..., None] * 10, 3, axis=-1)
    crop = {"x": 250.0, "y": 270.0, "side": 300.0, "angle": 15.0}
    session = await begin(client, picture=png(as_picture), mask=png(mask), crop=crop)
    seen = picture_of(await client.get(f"/api/sessions/{session['id']}/picture.png"))
    assert seen.shape == (300, 300, 3)
    cut = resize_label_map(await own_mask(client, session), (300, 300))
    # Equal but for the borders of classes, where the picture's values are mixed.
    assert (np.abs(seen[..., 0].astype(int) - 10 * cut.astype(int)) <= 2).mean() > 0.93


async def test_an_edited_face_is_put_back_into_its_photograph(client: httpx.AsyncClient) -> None:
    whole = np.random.default_rng(0).integers(0, 40, (600, 900, 3), dtype=np.uint8)
    whole[50:562, 200:712] = read_picture(portrait(7)[0])
    sent = {"picture": png(whole), "crop": json.dumps({"x": 470.4, "y": 300.6, "side": 400.0, "angle": 12.0}).encode()}
    session = await begin(client, **sent)
    mask = await own_mask(client, session)

    async def saved(mask: LabelMap, **changes: bytes) -> httpx.Response:
        parts = {"mask": mask.tobytes(), **sent, **changes}
        return await client.post(f"/api/sessions/{session['id']}/photograph", params={"format": "png"}, files=parts)

    answer = await saved(mask)
    assert answer.status_code == 200, answer.text
    assert (picture_of(answer) == whole).all() and DIGITAL_SOURCE_TYPE.encode() in answer.content
    mask[200:240, 100:400] = INDEX["eye_g"]
    changed = (picture_of(await saved(mask)) != whole).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert len(rows) > 1000
    across, down = columns - 470.4, rows - 300.6
    turn = np.radians(12)
    assert np.abs(across * np.cos(turn) + down * np.sin(turn)).max() < 201
    assert np.abs(down * np.cos(turn) - across * np.sin(turn)).max() < 201
    elsewhere = json.dumps({"x": 471.4, "y": 300.6, "side": 400.0, "angle": 12.0}).encode()
    refused = await saved(mask, crop=elsewhere)
    assert refused.status_code == 400 and "opened from" in refused.json()["error"]


async def test_a_mask_in_another_label_order_is_noticed_and_read_when_told(client: httpx.AsyncClient) -> None:
    photograph, mask = (path.read_bytes() for path in portrait(7))
    ours = read_label_map(portrait(7)[1])
    theirs = png(convert_order(ours, "celebamask-hq", "face-parsing"))
    assert (await begin(client, picture=photograph, mask=mask))["warnings"] == []
    taken_as_ours = await begin(client, picture=photograph, mask=theirs)
    (warning,) = taken_as_ours["warnings"]
    assert warning["order"] == "face-parsing" and "\n" not in warning["text"]
    told = await begin(client, picture=photograph, mask=theirs, order=b"face-parsing")
    assert told["warnings"] == []
    assert (await own_mask(client, told) == resize_label_map(ours, (512, 512))).all()
    wrong = await client.post("/api/sessions", files={"picture": photograph, "mask": theirs, "order": b"alphabetical"})
    assert wrong.status_code == 400 and "face-parsing" in wrong.json()["error"]


async def test_others_draw_on_while_a_face_is_looked_for(client: httpx.AsyncClient) -> None:
    session = await begin(client)
    edited = with_mouth(await own_mask(client, session))
    files = {"picture": png(read_picture(portrait(4)[0]))}
    search = asyncio.create_task(client.post("/api/faces", files=files))
    drawn = 0
    while not search.done():
        assert (await render(client, session, edited, quality="preview")).status_code == 200
        edited[100, drawn % 512] ^= 1
        drawn += 1
    assert (await search).json()["faces"]
    assert drawn > 3, f"{drawn} previews while the face was looked for"


async def test_the_frame_of_a_face_is_found(client: httpx.AsyncClient) -> None:
    files = {"picture": png(read_picture(portrait(4)[0]))}
    answer = (await client.post("/api/faces", files=files)).json()
    (face,) = answer["faces"]
    assert face["frame"] == answer["crop"] and face["score"] > 0.6
    left, top, width, height = face["box"]
    assert 60 < left < left + width < 452 and 80 < top < top + height < 480
    assert abs(answer["crop"]["x"] - 256) < 40 and abs(answer["crop"]["y"] - 256) < 40
    assert 380 < answer["crop"]["side"] < 640
    # Searched in a turned part of the picture, the face lies where it did.
    part = {"x": 240.0, "y": 270.0, "side": 480.0, "angle": 20.0}
    again = (await client.post("/api/faces", files=files, data={"crop": json.dumps(part)})).json()
    assert len(again["faces"]) == 1
    assert all(abs(again["crop"][key] - answer["crop"][key]) < 50 for key in ("x", "y", "side"))
    assert abs(again["crop"]["angle"] - answer["crop"]["angle"]) < 12
    files = {"picture": png(np.full((64, 96, 3), 127, dtype=np.uint8))}
    answer = (await client.post("/api/faces", files=files)).json()
    assert answer == {"faces": [], "crop": {"x": 48.0, "y": 32.0, "side": 64.0, "angle": 0.0}}


async def test_all_faces_are_found_the_largest_first(client: httpx.AsyncClient) -> None:
    whole = np.full((700, 1100, 3), 110, np.uint8)
    whole[100:356, 40:296] = resize_picture(read_picture(portrait(4)[0]), (256, 256))
    whole[120:632, 500:1012] = read_picture(portrait(7)[0])
    answer = (await client.post("/api/faces", files={"picture": png(whole)})).json()
    frames = [face["frame"] for face in answer["faces"]]
    assert len(frames) == 2 and answer["crop"] == frames[0]
    for frame, (x, y, side) in zip(frames, [(756, 376, 512), (168, 228, 256)], strict=True):
        assert abs(frame["x"] - x) < 0.1 * side and abs(frame["y"] - y) < 0.1 * side
        assert 0.7 < frame["side"] / side < 1.4


@pytest.mark.parametrize("format", ["TIFF", "PNG"])
async def test_previews_are_small_and_say_the_size(client: httpx.AsyncClient, format: str) -> None:
    buffer = BytesIO()
    Image.fromarray(resize_picture(read_picture(portrait(7)[0]), (1500, 1200))).save(buffer, format)
    answer = await client.post("/api/preview", files={"picture": buffer.getvalue()})
    assert answer.headers["content-type"] == "image/jpeg" and answer.headers["cache-control"] == "no-store"
    assert (answer.headers["picture-width"], answer.headers["picture-height"]) == ("1200", "1500")
    expected = resize_picture(read_picture(portrait(7)[0]), (1024, 819))
    assert np.abs(picture_of(answer).astype(int) - expected).mean() < 4
    small = await client.post("/api/preview", files={"picture": png(np.full((64, 96, 3), 90, np.uint8))})
    assert picture_of(small).shape == (64, 96, 3)
    assert (await client.post("/api/preview", files={"mask": b"x"})).status_code == 400
    assert (await client.post("/api/preview", files={"picture": b"no picture"})).status_code == 415


async def test_a_mask_can_be_saved(client: httpx.AsyncClient) -> None:
    session = await begin(client)
    edited = with_mouth(await own_mask(client, session))
    saved = await client.post(f"/api/sessions/{session['id']}/mask.png", content=edited.tobytes())
    assert (decode_label_map(BytesIO(saved.content), "mask") == edited).all()
    assert Image.open(BytesIO(saved.content)).mode == "P"


async def test_projects_open_again_the_same(client: httpx.AsyncClient) -> None:
    session = await begin(client)
    path = f"/api/sessions/{session['id']}"
    own = await own_mask(client, session)
    edited = with_mouth(own)
    await client.post(f"{path}/style", json={"portrait": 2})
    before = picture_of(await render(client, session, edited, quality="full", style_strength=0.5))
    editor = {"history": [1, 2, {"é": None}], "locks": []}
    saved = await client.post(f"{path}/project", files={"mask": edited.tobytes()}, data={"editor": json.dumps(editor)})
    assert saved.status_code == 200
    reopened = await begin(client, project=saved.content)
    assert reopened["project"] == {"editor": editor, "style": True}
    assert (await own_mask(client, reopened)).tobytes() == own.tobytes()
    assert (await client.get(f"/api/sessions/{reopened['id']}/edited")).content == edited.tobytes()
    assert (picture_of(await render(client, reopened, edited, quality="full", style_strength=0.5)) == before).all()
    names = zipfile.ZipFile(BytesIO(saved.content)).namelist()
    assert set(names) == {"project.json", "source.png", "mask.png", "edited.png", "style.png", "style-mask.png"}


async def test_sessions_end(client: httpx.AsyncClient) -> None:
    session = await begin(client)
    mask = await own_mask(client, session)
    assert (await client.delete(f"/api/sessions/{session['id']}")).status_code == 204
    answer = await render(client, session, mask)
    assert answer.status_code == 404 and "open the picture again" in answer.json()["error"]


async def test_what_was_rendered_last_is_not_rendered_again(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    synthesise, passes = Renderer.synthesise, 0

    def counting(self: Renderer, *arguments: object) -> object:
        nonlocal passes
        passes += 1
        return synthesise(self, *arguments)  # type: ignore[arg-type]

    session = await begin(client)
    await client.post(f"/api/sessions/{session['id']}/style", json={"portrait": 2})
    edited = with_mouth(await own_mask(client, session))
    monkeypatch.setattr(Renderer, "synthesise", counting)
    seen = {}
    for passes_after, query in (
        (1, {"quality": "preview"}),
        (1, {"quality": "full"}),
        (1, {"quality": "full", "blend": "full"}),
        (2, {"quality": "full", "style_strength": 0.5}),
        (2, {"quality": "preview", "style_strength": 0.5}),
        (3, {"quality": "full"}),
    ):
        answer = picture_of(await render(client, session, edited, **query))
        assert passes == passes_after, query
        seen.setdefault(str(query), answer)
        assert (seen[str(query)] == answer).all()
    edited[0, 0] = INDEX["hat"]
    await render(client, session, edited)
    assert passes == 4
    other = await begin(client)
    await render(client, other, edited)
    assert passes == 5


async def test_portraits_are_computed_once(
    client: httpx.AsyncClient, service: InferenceService, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Face] = []
    compute = service.face

    def counting(*arguments: object) -> Face:
        made.append(compute(*arguments))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(service, "face", counting)
    ids = {(await begin(client))["id"] for _ in range(5)}
    assert len(ids) == 5 and len(made) == 1

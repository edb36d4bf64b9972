"""Photographs keep what their files carry, through the editor's sessions, crops and projects."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image, JpegImagePlugin, features
from server_helpers import begin, own_mask, picture_of, png, with_mouth

from maskgan import mask_check
from maskgan.assets import portrait
from maskgan.editing.framing import Frame, crop_source
from maskgan.images import SourceImage, decode_source, read_label_map, read_picture
from maskgan.labels import MIRROR, convert_order
from maskgan.mask_check import MaskIssue
from maskgan.provenance import DIGITAL_SOURCE_TYPE
from maskgan.server.http_errors import HTTPError
from maskgan.server.image_encoding import encode
from maskgan.server.limits import Limits
from maskgan.server.projects import read_project
from maskgan.server.routes.responses import mask_warnings
from test_photographs import profile_of

pytestmark = pytest.mark.anyio

CAMERA, TAKEN = 271, "2024:05:06 07:08:09"
IPTC = b"\x1c\x02\x50\x00\x04Anna"  # by-line
CROP = {"x": 250.0, "y": 260.0, "side": 420.0, "angle": 8.0}


def photograph(format: str, **options: Any) -> bytes:
    """Portrait 7 with a wide colour space, EXIF and IPTC."""
    exif = Image.Exif()
    exif[CAMERA], exif[306] = "Camera", TAKEN
    exif.get_ifd(0x8769)[0x9003] = TAKEN
    if format == "JPEG":
        segment = (
            b"Photoshop 3.0\x008BIM\x04\x04\x00\x00" + len(IPTC).to_bytes(4, "big") + IPTC + b"\0" * (len(IPTC) % 2)
        )
        options |= {"extra": b"\xff\xed" + (len(segment) + 2).to_bytes(2, "big") + segment, "quality": 71}
    buffer = BytesIO()
    picture = Image.fromarray(read_picture(portrait(7)[0]))
    picture.save(buffer, format, exif=exif.tobytes(), icc_profile=profile_of("display-p3"), **options)
    return buffer.getvalue()


def source_of(data: bytes) -> SourceImage:
    return decode_source(BytesIO(data), "file")


async def saved(client: httpx.AsyncClient, session: dict[str, Any], mask: np.ndarray, format: str) -> bytes:
    answer = await client.post(
        f"/api/sessions/{session['id']}/result", params={"format": format}, content=mask.tobytes()
    )
    assert answer.status_code == 200, answer.text
    return answer.content


def assert_carries_all(data: bytes, source: SourceImage, with_iptc: bool = True) -> None:
    """The file has the source's colour space, EXIF and IPTC, and the mark of an edit."""
    metadata = source_of(data).metadata
    exif = Image.open(BytesIO(data)).getexif()
    assert exif[CAMERA] == "Camera" and exif.get_ifd(0x8769)[0x9003] == TAKEN
    assert metadata.icc_profile == source.metadata.icc_profile
    assert DIGITAL_SOURCE_TYPE.encode() in metadata.xmp
    if with_iptc:
        assert metadata.iptc == IPTC


@pytest.mark.parametrize("crop", [None, CROP])
async def test_saved_pictures_keep_metadata_profile_and_unedited_numbers(
    client: httpx.AsyncClient, crop: dict[str, float] | None
) -> None:
    sent = photograph("JPEG")
    source = source_of(sent)
    assert source.space is not None and source.metadata.iptc == IPTC
    parts: dict[str, Any] = {"mask": png(read_label_map(portrait(7)[1]))}
    session = await begin(client, picture=sent, **parts, **({} if crop is None else {"crop": crop}))
    shown = source if crop is None else crop_source(source, Frame(**crop))
    mask = with_mouth(await own_mask(client, session))
    as_png = await saved(client, session, mask, "png")
    assert_carries_all(as_png, source)
    numbers = np.asarray(Image.open(BytesIO(as_png)))
    assert numbers.shape == shown.own.shape
    top = slice(0, numbers.shape[0] // 4)
    assert (numbers[top] == shown.own[top]).all()  # the file's own numbers, far from the mouth
    assert (numbers != shown.own).any(axis=-1).sum() > 500
    as_jpeg = await saved(client, session, mask, "jpeg")
    assert_carries_all(as_jpeg, source)
    image = Image.open(BytesIO(as_jpeg))
    assert isinstance(image, JpegImagePlugin.JpegImageFile)
    assert tuple(tuple(image.quantization[key]) for key in sorted(image.quantization)) == source.metadata.jpeg.tables
    assert JpegImagePlugin.get_sampling(image) == source.metadata.jpeg.subsampling


async def test_an_unedited_jpeg_is_given_back_but_for_the_mark(client: httpx.AsyncClient) -> None:
    sent = photograph("JPEG")
    session = await begin(client, picture=sent, mask=png(read_label_map(portrait(7)[1])))
    data = await saved(client, session, await own_mask(client, session), "jpeg")
    scan = sent[sent.rindex(b"\xff\xda") :]
    assert data.endswith(scan) and DIGITAL_SOURCE_TYPE.encode() in data


async def test_transparency_and_grey_are_kept(client: httpx.AsyncClient) -> None:
    mask = png(read_label_map(portrait(7)[1]))
    picture = read_picture(portrait(7)[0])
    opacity = np.full((512, 512), 255, np.uint8)
    opacity[:40] = 90
    session = await begin(client, picture=png(np.dstack([picture, opacity])), mask=mask)
    edited = with_mouth(await own_mask(client, session))
    result = np.asarray(Image.open(BytesIO(await saved(client, session, edited, "png"))))
    assert result.shape == (512, 512, 4)
    assert (result[:40, :, :3] == picture[:40]).all() and (result[..., 3] == opacity).all()
    cut = await begin(client, picture=png(np.dstack([picture, opacity])), crop={"x": 256, "y": 256, "side": 512})
    result = np.asarray(Image.open(BytesIO(await saved(client, cut, await own_mask(client, cut), "png"))))
    assert (result[..., 3] == opacity).all() and (result[..., :3] == picture).all()
    grey = picture[..., 0]
    session = await begin(client, picture=png(grey), mask=mask)
    result = Image.open(BytesIO(await saved(client, session, await own_mask(client, session), "png")))
    assert result.mode == "L" and (np.asarray(result) == grey).all()


async def test_the_whole_photograph_keeps_its_numbers_and_metadata(client: httpx.AsyncClient) -> None:
    sent = photograph("JPEG")
    source = source_of(sent)
    session = await begin(client, picture=sent, crop=CROP)
    mask = await own_mask(client, session)
    mask[200:240, 100:400] = 3  # glasses
    parts = {"mask": mask.tobytes(), "picture": sent, "crop": json.dumps(CROP).encode()}
    for format in ("png", "jpeg"):
        answer = await client.post(f"/api/sessions/{session['id']}/photograph", params={"format": format}, files=parts)
        assert answer.status_code == 200, answer.text
        assert_carries_all(answer.content, source)
        numbers = np.asarray(Image.open(BytesIO(answer.content)))
        if format == "png":
            assert (numbers[:40] == source.own[:40]).all() and (numbers[-40:] == source.own[-40:]).all()
            assert (numbers != source.own).any(axis=-1).sum() > 1000


@pytest.mark.parametrize("crop", [None, CROP])
async def test_projects_keep_what_the_photograph_carries(
    client: httpx.AsyncClient, crop: dict[str, float] | None
) -> None:
    sent = photograph("JPEG", comment=b"f\xfcr Anna")
    session = await begin(client, picture=sent, **({} if crop is None else {"crop": crop}))
    mask = with_mouth(await own_mask(client, session))
    before = {format: await saved(client, session, mask, format) for format in ("png", "jpeg")}
    project = await client.post(
        f"/api/sessions/{session['id']}/project", files={"mask": mask.tobytes()}, data={"editor": "{}"}
    )
    again = await begin(client, project=project.content)
    for format, data in before.items():
        assert await saved(client, again, mask, format) == data
    assert source_of(before["jpeg"]).metadata.comment == b"f\xfcr Anna"


@pytest.mark.parametrize("comment", [3, "no base64!", ["a"], {"a": 1}])
async def test_a_damaged_comment_in_a_project_is_refused(comment: Any) -> None:
    picture, labels = png(np.zeros((64, 64, 3), np.uint8)), png(np.zeros((64, 64), np.uint8))
    for value in (comment, None, ""):
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("project.json", json.dumps({"format": 1, "editor": {}, "comment": value}))
            for name, data in (("source.png", picture), ("mask.png", labels), ("edited.png", labels)):
                archive.writestr(name, data)
        if value is comment:
            with pytest.raises(HTTPError, match="comment is damaged"):
                read_project(buffer.getvalue(), Limits())
        else:
            assert read_project(buffer.getvalue(), Limits()).source.metadata.comment == b""


@pytest.mark.parametrize("format", ["HEIF", "AVIF"])
async def test_pictures_of_phones_take_the_way_of_the_page(client: httpx.AsyncClient, format: str) -> None:
    if format == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    elif not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    sent = photograph(format, quality=90)
    source = source_of(sent)
    assert source.space is not None and source.picture.shape == (512, 512, 3)
    # What the crop dialog asks for: a picture that the browser can show, and where the faces are.
    preview = await client.post("/api/preview", files={"picture": sent})
    assert preview.headers["content-type"] == "image/jpeg"
    shown = picture_of(preview).astype(int)
    assert shown.shape == (512, 512, 3) and np.abs(shown - source.picture).mean() < 6
    (face,) = (await client.post("/api/faces", files={"picture": sent})).json()["faces"]
    assert all(abs(face["frame"][name] - 256) < 60 for name in ("x", "y")) and 300 < face["frame"]["side"] < 700
    session = await begin(client, picture=sent, crop=CROP)
    assert session["parsed"]
    mask = await own_mask(client, session)
    mask[200:240, 100:400] = 3  # glasses
    assert_carries_all(await saved(client, session, mask, "jpeg"), source, with_iptc=False)
    parts = {"mask": mask.tobytes(), "picture": sent, "crop": json.dumps(CROP).encode()}
    whole = await client.post(f"/api/sessions/{session['id']}/photograph", params={"format": "png"}, files=parts)
    assert_carries_all(whole.content, source, with_iptc=False)
    numbers = np.asarray(Image.open(BytesIO(whole.content)))
    assert (numbers[:40] == source.own[:40]).all() and (numbers != source.own).any()
    assert Image.open(BytesIO(await saved(client, session, mask, "png"))).size == (420, 420)  # the crop's own size


def blurred(mask: np.ndarray, side: int = 350) -> np.ndarray:
    image = Image.fromarray(mask).resize((side // 7 * 8, side // 7 * 8), Image.Resampling.NEAREST)
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR))


@pytest.mark.parametrize(
    ("kind", "spoilt"),
    [
        ("other-order", lambda mask: convert_order(mask, "celebamask-hq", "face-parsing")),
        ("sides-swapped", lambda mask: np.array(MIRROR, np.uint8)[mask]),
        ("foreground-only", lambda mask: (mask > 0).astype(np.uint8)),
        ("blended", blurred),
        ("blended", lambda mask: blurred(mask, 2500)),
        ("empty", np.zeros_like),
    ],
)
async def test_what_seems_wrong_with_a_mask_is_told(
    client: httpx.AsyncClient, kind: str, spoilt: Callable[[np.ndarray], np.ndarray]
) -> None:
    picture, mask = (path.read_bytes() for path in portrait(7))
    assert (await begin(client, picture=picture, mask=mask))["warnings"] == []
    wrong = png(spoilt(read_label_map(portrait(7)[1])))
    session = await begin(client, picture=picture, mask=wrong)
    (warning,) = [one for one in session["warnings"] if one["kind"] == kind]
    assert "mask" in warning["text"] and "\n" not in warning["text"] and "--" not in warning["text"]
    assert warning["order"] == ("face-parsing" if kind == "other-order" else None)
    answer = await client.post(f"/api/sessions/{session['id']}/style", files={"picture": picture, "mask": wrong})
    assert warning in answer.json()["warnings"] and not answer.json()["parsed"]


def test_every_issue_of_masks_has_a_line_for_the_page() -> None:
    kinds = {issue.kind for _, issue in mask_check._READINGS.values()} | {"blended", "foreground-only", "empty"}
    for kind in kinds:
        (warning,) = mask_warnings([MaskIssue(kind, "message", "order")])
        assert "mask" in warning["text"] or "labels" in warning["text"]


@pytest.mark.parametrize(
    "coding",
    [
        [],
        "q",
        {"tables": [], "subsampling": 0, "progressive": False},
        {"tables": [[1] * 63], "subsampling": 0, "progressive": False},
        {"tables": [[0] * 64], "subsampling": 0, "progressive": False},
        {"tables": [[1.5] * 64], "subsampling": 0, "progressive": False},
        {"tables": [[1] * 64] * 5, "subsampling": 0, "progressive": False},
        {"tables": [[1] * 64], "subsampling": 9, "progressive": False},
        {"tables": [[1] * 64], "subsampling": 0},
    ],
)
def test_a_damaged_jpeg_quality_in_a_project_is_refused(coding: Any) -> None:
    labels, picture = png(np.zeros((64, 64), np.uint8)), png(np.zeros((64, 64, 3), np.uint8))

    def project(jpeg: Any) -> bytes:
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("project.json", json.dumps({"format": 1, "editor": {}, "jpeg": jpeg}))
            for name, data in (("source.png", picture), ("mask.png", labels), ("edited.png", labels)):
                archive.writestr(name, data)
        return buffer.getvalue()

    good = {"tables": [[1] * 64], "subsampling": 2, "progressive": True}
    kept = read_project(project(good), Limits()).source.metadata.jpeg
    assert kept is not None and kept.tables == ((1,) * 64,) and kept.subsampling == 2 and kept.progressive
    assert read_project(project(None), Limits()).source.metadata.jpeg is None
    with pytest.raises(HTTPError, match="JPEG"):
        read_project(project(coding), Limits())


@pytest.mark.parametrize("size", [(1, 1), (37, 53), (64, 1)])
def test_results_as_png_are_exact(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    shown = Image.open(BytesIO(encode(picture, "png")))
    assert shown.format == "PNG" and shown.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(shown), picture)

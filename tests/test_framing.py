"""Faces found in photographs, and cut out upright."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from maskgan.assets import portrait, shipped_weights
from maskgan.cli.main import main
from maskgan.editing.face_detection import FaceDetector
from maskgan.editing.framing import Frame, crop_face, paste_back
from maskgan.errors import UserError
from maskgan.images import Picture, read_picture, resize_picture, write_picture


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector.from_weights(shipped_weights("face-detector"))


@pytest.fixture(scope="module")
def face() -> Picture:
    return resize_picture(read_picture(portrait(7)[0]), (256, 256))


def test_the_whole_picture_is_given_back(face: Picture) -> None:
    assert np.array_equal(crop_face(face, Frame(128, 128, 256), 256), face)


def test_a_part_is_cut_and_the_edge_drawn_out(face: Picture) -> None:
    assert np.array_equal(crop_face(face, Frame(96, 160, 64), 64), face[128:192, 64:128])
    corner = crop_face(face, Frame(0, 0, 64), 64)
    assert np.array_equal(corner[32:, 32:], face[:32, :32])
    assert (corner[:32, :32] == face[0, 0]).all()


def test_a_turned_frame_shows_the_picture_turned_the_other_way(face: Picture) -> None:
    difference = crop_face(face, Frame(128, 128, 256, 90), 256).astype(int) - np.rot90(face)
    assert np.abs(difference[1:-1, 1:-1]).max() <= 1


@pytest.mark.parametrize("frame", [Frame(10, 10, 3), Frame(10, 10, 5000), Frame(-200, 10, 64), Frame(10, 400, 64)])
def test_senseless_frames_are_refused(face: Picture, frame: Frame) -> None:
    with pytest.raises(UserError, match="frame"):
        crop_face(face, frame, 64)


def test_a_turned_face_in_a_larger_picture_is_found(face: Picture, detector: FaceDetector) -> None:
    straight = detector.detect(face)[0].frame
    canvas = Image.new("RGB", (700, 500), (120, 140, 150))
    canvas.paste(Image.fromarray(face).rotate(-15, Image.Resampling.BICUBIC, fillcolor=(120, 140, 150)), (380, 130))
    found = detector.detect(np.asarray(canvas))[0].frame
    turn = np.radians(15)
    offset = np.array([straight.x - 128, straight.y - 128])
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ offset
    assert found.x == pytest.approx(380 + 128 + turned[0], abs=12)
    assert found.y == pytest.approx(130 + 128 + turned[1], abs=12)
    assert found.side == pytest.approx(straight.side, rel=0.1)
    assert found.angle == pytest.approx(straight.angle + 15, abs=4)


def test_no_face_is_found_where_none_is(detector: FaceDetector) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    assert detector.detect(noise) == []
    assert detector.detect(np.full((64, 64, 3), 127, np.uint8)) == []


FRAMES = [Frame(150, 120, 96), Frame(130.3, 121.7, 120.5, -23.0), Frame(20, 240, 128, 10.0)]


@pytest.mark.parametrize("frame", FRAMES)
def test_what_was_not_changed_is_put_back_as_it_was(face: Picture, frame: Frame) -> None:
    shown = crop_face(face, frame, round(frame.side))
    assert np.array_equal(paste_back(face, frame, shown, shown), face)


def test_a_change_is_put_back_in_its_place(face: Picture) -> None:
    frame = Frame(150, 120, 100)
    before = crop_face(face, frame, 100)
    after = before.copy()
    after[40:60, 30:50] = (255, 0, 128)
    expected = face.copy()
    expected[110:130, 130:150] = (255, 0, 128)  # the frame begins at row 70, column 100
    assert np.array_equal(paste_back(face, frame, before, after), expected)


@pytest.mark.parametrize("frame", [FRAMES[1], Frame(120.6, 140.2, 110, 35)])
def test_a_frame_cut_out_again_shows_the_change(face: Picture, frame: Frame) -> None:
    side = round(frame.side)
    before = crop_face(face, frame, side)
    rows, columns = np.mgrid[:side, :side]
    bump = 60 * np.exp(-((rows - side * 0.45) ** 2 + (columns - side * 0.6) ** 2) / (2 * (side / 10) ** 2))
    after = np.where(before < 128, before + bump[..., None], before - bump[..., None]).astype(np.uint8)
    again = crop_face(paste_back(face, frame, before, after), frame, side).astype(int)
    inner = slice(side // 8, -side // 8)
    unchanged = crop_face(paste_back(face, frame, before, before), frame, side).astype(int)
    change, expected = (again - unchanged)[inner, inner], (after.astype(int) - before)[inner, inner]
    assert np.abs(change - expected).mean() < 1.5
    assert np.abs(expected).mean() > 5


def test_changes_fade_out_at_edges_inside_the_photograph_alone(face: Picture) -> None:
    grey = np.full_like(face, 100)
    frame = Frame(64, 128, 128)  # its left edge is the photograph's
    before = crop_face(grey, frame, 128)
    result = paste_back(grey, frame, before, np.full_like(before, 200))[128, :, 0].astype(int)
    assert (result[:120] == 200).all() and (result[128:] == 100).all()
    assert 100 < result[125] < 200 and (np.diff(result[120:]) <= 0).all()


def test_a_photograph_finer_than_what_was_cut_out_keeps_its_detail() -> None:
    noise = np.random.default_rng(0).integers(0, 200, (400, 400, 3), dtype=np.uint8)
    frame = Frame(200, 200, 400)
    before = crop_face(noise, frame, 100)
    result = paste_back(noise, frame, before, before + 40)
    assert np.abs(result.astype(int) - noise - 40).max() <= 1


@pytest.fixture
def photograph(face: Picture, tmp_path: Path) -> Path:
    whole = np.random.default_rng(0).integers(60, 90, (400, 500, 3), dtype=np.uint8)
    whole[90:346, 150:406] = face
    path = tmp_path / "photograph.png"
    write_picture(path, whole)
    return path


def test_a_face_is_cut_out_and_put_back_by_commands(photograph: Path, tmp_path: Path) -> None:
    cut, edited, result = (str(tmp_path / name) for name in ("face.png", "edited.png", "result.png"))
    assert main(["frame", "cut", str(photograph), "-o", cut]) == 0
    shown = read_picture(cut)
    assert 180 < len(shown) < 330
    assert main(["frame", "put-back", str(photograph), cut, cut, "-o", result]) == 0
    assert np.array_equal(read_picture(result), read_picture(photograph))
    middle = np.s_[len(shown) * 2 // 5 : len(shown) * 3 // 5]
    changed = shown.copy()
    changed[middle, middle] = 255
    write_picture(edited, changed)
    assert main(["frame", "put-back", str(photograph), cut, edited, "-o", result]) == 0
    assert read_picture(result).min() < 250 and (read_picture(result)[200:230, 270:290] >= 250).all()
    assert main(["frame", "cut", str(photograph), "-o", cut, "--at", "250,200,100.4,-8"]) == 0
    assert read_picture(cut).shape == (100, 100, 3)


@pytest.fixture
def pair(face: Picture, tmp_path: Path) -> Path:
    """Two faces: a large one at (450, 200), a small one at (110, 150), as x and y of the middle."""
    whole = np.random.default_rng(0).integers(60, 90, (400, 640, 3), dtype=np.uint8)
    whole[50:350, 300:600] = resize_picture(face, (300, 300))
    whole[70:230, 30:190] = resize_picture(face, (160, 160))
    path = tmp_path / "pair.png"
    write_picture(path, whole)
    return path


def test_faces_are_listed_and_cut_out_by_number(pair: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faces", str(pair)]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split()[:2] == ["face", "score"] and [row.split()[0] for row in rows] == ["1", "2"]
    assert main(["faces", str(pair), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    for found, (x, y, side) in zip(listed, [(450, 200, 300), (110, 150, 160)], strict=True):
        assert abs(found["frame"]["x"] - x) < 0.1 * side and abs(found["frame"]["y"] - y) < 0.1 * side
        left, top, width, height = found["box"]
        assert left < x < left + width and top < y < top + height and 0.6 < found["score"] <= 1
    sides = {}
    for face_option in ("largest", "1", "2", "110,150"):
        cut = tmp_path / f"{face_option}.png"
        assert main(["frame", "cut", str(pair), "-o", str(cut), "--face", face_option]) == 0
        sides[face_option] = len(read_picture(cut))
    assert sides["largest"] == sides["1"] == round(listed[0]["frame"]["side"])
    assert sides["2"] == sides["110,150"] == round(listed[1]["frame"]["side"]) < 0.7 * sides["1"]
    for wrong, said in (("3", "2 found"), ("0", "from 1"), ("both", "--face"), ("all", "one face"), ("9,9", "9,9")):
        capsys.readouterr()
        assert main(["frame", "cut", str(pair), "-o", str(tmp_path / "no.png"), "--face", wrong]) == 2
        assert said in capsys.readouterr().err and not (tmp_path / "no.png").exists()
    blank = tmp_path / "blank.png"
    write_picture(blank, np.full((300, 300, 3), 99, np.uint8))
    capsys.readouterr()
    assert main(["faces", str(blank)]) == 0 and "no face was found" in capsys.readouterr().out
    assert main(["faces", str(blank), "--json"]) == 0 and json.loads(capsys.readouterr().out) == []


def test_what_cannot_be_put_back_is_named(photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut, other, result = (str(tmp_path / name) for name in ("face.png", "other.png", "result.png"))

    def refused(*arguments: str) -> str:
        capsys.readouterr()
        assert main(["frame", *arguments]) == 2 and not Path(result).exists()
        error = capsys.readouterr().err.strip()
        assert "\n" not in error
        return error

    at = ("--at", "250,200,100")
    assert main(["frame", "cut", str(photograph), "-o", cut, *at]) == 0
    write_picture(other, read_picture(cut)[:50])
    assert "does not say where" in refused("put-back", str(photograph), other, cut, "-o", result)
    note = PngInfo()
    note.add_text("maskgan-frame", '{"x": NaN, "y": 1, "side": 1e999, "angle": 0}')
    Image.fromarray(read_picture(cut)).save(tmp_path / "nowhere.png", pnginfo=note)
    nowhere = str(tmp_path / "nowhere.png")
    assert f"{nowhere}: does not say where" in refused("put-back", str(photograph), nowhere, cut, "-o", result)
    assert "100x50" in refused("put-back", str(photograph), cut, other, "-o", result)
    write_picture(other, np.roll(read_picture(photograph), 3))
    assert "was not cut out" in refused("put-back", other, cut, cut, "-o", result)
    write_picture(other, np.full((300, 300, 3), 99, np.uint8))
    assert "no face was found" in refused("cut", other, "-o", result)
    assert "X,Y,SIDE" in refused("cut", other, "-o", result, "--at", "3,x")
    assert "frame" in refused("cut", other, "-o", result, "--at", "3,3,9")
    assert "PNG" in refused("cut", other, "-o", str(tmp_path / "face.jpg"))

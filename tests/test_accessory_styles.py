"""Styles of accessories for faces that wear none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from maskgan.checkpoints.metadata import WeightsInfo
from maskgan.checkpoints.weights import save_weights
from maskgan.cli.main import main
from maskgan.config import preset
from maskgan.editing import accessory_styles
from maskgan.editing.accessory_styles import (
    FILE_NAME,
    accessory_styles_beside,
    find_accessory_styles,
    keeps_kind,
    kind_of,
    load_accessory_styles,
    save_accessory_styles,
)
from maskgan.editing.face_model import analyse_face
from maskgan.editing.lenses import lenses_are_tinted
from maskgan.editing.pipeline import Edit, StyleCopy, encode_reference, render
from maskgan.editing.renderer import Renderer
from maskgan.errors import UserError
from maskgan.images import Picture
from maskgan.labels import INDEX, LabelMap
from maskgan.networks.edit_network import EditNetwork

SIDE = 64
HAT, GLASSES, SKIN = INDEX["hat"], INDEX["eye_g"], INDEX["skin"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained edit network whose codes differ from region to region."""
    torch.manual_seed(0)
    network = EditNetwork(preset("tiny").edit)
    torch.nn.init.normal_(network.coarse.head.weight, 0.0, 0.2)
    path = tmp_path_factory.mktemp("weights") / "edit.safetensors"
    info = WeightsInfo("edit", network.config, SIDE, 1, "a test", "none")
    save_weights(path, network, info)
    return path


def wearing(hat: tuple[int, int, int] | None) -> tuple[Picture, LabelMap]:
    """A grey face, with a hat of a colour or without."""
    picture, label_map = np.full((SIDE, SIDE, 3), 128, np.uint8), np.full((SIDE, SIDE), SKIN, np.uint8)
    if hat is not None:
        picture[:20], label_map[:20] = hat, HAT
    return picture, label_map


@pytest.fixture(scope="module")
def hats() -> list[tuple[Picture, LabelMap]]:
    colours = [(200, 20, 20), (190, 30, 25), (60, 60, 70), (64, 60, 70), (20, 90, 20)]
    return [wearing(None), *map(wearing, colours)]


def test_typical_styles_are_of_real_faces(weights: Path, hats: list[tuple[Picture, LabelMap]]) -> None:
    renderer = Renderer.from_weights(weights)
    found = find_accessory_styles(renderer, iter(hats))
    assert set(found) == {"hat"}
    part = renderer.network.part_style_mask([HAT])
    codes = torch.stack([renderer.encode(*face)[0][part] for face in hats[1:]])
    for code in found["hat"]:
        assert (codes == code).all(1).any()


def test_the_most_common_style_comes_first() -> None:
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    codes = np.concatenate([c + 0.1 * rng.standard_normal((n, 2)) for c, n in zip(centres, (4, 9, 6), strict=True)])
    typical = accessory_styles._typical(codes, 3)
    assert np.abs(codes[typical] - centres[[1, 2, 0]]).max() < 0.2


@pytest.mark.parametrize(
    ("lens", "tinted"), [((150, 110, 95), False), ((100, 72, 64), False), ((30, 25, 22), True), ((150, 70, 50), True)]
)
def test_lenses_are_tinted_where_skin_has_another_colour_behind_them(lens: tuple[int, int, int], tinted: bool) -> None:
    picture = np.full((SIDE, SIDE, 3), (160, 115, 100), np.uint8)
    label_map = np.full((SIDE, SIDE), SKIN, np.uint8)
    assert not lenses_are_tinted(picture, label_map)
    label_map[20:30, 10:50], picture[20:30, 10:50] = GLASSES, lens
    assert lenses_are_tinted(picture, label_map) == tinted
    assert not lenses_are_tinted(picture, np.where(label_map == SKIN, HAT, label_map))


def mouth(opening: int) -> LabelMap:
    """A mouth of 20 pixels whose lips are ``opening`` rows apart, 1/20 of its opening each."""
    label_map = np.full((SIDE, SIDE), SKIN, np.uint8)
    label_map[30:32, 20:40], label_map[32 : 32 + opening, 20:40] = INDEX["u_lip"], INDEX["mouth"]
    label_map[32 + opening : 34 + opening, 20:40] = INDEX["l_lip"]
    return label_map


def test_the_farther_a_mouth_opens_the_more_it_is_an_open_one(weights: Path, tmp_path: Path) -> None:
    inside = INDEX["mouth"]
    faces = [wearing(None)]
    for teeth in (90, 250, 150):
        picture, label_map = np.full((SIDE, SIDE, 3), 60, np.uint8), mouth(8)
        picture[32:34, 20:40], picture[34:40, 20:40] = teeth, 20
        faces.append((picture, label_map))
    renderer = Renderer.from_weights(weights)
    found = find_accessory_styles(renderer, iter(faces))
    part = renderer.network.part_style_mask([inside])
    assert torch.equal(found["open-mouth"][0], renderer.encode(*faces[2])[0][part]), "white teeth before darkness"
    (tmp_path / "edit.safetensors").write_bytes(weights.read_bytes())
    save_accessory_styles(tmp_path / FILE_NAME, found, tmp_path / "edit.safetensors")
    equipped = Renderer.from_weights(tmp_path / "edit.safetensors")
    picture = np.full((SIDE, SIDE, 3), 128, np.uint8)
    for before, after, share in ((0, 3, 0.0), (0, 4, 0.5), (0, 6, 1.0), (4, 5, 0.5), (6, 6, 0.0), (6, 3, 0.0)):
        model = analyse_face(equipped, picture, mouth(before))
        code = Edit(model, mouth(after)).style_code[0]
        expected = (1 - share) * model.style[0, part] + share * found["open-mouth"][0]
        torch.testing.assert_close(code[part], expected, msg=f"{before} to {after}")
        assert torch.equal(code[~part], model.style[0, ~part])


def test_the_whitest_jewellery_comes_first(weights: Path) -> None:
    faces = []
    for colour in ((90, 80, 80), (200, 210, 205), (255, 255, 120), (30, 20, 20)):
        picture, label_map = wearing(None)
        picture[40:44, 8:12], label_map[40:44, 8:12] = colour, INDEX["ear_r"]
        faces.append((picture, label_map))
    renderer = Renderer.from_weights(weights)
    part = renderer.network.part_style_mask([INDEX["ear_r"]])
    first = find_accessory_styles(renderer, iter(faces))["earring"][0]
    assert torch.equal(first, renderer.encode(*faces[1])[0][part])


def test_an_added_hat_gets_a_style_and_nothing_else_does(
    weights: Path, hats: list[tuple[Picture, LabelMap]], tmp_path: Path
) -> None:
    renderer = Renderer.from_weights(weights)
    save_accessory_styles(tmp_path / FILE_NAME, find_accessory_styles(renderer, iter(hats)), weights)
    (tmp_path / "edit.safetensors").write_bytes(weights.read_bytes())
    equipped = Renderer.from_weights(tmp_path / "edit.safetensors")
    picture, label_map = wearing(None)
    edited = label_map.copy()
    edited[4:20, 10:50] = HAT
    model, plain = analyse_face(equipped, picture, label_map), analyse_face(renderer, picture, label_map)
    edit = Edit(model, edited)
    part = equipped.network.part_style_mask([HAT])
    assert torch.equal(edit.style_code[0, part], equipped.accessory_styles["hat"][0])
    assert torch.equal(edit.style_code[0, ~part], model.style[0, ~part])
    assert not np.array_equal(render(edit), render(Edit(plain, edited)))
    assert torch.equal(Edit(model.preview, edited).style_code, edit.style_code)
    # Specks are no hat.
    speckled = analyse_face(equipped, picture, np.where(np.indices(label_map.shape).sum(0) < 2, HAT, label_map))
    assert torch.equal(Edit(speckled, edited).style_code[0, part], equipped.accessory_styles["hat"][0])
    # What the face wears itself, or what is copied from another face, keeps its style.
    own = analyse_face(equipped, *hats[1])
    assert torch.equal(Edit(own, hats[1][1]).style_code, own.style)
    reference = encode_reference(equipped, *hats[3])
    for copied in (StyleCopy(reference, parts=(HAT,)), StyleCopy(reference)):
        assert torch.equal(Edit(model, edited, copied).style_code[0, part], reference.code[0, part])


def test_glasses_without_eyes_behind_them_are_sunglasses() -> None:
    label_map = np.full((SIDE, SIDE), SKIN, np.uint8)
    label_map[20:30, 10:50] = GLASSES
    assert kind_of(GLASSES, label_map) == "sunglasses"
    clear = label_map.copy()
    clear[24:26, 20:24] = INDEX["l_eye"]
    assert kind_of(GLASSES, clear) == "glasses"
    assert keeps_kind(GLASSES, clear, clear) and keeps_kind(GLASSES, label_map, label_map)
    assert not keeps_kind(GLASSES, clear, label_map) and not keeps_kind(HAT, clear, clear)


def test_styles_belong_to_their_weights(weights: Path, hats: list[tuple[Picture, LabelMap]], tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    save_accessory_styles(path, find_accessory_styles(Renderer.from_weights(weights), iter(hats)), weights)
    assert torch.is_tensor(load_accessory_styles(path, weights)["hat"])
    torch.manual_seed(1)
    other = EditNetwork(preset("tiny").edit)
    save_weights(tmp_path / "edit.safetensors", other, WeightsInfo("edit", other.config, SIDE, 1, "a test", "none"))
    with pytest.raises(UserError, match="belong to other weights"):
        load_accessory_styles(path, tmp_path / "edit.safetensors")
    assert accessory_styles_beside(tmp_path / "edit.safetensors") == {}
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(UserError, match="or damaged"):
        load_accessory_styles(path, weights)


def test_the_command_writes_styles(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / FILE_NAME
    command = ["find-accessory-styles", "--data", f"synthetic:40:{SIDE}", "--weights", str(weights), "-o", str(out)]
    assert main(command) == 0
    said = capsys.readouterr().out
    found = load_accessory_styles(out, weights)
    assert found and all(f"{kind}: {len(codes)}" in said for kind, codes in found.items())

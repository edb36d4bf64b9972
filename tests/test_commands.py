"""Commands as a person runs them, on synthetic faces and shipped portraits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from maskgan.assets import portrait
from maskgan.checkpoints.metadata import WeightsInfo
from maskgan.checkpoints.weights import load_weights, save_weights
from maskgan.cli.main import main
from maskgan.cli.options import LABEL_ORDERS
from maskgan.config import preset
from maskgan.editing.mask_edits import smile
from maskgan.images import read_label_map, read_picture, write_label_map, write_picture
from maskgan.labels import ORDERS, colourise
from maskgan.networks.layers import initialise_fan_in
from maskgan.networks.mask_vae import MaskVAE
from maskgan.networks.parser import FaceParser


def test_edit_writes_the_sources_size_and_keeps_what_was_not_edited(tmp_path: Path, tiny_weights: Path) -> None:
    picture, mask = portrait(7)
    edited = smile(read_label_map(mask))
    write_label_map(tmp_path / "edited.png", edited)
    out = tmp_path / "out.png"
    common = ["--mask", str(mask), "--edited", str(tmp_path / "edited.png"), "--weights", str(tiny_weights)]
    assert main(["edit", str(picture), *common, "-o", str(out)]) == 0
    result, original = read_picture(out), read_picture(picture)
    assert result.shape == original.shape
    rows = np.flatnonzero((edited != read_label_map(mask)).any(axis=1))
    far = rows[0] - round(0.2 * original.shape[0])  # the face around the edit goes along
    assert far > 100 and (result[:far] == original[:far]).all()
    assert (result[rows[0] : rows[-1]] != original[rows[0] : rows[-1]]).any()
    full = tmp_path / "full.jpg"
    assert main(["edit", str(picture), *common, "-o", str(full), "--blend", "full", "--precision", "bf16"]) == 0
    assert read_picture(full).shape == original.shape


def test_edit_takes_colour_masks(tmp_path: Path, tiny_weights: Path, face_files: dict[str, Path]) -> None:
    Image.fromarray(colourise(read_label_map(face_files["edited"], "celebamask-hq"))).save(tmp_path / "colour.png")
    results = []
    for edited in (face_files["edited"], tmp_path / "colour.png"):
        arguments = [str(face_files["image"]), "--mask", str(face_files["mask"]), "--edited", str(edited)]
        assert main(["edit", *arguments, "-o", str(tmp_path / "o.png"), "--weights", str(tiny_weights)]) == 0
        results.append(read_picture(tmp_path / "o.png"))
    assert (results[0] == results[1]).all()


def test_edit_copies_the_style_of_a_part(tmp_path: Path, tiny_weights: Path, face_files: dict[str, Path]) -> None:
    picture, mask = portrait(4)
    arguments = ["edit", str(face_files["image"]), "--mask", str(face_files["mask"]), "--weights", str(tiny_weights)]
    style = ["--style", str(picture), "--style-mask", str(mask), "--style-parts", "hair, upper lip"]
    results = []
    for i, more in enumerate(([], ["--style-strength", "0.5"], ["--edited", str(face_files["edited"])])):
        assert main([*arguments, *style, *more, "-o", str(tmp_path / f"{i}.png")]) == 0
        results.append(read_picture(tmp_path / f"{i}.png"))
    original, label_map = read_picture(face_files["image"]), read_label_map(face_files["mask"])
    skin = label_map == 1
    assert (results[0][skin] == original[skin]).all(axis=-1).mean() > 0.5
    assert (results[0][label_map == 13] != original[label_map == 13]).any()
    assert (results[0] != results[1]).any() and (results[0] != results[2]).any()


def test_style_copy_writes_the_masks_size(tmp_path: Path, tiny_weights: Path, face_files: dict[str, Path]) -> None:
    picture, mask = portrait(4)
    arguments = [str(picture), "--style-mask", str(mask), "--onto", str(face_files["mask"])]
    out = tmp_path / "styled.png"
    assert main(["style-copy", *arguments, "-o", str(out), "--weights", str(tiny_weights)]) == 0
    assert read_picture(out).shape == (96, 96, 3)


def test_demo_writes_one_grid_and_prints_its_path(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "demo.png"
    assert main(["demo", "-o", str(out), "--weights", str(tiny_weights)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    sheet = read_picture(out)
    assert sheet.shape[1] > 1500 and sheet.std() > 30


def test_labels_shows_converts_and_inspects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["labels"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("\n") > 19 and "eyeglasses" in shown and "#cc0000" in shown
    mask = portrait(3)[1]
    right = read_label_map(mask)
    assert main(["labels", "convert", str(mask), "-o", str(tmp_path / "p.png"), "--to", "face-parsing"]) == 0
    assert main(["labels", "inspect", str(tmp_path / "p.png")]) == 0
    assert "most likely in face-parsing order" in capsys.readouterr().out
    arguments = [str(tmp_path / "p.png"), "-o", str(tmp_path / "back.png"), "--from", "face-parsing"]
    assert main(["labels", "convert", *arguments]) == 0
    assert (read_label_map(tmp_path / "back.png") == right).all()
    capsys.readouterr()
    guessed = [str(tmp_path / "p.png"), "-o", str(tmp_path / "guessed.png")]
    assert main(["labels", "convert", *guessed]) == 0  # auto reads the order that inspect names
    said = capsys.readouterr().err
    assert "read in face-parsing order" in said and "--order" not in said
    assert (read_label_map(tmp_path / "guessed.png") == right).all()
    kept = [str(tmp_path / "p.png"), "-o", str(tmp_path / "kept.png"), "--from", "celebamask-hq"]
    assert main(["labels", "convert", *kept]) == 0
    assert (read_label_map(tmp_path / "kept.png", "celebamask-hq") != right).any()
    assert main(["labels", "convert", str(mask), "-o", str(tmp_path / "c.png"), "--colour"]) == 0
    assert (read_picture(tmp_path / "c.png") == colourise(right)).all()


@pytest.mark.parametrize("group", ["", "frame", "labels", "runs", "train", "weights"])
def test_lists_of_commands_are_not_cut(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*group.split(), "--help"]) == 0
    listed = capsys.readouterr().out.partition("Commands:")[2]
    assert listed and "..." not in listed


def test_help_pages_break_lines_at_spaces_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "dense-mapping", "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("style_encoder.regions=none" in line for line in lines)
    assert not [line for line in lines if line.rstrip().endswith(("-", "[default:"))]
    assert not {"\u2011", "\u00a0"} & set("".join(lines))


def test_orders_in_help_pages_are_those_that_are_known() -> None:
    assert tuple(ORDERS) == LABEL_ORDERS


ROLES = ("classifier", "embedding", "parser")


def test_evaluate_prints_and_writes_what_it_measured(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = FaceParser(preset("tiny").parser)
    info = WeightsInfo(
        model_type="parser", config=parser.config, resolution=64, step=0, provenance="untrained", licence="none"
    )
    save_weights(tmp_path / "parser.safetensors", parser, info)
    record = tmp_path / "result.json"
    arguments = ["--data", "synthetic:3:64", "--side", "64", "--parser", str(tmp_path / "parser.safetensors")]
    arguments += ["--batch-size", "2"]
    assert main(["evaluate", *arguments, "--weights", str(tiny_weights), "-o", str(record)]) == 0
    assert ", own style |" in capsys.readouterr().out
    measured = json.loads(record.read_text())
    (name,) = measured["weights"]
    conditions = {"real", f"{name}, own style", f"{name}, reference style"}
    assert measured["count"] == 3 and set(measured["agreement"]) == conditions
    assert len(measured["weights"][name]) == 12 and 0 <= measured["agreement"]["real"]["pixel_accuracy"] <= 1
    assert main(["evaluate", "--task", "groups", "--by", "Male", *arguments, "-o", str(record)]) == 0
    assert "attributes as the classifier reads them" in capsys.readouterr().out
    measured = json.loads(record.read_text())
    assert [(group["by"], group["row"]) for group in measured["groups"][1:3]] == [("Male", "with"), ("Male", "without")]
    assert measured["source"] == "classifier"
    assert {name: len(value) for name, value in measured["networks"].items()} == dict.fromkeys(ROLES, 12)


def test_weights_are_shown_and_halved(tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    half = tmp_path / "half.safetensors"
    assert main(["weights", "convert", str(tiny_weights), str(half), "--half"]) == 0
    assert half.stat().st_size < 0.6 * tiny_weights.stat().st_size
    assert main(["weights", "show", str(half)]) == 0
    shown = capsys.readouterr().out
    assert "dense-mapping, 64 px" in shown and "untrained, for tests" in shown
    whole, halved = (load_weights(path)[0].state_dict() for path in (tiny_weights, half))
    for name, tensor in whole.items():
        torch.testing.assert_close(halved[name], tensor, rtol=1e-3, atol=1e-4)


@pytest.fixture(scope="module")
def tiny_vae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    vae = MaskVAE(preset("tiny").mask_vae)
    initialise_fan_in(vae)  # codes and masks that differ
    path = tmp_path_factory.mktemp("vae") / "mask-vae.safetensors"
    info = WeightsInfo(
        model_type="mask-vae", config=vae.config, resolution=64, step=0, provenance="untrained", licence="none"
    )
    save_weights(path, vae, info)
    return path


def test_random_masks_are_valid_and_repeat(tmp_path: Path, tiny_vae: Path) -> None:
    for folder in ("one", "other"):
        arguments = ["-o", str(tmp_path / folder), "--mask-vae", str(tiny_vae), "-n", "3", "--size", "64"]
        assert main(["sample-masks", *arguments, "--seed", "5"]) == 0
    names = [f"{i:04d}.png" for i in range(3)]
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == names
    for name in names:
        one, other = (read_label_map(tmp_path / folder / name, "celebamask-hq") for folder in ("one", "other"))
        assert one.shape == (64, 64) and (one == other).all()


def test_interpolation_gives_strips_and_animations(tmp_path: Path, tiny_vae: Path, tiny_weights: Path) -> None:
    picture, mask = portrait(2)
    common = [str(mask), str(portrait(5)[1]), "-n", "4", "--mask-vae", str(tiny_vae)]
    assert main(["interpolate", *common, "-o", str(tmp_path / "masks.png")]) == 0
    assert read_picture(tmp_path / "masks.png").shape == (512, 4 * 512, 3)
    faces = ["--image", str(picture), "--weights", str(tiny_weights)]
    assert main(["interpolate", *common, *faces, "-o", str(tmp_path / "faces.gif")]) == 0
    (tmp_path / "masks.gif").with_suffix(".png").rename(tmp_path / "strip.png")
    (tmp_path / "masks.png").mkdir()  # no obstacle to masks.gif
    assert main(["interpolate", *common, "-o", str(tmp_path / "masks.gif")]) == 0
    with Image.open(tmp_path / "faces.gif") as animation:
        assert animation.n_frames == 6 and animation.size == (512, 1024)  # there and back
    assert main(["interpolate", str(mask), str(mask), "-o", str(tmp_path / "a.xyz"), "--mask-vae", str(tiny_vae)]) == 2


def test_evaluate_measures_a_mask_vae(tmp_path: Path, tiny_vae: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", "--task", "masks", "--data", "synthetic:3:64", "--side", "64"]
    assert main([*arguments, "--mask-vae", str(tiny_vae), "-o", str(tmp_path / "masks.json")]) == 0
    assert "3 masks at 64 px" in capsys.readouterr().out
    assert 0 <= json.loads((tmp_path / "masks.json").read_text())["mean_iou"] <= 1


def test_parse_writes_a_mask_and_its_overlay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture, mask = portrait(7)
    arguments = [str(picture), "-o", str(tmp_path / "m.png"), "--overlay", str(tmp_path / "o.png"), "--opacity", "1"]
    assert main(["parse", *arguments]) == 0
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "m.png"), str(tmp_path / "o.png")]
    found = read_label_map(tmp_path / "m.png")
    assert (found == read_label_map(mask)).mean() > 0.85
    assert (read_picture(tmp_path / "o.png") == colourise(found)).all()
    assert main(["parse", str(picture), "-o", str(tmp_path / "m.jpg")]) == 2


def test_parse_keeps_the_proportions_of_wide_pictures(tmp_path: Path) -> None:
    picture = read_picture(portrait(7)[0])
    wide = np.pad(picture, ((0, 0), (200, 100), (0, 0)), mode="edge")
    for name, array in (("square", picture), ("wide", wide)):
        write_picture(tmp_path / f"{name}.png", array)
        assert main(["parse", str(tmp_path / f"{name}.png"), "-o", str(tmp_path / f"{name}-mask.png")]) == 0
    square, found = (read_label_map(tmp_path / f"{name}-mask.png") for name in ("square", "wide"))
    assert found.shape == wide.shape[:2]
    assert (found[:, 200:-100] == square).mean() > 0.75

"""``maskgan edit PHOTO --apply``: from photograph to photograph."""

from pathlib import Path

import numpy as np
import pytest

from maskgan.assets import portrait
from maskgan.cli.edit_photographs import unchanged_reason
from maskgan.cli.main import main
from maskgan.editing.label_patch import LabelPatch
from maskgan.editing.named_edits import parse_edit
from maskgan.editing.recipes import Recipe, write_recipe
from maskgan.images import read_label_map, read_picture, write_picture
from maskgan.labels import INDEX


def test_the_largest_face_smiles_and_all_else_stays(photograph: Path, tmp_path: Path) -> None:
    output, masks = tmp_path / "out.png", tmp_path / "masks"
    command = ["edit", str(photograph), "--apply", "smile=0.8", "-o", str(output), "--save-masks", str(masks)]
    assert main(command) == 0
    before, after = read_picture(photograph), read_picture(output)
    assert after.shape == before.shape
    rows, columns = np.nonzero((before != after).any(axis=2))
    # The mouth of portrait 7 and the skin around it: below its middle, within its frame.
    assert rows.min() > 30 + 128 and rows.max() < 286 and columns.min() > 10 and columns.max() < 266
    assert len(rows) > 200
    kept = sorted(path.name for path in masks.iterdir())
    assert kept == ["two-1-after.png", "two-1-before.png"]
    old, new = (read_label_map(masks / name) for name in reversed(kept))
    changed = set(np.unique(np.concatenate([old[old != new], new[old != new]])))
    assert changed <= {INDEX[name] for name in ("skin", "mouth", "u_lip", "l_lip")}


def test_each_face_can_be_chosen(photograph: Path, tmp_path: Path) -> None:
    before = read_picture(photograph)
    for which, left, right in (("2", 340, 532), ("140,170", 10, 266)):
        output = tmp_path / f"{which}.png"
        assert main(["edit", str(photograph), "--apply", "open-mouth", "--face", which, "-o", str(output)]) == 0
        columns = np.nonzero((before != read_picture(output)).any(axis=(0, 2)))[0]
        assert left < columns.min() and columns.max() < right


def test_amount_0_gives_the_same_photograph(
    photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "same.png"
    assert main(["edit", str(photograph), "--apply", "smile=0", "--face", "all", "-o", str(output)]) == 0
    np.testing.assert_array_equal(read_picture(output), read_picture(photograph))
    assert "two.png: nothing to change: amount 0" in capsys.readouterr().err
    assert b"DigitalSourceType" not in output.read_bytes()


@pytest.mark.parametrize(
    ("edits", "reason"),
    [
        ([], "the recipe holds no edits"),
        (["smile=0", "remove-hat=0"], "amount 0"),
        (["remove-glasses"], "no glasses were found"),
        (["smile=0", "remove-hat"], "no hat was found"),
        (["remove-hat", "remove-earrings"], "no hat and no earrings were found"),
        (["hair-colour=red", "remove-hat"], "the face is as the edits make it"),
    ],
)
def test_why_nothing_changed_is_said(edits: list[str], reason: str) -> None:
    assert unchanged_reason([parse_edit(text) for text in edits]) == reason


def test_a_patch_of_other_proportions_names_photograph_and_recipe(
    photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, output = tmp_path / "r.json", tmp_path / "o.png"
    write_recipe(recipe, Recipe(((LabelPatch(1, 4096, ((0, 9, 13),)), 1.0),)))
    given = ["edit", str(photograph), "--recipe", str(recipe), "--face", "2", "-o", str(output)]
    assert main(given) == 2
    error = capsys.readouterr().err
    assert f"two.png by {recipe}: face 2: labels painted on a mask of 4096x1 do not fit" in error
    assert "paint them on a mask of this one's proportions" in error and error.count("\n") == 1
    assert not output.exists()


def test_named_edits_work_on_a_mask_that_is_given(tmp_path: Path) -> None:
    picture, mask = portrait(7)
    output = tmp_path / "out.png"
    assert main(["edit", str(picture), "--mask", str(mask), "--apply", "brows-raised", "-o", str(output)]) == 0
    changed = (read_picture(picture) != read_picture(output)).any(axis=2)
    assert changed.any()
    assert set(np.unique(read_label_map(mask)[changed])) <= {INDEX[name] for name in ("skin", "l_brow", "r_brow")}


def test_one_photograph_without_a_face_does_not_end_the_rest(
    photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "b.png").write_bytes(photograph.read_bytes())
    write_picture(folder / "a.png", np.full((64, 64, 3), 90, dtype=np.uint8))
    assert main(["edit", str(folder), "--apply", "smile=0.5", "-o", str(tmp_path / "out")]) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["b.png"]
    assert "a.png: no face was found" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--apply", "smirk"], "'smirk' is no edit"),
        (["--apply", "smile=7"], "smile: takes -1..1"),
        (["--apply", "smile", "--face", "3"], "two.png: face 3 was asked for, 2 found"),
        (["--apply", "smile", "--face", "0"], "a number from 1, or X,Y, not '0'"),
        (["--apply", "smile", "--face", "-1"], "a number from 1, or X,Y, not '-1'"),
        (["--apply", "smile", "--edited", "x.png"], "--edited needs --mask"),
        ([], "give --apply EDIT"),
        (["--apply", "smile", "--style-strength", "0.5"], "--style-strength needs --mask"),
        (["--apply", "smile", "--blend", "full"], "--blend needs --mask"),
        (["--apply", "smile", "--order", "face-parsing"], "--order needs --mask"),
        (["--apply", "smile", "--mask", "m.png", "--face", "all"], "--face has no effect with --mask"),
        (["--apply", "smile", "--mask", "m.png", "--save-masks", "m"], "--save-masks has no effect with --mask"),
        (["--apply", "smile", "--mask", "m.png", "--style-strength", "1"], "--style-strength has no effect without"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    arguments: list[str], message: str, photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.png"
    assert main(["edit", str(photograph), *arguments, "-o", str(output)]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not output.exists()


@pytest.mark.parametrize("name", ["taken", "taken/below"])
def test_a_file_in_the_place_of_a_folder_is_named(
    name: str, photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("")
    given = ["edit", str(photograph), "--apply", "smile=0", "-o", str(tmp_path / "o.png")]
    assert main([*given, "--save-masks", str(tmp_path / name)]) == 2
    error = capsys.readouterr().err
    assert "taken is a file; choose another name, or move the file away" in error and error.count("\n") == 1


def test_hair_takes_another_colour_without_the_network(photograph: Path, tmp_path: Path) -> None:
    output = tmp_path / "red.png"
    assert main(["edit", str(photograph), "--apply", "hair-colour=red", "-o", str(output)]) == 0
    before, after = read_picture(photograph), read_picture(output)
    changed = (before != after).any(axis=2)
    columns = np.nonzero(changed.any(axis=0))[0]
    assert changed.sum() > 2000 and columns.max() < 300  # of the larger face alone
    assert after[changed][:, 0].mean() > before[changed][:, 0].mean() + 5

"""Recipes: read without trust, written, and applied again with the same result."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskgan.assets import portrait, shipped_weights
from maskgan.checkpoints.weights import sha256
from maskgan.cli.main import main
from maskgan.editing.label_patch import LabelPatch
from maskgan.editing.named_edits import parse_edit
from maskgan.editing.recipes import Recipe, encode_recipe, parse_recipe, read_recipe, weights_in_use, write_recipe
from maskgan.errors import UserError
from maskgan.images import read_label_map, read_picture, write_label_map
from maskgan.labels import INDEX, LabelMap

HASH = "0123456789abcdef" * 4


def recipe_json(**changes: Any) -> dict[str, Any]:
    fields = {
        "format": "maskgan-recipe",
        "version": 1,
        "program": "a page",
        "weights": {"dense-mapping": HASH},
        "face": "largest",
        "edits": [
            {"name": "smile", "amount": 0.6},
            {"name": "glasses", "amount": "clear"},
            {"name": "hair-colour", "amount": "#8e3a1f"},
            {"patch": {"height": 8, "width": 8, "runs": [9, 3, 13, 5, 3, 1]}},
        ],
    }
    return fields | changes


def parsed(value: Any) -> Recipe:
    return parse_recipe(json.dumps(value).encode(), "r.json")


def test_a_recipe_is_read_as_it_was_written(tmp_path: Path) -> None:
    recipe = parsed(recipe_json())
    assert [edit.name for edit, _ in recipe.edits] == ["smile", "glasses", "hair-colour", "patch"]
    assert [amount for _, amount in recipe.edits[:3]] == [0.6, "clear", "#8e3a1f"]
    write_recipe(tmp_path / "r.json", recipe)
    assert read_recipe(tmp_path / "r.json") == recipe == pickle.loads(pickle.dumps(recipe))
    assert json.loads((tmp_path / "r.json").read_text()) == recipe_json()


def test_a_short_recipe_suffices() -> None:
    recipe = parsed({"format": "maskgan-recipe", "version": 1, "edits": [{"name": "smile", "amount": 1}]})
    assert recipe.face == "largest" and recipe.weights == {} and recipe.edits[0][1] == 1.0
    assert recipe.other_weights({"parser": HASH}) == []  # it says nothing of weights


def test_the_digest_is_of_what_a_recipe_does() -> None:
    digest = parsed(recipe_json()).digest
    assert len(digest) == 64
    assert parsed(recipe_json(program="another", weights={})).digest == digest
    assert parsed(recipe_json(face="all")).digest != digest
    assert parsed(recipe_json(edits=recipe_json()["edits"][:3])).digest != digest


def test_other_weights_are_named() -> None:
    recipe = parsed(recipe_json(weights={"dense-mapping": HASH, "parser": HASH}))
    assert recipe.other_weights({"dense-mapping": HASH, "parser": HASH}) == []
    assert recipe.other_weights({"edit": HASH, "parser": HASH[::-1]}) == ["dense-mapping", "edit", "parser"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "is no recipe"),
        ({"format": "maskgan-recipe"}, "format version None"),
        (recipe_json(version=2), "update maskgan"),
        (recipe_json(version=True), "format version True"),
        (recipe_json(extra=1), "unknown field 'extra'"),
        ({k: v for k, v in recipe_json().items() if k != "edits"}, "lacks 'edits'"),
        (recipe_json(face="left"), "'face' takes largest"),
        (recipe_json(face=1), "'face' is no text"),
        (recipe_json(face="nan,3"), "'face' takes largest"),
        (recipe_json(program=7), "'program'"),
        (recipe_json(weights={"parser": "12"}), "'parser' has no SHA-256"),
        (recipe_json(edits={}), "'edits' is no list"),
        (recipe_json(edits=[{"name": "smile", "amount": 0.1}] * 257), "at most 256"),
        (recipe_json(edits=["smile"]), "edit 1: is no object"),
        (recipe_json(edits=[{"name": "smile"}]), "edit 1: lacks 'amount'"),
        (recipe_json(edits=[{"name": "smirk", "amount": 1}]), "'smirk' is no edit"),
        (recipe_json(edits=[{"name": "smile", "amount": 3}]), r"takes -1\.\.1"),
        (recipe_json(edits=[{"name": "smile", "amount": True}]), "no number and no text"),
        (recipe_json(edits=[{"name": "smile", "amount": "0.5"}]), 'takes a number, -1..1, not the text "0.5"'),
        (recipe_json(face="0"), "'face' takes largest"),
        (recipe_json(edits=[{"name": "hair-colour", "amount": "loud"}]), "takes #RRGGBB"),
        (recipe_json(edits=[{"patch": {"height": 8, "width": 8, "runs": [60, 9, 1]}}]), "reach beyond"),
        (recipe_json(edits=[{"patch": {"height": 8, "width": 8, "runs": [0, 1, 19]}}]), "the run 0, 1, 19"),
        (recipe_json(edits=[{"patch": {"height": 8, "width": 8, "runs": [0, 0, 1]}}]), "the run 0, 0, 1"),
        (recipe_json(edits=[{"patch": {"height": 8, "width": 8, "runs": [0, 1]}}]), "runs a list of gap"),
        (recipe_json(edits=[{"patch": {"height": 8, "width": 1.5, "runs": []}}]), "are integers"),
        (recipe_json(edits=[{"patch": {"height": 9000, "width": 8, "runs": []}}]), "1 to 4096 px"),
        (recipe_json(edits=[{"patch": {"height": 8, "width": 8, "runs": []}, "name": "x"}]), "unknown field 'name'"),
    ],
)
def test_what_is_no_recipe_is_said_in_one_line(value: Any, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        parsed(value)
    assert str(caught.value).startswith("r.json: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"version": ' + b"9" * 5000 + b"}",
    ],
)
def test_hostile_text_is_no_json(text: bytes) -> None:
    with pytest.raises(UserError, match=r"r\.json: is no JSON"):
        parse_recipe(text, "r.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"format": "maskgan-recipe", "format": "maskgan-recipe"}', "has the field 'format' twice"),
        (b'{"edits": [{"name": "smile", "amount": 0.1, "amount": 0.2}]}', "has the field 'amount' twice"),
        (b'{"format": "maskgan-recipe", "version": NaN}', "holds NaN, which is no number"),
        (b'{"format": "maskgan-recipe", "version": -Infinity}', "holds -Infinity, which is no number"),
    ],
)
def test_what_is_wrong_in_json_is_named(text: bytes, message: str) -> None:
    with pytest.raises(UserError, match=rf"^r\.json: {message}"):
        parse_recipe(text, "r.json")


def test_a_file_that_is_too_large_is_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(b" " * (4 << 20) + b"{}")
    with pytest.raises(UserError, match="over 4 MB"):
        read_recipe(path)


@given(st.integers(1, 12), st.integers(1, 12), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_a_patch_turns_one_mask_into_the_other(height: int, width: int, random: Any) -> None:
    before, after = (
        np.array([random.randrange(3) for _ in range(height * width)], np.uint8).reshape(height, width) for _ in "ab"
    )
    patch = LabelPatch.between(before, after)
    if patch is None:
        assert (before == after).all()
        return
    np.testing.assert_array_equal(patch.apply(before), after)
    assert parsed(json.loads(encode_recipe(Recipe(((patch, 1.0),))))).edits == ((patch, 1.0),)


def test_a_patch_is_painted_on_masks_of_other_sizes() -> None:
    before = np.zeros((8, 8), np.uint8)
    after = before.copy()
    after[2:4, 2:6] = INDEX["hair"]
    patch = LabelPatch.between(before, after)
    assert patch is not None
    larger = patch.apply(np.ones((32, 32), np.uint8))
    assert (larger[8:16, 8:24] == INDEX["hair"]).all() and (larger == 1).sum() == 32 * 32 - 8 * 16
    wide = patch.apply(np.ones((64, 64), np.uint8), frame_side=2.0)  # of a frame of twice the side
    np.testing.assert_array_equal(wide[16:48, 16:48], larger)
    assert (wide == INDEX["hair"]).sum() == 8 * 16
    with pytest.raises(UserError, match="other proportions"):
        patch.apply(np.ones((32, 16), np.uint8))


def test_a_recipe_gives_the_same_photograph_again(photograph: Path, tmp_path: Path) -> None:
    first, again, recipe = tmp_path / "first.png", tmp_path / "again.png", tmp_path / "r.json"
    edits = ["--apply", "smile=0.7", "--apply", "hair-colour=red", "--face", "2"]
    assert main(["edit", str(photograph), *edits, "-o", str(first), "--save-recipe", str(recipe)]) == 0
    assert main(["edit", str(photograph), "--recipe", str(recipe), "-o", str(again)]) == 0
    assert first.read_bytes() == again.read_bytes()
    assert (read_picture(first) != read_picture(photograph)).any()
    saved = read_recipe(recipe)
    assert saved.face == "2" and saved.edits == (parse_edit("smile=0.7"), parse_edit("hair-colour=red"))
    network = shipped_weights("edit")
    assert saved.weights == weights_in_use(network) and sha256(network) in saved.weights.values()


def test_what_was_painted_is_done_again_and_on_other_photographs(
    photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, mask = portrait(7)
    label_map: LabelMap = read_label_map(mask)
    edited = label_map.copy()
    edited[60:110, 150:360] = INDEX["hat"]
    write_label_map(tmp_path / "edited.png", edited)
    first, again, recipe = tmp_path / "first.png", tmp_path / "again.png", tmp_path / "r.json"
    given = ["edit", str(picture), "--mask", str(mask)]
    painted = ["--edited", str(tmp_path / "edited.png"), "--save-recipe", str(recipe)]
    assert main([*given, *painted, "-o", str(first)]) == 0
    assert main([*given, "--recipe", str(recipe), "-o", str(again)]) == 0
    assert first.read_bytes() == again.read_bytes()
    # On whole photographs, after which another edit follows; the other face stays.
    output, masks = tmp_path / "both.png", tmp_path / "masks"
    more = ["--apply", "smile=0.5", "--save-masks", str(masks)]
    assert main(["edit", str(photograph), "--recipe", str(recipe), *more, "-o", str(output)]) == 0
    assert not capsys.readouterr().err
    after = read_label_map(masks / "two-1-after.png")
    assert (after == INDEX["hat"]).mean() == pytest.approx((edited == INDEX["hat"]).mean(), rel=0.05)
    changed = (read_picture(output) != read_picture(photograph)).any(axis=(0, 2))
    assert changed.any() and not changed[300:].any()


def test_recipes_of_other_weights_are_warned_of(
    photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "r.json"
    recipe.write_text(json.dumps(recipe_json(edits=[{"name": "hair-colour", "amount": "#8e3a1f"}])))
    assert main(["edit", str(photograph), "--recipe", str(recipe), "-o", str(tmp_path / "o.png")]) == 0
    error = capsys.readouterr().err
    assert "was made with other weights" in error and "parser" in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--recipe", "gone.json"], "gone.json: no such file"),
        (["--apply", "smile", "--save-recipe", "r.txt"], "recipes are written as .json"),
        (["--apply", "smile", "--save-recipe", "no/r.json"], "no such folder"),
        (["--mask", "m.png", "--edited", "e.png", "--blend", "full", "--save-recipe", "r.json"], "not --blend"),
    ],
)
def test_recipe_options_that_cannot_be_followed(
    arguments: list[str], message: str, photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "o.png"
    assert main(["edit", str(photograph), *arguments, "-o", str(output)]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not output.exists()


def test_the_documented_recipe_is_one() -> None:
    document = Path(__file__).parents[1] / "docs" / "recipes.md"
    text = document.read_text().partition("```json\n")[2].partition("```")[0]
    recipe = parse_recipe(text.encode(), "recipes.md")
    assert [edit.name for edit, _ in recipe.edits] == ["smile", "hair-colour", "patch"]

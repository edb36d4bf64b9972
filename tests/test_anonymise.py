"""Faces drawn anew: nobody's, the same for the same seed, and kept where asked."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskgan.assets import portrait, shipped_weights
from maskgan.cli.main import main
from maskgan.editing.anonymise import ANONYMISE, AnonymiseOptions
from maskgan.editing.anonymiser import Anonymiser, move_parts
from maskgan.editing.named_edits import parse_edit
from maskgan.editing.recipes import Recipe, parse_recipe
from maskgan.editing.recognition import ShippedRecogniser, open_recogniser
from maskgan.editing.renderer import Renderer
from maskgan.errors import UserError
from maskgan.face_parts import BROWS, EYES, FACE, HAIR, MOUTH, NOSE
from maskgan.images import Picture, read_label_map, read_picture, resize_label_map, resize_picture
from maskgan.labels import LabelMap


class Likeness:
    """Known by the colours of the face's middle alone, from a cosine of 0.9999."""

    name, threshold = "a test's recogniser", 0.9999

    def __call__(self, picture: Picture, label_map: LabelMap) -> np.ndarray:
        assert picture.shape[:2] == label_map.shape
        side = picture.shape[0]
        vector = picture[side // 3 : 2 * side // 3, side // 3 : 2 * side // 3].astype(np.float64).ravel()
        return vector / np.linalg.norm(vector)


@pytest.fixture(scope="module")
def face() -> tuple[Picture, LabelMap]:
    picture, mask = portrait(7)
    return resize_picture(read_picture(picture), (256, 256)), resize_label_map(read_label_map(mask), (256, 256))


@pytest.fixture(scope="module")
def anonymiser() -> Anonymiser:
    return Anonymiser(Renderer.from_weights(shipped_weights("edit")), Likeness())


def test_one_seed_gives_one_face_and_another_seed_another(
    anonymiser: Anonymiser, face: tuple[Picture, LabelMap]
) -> None:
    first, again, other = (anonymiser(*face, AnonymiseOptions(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.picture, again.picture)
    np.testing.assert_array_equal(first.label_map, again.label_map)
    assert (first.picture != other.picture).any() and (first.label_map != other.label_map).any()
    second = anonymiser(*face, AnonymiseOptions(3), number=1)
    assert (first.picture != second.picture).any()


def test_the_face_changes_and_all_else_stays(anonymiser: Anonymiser, face: tuple[Picture, LabelMap]) -> None:
    picture, mask = face
    done = anonymiser(picture, mask, AnonymiseOptions())
    assert done.after < done.threshold == Likeness.threshold
    free = (mask != done.label_map) | np.isin(mask, FACE)
    np.testing.assert_array_equal(done.picture[~free], picture[~free])
    face_changed = (done.picture != picture).any(axis=2)[np.isin(mask, FACE)]
    assert face_changed.mean() > 0.9
    # The new skin has the old one's colour, so that it fits the neck.
    old, new = picture[mask == 1].mean(axis=0), done.picture[done.label_map == 1].mean(axis=0)
    assert np.abs(old - new).max() < 12


def test_kept_parts_keep_their_pixels_and_labels(anonymiser: Anonymiser, face: tuple[Picture, LabelMap]) -> None:
    picture, mask = face
    done = anonymiser(picture, mask, AnonymiseOptions(1, ("eyes", "mouth")))
    for part in (EYES, MOUTH):
        kept = np.isin(mask, part)
        np.testing.assert_array_equal(np.isin(done.label_map, part), kept)
        np.testing.assert_array_equal(done.picture[kept], picture[kept])
    assert (done.label_map != mask)[np.isin(mask, (NOSE, *BROWS))].any()


def test_it_is_refused_while_the_face_is_known(
    anonymiser: Anonymiser, face: tuple[Picture, LabelMap], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maskgan.editing.anonymiser._DRAWS", 2)
    with pytest.raises(UserError, match=r"a test's recogniser still knows the face .* below -1\)") as caught:
        anonymiser(*face, AnonymiseOptions(threshold=-1, keep=("eyes", "nose")))
    advice = "give another seed, keep fewer parts than eyes, nose, or set a higher --anonymise-threshold"
    assert str(caught.value).endswith(advice)  # SFace is no remedy for another recogniser


@pytest.mark.parametrize("seed", range(6))
def test_parts_move_and_none_is_lost(seed: int, face: tuple[Picture, LabelMap]) -> None:
    mask = face[1]
    moved = move_parts(mask, np.random.default_rng(seed))
    for part in (EYES[:1], EYES[1:], BROWS[:1], (NOSE,), MOUTH):
        before, after = np.isin(mask, part), np.isin(moved, part)
        assert (before != after).any() and 0.3 * before.sum() < after.sum() < 2.5 * before.sum()
    still = move_parts(mask, np.random.default_rng(seed), keep=("eyes", "brows", "nose", "mouth"))
    features = (*EYES, *BROWS, NOSE, *MOUTH)
    for label in features:
        np.testing.assert_array_equal(still == label, mask == label)
    assert (np.isin(moved, HAIR) & (mask != HAIR)).mean() < 0.2


def test_faces_that_lack_parts_move_what_they_have(face: tuple[Picture, LabelMap]) -> None:
    profile = np.where(np.isin(face[1], (EYES[0], BROWS[0], *MOUTH)), 1, face[1]).astype(np.uint8)
    moved = move_parts(profile, np.random.default_rng(0))
    assert not np.isin(moved, (EYES[0], BROWS[0], *MOUTH)).any()
    assert (moved == EYES[1]).any() and (moved != profile).any()


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("anonymise", "0"),
        ("anonymise=7", "7"),
        ("anonymise=keep=mouth+eyes:7", "7:keep=eyes+mouth"),
        ("anonymise=7:threshold=0.30", "7:threshold=0.3"),
    ],
)
def test_amounts_say_seed_parts_and_threshold(text: str, amount: str) -> None:
    assert parse_edit(text) == (ANONYMISE, amount)
    assert str(AnonymiseOptions.parse(amount)) == amount


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-1", "the seed is a whole number from 0"),
        ("9" * 40, "the seed is a whole number from 0"),
        ("keep=ears", "keeps eyes, brows, nose, mouth, not 'ears'"),
        ("threshold=2", "a cosine from -1 to 1, not '2'"),
        ("threshold=nan", "a cosine from -1 to 1"),
        ("hat=1", "takes SEED:keep=PARTS:threshold=COSINE, not 'hat=1'"),
    ],
)
def test_bad_amounts_are_said(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_edit(f"anonymise={text}")


def test_recipes_carry_it() -> None:
    recipe = Recipe((parse_edit("anonymise=7:keep=eyes"), parse_edit("smile=0.5")))
    assert parse_recipe(json.dumps(recipe.to_json()).encode(), "a.json").edits == recipe.edits


def test_a_mask_alone_is_refused(face: tuple[Picture, LabelMap]) -> None:
    with pytest.raises(UserError, match="use 'maskgan edit PHOTO"):
        ANONYMISE.apply(face[1])


def test_recognisers_know_a_face_turned_a_little_and_tell_faces_apart(face: tuple[Picture, LabelMap]) -> None:
    picture, mask = face
    shifted, shifted_mask = np.roll(picture, 4, axis=1), np.roll(mask, 4, axis=1)
    other, other_mask = read_picture(portrait(8)[0]), read_label_map(portrait(8)[1])
    for recogniser in (open_recogniser(), ShippedRecogniser()):
        own, same, another = (
            recogniser(*pair) for pair in ((picture, mask), (shifted, shifted_mask), (other, other_mask))
        )
        assert np.linalg.norm(own) == pytest.approx(1)
        assert own @ same > 0.85 > recogniser.threshold and own @ another < own @ same - 0.2


def test_the_command_reports_likeness_and_drops_what_names_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maskgan.editing.anonymiser._DRAWS", 2)
    photograph, output = tmp_path / "photograph.jpg", tmp_path / "out.jpg"
    exif = Image.Exif()
    exif[0x010E] = "Jane Doe at home"
    with Image.open(portrait(7)[0]) as image:
        Image.fromarray(np.pad(np.asarray(image), ((80, 80), (80, 80), (0, 0)), mode="edge")).resize((400, 400)).save(
            photograph, exif=exif, quality=92
        )
    command = ["edit", str(photograph), "--apply", "anonymise=5", "-o", str(output)]
    assert main([*command, "--keep", "eyes", "--anonymise-threshold", "0.9"]) == 0
    assert "face 1: likeness" in capsys.readouterr().err
    assert b"Jane Doe" in photograph.read_bytes() and b"Jane Doe" not in output.read_bytes()
    before, after = read_picture(photograph), read_picture(output)
    assert after.shape == before.shape and (before != after).any()
    output.unlink()
    assert main([*command, "--anonymise-threshold", "-1"]) == 2
    error = capsys.readouterr().err
    assert f"{photograph}: face 1: anonymise: " in error and "still knows the face" in error and not output.exists()
    assert main(["edit", str(photograph), "--apply", "smile", "--keep", "eyes", "-o", str(output)]) == 2
    assert "--keep has no effect without --apply anonymise" in capsys.readouterr().err

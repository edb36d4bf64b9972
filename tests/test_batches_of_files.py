"""Commands over many inputs: folders in and out, failures that do not stop the others, outputs that destroy nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskgan.assets import portrait
from maskgan.cli.main import main
from maskgan.errors import UserError
from maskgan.files import check_outputs
from maskgan.images import read_label_map, read_picture, write_label_map, write_picture
from maskgan.labels import INDEX


@pytest.fixture
def folders(tmp_path: Path, face_files: dict[str, Path]) -> dict[str, Path]:
    """Two faces, ``a`` and ``b``, with masks and edited masks, in a folder each."""
    made = {name: tmp_path / f"{name}s" for name in face_files}
    for name, path in face_files.items():
        made[name].mkdir()
        for key in ("a", "b"):
            shutil.copy(path, made[name] / f"{key}.png")
    return {**made, "out": tmp_path / "out"}


def edit(folders: dict[str, Path], weights: Path) -> list[str]:
    masks = ["--mask", str(folders["mask"]), "--edited", str(folders["edited"])]
    return ["edit", str(folders["image"]), *masks, "-o", str(folders["out"]), "--weights", str(weights)]


def test_a_folder_is_edited_face_by_face(folders: dict[str, Path], tiny_weights: Path) -> None:
    assert main(edit(folders, tiny_weights)) == 0
    assert sorted(path.name for path in folders["out"].iterdir()) == ["a.png", "b.png"]
    assert (read_picture(folders["out"] / "a.png") == read_picture(folders["out"] / "b.png")).all()


def test_one_bad_input_does_not_stop_the_others(
    folders: dict[str, Path], tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folders["image"] / "a.png").write_bytes(b"no picture")
    assert main(edit(folders, tiny_weights)) == 1
    errors = capsys.readouterr().err.splitlines()
    assert "a.png: not a picture" in errors[0] and "1 of 2 inputs failed" in errors[1]
    assert [path.name for path in folders["out"].iterdir()] == ["b.png"]


def test_a_missing_mask_is_named(
    folders: dict[str, Path], tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folders["mask"] / "b.png").unlink()
    assert main(edit(folders, tiny_weights)) == 2
    error = capsys.readouterr().err
    assert "has no file for" in error and "b.png" in error
    assert not folders["out"].exists()


def test_masks_of_a_folder_are_converted(folders: dict[str, Path]) -> None:
    assert main(["labels", "convert", str(folders["mask"]), "-o", str(folders["out"]), "--colour"]) == 0
    for key in ("a", "b"):
        assert (read_label_map(folders["out"] / f"{key}.png") == read_label_map(folders["mask"] / f"{key}.png")).all()
    assert main(["labels", "convert", str(folders["mask"]), "-o", str(folders["mask"])]) == 2
    assert main(["labels", "convert", str(folders["mask"]), "-o", str(folders["mask"]), "--overwrite"]) == 0


def test_masks_of_another_size_are_fitted(
    face_files: dict[str, Path], tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited = face_files["edited"]
    write_label_map(edited, read_label_map(edited)[::2, ::2].copy())
    out = edited.with_name("out.png")
    arguments = ["edit", str(face_files["image"]), "--mask", str(face_files["mask"]), "--edited", str(edited)]
    assert main([*arguments, "-o", str(out), "--weights", str(tiny_weights)]) == 0
    assert "edited.png: resized from 48x48 to the picture's 96x96" in capsys.readouterr().err
    assert read_picture(out).shape == (96, 96, 3)


def test_parts_that_nobody_has_are_said(
    face_files: dict[str, Path], tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, mask = str(face_files["image"]), str(face_files["mask"])
    label_map = read_label_map(mask)
    label_map[label_map == INDEX["hat"]] = 0
    write_label_map(mask, label_map)
    arguments = ["edit", image, "--mask", mask, "--style", image, "--style-mask", mask, "--style-parts", "hat,skin"]
    main([*arguments, "-o", str(face_files["image"].with_name("o.png")), "--weights", str(tiny_weights)])
    errors = capsys.readouterr().err
    assert f"--style-parts: {mask} has no hat" in errors and "no skin" not in errors


def test_an_edit_keeps_the_metadata(face_files: dict[str, Path], tiny_weights: Path) -> None:
    exif = Image.Exif()
    exif[0x0110] = "Model 7"
    photo, out = face_files["image"].with_name("photo.jpg"), face_files["image"].with_name("out.jpg")
    Image.fromarray(read_picture(face_files["image"])).save(photo, exif=exif, quality=80)
    arguments = ["edit", str(photo), "--mask", str(face_files["mask"]), "--edited", str(face_files["edited"])]
    assert main([*arguments, "-o", str(out), "--weights", str(tiny_weights)]) == 0
    with Image.open(photo) as before, Image.open(out) as after:
        assert after.getexif()[0x0110] == "Model 7" and after.quantization == before.quantization


@pytest.mark.slow
def test_pictures_without_a_face_are_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    write_picture(tmp_path / "noise.png", noise)
    face = read_picture(portrait(7)[0])
    small = np.full((512, 512, 3), 128, dtype=np.uint8)
    small[200:456, 200:456] = face[::2, ::2]
    write_picture(tmp_path / "small.png", small)
    write_picture(tmp_path / "whole.png", face)
    assert (
        main(["parse", *(str(tmp_path / f"{n}.png") for n in ("noise", "small", "whole")), "-o", f"{tmp_path}/o"]) == 0
    )
    errors = capsys.readouterr().err.splitlines()
    assert "noise.png: no face was found" in errors[0]
    assert "small.png: the face is not upright in the middle" in errors[1]
    assert len(errors) == 2
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["noise.png", "small.png", "whole.png"]


def test_one_file_is_recognised_under_every_name(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"a")
    (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
    os.link(tmp_path / "a.png", tmp_path / "hard.png")
    (tmp_path / "folder").mkdir()
    for name in ("a.png", "link.png", "hard.png", "folder/../a.png"):
        with pytest.raises(UserError, match="is one of the inputs"):
            check_outputs([tmp_path / name], [tmp_path / "a.png"])
        check_outputs([tmp_path / name], [tmp_path / "a.png"], overwrite=True)
    with pytest.raises(UserError, match="would be written twice"):
        check_outputs([tmp_path / "new.png", tmp_path / "folder" / ".." / "new.png"], [], overwrite=True)
    check_outputs([tmp_path / "b.png", tmp_path / "c.png"], [tmp_path / "a.png"])

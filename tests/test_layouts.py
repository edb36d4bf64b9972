"""Folders of pairs in every usual layout, in both label orders; what no layout fits is refused with what is there."""

from __future__ import annotations

import logging
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from dataset_cases import NAMES, PAIRS, layout, mask_bytes, picture_bytes, write
from maskgan.data.labelled import open_labelled
from maskgan.data.open_dataset import open_pairs
from maskgan.data.pairs import PairCollection, select
from maskgan.data.plausibility import first_masks, warn_of_common_issues
from maskgan.data.synthetic import export
from maskgan.data.synthetic.dataset import SyntheticPairs
from maskgan.errors import UserError
from maskgan.images import write_label_map, write_picture
from maskgan.labels import MIRROR, convert_order


def assert_all_read(pairs: PairCollection, names: list[str] = NAMES) -> None:
    """Every name has its own picture and mask."""
    assert sorted(pairs.keys) == sorted(names)
    for number, name in enumerate(names):
        found = pairs[list(pairs.keys).index(name)]
        np.testing.assert_array_equal(found.label_map, PAIRS[number].label_map)
        difference = [np.abs(found.picture.astype(int) - pair.picture).mean() for pair in PAIRS]
        assert np.argmin(difference) == number  # JPEG changes pictures, but not into another face's


@pytest.mark.parametrize(
    ("pictures", "masks"),
    [
        ("images/{}.jpg", "masks/{}.png"),
        ("images/{}.jpg", "labels/{}.png"),
        ("imgs/{}.png", "Annotations/{}.png"),
        ("JPEGImages/{}.jpg", "SegmentationClass/{}.png"),
        ("images/{}.jpg", "masks/{}.bmp"),
        ("images/{}.jpg", "masks/{}.tif"),
        ("images/{}.jpg", "masks/{}_mask.png"),
        ("images/{}.JPG", "masks/{}.PNG"),
        ("{}.jpg", "{}.png"),
        ("{}.jpg", "{}.bmp"),
        ("{}.bmp", "{}.png"),
        ("{}.jpg", "{}_mask.png"),
        ("{}.png", "{}_mask.png"),
        ("{}.jpg", "{}-label.png"),
        ("part/{}.jpg", "part/{}.png"),
        ("images/x/{}.jpg", "masks/x/{}.png"),
        ("images/x/{}.jpg", "masks/{}.png"),
    ],
)
def test_layouts_are_read(tmp_path: Path, pictures: str, masks: str) -> None:
    assert_all_read(open_pairs(str(layout(tmp_path, pictures, masks))))


def test_nested_folders_have_names_or_paths_as_keys(tmp_path: Path) -> None:
    for folder, names in (("00000", NAMES[:3]), ("00001", NAMES[3:])):
        layout(tmp_path / "unique", f"images/{folder}/{{}}.jpg", f"masks/{folder}/{{}}.png", names)
        layout(tmp_path / "again", f"images/{folder}/{{}}.jpg", f"masks/{folder}/{{}}.png", ["1", "2"])
    assert sorted(open_pairs(str(tmp_path / "unique")).keys) == sorted(NAMES)
    assert open_pairs(str(tmp_path / "again")).keys == ["00000/1", "00000/2", "00001/1", "00001/2"]


def test_what_lies_below_pairs_is_none_of_them(tmp_path: Path) -> None:
    layout(tmp_path, "{}.jpg", "{}.png")
    layout(tmp_path, "old/{}.jpg", "old/{}.png")
    assert_all_read(open_pairs(str(tmp_path)))


def test_the_two_folders_can_be_said(tmp_path: Path) -> None:
    layout(tmp_path, "photos of 2019/{}.jpg", "by hand/{}.png")
    spec = f"images={tmp_path / 'photos of 2019'},masks={tmp_path / 'by hand'}"
    assert_all_read(open_pairs(spec))
    with pytest.raises(
        UserError, match=r"holds by hand/ \(6 \.png\), photos of 2019/ \(6 \.jpg\); .*images=FOLDER,masks="
    ):
        open_pairs(str(tmp_path))
    with pytest.raises(UserError, match="nowhere: not a folder"):
        open_pairs(f"images={tmp_path / 'photos of 2019'},masks={tmp_path / 'nowhere'}")


def test_other_names_and_lossy_masks_are_refused_with_what_is_there(tmp_path: Path) -> None:
    layout(tmp_path / "names", "images/{}.jpg", "masks/m{}.png")
    with pytest.raises(UserError, match=r"no pairs found: .*images holds 6 \.jpg, .*masks 6 \.png"):
        open_pairs(str(tmp_path / "names"))
    layout(tmp_path / "lossy", "images/{}.jpg", "masks/{}.jpg")
    with pytest.raises(UserError, match=r"masks/.*\.jpg: a JPEG mask has blurred labels"):
        open_pairs(str(tmp_path / "lossy"))
    layout(tmp_path / "same", "{}.jpg", "{}.webp")
    with pytest.raises(UserError, match="has the same name; keep one of the two"):
        open_pairs(str(tmp_path / "same"))


def test_pictures_and_masks_alone_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    layout(tmp_path, "images/{}.jpg", "masks/{}.png")
    write(tmp_path / "images" / "bare.jpg", picture_bytes(PAIRS[0]))
    write(tmp_path / "masks" / "lone.png", mask_bytes(PAIRS[0]))
    with caplog.at_level(logging.WARNING, logger="maskgan"):
        assert_all_read(open_pairs(str(tmp_path)))
    assert "1 pictures have no mask and are left out, bare first" in caplog.text
    assert "1 masks have no picture and are left out, lone first" in caplog.text


def test_accents_are_the_same_however_they_are_written(tmp_path: Path) -> None:
    apart = unicodedata.normalize("NFD", "Müller, Jörg")
    layout(tmp_path, "images/{}.jpg", "masks/{}.png", [apart])
    (tmp_path / "masks" / f"{apart}.png").rename(tmp_path / "masks" / "Müller, Jörg.png")
    pairs = open_pairs(str(tmp_path))
    assert pairs.keys == ["Müller, Jörg"]
    for name in (apart, "Müller, Jörg"):
        (tmp_path / "list.txt").write_text(f"{name}\n", encoding="utf-8")
        assert len(select(pairs, str(tmp_path / "list.txt"))) == len(select(pairs, name)) == 1


@pytest.mark.parametrize("masks", ["masks/{}.png", "masks/{}.bmp"])
def test_masks_of_the_other_order_are_read_by_order(tmp_path: Path, masks: str) -> None:
    layout(tmp_path, "images/{}.jpg", masks, order="face-parsing")
    assert_all_read(open_pairs(str(tmp_path), "face-parsing"))
    with pytest.raises(
        UserError, match=r"--order cityscapes: unknown label order; known are celebamask-hq, face-parsing"
    ):
        open_pairs(str(tmp_path), "cityscapes")


def test_what_is_wrong_with_most_masks_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    faces = SyntheticPairs(10, 128)
    wrong = {
        "good": lambda mask: mask,
        "face-parsing": lambda mask: convert_order(mask, "celebamask-hq", "face-parsing"),
        "left and right": lambda mask: MIRROR[mask],
        "background and skin alone": lambda mask: (mask > 0).astype(np.uint8),
    }
    for name, change in wrong.items():
        (tmp_path / name).mkdir()
        for face in faces:
            write_picture(tmp_path / name / f"{face.key}.jpg", face.picture)
            write_label_map(tmp_path / name / f"{face.key}.png", change(face.label_map))
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="maskgan"):
            warn_of_common_issues(first_masks(open_pairs(str(tmp_path / name))), "DATA")
        assert [name in record.getMessage() for record in caplog.records] == ([] if name == "good" else [True])
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="maskgan"):
        warn_of_common_issues(first_masks(open_pairs(str(tmp_path / "face-parsing"), "face-parsing")), "DATA")
    assert not caplog.records


def test_the_attribute_file_of_celebamask_hq_fits_its_pictures(tmp_path: Path) -> None:
    export.write_celebamask(tmp_path, 4, size=64)
    faces = open_labelled(str(tmp_path), tmp_path / "CelebAMask-HQ-attribute-anno.txt")
    assert faces.keys == ["00000", "00001", "00002", "00003"] == list(open_pairs(str(tmp_path)).keys)
    lines = (tmp_path / "CelebAMask-HQ-attribute-anno.txt").read_text().splitlines()
    assert [int(value) == 1 for value in lines[4].split()[1:]] == faces[2].attributes.astype(bool).tolist()

"""CelebAMask-HQ as it is unpacked: assembly of label maps, its text files, the split, and its faults."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskgan.data import annotations
from maskgan.data.celebamask import CelebAMaskHQ, assemble_label_map
from maskgan.data.inspection import check_source
from maskgan.data.splits import celeba_split
from maskgan.data.synthetic import export
from maskgan.data.synthetic.dataset import SyntheticPairs
from maskgan.errors import UserError
from maskgan.labels import CLASSES


def _part(path: Path, covered: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(covered.astype(np.uint8) * 255).save(path)


def _parts(root: Path) -> Path:
    return root / "CelebAMask-HQ-mask-anno"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    export.write_celebamask(tmp_path / "cm", 4, size=64)
    return tmp_path / "cm"


def _kinds(root: Path) -> set[tuple[str, str]]:
    return {(issue.kind, issue.key) for issue in check_source(root, jobs=1)}


def test_label_maps_of_drawn_faces_come_back(root: Path) -> None:
    pairs = CelebAMaskHQ(root)
    assert list(pairs.keys) == ["00000", "00001", "00002", "00003"]
    for pair, drawn in zip(pairs, SyntheticPairs(4, 64), strict=True):
        assert pair.picture.shape == (64, 64, 3)
        np.testing.assert_array_equal(pair.label_map, drawn.label_map[1::2, 1::2])


def test_assembly_equals_an_independent_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "CelebA-HQ-img").mkdir()
    Image.new("RGB", (64, 64)).save(tmp_path / "CelebA-HQ-img" / "2001.jpg")
    parts = rng.random((18, 32, 32)) < 0.15
    for face_class, covered in zip(CLASSES[1:], parts, strict=True):
        _part(_parts(tmp_path) / "1" / f"02001_{face_class.name}.png", covered)
    # For each pixel the highest class that covers it, or background.
    expected = (parts * np.arange(1, 19)[:, None, None]).max(axis=0)
    np.testing.assert_array_equal(CelebAMaskHQ(tmp_path)[0].label_map, expected)


def test_parts_are_cut_at_128_and_may_be_rgb(root: Path) -> None:
    values = np.zeros((32, 32, 3), np.uint8)
    values[0], values[1], values[2] = 127, 128, 255
    for path in _parts(root).glob("0/00001_*"):
        path.unlink()
    Image.fromarray(values).save(_parts(root) / "0" / "00001_hat.png")
    label_map = CelebAMaskHQ(root)[1].label_map
    assert [label_map[row, 0] for row in range(4)] == [0, 14, 14, 0]


def test_split_at_the_boundaries() -> None:
    numbers = (1, 162_770, 162_771, 182_637, 182_638, 202_599)
    assert [celeba_split(n) for n in numbers] == ["train", "train", "val", "val", "test", "test"]


def test_mapping_uses_the_file_name_not_the_index(tmp_path: Path) -> None:
    path = tmp_path / "mapping.txt"
    path.write_text("idx     orig_idx    orig_file\n0       162770      162771.jpg\n1       5           000006.jpg\n")
    assert annotations.read_mapping(path) == {0: 162_771, 1: 6}
    path.write_text("idx orig_idx orig_file\n0 5\n")
    with pytest.raises(UserError, match=r"mapping\.txt:2"):
        annotations.read_mapping(path)


def test_attributes_and_poses(root: Path) -> None:
    attributes = annotations.read_attributes(root / annotations.ATTRIBUTE_FILE)
    assert len(attributes.names) == 40 and attributes.names[31] == "Smiling"
    assert len(attributes.values) == 4 and set(attributes.values[2]) <= {-1, 1}
    poses = annotations.read_poses(root / annotations.POSE_FILE)
    assert set(poses) == {0, 1, 2, 3} and all(abs(yaw) <= 30 for yaw, _, _ in poses.values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2\nA B\n0.jpg 1 -1\n", "says 2 rows and holds 1"),
        ("1\nA B\n0.jpg 1 7\n", ":3: expected 2 values"),
        ("2\nA B\n0.jpg 1 1\n0.jpg 1 1\n", "0.jpg comes twice"),
        ("1\n0.jpg 1 1\n", "no line of column names"),
        ("", "no line of column names"),
    ],
)
def test_broken_attribute_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        annotations.read_attributes(path)


def test_missing_folders_are_named(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="absent: no such folder"):
        CelebAMaskHQ(tmp_path / "absent")
    shutil.copy(root / "CelebA-HQ-img" / "0.jpg", root / "CelebA-HQ-img" / "4321.jpg")
    with pytest.raises(UserError, match=r"CelebAMask-HQ-mask-anno/2: no such folder; it holds the parts of 1 of"):
        CelebAMaskHQ(root)
    shutil.rmtree(_parts(root))
    with pytest.raises(UserError, match="CelebAMask-HQ-mask-anno: no such folder"):
        CelebAMaskHQ(root)
    _parts(root).mkdir()
    with pytest.raises(UserError, match="holds no part"):
        CelebAMaskHQ(root)


def test_duplicates_are_refused_with_both_names(root: Path) -> None:
    pictures = root / "CelebA-HQ-img"
    Image.new("RGB", (64, 64)).save(pictures / "3.png")
    with pytest.raises(UserError, match=r"3\.png.*3\.jpg.*picture 3 too"):
        CelebAMaskHQ(root)
    (pictures / "3.png").unlink()
    _part(_parts(root) / "1" / "00002_skin.png", np.ones((32, 32), bool))
    with pytest.raises(UserError, match=r"mask-anno/1/00002_skin\.png.*mask-anno/0/00002_\w+\.png"):
        CelebAMaskHQ(root)
    assert ("duplicate", "00002") in _kinds(root)


def test_parts_in_the_wrong_folder_are_refused(root: Path) -> None:
    (_parts(root) / "7").mkdir()
    for path in _parts(root).glob("0/00003_*"):
        path.rename(_parts(root) / "7" / path.name)
    with pytest.raises(UserError, match=r"belongs into .*mask-anno/0"):
        CelebAMaskHQ(root)


def test_a_picture_without_parts_never_gets_a_black_mask(root: Path) -> None:
    for path in _parts(root).glob("0/00002_*"):
        path.unlink()
    pairs = CelebAMaskHQ(root)
    with pytest.raises(UserError, match=r"2\.jpg: no part in .*mask-anno/0"):
        pairs[2]
    assert ("missing", "00002") in _kinds(root)


def test_parts_that_do_not_fit_are_refused(root: Path) -> None:
    pairs = CelebAMaskHQ(root)
    skin = _parts(root) / "0" / "00000_skin.png"
    Image.new("L", (16, 16), 255).save(skin)
    with pytest.raises(UserError, match="all must be of one size"):
        pairs[0]
    Image.new("L", (32, 32), 1).save(skin)
    with pytest.raises(UserError, match="highest value is 1"):
        assemble_label_map(pairs.files(0))
    skin.write_bytes(b"nonsense")
    with pytest.raises(UserError, match="00000_skin"):
        pairs[0]


def test_check_finds_every_fault(root: Path) -> None:
    assert _kinds(root) == set()
    anno, pictures = _parts(root) / "0", root / "CelebA-HQ-img"
    (anno / "00000_skin.png").write_bytes((anno / "00000_skin.png").read_bytes()[:50])
    shutil.copy(anno / "00001_l_eye.png", anno / "00001_r_eye.png")
    Image.new("L", (48, 48), 255).save(anno / "00002_nose.png")
    shutil.copy(anno / "00001_skin.png", anno / "00009_skin.png")
    shutil.copy(anno / "00001_skin.png", anno / "00001_teeth.png")
    shutil.copy(pictures / "1.jpg", pictures / "3.jpg")
    assert _kinds(root) == {
        ("damaged", "00000"),
        ("no skin", "00000"),
        ("duplicate", "00001"),
        ("misaligned", "00002"),
        ("missing", "00009"),
        ("unknown", ""),
        ("duplicate", "00003"),
    }

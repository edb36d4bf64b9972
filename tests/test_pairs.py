"""Folders, shards, selections and the opening of whatever ``--data`` names."""

from __future__ import annotations

import io
import logging
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskgan.data.celebamask import CelebAMaskHQ
from maskgan.data.folder_pairs import FolderPairs
from maskgan.data.open_dataset import open_pairs
from maskgan.data.pairs import checked_pair, select
from maskgan.data.synthetic import export
from maskgan.data.synthetic.dataset import SyntheticPairs
from maskgan.data.tar_pairs import ShardPairs, expand_shards
from maskgan.errors import UserError
from maskgan.images import read_label_map, write_label_map, write_picture


def _tar(path: Path, members: list[tuple[str, bytes]]) -> Path:
    with tarfile.open(path, "w") as shard:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            shard.addfile(member, io.BytesIO(content))
    return path


def _bytes(pixels: np.ndarray, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def encoded() -> tuple[bytes, bytes]:
    pair = SyntheticPairs(1, 32)[0]
    return _bytes(pair.picture, "JPEG"), _bytes(pair.label_map, "PNG")


def test_shards_give_back_what_was_written(tmp_path: Path) -> None:
    export.write_shards(tmp_path / "s", 5, size=64, seed=3, pairs_per_shard=2)
    pairs = open_pairs(str(tmp_path / "s" / "faces-{00000..00002}.tar"))
    expected = SyntheticPairs(5, 64, seed=3)
    assert list(pairs.keys) == list(expected.keys) and len(pairs) == 5
    for i, rendered in enumerate(expected):
        pair = pairs[i]
        assert pair.key == rendered.key
        np.testing.assert_array_equal(pair.label_map, rendered.label_map)
        assert np.abs(pair.picture.astype(int) - rendered.picture).mean() < 4  # JPEG


def test_picture_stands_before_mask_and_bytes_repeat(tmp_path: Path) -> None:
    for name in ("a", "b"):
        export.write_shards(tmp_path / name, 2, size=32)
    first, second = (tmp_path / name / "faces-00000.tar" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as shard:
        assert shard.getnames() == ["00000.jpg", "00000.png", "00001.jpg", "00001.png"]
        assert all(member.mtime == 0 and member.uid == 0 for member in shard)


def test_truncated_picture_in_a_tar_is_named(tmp_path: Path, encoded: tuple[bytes, bytes]) -> None:
    picture, mask = encoded
    path = _tar(
        tmp_path / "s.tar", [("a.jpg", picture[:200]), ("a.png", mask), ("b.jpg", picture), ("b.png", mask[:60])]
    )
    pairs = ShardPairs([path])
    with pytest.raises(UserError, match=r"s\.tar:a\.jpg: "):
        pairs[0]
    with pytest.raises(UserError, match=r"s\.tar:b\.png: "):
        pairs[1]


def test_faulty_shards_are_refused(tmp_path: Path, encoded: tuple[bytes, bytes]) -> None:
    picture, mask = encoded
    whole = _tar(tmp_path / "whole.tar", [("a.jpg", picture), ("a.png", mask)])
    cases = {
        "twice": _tar(tmp_path / "1.tar", [("a.jpg", picture), ("a.png", mask), ("a.jpg", picture)]),
        "picture and a .png": _tar(tmp_path / "2.tar", [("a.jpg", picture)]),
        "no pairs": _tar(tmp_path / "3.tar", []),
    }
    cut = tmp_path / "4.tar"
    cut.write_bytes(whole.read_bytes()[:900])
    cases["cut off"] = cut
    for message, path in cases.items():
        with pytest.raises(UserError, match=message):
            ShardPairs([path])
    with pytest.raises(UserError, match="no such file"):
        ShardPairs([tmp_path / "absent.tar"])
    with pytest.raises(UserError, match=r"key a is also in .*whole\.tar"):
        ShardPairs([whole, _tar(tmp_path / "5.tar", [("a.jpg", picture), ("a.png", mask)])])


def test_folder_side_by_side_and_split(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    expected = SyntheticPairs(3, 32)
    flat = tmp_path / "flat"
    flat.mkdir()
    for pair in expected:
        write_picture(flat / f"{pair.key}.webp", pair.picture)
        write_label_map(flat / f"{pair.key}.png", pair.label_map)
    write_picture(flat / "bare.jpg", expected[0].picture)
    (flat / ".00000.abc.tmp.png").write_bytes(b"unfinished")
    with caplog.at_level(logging.WARNING):
        pairs = open_pairs(str(flat))
    assert "1 pictures have no mask" in caplog.text and "bare" in caplog.text
    assert list(pairs.keys) == list(expected.keys)
    np.testing.assert_array_equal(pairs[2].picture, expected[2].picture)
    export.write_folder(tmp_path / "split", 3, size=32)
    np.testing.assert_array_equal(open_pairs(str(tmp_path / "split"))[1].label_map, expected[1].label_map)


def test_two_pictures_of_one_name_are_refused(tmp_path: Path) -> None:
    export.write_folder(tmp_path / "d", 2, size=32)
    write_picture(tmp_path / "d" / "images" / "00001.webp", SyntheticPairs(1, 32)[0].picture)
    with pytest.raises(UserError, match=r"00001\.webp: 00001\.jpg has the same name"):
        FolderPairs(tmp_path / "d")


def test_a_mask_of_another_shape_is_not_its_picture_s() -> None:
    picture, label_map = np.zeros((100, 80, 3), np.uint8), np.zeros((50, 50), np.uint8)
    with pytest.raises(UserError, match=r"x\.jpg: is 80x100, its mask 50x50"):
        checked_pair("x", picture, label_map, "x.jpg")
    assert checked_pair("x", np.zeros((101, 75, 3), np.uint8), np.zeros((50, 37), np.uint8), "x").key == "x"


def test_select_by_list_range_and_key(tmp_path: Path) -> None:
    pairs = SyntheticPairs(6, 32)
    chosen = tmp_path / "some.txt"
    chosen.write_text("00004\n00001\n00004\n")
    with pytest.raises(UserError, match=r"some\.txt:3: '00004' comes twice, first in line 1"):
        select(pairs, str(chosen))
    chosen.write_text("00004\n00001\n")
    assert list(select(pairs, str(chosen)).keys) == ["00004", "00001"]
    assert list(select(pairs, "..00001,00004..").keys) == ["00000", "00001", "00004", "00005"]
    assert select(pairs, "00003")[0].key == "00003"
    assert len(select(pairs, ",".join(["00003"] * 200))) == 1
    chosen.write_text("00004\n00009\n")
    with pytest.raises(UserError, match="1 of 2 keys are not in the data, 00009"):
        select(pairs, str(chosen))
    chosen.write_text("\n")
    with pytest.raises(UserError, match="names no key"):
        select(pairs, str(chosen))
    with pytest.raises(UserError, match="no such keys"):
        select(pairs, "7..8")


def test_open_pairs_knows_every_form(tmp_path: Path) -> None:
    export.write_celebamask(tmp_path / "CelebAMask-HQ", 2, size=64)
    export.write_shards(tmp_path / "tars", 3, size=32, pairs_per_shard=2)
    assert isinstance(open_pairs(str(tmp_path / "CelebAMask-HQ")), CelebAMaskHQ)
    assert isinstance(open_pairs(str(tmp_path)), CelebAMaskHQ)
    assert len(open_pairs(str(tmp_path / "tars"))) == 3
    assert len(open_pairs(str(tmp_path / "tars" / "*.tar"))) == 3
    assert len(open_pairs(str(tmp_path / "tars" / "faces-00001.tar"))) == 1
    assert open_pairs("synthetic:7:48")[6].picture.shape == (48, 48, 3)
    (tmp_path / "empty").mkdir()
    for spec in (tmp_path / "absent", tmp_path / "empty", "synthetic:", "synthetic:x", "synthetic:0", "synthetic:4:3"):
        with pytest.raises(UserError):
            open_pairs(str(spec))


def test_expand_shards() -> None:
    assert expand_shards("a-{08..10}.tar") == [Path("a-08.tar"), Path("a-09.tar"), Path("a-10.tar")]
    with pytest.raises(UserError, match="downwards"):
        expand_shards("a-{3..1}.tar")


def test_label_map_file_is_the_same_through_bytes(tmp_path: Path) -> None:
    pair = SyntheticPairs(1, 40)[0]
    write_label_map(tmp_path / "m.png", pair.label_map)
    np.testing.assert_array_equal(read_label_map(tmp_path / "m.png"), pair.label_map)

"""Tar files as many tools make them, and damage in them: read alike with and without ``--stream``, and counted."""

from __future__ import annotations

import logging
import random
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from dataset_cases import PAIRS, layout, mask_bytes, members, pack, picture_bytes
from maskgan.cli.main import main
from maskgan.data.loading import DamageCount, Samples, first_whole, pair_to_tensors
from maskgan.data.open_dataset import open_pairs
from maskgan.data.pairs import ChosenKeys, FacePair, select
from maskgan.data.streaming import ShardStream, StreamLoader
from maskgan.errors import UserError
from maskgan.training.config import TrainingConfig
from maskgan.training.dataloaders import dataloader_factory

pytest.importorskip("webdataset")
MANY = 100


def read_both(spec: str, order: str = "auto") -> tuple[list[FacePair], int]:
    """The pairs, which are the same from disk and as a stream; and how many were damaged, which is too."""
    pairs = open_pairs(spec, order, strict=False)
    count = DamageCount(MANY)
    for problem in getattr(pairs, "damage", []):
        count.leave_out(problem)
    found = []
    for index in range(len(pairs)):
        try:
            found.append(pairs[index])
        except UserError as error:
            count.leave_out(error)
    streamed_count = DamageCount(MANY)
    streamed = ShardStream(spec, order).first(MANY, None, streamed_count)
    assert [pair.key for pair in streamed] == [pair.key for pair in found]
    for one, other in zip(found, streamed, strict=True):
        np.testing.assert_array_equal(one.picture, other.picture)
        np.testing.assert_array_equal(one.label_map, other.label_map)
    assert streamed_count.count == count.count
    return found, count.count


@pytest.mark.parametrize("prefix", ["", "./", "folder/", "./folder/"])
def test_whatever_stands_before_the_names(tmp_path: Path, prefix: str) -> None:
    found, damaged = read_both(str(pack(tmp_path / "s.tar", members(0, 1, 2, prefix=prefix))))
    folder = "folder/" if "folder" in prefix else ""
    assert [pair.key for pair in found] == [f"{folder}0000{i}" for i in range(3)] and damaged == 0


@pytest.mark.parametrize(("picture", "mask"), [("jpg", "bmp"), ("jpg", "mask.png"), ("png", "seg.png"), ("JPG", "PNG")])
def test_suffixes_of_masks(tmp_path: Path, picture: str, mask: str) -> None:
    pair, kind = PAIRS[0], "PNG" if picture == "png" else "JPEG"
    files = [
        (f"a.{picture}", picture_bytes(pair, kind)),
        (f"a.{mask}", mask_bytes(pair, "BMP" if mask == "bmp" else "PNG")),
    ]
    found, damaged = read_both(str(pack(tmp_path / "s.tar", [*files, ("a.json", b"{}"), ("__notes__/x.jpg", b"")])))
    np.testing.assert_array_equal(found[0].label_map, pair.label_map)
    assert (len(found), damaged) == (1, 0)


def test_masks_of_the_other_order(tmp_path: Path) -> None:
    files = [("a.jpg", picture_bytes(PAIRS[0])), ("a.png", mask_bytes(PAIRS[0], order="face-parsing"))]
    found, _ = read_both(str(pack(tmp_path / "s.tar", files)), "face-parsing")
    np.testing.assert_array_equal(found[0].label_map, PAIRS[0].label_map)


@pytest.mark.parametrize(
    ("cut", "whole"),
    [(-1, 2), (100, 2), (512 + 100, 2)],
    ids=["within the last mask", "within its contents", "at its start"],
)
def test_a_tar_that_is_cut_off_is_one_damage(tmp_path: Path, cut: int, whole: int) -> None:
    files = members(0, 1, 2)
    content = pack(tmp_path / "s.tar", files).read_bytes()
    size = sum(512 + len(data) + -len(data) % 512 for _, data in files)
    last = 512 + len(files[-1][1]) + -len(files[-1][1]) % 512
    kept = size - last + (512 + len(files[-1][1]) - 1 if cut == -1 else cut)
    (tmp_path / "s.tar").write_bytes(content[:kept])
    found, damaged = read_both(str(tmp_path / "s.tar"))
    assert (len(found), damaged) == (whole, 1)


def test_a_tar_cut_off_after_a_pair_keeps_that_pair(tmp_path: Path) -> None:
    files = members(0, 1, 2)
    content = pack(tmp_path / "s.tar", files).read_bytes()
    before = sum(512 + len(data) + -len(data) % 512 for _, data in files[:4])
    (tmp_path / "s.tar").write_bytes(content[: before + 700])
    found, damaged = read_both(str(tmp_path / "s.tar"))
    assert [pair.key for pair in found] == ["00000", "00001"] and damaged == 1


def test_keys_of_two_tars_and_files_alone_are_damage(tmp_path: Path) -> None:
    pack(tmp_path / "0.tar", members(0, 1))
    pack(tmp_path / "1.tar", [*members(1), *members(2)[:1], *members(3)])
    found, damaged = read_both(str(tmp_path / "*.tar"))
    assert [pair.key for pair in found] == ["00000", "00001", "00003"] and damaged == 2
    with pytest.raises(UserError, match=r"1\.tar: .*(key 00001 is also in .*0\.tar|00002 has \.jpg)"):
        open_pairs(str(tmp_path / "*.tar"))


def test_a_stream_that_is_not_sorted_is_explained(tmp_path: Path) -> None:
    files = members(0, 1, 2)
    spec = str(pack(tmp_path / "s.tar", files[::2] + files[1::2]))
    assert len(open_pairs(spec)) == 3
    with pytest.raises(UserError, match=r"s\.tar: is not sorted: .*00000.*--sort=name.*without --stream"):
        ShardStream(spec).first(3, None, DamageCount(MANY))


def test_lists_name_a_key_once_with_or_without_a_suffix(tmp_path: Path) -> None:
    (tmp_path / "keys.txt").write_text("00001\n00001.jpg\n")
    with pytest.raises(UserError, match="'00001' comes twice, with and without a suffix"):
        ChosenKeys(str(tmp_path / "keys.txt"))
    with pytest.raises(UserError, match="'00001' comes twice, with and without a suffix"):
        select(PAIRS, str(tmp_path / "keys.txt"))


def damaged_at(tmp_path: Path, stream: bool, *indices: int) -> str:
    """Six pairs of which some pictures are cut off, as a folder or a tar."""
    if stream:
        files = members(*range(6))
        for index in indices:
            files[2 * index] = (files[2 * index][0], files[2 * index][1][:200])
        return str(pack(tmp_path / "s.tar", files))
    layout(tmp_path / "d", "images/{}.jpg", "masks/{}.png", PAIRS.keys)
    for index in indices:
        path = tmp_path / "d" / "images" / f"{PAIRS.keys[index]}.jpg"
        path.write_bytes(path.read_bytes()[:200])
    return str(tmp_path / "d")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("damaged", range(6))
def test_a_damaged_pair_counts_once_wherever_it_lies(
    tmp_path: Path, stream: bool, damaged: int, caplog: pytest.LogCaptureFixture
) -> None:
    """In what is trained on, in the grid of samples, and in the validation set."""
    data = damaged_at(tmp_path, stream, damaged)
    source = ShardStream(data) if stream else open_pairs(data)
    keys = {"keys": "00000..00003", "val_keys": "00004.."}
    config = TrainingConfig(
        data=data, stream=stream, resolution=32, workers=0, batch_size=4, max_bad_samples=1, shuffle_buffer=1, **keys
    )
    with caplog.at_level(logging.WARNING, logger="maskgan"):
        loaders = dataloader_factory(config, source)()
        batches = list(islice(loaders.train.batches(0), 3))
    assert all(len(batch.pictures) == 4 for batch in batches)
    assert len(loaders.grid_samples.pictures) == 4 - (damaged < 4)
    assert loaders.val_set is not None and len(loaders.val_set.pictures) == 2 - (damaged >= 4)
    assert caplog.text.count("the pair is left out") == 1
    strict = TrainingConfig(
        data=data, stream=stream, resolution=32, workers=0, batch_size=4, max_bad_samples=0, shuffle_buffer=1, **keys
    )
    with pytest.raises(UserError, match=rf"0000{damaged}\.jpg: .*; more than 0 pairs are damaged"):
        dataloader_factory(strict, source)()


@pytest.mark.parametrize("stream", [False, True])
def test_where_nothing_is_whole_the_first_is_named(tmp_path: Path, stream: bool) -> None:
    data = damaged_at(tmp_path, stream, *range(6))
    if stream:
        with pytest.raises(UserError, match=r"no pair of the data can be read; the first: .*00000\.jpg"):
            ShardStream(data).first(4, None, DamageCount(MANY))
        return
    samples = Samples(open_pairs(data), pair_to_tensors, 32, MANY)
    for read in (lambda: samples[3], lambda: samples.first(2), lambda: first_whole(open_pairs(data), MANY)):
        with pytest.raises(UserError, match=r"no pair of the data can be read; the first: .*\.jpg"):
            read()


def test_a_damaged_pair_of_a_stream_is_not_counted_again_each_epoch(tmp_path: Path) -> None:
    stream = ShardStream(damaged_at(tmp_path, True, 2))
    loader = StreamLoader(stream, None, 32, 1, 0, 1, 0, max_bad_samples=1)
    assert len(list(islice(loader.batches(0), 20))) == 20


def test_dry_run_passes_over_a_damaged_first_pair(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for stream in (False, True):
        (tmp_path / str(stream)).mkdir()
        data = damaged_at(tmp_path / str(stream), stream, 0)
        arguments = [
            "train",
            "mask-vae",
            "--data",
            data,
            "--preset",
            "tiny",
            "--run",
            str(tmp_path / "run"),
            "--dry-run",
        ]
        assert main([*arguments, *(["--stream"] if stream else [])]) == 0
        assert "the first, 00001, is 32x32" in capsys.readouterr().out


def test_mutated_tars_are_read_or_refused_alike(tmp_path: Path) -> None:
    """Bytes changed anywhere: pairs, damage or one error, never anything else."""
    whole = pack(tmp_path / "whole.tar", members(0, 1)).read_bytes()
    random_numbers = random.Random(0)
    for number in range(60):
        content = bytearray(whole)
        for _ in range(random_numbers.choice((1, 4))):
            content[random_numbers.randrange(len(content))] = random_numbers.randrange(256)
        path = tmp_path / "mutated.tar"
        path.write_bytes(content[: random_numbers.choice((len(content), random_numbers.randrange(len(content))))])
        for stream in (False, True):
            try:
                if stream:
                    assert ShardStream(str(path)).first(2, None, DamageCount(MANY)), number
                else:
                    assert first_whole(open_pairs(str(path), strict=False), MANY).key, number
            except UserError as error:
                assert "mutated.tar" in str(error) and "\n" not in str(error), number

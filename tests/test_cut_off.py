"""Tar files that end too early, in every reader: what was whole before is used, and the rest is one damage."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shlex
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from dataset_cases import members, pack
from maskgan.data.annotations import ATTRIBUTES
from maskgan.data.labelled import open_labelled
from maskgan.data.loading import DamageCount
from maskgan.data.open_dataset import open_pairs
from maskgan.data.streaming import ShardStream, StreamLoader
from maskgan.errors import UserError

pytest.importorskip("webdataset")
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "tar.gz": gzip.compress,
    "tar.bz2": bz2.compress,
    "tar.xz": lzma.compress,
}
SHARES = (0.05, 0.3, 0.55, 0.8, 0.95)


def cut(tmp_path: Path, share: float, suffix: str = "tar") -> Path:
    """A tar file of six pairs that is cut off."""
    files = members(*range(6))
    size = sum(512 + len(content) + -len(content) % 512 for _, content in files)  # without the blanks at its end
    whole = PACKERS[suffix](pack(tmp_path / "whole", files).read_bytes()[:size])
    path = tmp_path / f"s.{suffix}"
    path.write_bytes(whole[: int(share * len(whole))])
    return path


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("share", SHARES)
def test_streams(tmp_path: Path, share: float, suffix: str, piped: bool) -> None:
    path = cut(tmp_path, share, suffix)
    damage = DamageCount(10)
    stream = ShardStream(f"pipe:cat {shlex.quote(str(path))}" if piped else str(path))
    try:
        found = [pair.key for pair in stream.first(10, None, damage)]
    except UserError as error:
        assert "s.tar" in str(error) and "\n" not in str(error)
        found = []
    assert found == [f"{index:05d}" for index in range(len(found))]
    assert damage.count == 1 and len(found) < 6
    if suffix == "tar":
        assert abs(len(found) - 6 * share) <= 1.5


def test_a_command_that_fails_midway_counts_once(tmp_path: Path) -> None:
    # What follows is more than a pipe holds, so that the command ends only after the pairs were read.
    path = pack(tmp_path / "s.tar", [*members(0, 1, 2), ("notes.bin", bytes(300_000)), *members(3)])
    damage = DamageCount(10)
    stream = ShardStream(f"pipe:head -c 300000 {shlex.quote(str(path))}; exit 18")
    assert [pair.key for pair in stream.first(10, None, damage)] == ["00000", "00001", "00002"]
    assert damage.count == 1


def test_a_command_that_fails_at_once_is_an_error() -> None:
    with pytest.raises(UserError, match=r"pipe:exit 7: cannot be read as a tar file"):
        ShardStream("pipe:exit 7").first(10, None, DamageCount(10))


@pytest.mark.parametrize("suffix", PACKERS)
def test_training_goes_round_a_cut_off_stream(tmp_path: Path, suffix: str) -> None:
    path = cut(tmp_path, 0.8, suffix)
    loader = StreamLoader(ShardStream(str(path)), None, 32, 2, 0, 1, 0, max_bad_samples=1)
    if suffix == "tar.bz2":  # one block, of which nothing can be unpacked
        with pytest.raises(UserError, match=r"more than 1 pairs are damaged|no pair of the stream is whole"):
            next(iter(loader.batches(0)))
        return
    batches = list(islice(loader.batches(0), 6))
    assert sum(len(batch.pictures) for batch in batches) == 12 and loader.damage.count == 1


@pytest.mark.parametrize("share", SHARES)
def test_pairs_and_labelled_pictures_on_disk(tmp_path: Path, share: float) -> None:
    path = cut(tmp_path, share)
    table = tmp_path / "t.csv"
    rows = [",".join((f"{index:05d}", *["1"] * 40)) for index in range(6)]
    table.write_text("\n".join([",".join(("key", *ATTRIBUTES)), *rows]))

    def pairs(strict: bool) -> Any:
        return open_pairs(str(path), strict=strict)

    def labelled(strict: bool) -> Any:
        return open_labelled(str(path), table, strict=strict)

    for opened in (pairs, labelled):
        with pytest.raises(UserError, match=r"s\.tar: .*cut off"):
            opened(True)
        if share < 0.2:  # not one pair is whole
            continue
        found = opened(False)
        assert 0 < len(found) < 6 and len(found.damage) == 1
        assert [found[index].key for index in range(len(found))] == [f"{index:05d}" for index in range(len(found))]

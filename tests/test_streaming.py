"""Tar shards read as a stream: who reads what, in which order, and what bad shards bring."""

from __future__ import annotations

import logging
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from maskgan import distributed
from maskgan.cli.main import main
from maskgan.data.pairs import ChosenKeys
from maskgan.data.shards import EncodedPair, encode_pair, write_shard
from maskgan.data.streaming import ShardStream, StreamLoader, repeated_keys
from maskgan.errors import UserError
from tiny_runs import PAIRS

pytest.importorskip("webdataset")
SIDE = 32


def numbered(key: int) -> EncodedPair:
    """A grey pair that tells its key by its colour."""
    return encode_pair(
        f"{key:05d}", np.full((SIDE, SIDE, 3), 10 * key, np.uint8), np.full((SIDE, SIDE), key % 19, np.uint8)
    )


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six shards of four pairs, keys 0 to 23."""
    folder = tmp_path_factory.mktemp("shards")
    for shard in range(6):
        write_shard(folder / f"faces-{shard}.tar", [numbered(shard * 4 + i) for i in range(4)])
    return folder


def loader(shards: Path, chosen: str | None = None, **changes: int) -> StreamLoader:
    options = {"side": SIDE, "batch_size": 4, "seed": 0, "buffer": 6, "workers": 0, "max_bad_samples": 0, **changes}
    keys = None if chosen is None else ChosenKeys(chosen)
    return StreamLoader(ShardStream(str(shards / "faces-{0..5}.tar")), keys, **options)


def keys_of(batches: StreamLoader, steps: int, first_step: int = 0) -> list[int]:
    found = []
    for faces in islice(batches.batches(first_step), steps):
        assert faces.pictures.shape == (len(faces.pictures), 3, SIDE, SIDE) and faces.edits.shape[1] == 0
        keys = (faces.pictures[:, 0, 0, 0].float() / 10).round().long()
        assert torch.equal(keys % 19, faces.label_maps[:, 0, 0].long())
        found += keys.tolist()
    return found


def test_every_pair_comes_and_they_are_shuffled(shards: Path) -> None:
    found = keys_of(loader(shards), 18)
    counts = Counter(found)
    # The buffer lets three epochs overlap by its size at most.
    assert set(counts) == set(range(24)) and max(counts.values()) <= 4
    assert found[:24] != sorted(found[:24])
    assert found == keys_of(loader(shards), 18)
    assert found != keys_of(loader(shards, seed=1), 18)
    assert found != keys_of(loader(shards), 18, first_step=5)


def test_processes_share_the_shards_without_repeats(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "world_size", lambda: 2)
    found = []
    for rank in range(2):
        monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
        found += keys_of(loader(shards, buffer=1), 6)  # two pictures of each batch of four
    assert sorted(found) == list(range(24))


@pytest.mark.slow
def test_workers_share_the_shards_without_repeats(shards: Path) -> None:
    assert sorted(keys_of(loader(shards, buffer=1, workers=2, batch_size=2), 12)) == list(range(24))


def repeated(folder: Path) -> Path:
    """Six shards of four pairs, of which the last has a key of the first and the fourth one of the third."""
    for shard in range(6):
        pairs = [numbered(4 * shard + i) for i in range(4)]
        again = {5: 1, 3: 10}.get(shard)
        write_shard(folder / f"faces-{shard}.tar", pairs if again is None else [*pairs, numbered(again)])
    return folder


@pytest.mark.parametrize("world", [1, 2, 3])
def test_a_key_of_two_shards_is_left_out_of_the_second_by_any_number_of_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, world: int
) -> None:
    monkeypatch.setattr(distributed, "world_size", lambda: world)
    shards, found = repeated(tmp_path), []
    with caplog.at_level(logging.WARNING, logger="maskgan"):
        for rank in range(world):
            monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
            batches = loader(shards, buffer=1, batch_size=world, max_bad_samples=2)
            # Until this reader's shards of the first epoch are read to their ends.
            found += keys_of(batches, 24 // world)
    assert sorted(found) == list(range(24))
    assert "faces-5.tar: key 00001 is also in " in caplog.text or world == 1
    assert "faces-3.tar: key 00010 is also in " in caplog.text or world == 1


@pytest.mark.slow
def test_a_key_of_two_shards_is_found_by_worker_processes(tmp_path: Path) -> None:
    shards = repeated(tmp_path)
    found = keys_of(loader(shards, buffer=1, workers=3, batch_size=2, max_bad_samples=2), 36)
    assert max(Counter(found).values()) <= 4 and set(found) == set(range(24))  # 72 samples: three epochs, which overlap
    with pytest.raises(UserError, match=r"key 000(01|10) is also in .* more than 0 pairs are damaged"):
        keys_of(loader(shards, buffer=1, workers=3, batch_size=2), 36)


def test_names_are_compared_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shards = [str(repeated(tmp_path) / f"faces-{i}.tar") for i in range(6)]
    assert repeated_keys(shards) == {"00001": shards[0], "00010": shards[2]}
    assert repeated_keys(["https://host/faces-0.tar", str(tmp_path / "missing.tar"), *shards[:3]]) == {}
    monkeypatch.setattr("maskgan.data.streaming._LISTED", 25)  # twelve and a half pairs, so four shards
    assert repeated_keys(shards) == {"00010": shards[2]}


def test_keys_are_chosen_while_the_stream_passes(shards: Path) -> None:
    assert set(keys_of(loader(shards, "00003..00005,00020"), 8)) == {3, 4, 5, 20}
    assert [pair.key for pair in ShardStream(str(shards / "*.tar")).first(3, ChosenKeys("00022.."))] == [
        "00022",
        "00023",
    ]


def test_bad_shards_are_named(shards: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(UserError, match=r"nowhere\.tar: no such tar file"):
        ShardStream(str(tmp_path / "nowhere.tar"))
    with pytest.raises(UserError, match="hold none of the chosen keys"):
        ShardStream(str(shards / "*.tar")).first(1, ChosenKeys("99999"))
    whole = (shards / "faces-0.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[:700])  # within a picture
    with pytest.raises(UserError, match=r"cut\.tar: cannot be read as a tar file"):
        ShardStream(str(tmp_path / "cut.tar")).first(4, None)
    good = numbered(1)
    write_shard(tmp_path / "damaged.tar", [EncodedPair("00000", ".jpg", b"no picture", good.label_map), good])
    stream = ShardStream(str(tmp_path / "damaged.tar"))
    patient = StreamLoader(stream, None, SIDE, 1, 0, 1, 0, max_bad_samples=1)
    with caplog.at_level(logging.WARNING, logger="maskgan"):
        assert keys_of(patient, 1) == [1]
    impatient = StreamLoader(stream, None, SIDE, 1, 0, 1, 0, max_bad_samples=0)
    with pytest.raises(UserError, match=r"damaged\.tar:00000\.jpg.* more than 0 pairs are damaged"):
        keys_of(impatient, 2)


def test_too_few_shards_for_the_processes(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "world_size", lambda: 8)
    with pytest.raises(UserError, match="6 shards cannot be dealt out to 8 processes"):
        loader(shards)


def test_training_from_a_stream_resumes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_shard(
        tmp_path / "faces-0.tar", [encode_pair(p.key, p.picture, p.label_map) for p in (PAIRS[i] for i in range(6))]
    )
    arguments = ["train", "mask-vae", "--data", str(tmp_path / "faces-{0..0}.tar"), "--stream", "--preset", "tiny"]
    arguments += ["--keys", "00000..00003", "--val-keys", "00004..", "--run", str(tmp_path / "run"), "--workers", "0"]
    assert main([*arguments, "--dry-run"]) == 0
    assert "1 shards; the first, 00000, is 64x64" in capsys.readouterr().out
    for images in ("8", "16"):
        assert main([*arguments, "--batch-size", "2", "--images", images]) == 0
    assert "resuming after 8 images" in capsys.readouterr().err
    assert (tmp_path / "run" / "best" / "mask-vae.safetensors").exists()

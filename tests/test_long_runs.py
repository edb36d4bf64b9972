"""What can befall a long run: a kill at any moment, a full disk, damaged samples."""

from __future__ import annotations

import json
import logging
import multiprocessing
import random
import resource
import time
from pathlib import Path

import pytest
import torch

from maskgan.checkpoints.weights import load_weights
from maskgan.data.loading import BatchLoader, Samples, pair_to_tensors
from maskgan.data.pairs import FacePair
from maskgan.errors import UserError
from maskgan.training.config import LossWeights, TrainingConfig
from tiny_runs import FORKSERVER_PRELOAD, PAIRS, config, run, state

KILLS = 20


def train_here(folder: Path, settings: TrainingConfig, file_limit: int | None = None) -> None:
    """The body of a process: train, with files limited to a size in bytes as on a full disk."""
    torch.set_num_threads(1)
    logging.getLogger("maskgan").setLevel(logging.ERROR)
    if file_limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
    try:
        run(folder, settings)
    except UserError as error:
        (folder / "error.txt").write_text(str(error))
        raise SystemExit(error.exit_code) from None


def process(*arguments: object) -> multiprocessing.process.BaseProcess:
    # Processes forked from a server that has imported everything start at once, and have run no threads before.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(FORKSERVER_PRELOAD)
    started = context.Process(target=train_here, args=arguments)
    started.start()
    return started


def snapshot_number(folder: Path) -> int | None:
    """Changes with every snapshot: each is a new file."""
    path = folder / "state.pt"
    return path.stat().st_mtime_ns if path.exists() else None


@pytest.mark.slow
def test_a_run_killed_at_any_moment_resumes_from_a_complete_state(tmp_path: Path) -> None:
    def goal(images: int) -> TrainingConfig:
        # Without the perceptual network a process starts sooner and more of the moments fall into training.
        weights = LossWeights(perceptual=0)
        return config(images=images, lr_decay_start=1.0, snapshot_minutes=0, sample_minutes=1000, weights=weights)

    moments = random.Random(0)
    seen = 0
    for _ in range(KILLS):
        before = snapshot_number(tmp_path)
        victim = process(tmp_path, goal(10_000))
        if moments.random() < 0.8:  # else it is killed while it begins
            deadline = time.monotonic() + 60
            while snapshot_number(tmp_path) == before and time.monotonic() < deadline:
                time.sleep(0.005)
        time.sleep(moments.uniform(0.0, 0.4))
        victim.kill()
        victim.join()
        if (tmp_path / "state.pt").exists():
            images = torch.load(tmp_path / "state.pt", weights_only=True)["progress"]["images"]
            assert images >= seen  # a snapshot follows each step, so at most one step is lost
            seen = images
        if (tmp_path / "dense-mapping.safetensors").exists():
            load_weights(tmp_path / "dense-mapping.safetensors")
    assert seen > 0
    for folder in (tmp_path, tmp_path / "whole"):
        # In processes too: another number of threads would round differently.
        process(folder, goal(seen + 4)).join()
    killed, whole = state(tmp_path), state(tmp_path / "whole")
    assert all(torch.equal(killed[name], whole[name]) for name in whole)


def test_a_full_disk_ends_the_run_with_the_last_good_state(tmp_path: Path) -> None:
    steady = {"lr_decay_start": 1.0, "sample_minutes": 1000}
    run(tmp_path, config(images=2, **steady))
    before = (tmp_path / "state.pt").read_bytes()
    limited = process(tmp_path, config(images=8, **steady), len(before) // 2)
    limited.join(60)
    assert limited.exitcode == 2
    assert "state.pt: cannot be written: file too large" in (tmp_path / "error.txt").read_text()
    assert (tmp_path / "state.pt").read_bytes() == before
    assert not list(tmp_path.glob(".*tmp*"))
    assert run(tmp_path, config(images=8, **steady)).images == 8


class Damaged:
    """The synthetic faces, some of them damaged."""

    def __init__(self, damaged: set[int]) -> None:
        self.keys = PAIRS.keys
        self.damaged = damaged

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> FacePair:
        if index in self.damaged:
            raise UserError(f"{self.keys[index]}.jpg: damaged or cut off")
        return PAIRS[index]


@pytest.mark.parametrize("cache_bytes", [0, 10**9])
def test_damaged_pairs_are_named_and_left_out(cache_bytes: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="maskgan"):
        loader = BatchLoader(Samples(Damaged({1, 4}), pair_to_tensors, 64, 2), 6, 0, cache_bytes, workers=0)
        pictures = next(loader.batches(0)).pictures
    assert pictures.shape[0] == 6
    assert caplog.text.count("the pair is left out") == 2 and f"{PAIRS.keys[4]}.jpg" in caplog.text


def test_too_many_damaged_pairs_end_training() -> None:
    loader = BatchLoader(Samples(Damaged({1, 4}), pair_to_tensors, 64, 1), 6, 0, 0, workers=0)
    with pytest.raises(UserError, match=r"more than 1 pairs are damaged"):
        next(loader.batches(0))


def test_the_last_and_the_best_weights_are_kept(tmp_path: Path) -> None:
    keeping = {
        "snapshot_minutes": 0.0,
        "lr_decay_start": 1.0,
        "keep_last": 2,
        "keys": "00000..00003",
        "val_keys": "00004..",
    }
    run(tmp_path, config(images=6, **keeping))
    assert sorted(path.name for path in (tmp_path / "snapshots").iterdir()) == ["000000004", "000000006"]
    rows = [json.loads(line) for line in (tmp_path / "stats.jsonl").read_text().splitlines()]
    losses = {row["images"]: row["val_loss"] for row in rows if "val_loss" in row}
    assert list(losses) == [2, 4, 6]
    _, best = load_weights(tmp_path / "best" / "dense-mapping.safetensors")
    assert best.step == min(losses, key=lambda images: losses[images])
    assert torch.load(tmp_path / "state.pt", weights_only=True)["progress"]["best"] == min(losses.values())

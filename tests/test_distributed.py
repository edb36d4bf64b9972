"""Two processes that train as one must learn what one process learns."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.multiprocessing as mp

from maskgan import distributed
from maskgan.checkpoints.weights import load_weights
from maskgan.data.shards import encode_pair, write_shard
from maskgan.errors import UserError
from maskgan.training import critic, dense_mapping, editing_simulation
from maskgan.training.config import LossWeights, SimulationOptions, TrainingConfig
from maskgan.training.stages import build_stage
from tiny_runs import PAIRS, config, run, state

BATCH = 4
PLAIN = "style_encoder.regions=none"  # each process draws for itself which regions it takes for absent


def plain_descent() -> pytest.MonkeyPatch:
    """SGD in place of Adam, whose first steps hardly depend on the size of a gradient."""
    patch = pytest.MonkeyPatch()
    for module in (critic, dense_mapping, editing_simulation):
        patch.setattr(module, "adam", lambda network, rate, _: torch.optim.SGD(network.parameters(), lr=rate))
    return patch


def work(rank: int, count: int, port: int, folder: Path, settings: TrainingConfig) -> None:
    """One process of a group of ``count``."""
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    torch.set_num_threads(1)
    plain_descent()
    with distributed.process_group("cpu"):
        run(folder, settings)


def run_together(count: int, folder: Path, settings: TrainingConfig) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mp.spawn(work, (count, port, folder, settings), nprocs=count)  # type: ignore[no-untyped-call]


def assert_same_way(one: Path, other: Path, settings: TrainingConfig) -> None:
    """Both runs moved every network the same way from where it began, but for rounding."""
    begin = {
        f".networks.{kind}.{name}": tensor
        for kind, network in build_stage(settings).networks.items()
        for name, tensor in network.state_dict().items()
    }
    ended, compared = (state(one), state(other)), 0
    for kind in ("generator", "discriminator", "blender"):
        names = [name for name in begin if name.startswith(f".networks.{kind}.")]
        if names:
            ways = [torch.cat([(after[name] - begin[name]).flatten() for name in names]) for after in ended]
            assert ways[0].norm() > 0
            assert (ways[1] - ways[0]).norm() < 0.01 * ways[0].norm(), kind
            compared += 1
    assert compared >= 2


@pytest.mark.slow
def test_two_processes_equal_one_and_a_run_goes_on_with_another_number(tmp_path: Path) -> None:
    def steps(count: int, **changes: object) -> TrainingConfig:
        settings = {"network": PLAIN, "learning_rate": 1e-4, "lr_decay_start": 1.0, **changes}
        return config(batch_size=BATCH, images=count * BATCH, **settings)

    patch = plain_descent()
    try:
        run(tmp_path / "one", steps(3))
    finally:
        patch.undo()
    run_together(2, tmp_path / "two", steps(2))
    run_together(1, tmp_path / "two", steps(3))  # goes on alone
    assert_same_way(tmp_path / "one", tmp_path / "two", steps(3))


@pytest.mark.slow
def test_two_processes_borrow_masks_and_mouths_from_each_other(tmp_path: Path, classifier_weights: Path) -> None:
    """In editing training each face's edit and exchanges come from other faces of the whole batch."""
    run(tmp_path / "base", config(network=PLAIN))
    run(tmp_path / "vae", config("mask-vae", images=40, learning_rate=2e-3))
    simulation = SimulationOptions(str(tmp_path / "vae" / "mask-vae.safetensors"))

    def steps(count: int) -> TrainingConfig:
        return config(
            "editing",
            batch_size=BATCH,
            images=count * BATCH,
            learning_rate=1e-4,
            lr_decay_start=1.0,
            network=PLAIN,
            base=str(tmp_path / "base"),
            simulation=simulation,
            weights=LossWeights(expression=1.0, style_copy=1.0),
            face_features=str(classifier_weights),
        )

    patch = plain_descent()
    try:
        run(tmp_path / "one", steps(1))
    finally:
        patch.undo()
    run_together(2, tmp_path / "two", steps(1))
    assert_same_way(tmp_path / "one", tmp_path / "two", steps(1))


def test_alone_everything_is_as_without_processes() -> None:
    assert (distributed.rank(), distributed.world_size(), distributed.is_main_process()) == (0, 1, True)
    x = torch.arange(4)
    assert torch.equal(distributed.all_gather(x), x) and torch.equal(distributed.shard(x), x)
    assert distributed.all_reduce_max(1.5, True) == (1.5, True)


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "world_size", lambda: 3)
    with pytest.raises(UserError, match="--batch-size 2 cannot be shared evenly by 3 processes"):
        run(tmp_path, config())


@pytest.mark.slow
def test_torchrun_trains_from_the_command_line(tmp_path: Path) -> None:
    """As docs/training.md shows it, from shards read as a stream."""
    for shard in range(2):
        pairs = [PAIRS[i] for i in range(3 * shard, 3 * shard + 3)]
        write_shard(tmp_path / f"faces-{shard}.tar", [encode_pair(p.key, p.picture, p.label_map) for p in pairs])
    command = ["train", "mask-vae", "--data", str(tmp_path / "faces-{0..1}.tar"), "--stream", "--preset", "tiny"]
    command += ["--batch-size", "4", "--images", "8", "--workers", "0", "--run-folder", str(tmp_path / "run")]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "maskgan"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*launcher, *command], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert load_weights(tmp_path / "run" / "mask-vae.safetensors", model_type="mask-vae")[1].step == 8

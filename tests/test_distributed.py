"""Two processes that train as one must learn what one process learns."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch
import torch.multiprocessing as mp
from torch import nn

from maskgan import distributed
from maskgan.checkpoints.weights import load_weights
from maskgan.data.batches import Faces, LabelledFaces
from maskgan.data.loading import Samples, pair_to_tensors
from maskgan.data.shards import encode_pair, write_shard
from maskgan.data.synthetic.dataset import SyntheticPairs
from maskgan.errors import MaskGANError, UserError
from maskgan.networks.resnet import AttributeClassifier
from maskgan.training import dense_mapping, ebst, gan_step
from maskgan.training.config import LossWeights, TrainingConfig
from maskgan.training.parser import ParserStage
from maskgan.training.stage import StageSetup
from maskgan.training.stages import STAGES, build_stage
from tiny_runs import FORKSERVER_PRELOAD, PAIRS, config, run, state

BATCH = 4
PLAIN = "style_encoder.regions=none"  # each process draws for itself which regions it takes for absent


def plain_descent() -> pytest.MonkeyPatch:
    """SGD in place of Adam, whose first steps hardly depend on the size of a gradient."""
    sgd = pytest.MonkeyPatch()
    for module in (gan_step, dense_mapping, ebst):
        sgd.setattr(module, "adam", lambda network, rate, _: torch.optim.SGD(network.parameters(), lr=rate))
    return sgd


def join(rank: int, count: int, port: int) -> None:
    """The environment of one process of a group of ``count``."""
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }


def work(rank: int, count: int, port: int, folder: Path, settings: TrainingConfig) -> None:
    """One process of a group of ``count``."""
    join(rank, count, port)
    torch.set_num_threads(1)
    plain_descent()
    with distributed.process_group("cpu"):
        run(folder, settings)


def spawn(function: Callable[..., None], count: int, *arguments: Any) -> None:
    """Run a function in ``count`` processes, with rank, count and a port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Processes forked from a server that has imported everything start at once, and have run no threads before.
    multiprocessing.set_forkserver_preload(FORKSERVER_PRELOAD)
    mp.start_processes(  # type: ignore[no-untyped-call]
        function, (count, port, *arguments), nprocs=count, start_method="forkserver"
    )


def run_together(folder: Path, settings: TrainingConfig) -> None:
    """Train in two processes."""
    spawn(work, 2, folder, settings)


def run_alone(folder: Path, settings: TrainingConfig) -> None:
    """Train in this process, as ``work`` does."""
    patch = plain_descent()
    try:
        run(folder, settings)
    finally:
        patch.undo()


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
def test_two_processes_equal_one_and_a_run_resumes_with_another_number(tmp_path: Path) -> None:
    def steps(count: int, **changes: object) -> TrainingConfig:
        settings = {"network": PLAIN, "learning_rate": 1e-4, "lr_decay_start": 1.0, **changes}
        return config(batch_size=BATCH, images=count * BATCH, **settings)

    run_alone(tmp_path / "one", steps(3))
    run_together(tmp_path / "two", steps(2))
    run_alone(tmp_path / "two", steps(3))
    assert_same_way(tmp_path / "one", tmp_path / "two", steps(3))


@pytest.mark.slow
def test_two_processes_simulate_edits_with_each_others_masks(tmp_path: Path) -> None:
    """In EBST each face's edit comes from another face of the whole batch."""
    run(tmp_path / "base", config(network=PLAIN))
    run(tmp_path / "vae", config("mask-vae", images=40, learning_rate=2e-3))

    def steps(count: int) -> TrainingConfig:
        return config(
            "ebst",
            batch_size=BATCH,
            images=count * BATCH,
            learning_rate=1e-4,
            lr_decay_start=1.0,
            network=PLAIN,
            init_run=str(tmp_path / "base"),
            mask_vae=str(tmp_path / "vae" / "mask-vae.safetensors"),
        )

    run_alone(tmp_path / "one", steps(1))
    run_together(tmp_path / "two", steps(1))
    assert_same_way(tmp_path / "one", tmp_path / "two", steps(1))


def batch(rank: int, labelled: bool) -> Faces | LabelledFaces:
    """Two faces of each process. In the second no attribute divides them, and nobody is known."""
    generator = torch.Generator().manual_seed(rank)
    pictures = torch.rand(2, 3, 64, 64, generator=generator) * 2 - 1
    if labelled:
        attributes = torch.tensor([[0], [1]]) if rank == 0 else torch.ones(2, 1)
        identities = torch.tensor([0, 1]) if rank == 0 else torch.tensor([-1, -1])
        return LabelledFaces(pictures, attributes.repeat(1, 40).byte(), identities)
    coarse = torch.randint(0, 19, (2, 8, 8), generator=generator, dtype=torch.uint8)
    label_maps = coarse.repeat_interleave(8, 1).repeat_interleave(8, 2)
    return Faces(pictures, label_maps, label_maps[:, None].repeat(1, 2, 1, 1))


def people(rank: int, side: int) -> Faces:
    """Two faces of each process; to ``smiles_if_bright`` only those of the first differ."""
    faces = Samples(SyntheticPairs(2, 64, seed=rank), pair_to_tensors, 64).first(2).prepared(side)
    brightness = torch.tensor([-0.5, 0.5] if rank == 0 else [-0.5, -0.5])
    return faces._replace(pictures=0.1 * faces.pictures + brightness[:, None, None, None])


def smiles_if_bright(_: nn.Module, pictures: torch.Tensor) -> torch.Tensor:
    """In place of a classifier's ``forward``."""
    return 10 * pictures.float().mean((1, 2, 3))[:, None].expand(-1, 40)


def train_every_stage(rank: int, count: int, options: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Two steps of each stage: whether processes agree on weights afterwards, and on which losses."""
    found = {}
    for name, entry in STAGES.items():
        settings = config(name, batch_size=4, **options.get(name, {}))
        # Runs to start from need not be there.
        stage = build_stage(settings, StageSetup(resumes=True, num_identities=3))
        for step in range(2):
            torch.manual_seed(count * step + rank)
            if name == "expression":
                with patch.object(AttributeClassifier, "forward", smiles_if_bright):
                    losses = stage.train_step(people(rank, settings.final_side), 0.9)
            else:
                losses = stage.train_step(batch(rank, entry.config_type.labelled), 0.9)
        means = distributed.all_reduce_mean(losses)
        trained = [network for kind, network in stage.networks.items() if "ema" not in kind]
        weights = torch.cat([p.detach().flatten() for network in trained for p in network.parameters()])
        both = distributed.all_gather(weights[None])
        found[name] = {
            "equal": bool(torch.equal(both[0], both[1])),
            "finite": bool(torch.isfinite(both).all()),
            "losses": means,
        }
    return found


def report(rank: int) -> list[Any]:
    """Process 0 reports its losses in another order than process 1, then a loss that process 1 lacks."""
    named = {"a": torch.tensor(1.0 + rank), "b": torch.tensor(10.0 + rank)}
    ordered = named if rank else dict(reversed(named.items()))
    means = distributed.all_reduce_mean(ordered)
    error = ""
    try:
        distributed.all_reduce_mean(named if rank else {**named, "c": torch.tensor(0.0)})
    except MaskGANError as raised:
        error = str(raised)
    return [means, error, distributed.all_gather_objects("rank 1" if rank else ""), list(means)]


def mean_gradients(rank: int) -> list[Any]:
    """The gradients of two backward passes with small buckets; one parameter has none."""
    sizes, unused = (3, 2, 7, 4), torch.zeros(2, requires_grad=True)
    parameters = [torch.zeros(size, requires_grad=True) for size in sizes]
    loss = torch.stack([(n + 1 + rank) * p.sum() for n, p in enumerate(parameters)]).sum()
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distributed, "BUCKET_NUMBERS", 5)
        for _ in range(2):  # the hooks of the first pass must be gone in the second
            for parameter in parameters:
                parameter.grad = None
            distributed.backward(loss, [*parameters[:2], unused, *parameters[2:]], retain_graph=True)
            found.append([parameter.grad.tolist() for parameter in parameters if parameter.grad is not None])
    return [found, unused.grad is None]


def fail_in_process_1(rank: int, folder: Path) -> str:
    """The error of a run in which a weight becomes NaN in one process only."""
    step = ParserStage.train_step

    def spoilt(self: ParserStage, *arguments: Any) -> Any:
        losses = step(self, *arguments)
        if rank == 1:
            with torch.no_grad():
                next(self.networks["parser"].parameters()).fill_(float("nan"))
        return losses

    ParserStage.train_step = spoilt  # type: ignore[method-assign]
    try:
        run(folder, config("parser", batch_size=BATCH, images=BATCH))
    except MaskGANError as error:
        return str(error)
    return ""


def find_out(rank: int, count: int, port: int, folder: Path, options: dict[str, dict[str, Any]]) -> None:
    """All of the above in one group of processes."""
    join(rank, count, port)
    torch.set_num_threads(1)
    with distributed.process_group("cpu"):
        found = {
            "stages": train_every_stage(rank, count, options),
            "report": report(rank),
            "gradients": mean_gradients(rank),
            "error": fail_in_process_1(rank, folder / "run"),
        }
    (folder / f"{rank}.json").write_text(json.dumps(found))


@pytest.fixture(scope="module")
def together(
    tmp_path_factory: pytest.TempPathFactory, classifier_weights: Path, tiny_edit_weights: Path
) -> tuple[Path, list[dict[str, Any]]]:
    """The folder of ``find_out``, and what each of two processes found."""
    folder = tmp_path_factory.mktemp("together")
    shared = {"weights": LossWeights(perceptual=0), "class_balance": 0.5}
    options: dict[str, dict[str, Any]] = {
        "dense-mapping": shared,
        "ebst": {**shared, "init_run": "gone", "edits": "stored"},
        "expression": {"init_weights": str(tiny_edit_weights), "classifier": str(classifier_weights)},
    }
    spawn(find_out, 2, folder, options)
    return folder, [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


@pytest.mark.slow
def test_every_stage_trains_in_two_processes(together: tuple[Path, list[dict[str, Any]]]) -> None:
    found = together[1][0]["stages"]
    assert found.keys() == STAGES.keys()
    for name, result in found.items():
        assert result["equal"] and result["finite"], name
        assert result["losses"] and all(math.isfinite(loss) for loss in result["losses"].values()), name
    # In one process alone mouths are exchanged.
    assert 0 < found["expression"]["losses"]["exchanged"] < 1 and found["expression"]["losses"]["d_loss"] > 0
    # The process without a pair or a known person takes part with weight 0.
    assert found["elegant"]["losses"]["adversarial"] > 0 and found["identity"]["losses"]["cross_entropy"] > 0


@pytest.mark.slow
def test_losses_are_averaged_by_name_and_others_refused_in_all_processes(
    together: tuple[Path, list[dict[str, Any]]],
) -> None:
    first, second = (found["report"] for found in together[1])
    assert first[0] == second[0] == {"a": 1.5, "b": 10.5}
    assert first[1] == second[1] == "the loss 'c' is missing in process 1: all must report the same losses"
    assert first[2] == second[2] == ["", "rank 1"]
    assert (first[3], second[3]) == (["b", "a"], ["a", "b"])


@pytest.mark.slow
def test_gradients_are_averaged_in_buckets(together: tuple[Path, list[dict[str, Any]]]) -> None:
    means = [[number + 1.5] * size for number, size in enumerate((3, 2, 7, 4))]
    for found in together[1]:
        assert found["gradients"] == [[means, means], True]


@pytest.mark.slow
def test_a_number_that_is_not_finite_in_one_process_stops_all_before_anything_is_saved(
    together: tuple[Path, list[dict[str, Any]]],
) -> None:
    folder, found = together
    errors = {process["error"] for process in found}
    assert len(errors) == 1 and "holds numbers that are not finite at step 1; nothing was saved yet" in errors.pop()
    assert not (folder / "run" / "state.pt").exists() and not list(folder.rglob("*.safetensors"))


@pytest.mark.slow
def test_two_processes_resume_bit_for_bit_and_validate_as_one(tmp_path: Path) -> None:
    def steps(count: int) -> TrainingConfig:
        return config("parser", batch_size=BATCH, images=count * BATCH, lr_decay_start=1.0, sample_minutes=1000)

    run_together(tmp_path / "whole", steps(2))
    run_together(tmp_path / "parts", steps(1))
    run_together(tmp_path / "parts", steps(2))
    whole, parts = state(tmp_path / "whole"), state(tmp_path / "parts")
    assert whole.keys() == parts.keys()
    for name in whole:
        assert torch.equal(whole[name], parts[name]), name

    # With a learning rate of 0 the EMA is the network that both begin with; it has no batch norms.
    losses = []
    for name, runner in (("one", run_alone), ("two", run_together)):
        settings = {"learning_rate": 0.0, "val_keys": "00000..00004", "weights": LossWeights(perceptual=0)}
        runner(tmp_path / name, config(batch_size=BATCH, images=BATCH, **settings))
        rows = [json.loads(line) for line in (tmp_path / name / "stats.jsonl").read_text().splitlines()]
        losses.append(next(row["val_loss"] for row in rows if "val_loss" in row))
    assert losses[0] == pytest.approx(losses[1], rel=1e-6) and losses[0] > 0


def test_alone_everything_is_as_without_processes() -> None:
    assert (distributed.rank(), distributed.world_size(), distributed.is_main_process()) == (0, 1, True)
    x = torch.arange(4)
    assert torch.equal(distributed.all_gather(x), x) and torch.equal(distributed.shard(x), x)
    assert distributed.all_reduce_max(1.5, True) == (1.5, True)


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "world_size", lambda: 3)
    with pytest.raises(UserError, match="--batch-size 2 cannot be split evenly over 3 processes"):
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

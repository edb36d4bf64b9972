"""Training on synthetic faces: resuming, the switches of the losses, schedules, the run folder."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from maskgan.checkpoints.weights import load_weights
from maskgan.cli.config_options import config_options, take_options
from maskgan.cli.main import main
from maskgan.data.loading import Samples, pair_to_tensors
from maskgan.data.transforms import NO_AUGMENTATION
from maskgan.errors import MaskGANError, UserError
from maskgan.losses import loss_terms
from maskgan.networks.layers import one_hot
from maskgan.pixels import normalise
from maskgan.training.config import LossWeights
from maskgan.training.parser import ParserStage
from maskgan.training.pipeline import RECIPES, stage_config
from maskgan.training.run_folder import RunFolder
from maskgan.training.schedule import Progress, ema_decay, learning_rate, resolution_at
from maskgan.training.stages import STAGES, build_stage
from tiny_runs import PAIRS, config, faces, run, state


@pytest.mark.parametrize("stage", ["dense-mapping", "edit", "parser"])
def test_two_and_two_steps_equal_four(tmp_path: Path, stage: str) -> None:
    # The learning rate must not depend on where the run was cut.
    steady = {"lr_decay_start": 1.0}
    run(tmp_path / "whole", config(stage, **steady))
    run(tmp_path / "parts", config(stage, images=4, **steady))
    assert run(tmp_path / "parts", config(stage, **steady)).images == 8
    whole, parts = state(tmp_path / "whole"), state(tmp_path / "parts")
    assert whole.keys() == parts.keys() and len(whole) > 50
    for name in whole:
        assert torch.equal(whole[name], parts[name]), name


def test_the_run_folder_is_the_record(tmp_path: Path) -> None:
    run(tmp_path, config())
    names = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    names.discard(".lock")  # left or removed, as the system has it
    assert names == {"config.json", "stats.jsonl", "state.pt", "dense-mapping.safetensors", "samples/000000008.png"}
    row = json.loads((tmp_path / "stats.jsonl").read_text().splitlines()[-1])
    assert row["images"] == 8 and {"adversarial", "feature_matching", "perceptual", "d_loss"} <= row.keys()
    _, info = load_weights(tmp_path / "dense-mapping.safetensors", model_type="dense-mapping")
    assert info.step == 8 and "maskgan train dense-mapping" in info.provenance


def test_tensorboard_on_request(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run(tmp_path, config(tensorboard=True))
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard"), size_guidance={"images": 0})
    events.Reload()
    row = json.loads((tmp_path / "stats.jsonl").read_text().splitlines()[-1])
    (event,) = events.Scalars("feature_matching")
    assert event.step == 8 and event.value == pytest.approx(row["feature_matching"], rel=1e-5)
    (image,) = events.Images("samples")
    assert image.height > 64 and image.step == 8


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    with RunFolder(tmp_path).locked(config()), pytest.raises(UserError, match="another process is training here"):
        run(tmp_path, config())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_is_complete_and_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    steady = config("parser", lr_decay_start=1.0)
    run(tmp_path / "whole", steady)
    train_step = ParserStage.train_step
    calls = []

    def interrupted(self: ParserStage, *arguments: Any) -> object:
        calls.append(1)
        if len(calls) == 3:
            signal.raise_signal(number)  # in the middle of a step
        return train_step(self, *arguments)

    monkeypatch.setattr(ParserStage, "train_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "parts", steady)
    assert len(calls) == 3 and run(tmp_path / "parts", steady).images == 8
    whole, parts = state(tmp_path / "whole"), state(tmp_path / "parts")
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_jaccard_weight_is_a_number_of_at_least_0(weight: float) -> None:
    with pytest.raises(UserError, match=r"--jaccard-weight must be a number of at least 0"):
        config("parser", jaccard_weight=weight)


def test_stop_after_saves_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", "parser", "--data", "synthetic:6:64", "--preset", "tiny", "--run", str(tmp_path / "parts")]
    arguments += ["--batch-size", "2", "--images", "8", "--workers", "1", "--precision", "fp32", "--learning-rate"]
    for step in (1, 2, 3):
        assert main([*arguments, "2e-4", "--no-augmentation", "--stop-after", "0.00001"]) == 0
        assert f"stopped and saved after {2 * step} images; the same command resumes" in capsys.readouterr().err
    assert main([*arguments, "2e-4", "--no-augmentation", "--stop-after", "10"]) == 0
    assert "stopped" not in capsys.readouterr().err
    # The command without --class-balance and --jaccard-weight takes its preset's recipe.
    done = config("parser", augment=NO_AUGMENTATION, class_balance=0.25, jaccard_weight=1.0, learning_rate=2e-4)
    assert RunFolder(tmp_path / "parts").is_finished(done)
    assert main([*arguments, "2e-4", "--stop-after", "0"]) == 2


def test_another_run_is_not_overwritten(tmp_path: Path) -> None:
    run(tmp_path, config(images=2))
    with pytest.raises(UserError, match=r"learning_rate = 0\.0002, not 0\.1"):
        run(tmp_path, config(images=2, learning_rate=0.1))


def test_a_run_of_an_older_version_resumes(tmp_path: Path) -> None:
    run(tmp_path, config(images=2))
    record = json.loads((tmp_path / "config.json").read_text())
    del record["init_run"], record["stream"], record["weights"]["pixel"]
    (tmp_path / "config.json").write_text(json.dumps(record))
    assert run(tmp_path, config(images=4)).images == 4


@pytest.mark.slow
def test_training_learns_to_reconstruct_faces(tmp_path: Path) -> None:
    run(tmp_path, config(images=110, learning_rate=2e-3, lr_decay_start=1.0))
    torch.manual_seed(0)
    fresh = build_stage(config())
    trained = build_stage(config())
    saved = torch.load(tmp_path / "state.pt", weights_only=True)
    trained.networks["generator"].load_state_dict(saved["networks"]["generator"])

    def error(stage: object) -> float:
        pictures, maps, _ = Samples(PAIRS, pair_to_tensors, 64).first(6)
        mask = one_hot(maps, 19)
        network = stage.networks["generator"]  # type: ignore[attr-defined]
        with torch.no_grad():
            return (network(mask, normalise(pictures), mask) - normalise(pictures)).abs().mean().item()

    assert error(trained) < 0.7 * error(fresh)


@pytest.mark.parametrize(
    ("weights", "absent"),
    [
        (LossWeights(perceptual=0), {"perceptual"}),
        (LossWeights(adversarial=0, feature_matching=0), {"adversarial", "feature_matching", "d_loss"}),
    ],
)
def test_each_term_is_a_switch(weights: LossWeights, absent: set[str]) -> None:
    stage = build_stage(config(weights=weights))
    losses = stage.train_step(faces(torch.rand(2, 3, 64, 64) * 2 - 1, torch.zeros(2, 64, 64, dtype=torch.uint8)), 0.9)
    everything = {"adversarial", "feature_matching", "d_loss", "perceptual", "pixel"}
    assert set(losses) == everything - absent


def test_other_networks_train_and_resume(tmp_path: Path) -> None:
    network = "backbone.upsampling=transposed,backbone.modulate_decoder=false,style_encoder.regions=none"
    options: dict[str, Any] = {"class_balance": 0.5, "network": network, "lr_decay_start": 1.0, "images": 8}
    options["weights"] = LossWeights(perceptual=0)
    run(tmp_path / "whole", config(**options))
    run(tmp_path / "parts", config(**{**options, "images": 4}))
    run(tmp_path / "parts", config(**options))
    whole, parts = state(tmp_path / "whole"), state(tmp_path / "parts")
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_one_pass_gives_the_gradients_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shared discriminator pass must give what separate passes of both networks give."""
    monkeypatch.setattr(torch.optim.Adam, "step", lambda _: None)
    torch.manual_seed(1)
    pictures, maps = torch.rand(2, 3, 64, 64) * 2 - 1, torch.randint(0, 19, (2, 64, 64), dtype=torch.uint8)
    stage = build_stage(config(weights=LossWeights(perceptual=0)))
    torch.manual_seed(2)  # of the regions taken for absent
    stage.train_step(faces(pictures, maps), 0.9)
    generator, discriminator = stage.networks["generator"], stage.networks["discriminator"]
    found = {
        name: [p.grad.clone() for p in network.parameters() if p.grad is not None]
        for name, network in (("generator", generator), ("discriminator", discriminator))
    }

    mask = one_hot(maps, 19)
    torch.manual_seed(2)
    made = generator(mask, pictures, mask)
    for network in (generator, discriminator):
        network.zero_grad()
    real, fake = discriminator(mask, pictures), discriminator(mask, made.detach())
    d_loss = sum(
        0.5 * ((r.logits - 1) ** 2).mean() + 0.5 * (f.logits**2).mean() for r, f in zip(real, fake, strict=True)
    )
    d_loss.backward()
    expected = {"discriminator": [p.grad.clone() for p in discriminator.parameters()]}
    real, fake = discriminator(mask, pictures), discriminator(mask, made)
    matching = sum(
        (a - b.detach()).abs().mean() * 4 / 3 / 2
        for f, r in zip(fake, real, strict=True)
        for a, b in zip(f.features, r.features, strict=True)
    )
    (sum(((f.logits - 1) ** 2).mean() for f in fake) + 10 * matching).backward()
    expected["generator"] = [p.grad.clone() for p in generator.parameters()]
    for name, gradients in expected.items():
        assert len(found[name]) == len(gradients)
        for f, e in zip(found[name], gradients, strict=True):
            torch.testing.assert_close(f, e, rtol=2e-3, atol=2e-5)


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path, config(images=4))
    before = (tmp_path / "state.pt").read_bytes()
    monkeypatch.setattr(loss_terms, "generator_loss", lambda logits: logits[0].sum() * float("nan"))
    with pytest.raises(MaskGANError, match="the adversarial loss is nan"):
        run(tmp_path, config(images=8))
    assert (tmp_path / "state.pt").read_bytes() == before


def test_schedules() -> None:
    assert [learning_rate(1.0, f, 0.5) for f in (0.0, 0.5, 0.75, 1.0)] == [1.0, 1.0, 0.5, 0.0]
    assert [resolution_at(((0.0, 128), (0.6, 256)), f) for f in (0, 0.59, 0.6, 1)] == [128, 128, 256, 256]
    assert Progress(images=50).fraction(200, None) == 0.25
    assert Progress(images=50, seconds=90).fraction(200, 3.0) == 0.5
    assert ema_decay(1.0, 10) ** 100 == pytest.approx(0.5)


def test_config_errors_name_the_option() -> None:
    with pytest.raises(UserError, match="--batch-size must be at least 1"):
        config(batch_size=0)
    with pytest.raises(UserError, match="unknown preset"):
        config(preset="huge")


@pytest.mark.parametrize("name", ["batch_size", "images", "shuffle_buffer", "workers", "max_bad_samples", "keep_last"])
def test_counts_have_an_upper_bound(name: str) -> None:
    for value in (99999999999999999999, 10**400):
        with pytest.raises(UserError, match=f"^--{name.replace('_', '-')} must be at most [0-9]{{4,13}}$"):
            config(**{name: value})
    assert config(batch_size=65_536).batch_size == 65_536


@pytest.mark.parametrize(("preset", "balance", "weights"), [("demo", 0.5, (0.25, 10.0)), ("paper", 0.0, (1.0, 10.0))])
def test_a_stage_alone_learns_by_its_presets_recipe(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    preset: str,
    balance: float,
    weights: tuple[float, float],
) -> None:
    arguments = [
        "train",
        "dense-mapping",
        "--data",
        "synthetic:2",
        "--preset",
        preset,
        "--run",
        str(tmp_path),
        "--dry-run",
        *("--perceptual", "efficientnet"),
    ]

    def printed() -> dict[str, Any]:
        out = capsys.readouterr().out
        found: dict[str, Any] = json.JSONDecoder().raw_decode(out[out.index("{") :])[0]
        return found

    assert main(arguments) == 0
    config = printed()
    assert config["class_balance"] == balance
    assert tuple(config["weights"][name] for name in ("adversarial", "perceptual")) == weights
    assert main([*arguments, "--class-balance", "0.1", "--pixel-weight", "1", "--adversarial-weight", "2"]) == 0
    config = printed()
    assert (config["class_balance"], config["weights"]["pixel"], config["weights"]["adversarial"]) == (0.1, 1, 2)


def test_dry_run_prints_the_config_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "train",
        "dense-mapping",
        "--data",
        "synthetic:4:64",
        "--preset",
        "tiny",
        "--run",
        str(tmp_path / "run"),
    ]
    assert main([*arguments, "--dry-run"]) == 0
    assert '"preset": "tiny"' in capsys.readouterr().out
    assert not (tmp_path / "run").exists()


def test_the_command_trains_and_resumes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "train",
        "parser",
        "--data",
        "synthetic:4:64",
        "--preset",
        "tiny",
        "--run",
        str(tmp_path),
        "--workers",
        "1",
    ]
    assert main([*arguments, "--images", "32"]) == 0
    assert main([*arguments, "--images", "64"]) == 0
    assert "resuming after 32 images" in capsys.readouterr().err
    _, info = load_weights(tmp_path / "parser.safetensors", model_type="parser")
    assert info.step == 64


def test_the_paper_preset_has_the_papers_perceptual_loss_or_asks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", "dense-mapping", "--data", "synthetic:2:64", "--preset", "paper", "--dry-run"]
    arguments += ["--run", str(tmp_path / "run")]
    assert main(arguments) == 2
    assert "--preset paper: the paper's perceptual loss needs VGG-19" in capsys.readouterr().err
    for choice in (["--perceptual", "efficientnet"], ["--perceptual", "vgg19.pth"], ["--perceptual-weight", "0"]):
        assert main([*arguments, *choice]) == 0, choice
    for preset, images in (("paper", 4_800_000), ("demo", 2_400_000)):
        assert config(preset=preset, images=0, perceptual="efficientnet").images == images


def test_help_of_a_stage_shows_the_defaults_of_each_preset(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "dense-mapping", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for text in (
        "--adversarial-weight FLOAT Weight of the adversarial loss. [default: 1.0 in paper, 0.25 in demo and tiny]",
        "--batch-size INTEGER Images per step, over all processes. [default: 8 in paper, 4 in demo and tiny]",
        "--learning-rate FLOAT Learning rate of Adam, until --lr-decay-start. [default: 0.0002]",
        "--seed INTEGER Seed of all random numbers. [default: 0]",
        "kept in snapshots/. [default: 0]",
    ):
        assert text in shown
    for name in RECIPES:
        config = stage_config("dense-mapping", {"data": "synthetic:2", "preset": name, "perceptual": "efficientnet"})
        assert config.batch_size == (8 if name == "paper" else 4)  # what is shown is what a run takes


@pytest.mark.parametrize("stage", STAGES)
def test_every_option_of_a_stage_is_explained(stage: str) -> None:
    options = config_options(STAGES[stage].config_type)
    names = {option.name for option in options}
    assert {"data", "batch_size", "learning_rate"} <= names and "augment" not in names
    assert all(option.help and "[default: None" not in option.help for option in options)
    given = {"data": "faces", "batch_size": 3, "adversarial_weight": 0.5, "hole_union": 0.25, "seed": None}
    taken = take_options(STAGES[stage].config_type, dict(given))
    assert (taken["data"], taken["batch_size"], "seed" in taken) == ("faces", 3, False)
    if "adversarial_weight" in names:
        assert taken["weights"] == {"adversarial": 0.5}
    if "hole_union" in names:
        assert taken["holes"] == {"union": 0.25}

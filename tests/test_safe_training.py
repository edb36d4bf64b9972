"""What training promises when something goes wrong: nothing bad is saved, nothing good is lost or taken for another."""

from __future__ import annotations

import json
import math
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from maskgan.checkpoints.weights import load_weights, read_info, save_weights
from maskgan.cli.main import main
from maskgan.data.loading import Samples, pair_to_tensors
from maskgan.data.transforms import sample_augment_params
from maskgan.errors import MaskGANError, UserError
from maskgan.training import loop
from maskgan.training.config import TrainingConfig
from maskgan.training.parser import ParserStage
from maskgan.training.run_folder import RunFolder
from maskgan.training.schedule import ema_decay, warmup_decay
from maskgan.training.stages import build_stage
from maskgan.training.validation import validation_loss
from tiny_runs import PAIRS, config, run, state


def parser(**changes: object) -> TrainingConfig:
    """A run of the smallest stage."""
    return config("parser", **{"lr_decay_start": 1.0, "sample_minutes": 1000, **changes})


def broken_after(monkeypatch: pytest.MonkeyPatch, steps: int, spoil: Any) -> None:
    """Let ``spoil(stage)`` happen at the end of a step, whose losses stay finite."""
    step = ParserStage.train_step
    calls = []

    def spoilt(self: ParserStage, *arguments: Any) -> Any:
        losses = step(self, *arguments)
        calls.append(1)
        if len(calls) == steps:
            spoil(self)
        return losses

    monkeypatch.setattr(ParserStage, "train_step", spoilt)


def spoil_weights(stage: ParserStage) -> None:
    with torch.no_grad():
        next(stage.networks["parser"].parameters()).fill_(math.nan)


def spoil_moments(stage: ParserStage) -> None:
    next(iter(stage.optimizers["parser"].state.values()))["exp_avg_sq"].fill_(math.inf)


@pytest.mark.parametrize(("spoil", "named"), [(spoil_weights, "parser."), (spoil_moments, "exp_avg_sq")])
def test_nothing_is_written_once_a_number_is_not_finite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Any, named: str
) -> None:
    run(tmp_path, parser(images=4))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != "config.json"}
    broken_after(monkeypatch, 1, spoil)
    with pytest.raises(MaskGANError, match="holds numbers that are not finite at step 3") as raised:
        run(tmp_path, parser(images=6))
    assert named in str(raised.value) and "keeps the state after 4 images" in str(raised.value)
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != "config.json"}
    assert after == before


def test_a_failure_before_the_first_save_speaks_of_no_saved_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_after(monkeypatch, 1, spoil_weights)
    with pytest.raises(MaskGANError, match="nothing was saved yet"):
        run(tmp_path, parser(images=2))
    assert not list(tmp_path.glob("*.pt")) and not list(tmp_path.rglob("*.safetensors"))


def test_augmentation_and_regularisation_draw_different_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[torch.Tensor, torch.Tensor]] = []
    step = ParserStage.train_step

    def listening(*arguments: Any) -> Any:
        augmentation = torch.rand(64, generator=generators[-1])
        drawn.append((augmentation, torch.rand(64)))
        return step(*arguments)

    generators: list[torch.Generator] = []

    def kept(count: int, settings: Any, generator: torch.Generator) -> Any:
        generators.append(torch.Generator().manual_seed(generator.initial_seed()))
        return sample_augment_params(count, settings, generator)

    monkeypatch.setattr(loop, "sample_augment_params", kept)
    monkeypatch.setattr(ParserStage, "train_step", listening)
    run(tmp_path, parser(images=6))
    everything = torch.stack([tensor for pair in drawn for tensor in pair])
    assert len({tuple(row.tolist()) for row in everything}) == 6


def test_the_ema_has_the_half_life_asked_for_after_a_warm_up() -> None:
    assert ema_decay(1.0, 10) ** 100 == pytest.approx(0.5)  # 1000 images in steps of 10
    # The half-life is 5 % of the updates so far: after 200 updates, 10 updates.
    assert warmup_decay(200) ** 10 == pytest.approx(0.5)
    assert warmup_decay(1) < 1e-5
    asked = ema_decay(0.3, 4)
    assert min(asked, warmup_decay(1500)) == asked  # 300 images: reached after 6000


def test_a_run_from_trained_weights_keeps_the_ema_that_it_started_from(tmp_path: Path, tiny_weights: Path) -> None:
    settings = config(init_weights=str(tiny_weights), images=2, ema_halflife_kimg=1.0, learning_rate=1e-2)
    settings = replace(settings, weights=replace(settings.weights, perceptual=0.0))
    run(tmp_path, settings)
    start = load_weights(tiny_weights)[0].state_dict()
    saved = state(tmp_path)
    away = sum(float((saved[f".networks.generator.{name}"] - tensor).abs().sum()) for name, tensor in start.items())
    moved = sum(float((saved[f".networks.ema.{name}"] - tensor).abs().sum()) for name, tensor in start.items())
    # One step of two images, at a half-life of 1000: the EMA moves by 1 - 0.5 ** 0.002 of the way.
    assert moved / away == pytest.approx(1 - 0.5**0.002, rel=0.02)


def test_which_runs_start_with_a_trained_ema() -> None:
    """An embedding starts from scratch, though a classifier is named as its origin."""
    starts: list[tuple[str, dict[str, object], bool]] = [
        ("dense-mapping", {}, False),
        ("dense-mapping", {"init_run": "run"}, True),
        ("dense-mapping", {"init_weights": "weights"}, True),
        ("ebst", {"init_run": "run", "mask_vae": "weights"}, True),
        ("edit", {}, False),
        ("edit", {"init_run": "run"}, True),
        ("edit", {"init_weights": "weights"}, True),
        ("expression", {"init_weights": "weights", "classifier": "weights"}, True),
        ("identity", {"init_classifier": "weights"}, False),
    ]
    for stage, options, trained in starts:
        assert config(stage, **options).ema_starts_trained == trained, (stage, options)


def test_a_run_does_not_resume_with_another_classifier_of_the_same_name(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "attributes.safetensors").write_text(name)
    folder = RunFolder(tmp_path / "run")

    def settings(name: str) -> TrainingConfig:
        return config(init_weights=str(tmp_path / name / "attributes.safetensors"))

    with folder.locked(settings("one")):
        pass
    with (
        pytest.raises(UserError, match=r"other/attributes\.safetensors: has changed, or is another file"),
        folder.locked(settings("other")),
    ):
        pass


@pytest.mark.parametrize("count", [5, 11])
def test_validation_is_the_mean_over_the_samples_for_any_batch_size(count: int) -> None:
    faces = Samples(PAIRS, pair_to_tensors, 64).first(6)
    val_set = faces.part([i % 6 for i in range(count)])
    stage = build_stage(parser())
    singles = [float(stage.val_loss(val_set.part([i]).prepared(64))) for i in range(count)]
    found = {validation_loss(stage, parser(batch_size=size), val_set) for size in (1, 2, 3, 16)}
    assert len(found) == 1 and found.pop() == pytest.approx(sum(singles) / count, rel=1e-5)


def test_the_run_validates_all_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The mean of means would be (0 + 4) / 2 with batches of 4 and 1.
    monkeypatch.setattr(ParserStage, "val_loss", lambda _, faces: torch.tensor(float(5 - len(faces.pictures))))
    monkeypatch.setattr("maskgan.training.validation.CHUNK", 4)
    run(tmp_path, parser(images=4, batch_size=4, val_keys="00000..00004"))
    rows = [json.loads(line) for line in (tmp_path / "stats.jsonl").read_text().splitlines()]
    assert [row["val_loss"] for row in rows if "val_loss" in row] == [(4 * 1 + 1 * 4) / 5]


def test_a_run_does_not_resume_with_another_file_of_the_same_name(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "train.txt").write_text("00000\n00001\n" if name == "one" else "00002\n00003\n")
    run(tmp_path / "run", parser(images=2, keys=str(tmp_path / "one" / "train.txt")))
    with pytest.raises(UserError, match=r"other/train\.txt: has changed, or is another file, .*as --keys \(sha256"):
        run(tmp_path / "run", parser(images=4, keys=str(tmp_path / "other" / "train.txt")))
    (tmp_path / "other" / "train.txt").write_text("00000\n00001\n")
    assert run(tmp_path / "run", parser(images=4, keys=str(tmp_path / "other" / "train.txt"))).images == 4


def test_outputs_of_a_runs_other_stages_may_change(tmp_path: Path) -> None:
    keys = tmp_path / "all" / "first" / "keys.txt"
    keys.parent.mkdir(parents=True)
    keys.write_text("00000\n")
    folder = RunFolder(tmp_path / "all" / "second", tmp_path / "all")
    with folder.locked(parser(keys=str(keys))):
        pass
    keys.write_text("00001\n")
    with folder.locked(parser(keys=str(keys))):
        pass


def test_weights_without_a_state_are_not_overwritten(tmp_path: Path) -> None:
    run(tmp_path, parser(images=2))
    before = (tmp_path / "parser.safetensors").read_bytes()
    (tmp_path / "state.pt").unlink()
    with pytest.raises(UserError, match=r"holds parser\.safetensors but no state\.pt to resume from"):
        run(tmp_path, parser(images=2))
    assert (tmp_path / "parser.safetensors").read_bytes() == before


@pytest.mark.parametrize("images", [2, 4])
@pytest.mark.parametrize("left", ["nothing", "older", "damaged"])
def test_weights_that_were_not_written_are_exported_at_the_next_start(tmp_path: Path, left: str, images: int) -> None:
    run(tmp_path, parser(images=2))
    path = tmp_path / "parser.safetensors"
    network, info = load_weights(path)
    expected = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    path.unlink()
    if left == "older":
        with torch.no_grad():
            next(network.parameters()).add_(1.0)
        save_weights(path, network, replace(info, step=1))
    elif left == "damaged":
        path.write_bytes(b"cut off")
    run(tmp_path, parser(images=images))
    assert read_info(path).step == images
    if images == 2:  # a run that had spent its budget
        found = load_weights(path)[0].state_dict()
        assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def test_a_damaged_tensor_of_the_state_is_seen(tmp_path: Path) -> None:
    run(tmp_path, parser(images=2))
    file = tmp_path / "state.pt"
    with zipfile.ZipFile(file) as archive:
        largest = max(archive.infolist(), key=lambda record: record.file_size)
    content = bytearray(file.read_bytes())
    content[largest.header_offset + 64 + largest.file_size // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(MaskGANError, match=r"state\.pt: damaged \(wrong checksum of .*choose another --run folder"):
        run(tmp_path, parser(images=4))
    assert file.read_bytes() == bytes(content)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--learning-rate", "nan"),
        ("--learning-rate", "inf"),
        ("--cache-gigabytes", "inf"),
        ("--snapshot-minutes", "nan"),
        ("--sample-minutes", "nan"),
        ("--minutes", "inf"),
        ("--ema-halflife-kimg", "nan"),
        ("--lr-decay-start", "nan"),
        ("--stop-after", "nan"),
        ("--seed", "-1"),
        ("--seed", str(10**30)),
    ],
)
def test_numbers_that_make_no_sense_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    arguments = ["train", "parser", "--data", "synthetic:2:64", "--preset", "tiny", "--run", str(tmp_path / "run")]
    assert main([*arguments, option, value]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"maskgan: error: {option} must ") and error.count("\n") == 1
    assert not (tmp_path / "run").exists()

"""``train all``: everything that ships from one command, in pieces, over kills, and on another machine."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save

from maskgan.checkpoints.manifest import MANIFEST, mismatches, read_manifest
from maskgan.checkpoints.weights import load_weights
from maskgan.cli.main import main
from maskgan.config import preset
from maskgan.data.transforms import NO_AUGMENTATION, WIDE_AUGMENTATION
from maskgan.editing.mask_directions import load_directions
from maskgan.errors import UserError
from maskgan.training import archive
from maskgan.training.config import LossWeights, TrainingConfig
from maskgan.training.dense_mapping import DenseMappingStage
from maskgan.training.ebst import EBSTStage
from maskgan.training.edit_config import EditLossWeights
from maskgan.training.parser import ParserStage
from maskgan.training.pipeline import LabelledData, pipeline
from maskgan.training.run_folder import RunFolder
from maskgan.training.state_compression import compress, decompress
from tiny_runs import FORKSERVER_PRELOAD, config, state, write_faces

PARTS = (
    "mask-vae",
    "dense-mapping",
    "ebst",
    "edit",
    "expression-teacher",
    "expression",
    "parser",
    "attributes",
    "identity",
)
TRAINED_MODELS = ("mask-vae", "dense-mapping", "edit", "parser", "attributes", "identity")
IMAGES = 48  # 1, 2, 1, 4, 1, 2, 2, 1 and 1 steps of 4
FACES = 130  # directions need 110


@pytest.fixture(scope="module", autouse=True)
def faces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Synthetic faces in a folder: drawing them anew in every run would take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASKGAN_TEST_FACES", str(write_faces(tmp_path_factory.mktemp("faces"), FACES, 64)))
        yield


def command(run: Path, *more: str) -> list[str]:
    # Without the perceptual network a process starts sooner.
    arguments = [
        "train",
        "all",
        "--preset",
        "tiny",
        "--data",
        os.environ["MASKGAN_TEST_FACES"],
        "--labelled-data",
        "synthetic:8:64",
    ]
    arguments += ["--images", str(IMAGES), "--batch-size", "4", "--perceptual-weight", "0", "--workers", "0"]
    arguments += ["--precision", "fp32", "--snapshot-minutes", "0", "--sample-minutes", "100"]
    # Without a cache only the faces of these few steps are drawn.
    return [*arguments, "--cache-gigabytes", "0", "--run", str(run), *more]


def piece(run: Path) -> list[str]:
    """One that is over as soon as it has made a step."""
    return command(run, "--stop-after", "0.00001")


def assert_same_states(one: Path, other: Path) -> None:
    for part in PARTS:
        ours, theirs = state(one / part), state(other / part)
        assert ours.keys() == theirs.keys(), part
        for name in ours:
            assert torch.equal(ours[name], theirs[name]), (part, name)


def assert_complete(weights: Path) -> None:
    names = {f"{kind}.safetensors" for kind in (*TRAINED_MODELS, "mask-directions", "accessory-styles")}
    assert {path.name for path in weights.iterdir()} == names | {MANIFEST}
    assert set(read_manifest(weights / MANIFEST)) == names and not mismatches(weights)
    for kind in TRAINED_MODELS:
        load_weights(weights / f"{kind}.safetensors", model_type=kind)
        tensors = load_file(weights / f"{kind}.safetensors").values()
        assert all(t.dtype == torch.float16 for t in tensors if t.is_floating_point()), kind
    assert "smile" in load_directions(weights / "mask-directions.safetensors", weights / "mask-vae.safetensors")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing befell."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert main(command(folder)) == 0
    return folder


def base(**options: Any) -> TrainingConfig:
    """Options that all stages share."""
    return TrainingConfig(**{"preset": "tiny", "data": "synthetic:6:64", **options})


def test_each_stage_has_its_share_and_its_settings(tmp_path: Path) -> None:
    parts = pipeline(base(preset="demo", minutes=100.0), tmp_path, LabelledData("celeba", "table.csv"))
    assert [
        (folder.name, c.stage, c.batch_size, c.learning_rate, getattr(c, "class_balance", 0.0), c.phases)
        for folder, c in parts
    ] == [
        ("mask-vae", "mask-vae", 16, 2e-4, 0.25, ((0.0, 128), (0.25, 256))),
        ("edit", "edit", 8, 4e-4, 0.5, ((0.0, 128), (0.35, 256), (0.75, 512))),
        ("expression-teacher", "attributes", 32, 1e-3, 0.0, ((0.0, 128),)),
        ("expression", "expression", 8, 2e-4, 0.0, ((0.0, 256),)),
        ("parser", "parser", 16, 1e-3, 0.25, ((0.0, 128), (0.25, 256))),
        ("attributes", "attributes", 32, 1e-3, 0.0, ((0.0, 128),)),
        ("identity", "identity", 32, 3e-4, 0.0, ((0.0, 128),)),
    ]
    assert [c.minutes for _, c in parts] == pytest.approx([10, 44, 4, 16, 16, 6, 4])
    by_stage = {c.stage: c for _, c in parts}
    assert by_stage["edit"].weights == EditLossWeights()
    assert (by_stage["edit"].ema_halflife_kimg, by_stage["expression"].ema_halflife_kimg) == (1.5, 0.3)
    # What teaches must not measure.
    assert [c.seed for _, c in parts if c.stage == "attributes"] == [1, 0]
    assert by_stage["expression"].classifier == str(tmp_path / "expression-teacher" / "attributes.safetensors")
    assert by_stage["expression"].init_weights == str(tmp_path / "edit" / "edit.safetensors")
    assert [c.stage for _, c in parts if c.augment == WIDE_AUGMENTATION] == [
        "attributes",
        "parser",
        "attributes",
        "identity",
    ]
    assert by_stage["identity"].init_classifier == str(tmp_path / "attributes" / "attributes.safetensors")
    for stage in ("attributes", "identity"):
        assert (by_stage[stage].data, by_stage[stage].table) == ("celeba", "table.csv")
        assert by_stage[stage].identities == "..9192"


def test_the_published_stages_follow_each_other(tmp_path: Path) -> None:
    parts = pipeline(base(preset="paper", minutes=90.0), tmp_path, options={"perceptual": "efficientnet"})
    assert [(c.stage, c.minutes) for _, c in parts] == [
        ("mask-vae", pytest.approx(10)),
        ("dense-mapping", pytest.approx(50)),
        ("ebst", pytest.approx(20)),
        ("parser", pytest.approx(10)),
    ]
    by_stage = {c.stage: c for _, c in parts}
    assert by_stage["dense-mapping"].init_run == "" and by_stage["dense-mapping"].weights == LossWeights()
    assert by_stage["ebst"].init_run == str(tmp_path / "dense-mapping")
    assert by_stage["ebst"].mask_vae == str(tmp_path / "mask-vae" / "mask-vae.safetensors")


def test_what_is_left_out_leaves_its_share_to_the_others(tmp_path: Path) -> None:
    parts = pipeline(base(minutes=80.0), tmp_path, ebst=False)
    assert [(c.stage, c.minutes) for _, c in parts] == [
        ("mask-vae", pytest.approx(10)),
        ("dense-mapping", pytest.approx(20)),
        ("edit", pytest.approx(34)),
        ("parser", pytest.approx(16)),
    ]
    assert all(c.resolution is None for _, c in parts)


def test_options_go_before_the_recipe(tmp_path: Path) -> None:
    given = {
        "batch_size": 6,
        "learning_rate": 1e-4,
        "class_balance": 0.5,
        "augment": NO_AUGMENTATION,
        "weights": {"pixel": 3.0},
        "perceptual": "efficientnet",
    }
    for _, c in pipeline(base(preset="paper", resolution=256), tmp_path, options=given):
        assert (c.batch_size, c.learning_rate, c.resolution, c.augment) == (6, 1e-4, 256, NO_AUGMENTATION)
        assert c.class_balance == 0.5
        if c.stage in ("dense-mapping", "ebst"):
            assert c.weights.pixel == 3.0
    plain = dict(pipeline(base(preset="paper"), tmp_path, options={"perceptual": "efficientnet"}))
    by_stage = {c.stage: c for c in plain.values()}
    assert (by_stage["mask-vae"].class_balance, by_stage["dense-mapping"].batch_size) == (0.0, 8)
    with pytest.raises(UserError, match="--perceptual efficientnet"):
        pipeline(base(preset="paper"), tmp_path)


def test_a_dry_run_prints_every_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(tmp_path / "run", "--dry-run")) == 0
    printed = capsys.readouterr().out
    stages = ["attributes" if part == "expression-teacher" else part for part in PARTS]
    assert [line.split('"')[3] for line in printed.splitlines() if '"stage"' in line] == stages
    assert "130 pairs" in printed and "8 faces" in printed and not (tmp_path / "run").exists()


@pytest.mark.parametrize(("options", "halflives"), [([], {"0.3", "1.5"}), (["--ema-halflife-kimg", "1.5"], {"1.5"})])
def test_an_option_that_is_given_replaces_the_defaults_of_all_stages(
    options: list[str], halflives: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(tmp_path / "run", "--dry-run", *options)) == 0
    printed = capsys.readouterr().out.splitlines()
    assert {line.split(": ")[1].rstrip(",") for line in printed if '"ema_halflife_kimg"' in line} == halflives


def test_labels_without_faces_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "train",
        "all",
        "--data",
        "synthetic:4:64",
        "--preset",
        "tiny",
        "--run",
        str(tmp_path),
        "--table",
        "t.csv",
    ]
    assert main(arguments) == 2
    assert "give its folder or tar file too" in capsys.readouterr().err


def test_wrong_labels_are_found_before_anything_is_trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(tmp_path / "run", "--labelled-data", str(tmp_path))) == 2
    assert "--table" in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_every_shipped_network_is_trained_and_loads(whole: Path) -> None:
    assert_complete(whole / "weights")
    last, shipped = (load_file(whole / part / "dense-mapping.safetensors") for part in ("ebst", "weights"))
    for name, tensor in shipped.items():
        assert torch.equal(tensor, last[name].half()), name
    _, info = load_weights(whole / "weights" / "dense-mapping.safetensors")
    assert info.config == preset("tiny").dense_mapping
    _, info = load_weights(whole / "weights" / "edit.safetensors")
    assert (info.config, info.resolution) == (preset("tiny").edit, 64)
    assert info.teachers == "EfficientNet-Lite0, SFace, an attribute classifier"
    last, shipped = (load_file(whole / part / "edit.safetensors") for part in ("expression", "weights"))
    assert all(torch.equal(tensor, last[name].half()) for name, tensor in shipped.items())
    last, shipped = (load_file(whole / part / "attributes.safetensors") for part in ("attributes", "weights"))
    assert all(torch.equal(tensor, last[name].to(tensor.dtype)) for name, tensor in shipped.items())


def test_expressions_are_learnt_at_the_one_size_that_they_can_be(tmp_path: Path) -> None:
    for resolution, expected in ((512, 256), (None, 256), (128, 128)):
        parts = pipeline(base(preset="demo", resolution=resolution), tmp_path, LabelledData("celeba", "table.csv"))
        assert [c.resolution for _, c in parts if c.stage == "expression"] == [expected]


def test_without_labels_two_networks_are_left_out_and_too_few_masks_have_no_directions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "train",
        "all",
        "--preset",
        "tiny",
        "--data",
        "synthetic:4:64",
        "--run",
        str(tmp_path),
        "--images",
        "8",
    ]
    assert main([*arguments, "--batch-size", "2", "--workers", "0", "--no-ebst", "--perceptual-weight", "0"]) == 0
    said = capsys.readouterr().err
    assert "attribute classifier and the identity embedding are left out" in said
    assert "mask directions are left out: 4 faces are too few" in said
    assert not mismatches(tmp_path / "weights")
    made = {path.stem for path in (tmp_path / "weights").glob("*.safetensors")}
    assert made == {"mask-vae", "dense-mapping", "edit", "parser", "accessory-styles"}


def test_the_same_command_trains_nothing_twice(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("state.pt")}
    directions = (whole / "weights" / "mask-directions.safetensors").stat().st_mtime_ns
    assert main(command(whole)) == 0
    assert capsys.readouterr().err.count(": done, in") == len(PARTS)
    assert {path: path.stat().st_mtime_ns for path in whole.rglob("state.pt")} == before
    assert (whole / "weights" / "mask-directions.safetensors").stat().st_mtime_ns == directions
    assert main(command(whole, "--learning-rate", "0.1")) == 2
    assert "learning_rate" in capsys.readouterr().err


def test_interrupted_runs_equal_one_run(tmp_path: Path, whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pieces = 0
    while not (tmp_path / "weights" / MANIFEST).exists():
        assert main(piece(tmp_path)) == 0 and pieces < 20
        pieces += 1
        said = capsys.readouterr().err
        assert "the same command resumes" in said or (tmp_path / "weights" / MANIFEST).exists()
    assert pieces == 16  # 15 steps, and the directions
    assert_same_states(tmp_path, whole)
    assert_complete(tmp_path / "weights")


def train_until_killed(arguments: list[str], stage: type, steps: int) -> None:
    """The body of a process that is killed in the given step of a stage."""
    torch.set_num_threads(1)
    logging.getLogger("maskgan").setLevel(logging.ERROR)
    train_step = stage.train_step
    calls = []

    def killed(self: Any, *arguments: Any) -> object:
        calls.append(1)
        if len(calls) == steps:
            os.kill(os.getpid(), signal.SIGKILL)
        return train_step(self, *arguments)

    stage.train_step = killed  # type: ignore[attr-defined]
    main(arguments)


@pytest.mark.slow
def test_killed_inside_and_between_stages(tmp_path: Path) -> None:
    # Processes forked from a server that has imported everything start at once, and have run no threads before.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(FORKSERVER_PRELOAD)
    for stage, steps, ended in (
        (DenseMappingStage, 2, "mask-vae"),  # inside a stage
        (EBSTStage, 1, "dense-mapping"),  # where one begins with the networks of another
        (ParserStage, 1, "edit"),
    ):
        process = context.Process(target=train_until_killed, args=(command(tmp_path / "run"), stage, steps))
        process.start()
        process.join(120)
        assert process.exitcode == -signal.SIGKILL
        assert RunFolder(tmp_path / "run" / ended).has_state
    for run in ("run", "whole"):  # in processes too: another number of threads would round differently
        process = context.Process(target=train_until_killed, args=(command(tmp_path / run), ParserStage, 1000))
        process.start()
        process.join(120)
        assert process.exitcode == 0
    assert_same_states(tmp_path / "run", tmp_path / "whole")
    assert_complete(tmp_path / "run" / "weights")


def test_a_packed_run_resumes_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here, there = tmp_path / "here" / "run", tmp_path / "there" / "other"
    for _ in range(2):  # into dense-mapping
        assert main(piece(here)) == 0
    assert RunFolder(here / "dense-mapping").progress().images == 4  # type: ignore[union-attr]
    assert main(["runs", "pack", str(here), "-o", str(tmp_path / "pack")]) == 0
    shutil.rmtree(here.parent)
    assert main(["runs", "unpack", str(tmp_path / "pack"), str(there)]) == 0
    capsys.readouterr()
    assert main(command(there)) == 0
    said = capsys.readouterr().err
    assert said.count("done, in") == 1 and "resuming after 4 images" in said
    assert_complete(there / "weights")


def test_ebst_can_begin_from_a_pack(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for _ in range(3):  # all of stage 1
        assert main(piece(here)) == 0
    archive.pack(here, tmp_path / "pack")
    archive.unpack(tmp_path / "pack", there)
    assert not (there / "ebst").exists() and (there / "dense-mapping" / "dense-mapping.safetensors").exists()
    assert main(piece(there)) == 0
    assert RunFolder(there / "ebst").progress().images == 4  # type: ignore[union-attr]


def test_a_finished_run_comes_out_of_its_pack_as_it_ships(
    tmp_path: Path, whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = archive.pack(whole, tmp_path / "pack")
    assert {path.name for path in written} == {path.name for path in (tmp_path / "pack").iterdir()}
    archive.unpack(tmp_path / "pack", tmp_path / "run")
    assert main(command(tmp_path / "run")) == 0
    assert_complete(tmp_path / "run" / "weights")
    assert (tmp_path / "run" / "weights" / MANIFEST).read_text() == (whole / "weights" / MANIFEST).read_text()
    assert main(command(tmp_path / "run", "--images", str(2 * IMAGES))) == 2
    assert "packed when it had spent its budget" in capsys.readouterr().err


def test_large_runs_are_split_into_chunks(tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "CHUNK_BYTES", 100_000)
    first = archive.pack(whole, tmp_path / "pack")
    assert len(first) > 4 and all(path.stat().st_size <= 100_000 for path in first)
    archive.unpack(tmp_path / "pack", tmp_path / "run")
    assert json.loads((tmp_path / "run" / "parser" / "config.json").read_text())["stage"] == "parser"
    monkeypatch.setattr(archive, "CHUNK_BYTES", 300_000)
    assert len(archive.pack(whole, tmp_path / "pack")) == len(list((tmp_path / "pack").iterdir())) < len(first)


@pytest.fixture
def packed(tmp_path: Path, whole: Path) -> Path:
    archive.pack(whole, tmp_path / "pack")
    return tmp_path / "pack"


def rewritten_index(folder: Path, **changes: object) -> None:
    index = json.loads((folder / archive.INDEX).read_text())
    (folder / archive.INDEX).write_text(json.dumps({**index, **changes}))


def assert_refused(packed: Path, message: str) -> None:
    run = packed.parent / "run"
    with pytest.raises(UserError, match=message):
        archive.unpack(packed, run)
    assert {path.name for path in packed.parent.iterdir()} == {packed.name}  # nothing half-written


def test_damaged_and_missing_chunks_are_named(packed: Path) -> None:
    path = packed / "chunk-00.bin"
    content = bytearray(path.read_bytes())
    path.write_bytes(content[:-1])
    assert_refused(packed, r"chunk-00\.bin: damaged, or of another pack")
    content[1000] ^= 1
    path.write_bytes(content)
    assert_refused(packed, r"chunk-00\.bin: damaged, or of another pack")
    path.write_bytes(bytes(archive.CHUNK_BYTES + 1))
    assert_refused(packed, r"chunk-00\.bin: damaged \(over 15 MiB\)")
    path.unlink()
    assert_refused(packed, r"chunk-00\.bin: no such file")
    (packed / archive.INDEX).unlink()
    assert_refused(packed, r"pack\.json: no such file")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 1}, "has format 1, not 2"),
        ({"files": [["../config.json", 10]]}, "names what no pack holds"),
        ({"files": [["/tmp/config.json", 10]]}, "names what no pack holds"),
        ({"files": [["a" * 300 + ".safetensors", 10]]}, "names what no pack holds"),
        ({"files": [["a/b/config.json", 10]]}, "names what no pack holds"),
        ({"files": [["state.pt", 10]]}, "names what no pack holds"),
        ({"files": [["config.json", -10]]}, "names what no pack holds"),
        ({"files": [["config.json", 10]]}, "does not fit its chunks"),
        ({"files": 3}, "is no index of a pack"),
        ({"chunks": [["../../secret", "0"]]}, "names what no pack holds"),
        ({"chunks": []}, "does not fit its chunks"),
    ],
)
def test_an_index_that_is_none_is_refused(packed: Path, changes: dict[str, object], message: str) -> None:
    rewritten_index(packed, **changes)
    assert_refused(packed, message)


def test_a_state_that_is_none_is_refused(packed: Path) -> None:
    parts = {"state.safetensors": save({"networks/a/b/c": torch.zeros(1), "odd": torch.zeros(1)}), "state.json": b"{}"}
    content = b"".join(parts.values())
    (packed / "chunk-00.bin").write_bytes(content)
    rewritten_index(
        packed,
        files=[[name, len(part)] for name, part in parts.items()],
        chunks=[["chunk-00.bin", archive._digest(content)]],
    )
    assert_refused(packed, "holds no state to resume from")


def test_runs_are_not_overwritten_and_must_be_runs(tmp_path: Path, packed: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(UserError, match="is there already"):
        archive.unpack(packed, tmp_path / "there")
    with pytest.raises(UserError, match="holds no run to pack"):
        archive.pack(tmp_path / "there", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_names_that_no_pack_holds_are_refused_before_anything_is_packed(tmp_path: Path, whole: Path) -> None:
    run = shutil.copytree(whole, tmp_path / "run")
    (run / "parser").rename(run / "parser 2")
    with pytest.raises(UserError, match=r"run/parser 2/config\.json: has a name that no pack holds"):
        archive.pack(run, tmp_path / "pack")
    assert not (tmp_path / "pack").exists()


def test_what_a_packed_state_loses() -> None:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    weight, bias, count = draw(64, 32, 3, 3) * 0.05, draw(64), torch.tensor(7)
    average = weight + draw(64, 32, 3, 3) * 1e-4
    squares = (draw(64, 32, 3, 3) * 8 - 30).exp2()
    squares[0] = 0  # never had a gradient
    packed = compress(
        {
            "progress": {"step": 3, "images": 12, "seconds": 4.5},
            "networks": {
                "net": {"weight": weight, "bias": bias, "count": count},
                "ema": {"weight": average, "bias": bias, "count": count},
            },
            "optimizers": {
                "net": {
                    "state": {0: {"step": torch.tensor(3.0), "exp_avg": draw(64, 32, 3, 3), "exp_avg_sq": squares}},
                    "param_groups": [{"lr": 1e-3, "betas": [0.5, 0.999], "params": [0]}],
                }
            },
        }
    )
    packed.info.update(json.loads(json.dumps(packed.info)))
    again = decompress(packed)
    assert sum(t.nbytes for t in packed.tensors.values()) < 4.1 * weight.numel()
    assert again["progress"] == {"step": 3, "images": 12, "seconds": 4.5}
    found = again["networks"]
    torch.testing.assert_close(found["net"]["weight"], weight, rtol=5e-4, atol=1e-7)
    distance = (found["ema"]["weight"] - found["net"]["weight"]) - (average - weight.half().float())
    assert distance.abs().max() < 5e-6  # of distances up to 5e-4
    assert torch.equal(found["ema"]["bias"], bias) and torch.equal(found["net"]["count"], count)
    moments = again["optimizers"]["net"]["state"][0]
    assert moments["step"] == 3 and not moments["exp_avg"].any() and not moments["exp_avg_sq"][0].any()
    lengths = (moments["exp_avg_sq"][1:] / squares[1:]).sqrt()
    assert (lengths - 1).abs().max() < 0.1 and (lengths - 1).abs().mean() < 0.05
    assert again["optimizers"]["net"]["param_groups"][0]["params"] == [0]


def test_a_run_may_find_its_data_elsewhere(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run" / "ebst")
    vae = {"mask_vae": "{}/mask-vae/mask-vae.safetensors"}

    def settings(data: str, run: Path) -> TrainingConfig:
        return config("ebst", data=data, init_run=str(run / "dense-mapping"), mask_vae=vae["mask_vae"].format(run))

    with folder.locked(settings("/here/faces.tar", tmp_path / "run")):
        pass
    (tmp_path / "run").rename(tmp_path / "moved")
    moved = RunFolder(tmp_path / "moved" / "ebst")
    with moved.locked(settings("elsewhere/faces.tar", tmp_path / "moved")):
        pass
    with (
        pytest.raises(UserError, match="holds a run with data"),
        moved.locked(settings("elsewhere/other.tar", tmp_path / "moved")),
    ):
        pass
    with (
        pytest.raises(UserError, match="holds a run with init_run"),
        moved.locked(settings("elsewhere/faces.tar", tmp_path / "other")),
    ):
        pass

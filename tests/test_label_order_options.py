"""``--order`` of the commands that read masks of data sets, and of those that read none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from maskgan.assets import portrait
from maskgan.checkpoints.metadata import WeightsInfo
from maskgan.checkpoints.weights import save_weights
from maskgan.cli.main import main
from maskgan.config import preset
from maskgan.data.synthetic.dataset import SyntheticPairs
from maskgan.errors import UserError
from maskgan.images import read_label_map, resize_label_map, write_label_map, write_picture
from maskgan.labels import convert_order
from maskgan.networks.layers import initialise_fan_in
from maskgan.networks.mask_vae import MaskVAE
from maskgan.training.config import TrainingConfig
from maskgan.training.pipeline import LabelledData, pipeline
from maskgan.training.stages import STAGES

OTHER = "face-parsing"
LABELLED = [name for name, entry in STAGES.items() if entry.config_type.labelled]


@pytest.fixture(scope="module")
def vae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    network = MaskVAE(preset("tiny").mask_vae)
    initialise_fan_in(network)  # codes and masks that differ
    path = tmp_path_factory.mktemp("vae") / "vae.safetensors"
    save_weights(path, network, WeightsInfo("mask-vae", network.config, 64, 0, "untrained", "none"))
    return path


def in_other_order(folder: Path, count: int) -> Path:
    """Synthetic pairs whose masks are in another label order."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for pair in SyntheticPairs(count, 64):
        write_picture(folder / "images" / f"{pair.key}.png", pair.picture)
        write_label_map(folder / "masks" / f"{pair.key}.png", convert_order(pair.label_map, "celebamask-hq", OTHER))
    return folder


def test_simulated_edits_do_not_depend_on_the_label_order(tmp_path: Path, vae: Path) -> None:
    data = in_other_order(tmp_path / "data", 4)
    for spec, options, output in ((str(data), ["--order", OTHER], "a"), ("synthetic:4:64", [], "b")):
        out = ["--mask-vae", str(vae), "-o", str(tmp_path / output)]
        assert main(["simulate-edits", "--data", spec, *out, *options]) == 0
    written = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(written) == 8
    for name in written:
        masks = [read_label_map(tmp_path / folder / name, "celebamask-hq") for folder in ("a", "b")]
        assert np.array_equal(*masks) and len(np.unique(masks[0])) > 2


def test_directions_do_not_depend_on_the_label_order(tmp_path: Path, vae: Path) -> None:
    data = in_other_order(tmp_path / "data", 120)
    found = []
    for spec, options in ((str(data), ["--order", OTHER]), ("synthetic:120:64", [])):
        output = tmp_path / f"{len(found)}.safetensors"
        arguments = ["find-directions", "--data", spec, "--mask-vae", str(vae), "-o", str(output), *options]
        assert main(arguments) == 0
        found.append(load_file(output))
    assert found[0].keys() == found[1].keys() != set()
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


@pytest.mark.parametrize("command", ["simulate-edits", "find-directions"])
def test_readers_of_masks_warn_of_another_order(
    command: str, tmp_path: Path, vae: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    for number in (1, 4, 7):
        mask = resize_label_map(read_label_map(portrait(number)[1]), (128, 128))
        write_label_map(tmp_path / "masks" / f"{number}.png", convert_order(mask, "celebamask-hq", OTHER))
        write_picture(tmp_path / "images" / f"{number}.png", np.zeros((128, 128, 3), np.uint8))
    output = tmp_path / ("edits" if command == "simulate-edits" else "found.safetensors")
    arguments = [command, "--data", str(tmp_path), "--mask-vae", str(vae), "-o", str(output)]
    main(arguments)
    assert f"most of its first masks: looks like the '{OTHER}' label order" in capsys.readouterr().err
    main([*arguments, "--order", OTHER])
    assert "looks like" not in capsys.readouterr().err


@pytest.mark.parametrize("stage", LABELLED)
def test_stages_without_masks_refuse_a_label_order(stage: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", stage, "--data", "synthetic:4", "--run", "run", "--order", OTHER, "--dry-run"]) == 2
    assert "--order" in capsys.readouterr().err
    with pytest.raises(UserError, match=f"--order {OTHER}: stage {stage} learns from labels and reads no masks"):
        STAGES[stage].config_type(data="synthetic:4", preset="tiny", order=OTHER)


def test_all_stages_together_take_the_order_of_the_masks() -> None:
    base = TrainingConfig(data="prepared", preset="demo", order=OTHER, images=100)
    orders = {config.stage: config.order for _, config in pipeline(base, Path("run"), LabelledData("celeba", "t.csv"))}
    assert orders["attributes"] == orders["identity"] == "auto"
    assert orders["mask-vae"] == orders["edit"] == orders["parser"] == OTHER

"""The enhancer: detail for pictures of twice the network's size, and nothing but detail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from label_maps import random_label_map
from maskgan.checkpoints.metadata import WeightsInfo
from maskgan.checkpoints.weights import load_weights, save_weights
from maskgan.cli.main import main
from maskgan.config import preset
from maskgan.editing import compositing
from maskgan.editing.compositing import analyse_source, composite
from maskgan.editing.edit_region import EditRegion
from maskgan.editing.renderer import Renderer, load_network
from maskgan.errors import UserError
from maskgan.images import Picture, resize_label_map, resize_picture
from maskgan.labels import PALETTE, LabelMap
from maskgan.metrics.detail import finest_octave
from maskgan.networks.enhancer import Enhancer
from maskgan.networks.layers import one_hot
from maskgan.training.stages import build_stage
from tiny_runs import config, faces, run, state


def enhancer(seed: int = 0) -> Enhancer:
    """One that adds something: at the start of training the last layer is 0."""
    torch.manual_seed(seed)
    network = Enhancer(preset("tiny").enhancer).eval().requires_grad_(False)
    torch.nn.init.normal_(network.head.weight, 0.0, 0.1)
    return network


@pytest.fixture
def renderer(tiny_weights: Path) -> Renderer:
    network, resolution = load_network(tiny_weights)
    return Renderer(network, resolution, enhancer=enhancer())


@pytest.mark.parametrize("cell", [2, 4])
def test_seen_from_afar_the_picture_is_what_it_was(cell: int) -> None:
    picture = torch.rand(2, 3, 24, 32) * 2 - 1
    mask = one_hot(torch.from_numpy(np.stack([random_label_map(seed, 24, 32) for seed in (1, 2)])), 19)
    network = enhancer()
    network.config = replace(network.config, cell=cell)
    sharp = network(picture, mask)
    assert sharp.shape == (2, 3, 48, 64)
    assert torch.allclose(F.avg_pool2d(sharp, cell), F.avg_pool2d(picture, cell // 2), atol=1e-5)
    assert (sharp - F.interpolate(picture, scale_factor=2, mode="nearest")).abs().mean() > 0.01


def test_untrained_it_interpolates() -> None:
    network = Enhancer(preset("tiny").enhancer)
    ramp = torch.linspace(-0.5, 0.5, 16).expand(1, 3, 16, 16)
    mask = one_hot(torch.zeros(1, 16, 16), 19)
    with torch.no_grad():
        sharp = network(ramp, mask)
    # Inside, a ramp goes on as a ramp of half the slope.
    steps = sharp[0, 0, 8, 6:26].diff()
    assert torch.allclose(steps, torch.full_like(steps, 1 / 30), atol=1e-4)


def test_small_results_are_the_networks_own(renderer: Renderer, tiny_weights: Path) -> None:
    plain = Renderer.from_weights(tiny_weights, enhance=False)
    made = torch.rand(1, 3, 64, 64) * 2 - 1
    label_map = random_label_map(3, 96, 96)
    for side in (48, 64):
        assert np.array_equal(
            renderer.resize_output(made, label_map, (side, side)), plain.resize_output(made, label_map, (side, side))
        )
    assert not np.array_equal(
        renderer.resize_output(made, label_map, (96, 96)), plain.resize_output(made, label_map, (96, 96))
    )


def test_a_large_result_is_enhanced(renderer: Renderer) -> None:
    made = torch.rand(1, 3, 64, 64) - 0.5
    label_map = random_label_map(3, 96, 96)
    assert renderer.enhance is not None
    picture = renderer.resize_output(made, label_map, (128, 128))
    expected = renderer.enhance(made, resize_label_map(label_map, (64, 64)))
    assert np.array_equal(picture, ((expected[0].clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).numpy())


def test_what_ships_is_for_networks_of_its_size_alone(tiny_weights: Path) -> None:
    assert Renderer.from_weights(tiny_weights).enhance is None


def test_an_edit_is_enhanced_where_it_is_blended_in(
    renderer: Renderer, face: tuple[Picture, LabelMap], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, label_map = resize_picture(face[0], (128, 128)), resize_label_map(face[1], (128, 128))
    edited = label_map.copy()
    edited[80:92, 50:76] = 10
    style = renderer.encode(picture, label_map)
    before = analyse_source(picture, label_map, renderer.synthesise([label_map], style))
    made = renderer.synthesise([edited], style)
    region = EditRegion(label_map, edited)
    plain = composite(picture, before, region, made)
    sharp = composite(picture, before, region, made, enhance=renderer.enhance)
    changed = (sharp != plain).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert changed[80:92, 50:76].mean() > 0.5
    # The region reaches little beyond the edit.
    assert rows.min() >= 70 and rows.max() < 102 and columns.min() >= 40 and columns.max() < 86
    # What is enhanced is cut out with enough around it: more changes nothing.
    monkeypatch.setattr(compositing, "_MARGIN", 64)
    whole = composite(picture, before, region, made, enhance=renderer.enhance)
    assert np.abs(whole.astype(int) - sharp).max() <= 1


def test_a_fitted_network_keeps_the_enhancer(renderer: Renderer, face: tuple[Picture, LabelMap]) -> None:
    refinement = renderer.start_refinement(*face, steps=1)
    refinement.step()
    assert renderer.refined_with(refinement.result()).enhance is not None


def test_two_and_two_steps_equal_four(tmp_path: Path, tiny_weights: Path) -> None:
    steady = {"lr_decay_start": 1.0, "dense_mapping": str(tiny_weights), "data": "synthetic:6:128"}
    run(tmp_path / "whole", config("enhancer", **steady))
    run(tmp_path / "parts", config("enhancer", images=4, **steady))
    run(tmp_path / "parts", config("enhancer", **steady))
    whole, parts = state(tmp_path / "whole"), state(tmp_path / "parts")
    assert whole.keys() == parts.keys()
    for name in whole:
        assert torch.equal(whole[name], parts[name]), name
    network, info = load_weights(tmp_path / "whole" / "enhancer.safetensors", model_type="enhancer")
    assert (info.resolution, info.step) == (128, 8)
    assert isinstance(network, Enhancer) and network.head.weight.abs().sum() > 0


def test_training_brings_detail_back(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sharp borders made small: after some steps they are nearer to what they were than interpolation is."""
    settings = config("enhancer", dense_mapping=str(tiny_weights), data="synthetic:4:128", learning_rate=5e-3)
    terms = replace(settings.weights, adversarial=0, feature_matching=0, perceptual=0, pixel=1)
    stage = build_stage(replace(settings, weights=terms))
    monkeypatch.setattr(stage, "_reconstruct", lambda pictures, _mask: pictures)  # this one makes noise alone
    label_maps = torch.stack([torch.tensor(np.roll(random_label_map(i, 128, 128), 1, (0, 1))) for i in range(4)])
    pictures = torch.tensor(PALETTE)[label_maps.long()].permute(0, 3, 1, 2) / 127.5 - 1
    small = F.avg_pool2d(pictures, 2)
    mask = one_hot(label_maps[:, 1::2, 1::2], 19)

    def val_loss() -> float:
        with torch.no_grad():
            return float((stage.networks["ema"](small, mask) - pictures).abs().mean())

    before = val_loss()
    torch.manual_seed(0)
    for _ in range(60):
        stage.train_step(faces(pictures, label_maps), ema_decay=0.5)
    assert val_loss() < 0.8 * before


def test_the_networks_pictures_must_be_half_as_large(tiny_weights: Path) -> None:
    with pytest.raises(
        UserError, match=r"resolution of 64 px.*faces of 128 px; this run has 64: give --resolution 128"
    ):
        build_stage(config("enhancer", dense_mapping=str(tiny_weights), resolution=64))


def test_detail_is_what_halving_loses() -> None:
    flat = np.full((8, 8, 3), 77, dtype=np.uint8)
    assert finest_octave(flat).shape == (4, 4) and (finest_octave(flat) < 1e-6).all()
    board = flat.copy()
    board[::2, ::2] = board[1::2, 1::2] = 255
    board[::2, 1::2] = board[1::2, ::2] = 55
    assert np.allclose(finest_octave(board), 100.0**2, rtol=1e-4)


def test_detail_is_measured_with_and_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = enhancer()
    path = tmp_path / "enhancer.safetensors"
    save_weights(path, network, WeightsInfo("enhancer", network.config, 128, 0, "untrained, for tests", "none"))
    monkeypatch.setenv("MASKGAN_WEIGHTS", str(tmp_path))
    command = [
        "evaluate",
        "--task",
        "detail",
        "--data",
        "synthetic:3:128",
        "--side",
        "128",
        "--weights",
        str(tiny_weights),
    ]
    assert main(command) == 0
    rows = {line.split("|")[1].strip(): line for line in capsys.readouterr().out.splitlines() if line.startswith("|")}
    assert {"photographs", "photographs, 2x downsampled", "tiny", "tiny, enhanced"} < rows.keys()
    strengths = {name: float(row.split("|")[2]) for name, row in rows.items() if "." in row}
    assert strengths["photographs"] > strengths["photographs, 2x downsampled"]
    assert strengths["tiny, enhanced"] > strengths["tiny"]
    assert rows["photographs"].split("|")[-2].strip() == "-"
    assert main([*command, "--no-enhance"]) == 0
    assert "enhanced" not in capsys.readouterr().out
    assert main([*command[:-4], "--side", "127"]) == 2
    assert "give an even number" in capsys.readouterr().err

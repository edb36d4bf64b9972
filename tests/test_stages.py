"""MaskVAE and editing behaviour simulated training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from label_maps import random_label_map
from maskgan.checkpoints.weights import load_weights
from maskgan.cli.main import main
from maskgan.config import preset
from maskgan.data.stored_edits import StoredEdits, write_edits
from maskgan.data.transforms import sample_augment_params
from maskgan.errors import UserError
from maskgan.networks.mask_vae import MaskVAE
from maskgan.training.dataloaders import dataloader_factory
from maskgan.training.stage import StageSetup
from maskgan.training.stages import build_stage
from tiny_runs import PAIRS, config, faces, run, state


@pytest.fixture(scope="module")
def stage_one(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A stage 1 run and a MaskVAE to go on from."""
    folder = tmp_path_factory.mktemp("stage one")
    run(folder / "base", config())
    run(folder / "vae", config("mask-vae"))
    return {"init_run": str(folder / "base"), "mask_vae": str(folder / "vae" / "mask-vae.safetensors")}


def label_maps(count: int, side: int = 64) -> torch.Tensor:
    return torch.from_numpy(np.stack([random_label_map(seed, side, side) for seed in range(count)]))


def tiny_vae() -> MaskVAE:
    torch.manual_seed(0)
    return MaskVAE(preset("tiny").mask_vae).eval()


def test_two_and_two_steps_equal_four_in_ebst(tmp_path: Path, stage_one: dict[str, Any]) -> None:
    steady = {"lr_decay_start": 1.0, **stage_one}
    run(tmp_path / "whole", config("ebst", **steady))
    run(tmp_path / "parts", config("ebst", images=4, **steady))
    run(tmp_path / "parts", config("ebst", **steady))
    whole, parts = state(tmp_path / "whole"), state(tmp_path / "parts")
    assert whole.keys() == parts.keys()
    for name in whole:
        assert torch.equal(whole[name], parts[name]), name
    for kind in ("dense-mapping", "blender"):
        assert load_weights(tmp_path / "whole" / f"{kind}.safetensors", model_type=kind)[1].step == 8


def test_ebst_begins_with_stage_ones_networks(stage_one: dict[str, Any]) -> None:
    stage = build_stage(config("ebst", **stage_one))
    base = torch.load(Path(stage_one["init_run"]) / "state.pt", weights_only=True)["networks"]
    for ours, theirs in (("generator", "ema"), ("ema", "ema"), ("discriminator", "discriminator")):
        for name, tensor in stage.networks[ours].state_dict().items():
            assert torch.equal(tensor, base[theirs][name]), (ours, name)


def test_dense_mapping_can_start_from_another_run(stage_one: dict[str, Any]) -> None:
    settings = config(init_run=stage_one["init_run"])
    stage = build_stage(settings)
    base = torch.load(Path(stage_one["init_run"]) / "state.pt", weights_only=True)["networks"]
    for ours in ("generator", "ema"):
        for name, tensor in stage.networks[ours].state_dict().items():
            assert torch.equal(tensor, base["ema"][name]), (ours, name)


def test_dense_mapping_can_start_from_interpolated_weights(
    stage_one: dict[str, Any], tiny_weights: Path, classifier_weights: Path
) -> None:
    stage = build_stage(config(init_run=stage_one["init_run"], init_weights=str(tiny_weights)))
    base = torch.load(Path(stage_one["init_run"]) / "state.pt", weights_only=True)["networks"]
    given = load_weights(tiny_weights)[0].state_dict()
    for ours, theirs in (("generator", given), ("ema", given), ("discriminator", base["discriminator"])):
        for name, tensor in stage.networks[ours].state_dict().items():
            assert torch.equal(tensor, theirs[name]), (ours, name)
    with pytest.raises(UserError, match="attributes"):
        build_stage(config(init_run=stage_one["init_run"], init_weights=str(classifier_weights)))
    with pytest.raises(UserError, match="is a network of another preset"):
        build_stage(config(network="style_encoder.regions=none", init_weights=str(tiny_weights)))


def test_dense_mapping_can_start_from_weights_alone(stage_one: dict[str, Any], tiny_weights: Path) -> None:
    settings = config(init_weights=str(tiny_weights))
    stage = build_stage(settings)
    for name, tensor in load_weights(tiny_weights)[0].state_dict().items():
        assert torch.equal(stage.networks["generator"].state_dict()[name], tensor), name
    # Weights that ship have no discriminators: they begin anew.
    trained = build_stage(config(init_run=stage_one["init_run"])).networks["discriminator"].state_dict()
    anew = stage.networks["discriminator"].state_dict()
    assert not any(torch.equal(anew[name], tensor) for name, tensor in trained.items() if name.endswith("weight"))
    assert replace(settings, preset="demo").phases == ((0.0, 256),)
    build_stage(config(init_weights="gone.safetensors"), StageSetup(resumes=True))  # a run that goes on has its own


def test_a_run_initialised_from_another_stays_at_the_final_resolution() -> None:
    fresh = config(preset="demo")
    assert [side for _, side in fresh.phases] == [128, 256]
    assert replace(fresh, init_run="somewhere").phases == ((0.0, 256),)
    assert config("ebst", preset="demo", init_run="somewhere", mask_vae="vae").phases == ((0.0, 256),)


def test_one_step_updates_generator_blender_and_discriminator(
    stage_one: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The barely trained MaskVAE gives every code one mask, and then there is nothing to blend.
    monkeypatch.setattr(MaskVAE, "simulate_edits", lambda *_: (label_maps(2), label_maps(2).flip(0)))
    stage = build_stage(config("ebst", **stage_one))
    before = {k: {n: p.clone() for n, p in net.named_parameters()} for k, net in stage.networks.items()}
    losses = stage.train_step(faces(torch.rand(2, 3, 64, 64) * 2 - 1, label_maps(2)), 0.5)
    for kind, network in stage.networks.items():
        changed = [not torch.equal(p, before[kind][name]) for name, p in network.named_parameters()]
        assert sum(changed) > 0.8 * len(changed), kind
    direct = {"adversarial", "feature_matching", "d_loss", "perceptual", "pixel"}
    assert set(losses) == direct | {f"blend_{name}" for name in direct}


def test_ebst_names_what_is_missing(tmp_path: Path, stage_one: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="--batch-size must be at least 2"):
        build_stage(config("ebst", **stage_one, batch_size=1))
    with pytest.raises(UserError, match="holds no run of 'maskgan train' to start from"):
        build_stage(config("ebst", **stage_one | {"init_run": str(tmp_path)}))
    with pytest.raises(UserError, match="another stage, preset or network"):
        build_stage(config("ebst", **stage_one, fusion="concat"))


@pytest.mark.slow
def test_mask_vae_learns_to_reconstruct_masks(tmp_path: Path) -> None:
    run(tmp_path, config("mask-vae", images=320, learning_rate=2e-3, lr_decay_start=1.0))
    vae, _ = load_weights(tmp_path / "mask-vae.safetensors", model_type="mask-vae")
    assert isinstance(vae, MaskVAE)
    wanted = torch.from_numpy(np.stack([PAIRS[i].label_map for i in range(6)]))
    found = vae.decode_labels(vae.encode_labels(wanted))
    assert (found == wanted).float().mean() > 0.75
    drawn = vae.decode_labels(vae.sample_codes(4, torch.Generator().manual_seed(0)))
    assert drawn.shape == (4, 64, 64) and drawn.unique().numel() >= 3


def test_simulated_edits_step_towards_and_away() -> None:
    vae = tiny_vae()
    own, other = label_maps(2)[:1], label_maps(2)[1:]
    inter, outer = vae.simulate_edits(own, other, 2.5)
    z, z_other = vae.encode_labels(own), vae.encode_labels(other)
    assert torch.equal(inter, vae.decode_labels(z + (z_other - z) / 2.5))
    assert torch.equal(outer, vae.decode_labels(z - (z_other - z) / 2.5))
    same_inter, same_outer = vae.simulate_edits(own, own, 2.5)
    assert torch.equal(same_inter, same_outer)


def test_masks_of_other_sizes_go_through() -> None:
    vae = tiny_vae()
    large = label_maps(2, side=128)
    assert torch.equal(vae.encode_labels(large), vae.encode_labels(vae.resize_labels(large)))
    inter, _ = vae.simulate_edits(large, large.flip(0), 2.5)
    assert inter.shape == large.shape and inter.dtype == torch.uint8


def test_the_fitted_prior_follows_the_codes() -> None:
    vae = tiny_vae()
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(16, 16, generator=generator) * 0.3
    offset = torch.randn(16, generator=generator)
    for _ in range(800):
        codes = torch.randn(32, 16, generator=generator) @ mixing.T + offset
        vae.update_prior(codes, torch.full((32, 16), -20.0), momentum=0.01)
    torch.testing.assert_close(vae.prior_mean, offset, rtol=0, atol=0.2)
    torch.testing.assert_close(vae.prior_covariance, mixing @ mixing.T, rtol=0, atol=0.5)
    drawn = vae.sample_codes(20_000, generator)
    torch.testing.assert_close(drawn.mean(0), vae.prior_mean, rtol=0, atol=0.1)
    torch.testing.assert_close(drawn.T.cov(), vae.prior_covariance, rtol=0, atol=0.2)


def test_training_with_stored_edits_follows_them(tmp_path: Path, stage_one: dict[str, Any]) -> None:
    vae = stage_one["mask_vae"]
    arguments = ["simulate-edits", "--data", "synthetic:6:64", "--mask-vae", vae, "-o", str(tmp_path / "edits")]
    assert main(arguments) == 0
    assert len(list((tmp_path / "edits").glob("*.png"))) == 12
    settings = config("ebst", init_run=stage_one["init_run"], edits=str(tmp_path / "edits"))
    dataloaders = dataloader_factory(settings, PAIRS)()
    batch = next(dataloaders.train.batches(0))
    assert batch.edits.shape == (2, 2, 64, 64)
    # Edits are moved and mirrored with their masks: with the masks themselves as edits, all stay equal.
    same = batch._replace(edits=batch.label_maps[:, None].repeat(1, 2, 1, 1))
    params = sample_augment_params(2, settings.augment, torch.Generator().manual_seed(3))
    moved = same.prepared(64).augmented(settings.augment, params)
    assert not torch.equal(moved.label_maps, same.label_maps)
    assert all(torch.equal(moved.edits[:, i], moved.label_maps) for i in range(2))
    assert run(tmp_path / "run", settings).images == 8


def test_stored_edits_must_fit_the_pairs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder; 'maskgan simulate-edits' makes it"):
        StoredEdits(PAIRS, tmp_path / "nowhere")
    with pytest.raises(UserError, match="holds no edits of 00000"):
        StoredEdits(PAIRS, tmp_path)
    for i in range(6):
        write_edits(tmp_path, PAIRS.keys[i], [np.zeros((32, 32), np.uint8)] * 2)
    with pytest.raises(UserError, match=r"00000\.inter\.png: has another size than the mask of 00000"):
        StoredEdits(PAIRS, tmp_path)[0]
    with pytest.raises(UserError, match="would lead out of"):
        write_edits(tmp_path, "../escaped", [np.zeros((32, 32), np.uint8)] * 2)


def test_ebst_is_told_once_where_edits_come_from(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", "ebst", "--data", "synthetic:6:64", "--run", "run", "--init-run", "base"]
    assert main(arguments) == 2
    assert "give either --mask-vae FILE" in capsys.readouterr().err

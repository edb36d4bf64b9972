"""Networks: sizes of every preset, normalisation and initialisation, what the style reaches."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from maskgan.config import (
    PRESETS,
    BlenderConfig,
    DenseMappingConfig,
    preset,
)
from maskgan.config_dict import from_dict, to_dict, with_overrides
from maskgan.errors import UserError
from maskgan.networks.blender import AlphaBlender
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.discriminator import MultiscaleDiscriminator
from maskgan.networks.layers import adain, one_hot
from maskgan.networks.mask_vae import MaskVAE
from maskgan.networks.parser import FaceParser

SHIPPED_MODELS = ("dense_mapping", "mask_vae", "blender", "parser")


def build(kind: str, name: str) -> torch.nn.Module:
    config = getattr(preset(name), kind)
    networks = {
        "dense_mapping": DenseMappingNetwork,
        "mask_vae": MaskVAE,
        "blender": AlphaBlender,
        "discriminator": MultiscaleDiscriminator,
        "parser": FaceParser,
    }
    return networks[kind](config)


def masks(count: int, side: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randint(0, 19, (count, side // 8, side // 8), generator=generator)
    return one_hot(coarse.repeat_interleave(8, 1).repeat_interleave(8, 2), 19)


def faces(count: int, side: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_builds_and_maps_shapes(name: str) -> None:
    sizes, side = preset(name), preset(name).resolution
    with torch.device("meta"):
        mask = torch.empty(2, 19, side, side)
        face = torch.empty(2, 3, side, side)
        vae_mask = torch.empty(2, 19, sizes.mask_vae.resolution, sizes.mask_vae.resolution)
        assert build("dense_mapping", name)(mask, face, mask).shape == face.shape
        assert build("blender", name)(face, face)[1].shape == face.shape
        assert build("mask_vae", name)(vae_mask)[0].shape == vae_mask.shape
        assert build("parser", name)(face).shape == mask.shape
        outputs = build("discriminator", name)(mask, face)
    assert [len(output.features) for output in outputs] == [sizes.discriminator.layers + 1] * sizes.discriminator.scales
    assert outputs[0].logits.shape[1] == 1


def test_parameters_at_paper_size() -> None:
    counts = {}
    with torch.device("meta"):
        for kind in ("dense_mapping", "mask_vae", "blender", "discriminator"):
            counts[kind] = sum(p.numel() for p in build(kind, "paper").parameters())
        backbone = sum(p.numel() for p in DenseMappingNetwork(preset("paper").dense_mapping).backbone.parameters())
    published = json.loads((Path(__file__).parent / "data" / "reference_tensors.json").read_text())
    sizes = {kind: {name: math.prod(shape) for name, shape in named.items()} for kind, named in published.items()}
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    expected = {
        kind: sum(size for name, size in named.items() if not name.endswith(statistics))
        for kind, named in sizes.items()
    }
    assert counts == {
        "dense_mapping": expected["G"],
        "discriminator": expected["D"],
        "blender": expected["B"],
        "mask_vae": expected["V"],
    }
    assert round(backbone / 1e6, 1) == 88.1


def test_demo_weights_fit_their_budget() -> None:
    with torch.device("meta"):
        numbers = sum(p.numel() for kind in SHIPPED_MODELS for p in build(kind, "demo").parameters())
    classifier = 3_000_000  # kept free for the attribute classifier
    assert 2 * (numbers + classifier) <= 40_000_000


def test_configs_survive_json() -> None:
    for sizes in PRESETS.values():
        for kind in (*SHIPPED_MODELS, "discriminator"):
            config = getattr(sizes, kind)
            assert from_dict(type(config), to_dict(config)) == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base_channels": 10**9}, "outside"),
        ({"base_channels": "64"}, "should be int"),
        ({"surprise": 1}, "unknown field"),
    ],
)
def test_bad_configs_are_refused(change: dict, message: str) -> None:
    values = {**to_dict(preset("tiny").discriminator), **change}
    with pytest.raises(UserError, match=message):
        from_dict(type(preset("tiny").discriminator), values)


def test_an_older_file_has_what_newer_fields_meant_before() -> None:
    values = to_dict(preset("paper").dense_mapping)
    del values["style_encoder"]["regions"], values["backbone"]["modulate_decoder"]
    assert from_dict(type(preset("paper").dense_mapping), values) == preset("paper").dense_mapping


@pytest.mark.parametrize("name", ["antialias", "noise", "norm_clamp", "resampling", "feature_limit"])
def test_removed_options_are_read_where_they_are_off_and_refused_where_they_are_on(name: str) -> None:
    values = to_dict(preset("paper").dense_mapping)
    backbone = values["backbone"]
    backbone |= {"antialias": False, "noise": False, "norm_clamp": 0.0, "last_norm_clamp": 0.0}
    backbone |= {"resampling": "plain", "feature_limit": 0.0, "finest_limit": 0.0}
    assert from_dict(DenseMappingConfig, values) == preset("paper").dense_mapping
    on = {"antialias": True, "noise": True, "norm_clamp": 2.5, "resampling": "smooth", "feature_limit": 1.5}[name]
    with pytest.raises(UserError, match=f"^BackboneConfig: has {name}={on!r}, which is removed; use maskgan 0.2.0$"):
        from_dict(DenseMappingConfig, {**values, "backbone": {**backbone, name: on}})
    with pytest.raises(UserError, match=f"has {name}="):
        from_dict(BlenderConfig, {"backbone": {name: on}})


def test_overrides_of_a_config() -> None:
    config = preset("demo").dense_mapping
    assert with_overrides(config, "", "--network") == config
    overrides = "style_encoder.regions=none, backbone.modulate_decoder=false,backbone.base_channels=16"
    other = with_overrides(config, overrides, "--network")
    assert (
        other.style_encoder.regions == "none"
        and not other.backbone.modulate_decoder
        and other.backbone.base_channels == 16
    )
    assert other.backbone.residual_blocks == config.backbone.residual_blocks


@pytest.mark.parametrize(
    "change",
    [
        "regions",
        "hair=blond",
        "backbone=1",
        "backbone.modulate_decoder=1",
        "backbone.base_channels=x",
        "initialisation=best",
        "a.b=1",
    ],
)
def test_bad_overrides_are_refused(change: str) -> None:
    with pytest.raises(UserError, match=change.split("=")[0].split(".")[-1]):
        with_overrides(preset("demo").dense_mapping, change, "--network")


def test_normalisation_equals_instance_norm_and_adain() -> None:
    x = torch.randn(3, 5, 9, 7) * 4 + 2
    torch.testing.assert_close(adain(x), F.instance_norm(x), rtol=1e-4, atol=1e-5)
    shift, scale = torch.randn(3, 5), torch.randn(3, 5)
    expected = F.instance_norm(x) * scale[..., None, None] + shift[..., None, None]
    torch.testing.assert_close(adain(x, shift, scale), expected, rtol=1e-4, atol=1e-5)


def test_style_vector_sets_the_scales_that_it_says() -> None:
    network = DenseMappingNetwork(preset("tiny").dense_mapping)
    bias = network.style_encoder.to_style.bias
    assert bias is not None
    slices = list(network.backbone.style_scale_slices())
    scales = torch.cat([bias[s] for s in slices])
    assert (scales == 1).all()
    assert 2 * len(scales) == network.backbone.style_size
    assert bias.sum() == len(scales)  # the shifts are 0


def test_published_style_vector_has_its_size() -> None:
    with torch.device("meta"):
        assert DenseMappingNetwork(preset("paper").dense_mapping).backbone.style_size == 16_384


@pytest.mark.parametrize("modulate_decoder", [True, False])
def test_fan_in_start_lets_the_style_through(modulate_decoder: bool) -> None:
    """The dead start: with N(0, 0.02) two styles give one picture; the demo's start must not."""
    torch.manual_seed(0)
    config = preset("tiny").dense_mapping
    config = replace(
        config,
        backbone=replace(config.backbone, modulate_decoder=modulate_decoder),
        style_encoder=replace(config.style_encoder, regions="none"),
    )
    mask, face = masks(1, 64), torch.cat([faces(1, 64, 1) * 0.3 - 0.6, faces(1, 64, 2) * 0.3 + 0.6])
    differences = {}
    for start in ("normal", "fan_in"):
        network = DenseMappingNetwork(replace(config, initialisation=start))
        styled = network(mask.expand(2, -1, -1, -1), face, mask.expand(2, -1, -1, -1))
        differences[start] = (styled[0] - styled[1]).abs().mean().item() / styled.std().item()
    assert differences["fan_in"] > 20 * differences["normal"]


@pytest.mark.parametrize(("fusion", "uses_mask"), [("sft", True), ("concat", True), ("none", False)])
def test_fusion_decides_whether_the_style_sees_the_mask(fusion: str, uses_mask: bool) -> None:
    torch.manual_seed(0)
    config = preset("tiny").dense_mapping
    config = replace(config, style_encoder=replace(config.style_encoder, fusion=fusion, regions="none"))
    network = DenseMappingNetwork(config)
    face = faces(1, 64)
    one, other = (network.encode_style(face, masks(1, 64, seed)) for seed in (1, 2))
    assert torch.allclose(one, other, rtol=0, atol=1e-6) != uses_mask
    assert any("mask_" in name for name, _ in network.named_parameters()) == uses_mask


def test_rectangles_and_other_sizes_work() -> None:
    network = DenseMappingNetwork(preset("tiny").dense_mapping)
    mask = one_hot(torch.randint(0, 19, (1, 96, 128)), 19)
    assert network(mask, faces(1, 128)[:, :, :96], mask).shape == (1, 3, 96, 128)


def test_blender_mixes_by_its_alpha() -> None:
    torch.manual_seed(0)
    first, second = faces(2, 64, 1), faces(2, 64, 2)
    blended, alpha = AlphaBlender(preset("tiny").blender)(first, second)
    assert alpha.min() > 0 and alpha.max() < 1
    torch.testing.assert_close(blended, second + alpha * (first - second))


def test_a_picture_does_not_depend_on_its_batch() -> None:
    network = DenseMappingNetwork(preset("tiny").dense_mapping).eval()
    mask, face = masks(3, 64), faces(3, 64)
    together = network(mask, face, mask)
    alone = torch.cat([network(mask[i : i + 1], face[i : i + 1], mask[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)

"""Style codes of regions: where they lie, what they are read from, what they change."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from maskgan.config import preset
from maskgan.labels import INDEX, NUM_CLASSES
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.layers import adain, one_hot
from maskgan.networks.regions import (
    RegionEncoder,
    RegionModulation,
    downsample,
    downsample_pyramid,
    mask_to_regions,
    num_regions,
)

AROUND_MOUTH, AROUND_EYES = NUM_CLASSES, NUM_CLASSES + 1


def face_mask(height: int = 64, width: int = 64) -> torch.Tensor:
    """Hair above skin with two eyes and a mouth, one-hot."""
    labels = torch.full((1, height, width), INDEX["skin"])
    labels[:, : height // 8] = INDEX["hair"]
    labels[:, height * 3 // 8 : height * 7 // 16, width // 4 : width * 3 // 8] = INDEX["r_eye"]
    labels[:, height * 3 // 8 : height * 7 // 16, width * 5 // 8 : width * 3 // 4] = INDEX["l_eye"]
    labels[:, height * 3 // 4 : height * 13 // 16, width * 3 // 8 : width * 5 // 8] = INDEX["u_lip"]
    return one_hot(labels, NUM_CLASSES)


def network() -> DenseMappingNetwork:
    torch.manual_seed(0)
    return DenseMappingNetwork(preset("tiny").dense_mapping).eval()


@pytest.mark.parametrize("size", [(64, 64), (64, 96), (256, 192), (32, 32)])
def test_regions_share_out_every_pixel(size: tuple[int, int]) -> None:
    mask = face_mask(*size)
    regions = mask_to_regions(mask)
    assert regions.shape == (1, num_regions(NUM_CLASSES), *size)
    torch.testing.assert_close(regions.sum(dim=1), torch.ones(1, *size))
    assert regions.min() >= -1e-6
    others = [c for c in range(NUM_CLASSES) if c != INDEX["skin"]]
    assert torch.equal(regions[:, others], mask[:, others])


def test_skin_is_divided_by_what_is_near() -> None:
    regions = mask_to_regions(face_mask())[0]
    assert regions[AROUND_MOUTH, 54, 32] == 1  # the chin
    assert regions[AROUND_EYES, 22, 20] == 1  # above an eye
    assert regions[INDEX["skin"], 40, 2] == 1  # a cheek's edge
    assert regions[AROUND_MOUTH, :30].max() == 0 and regions[AROUND_EYES, 45:].max() == 0


def test_a_face_without_mouth_and_eyes_has_plain_skin() -> None:
    mask = one_hot(torch.full((1, 64, 64), INDEX["skin"]), NUM_CLASSES)
    assert torch.equal(mask_to_regions(mask)[:, INDEX["skin"]], torch.ones(1, 64, 64))


def test_a_region_is_read_where_it_lies_and_an_absent_one_from_the_whole() -> None:
    torch.manual_seed(0)
    encoder = RegionEncoder(4, 6, num_regions(NUM_CLASSES), 3).eval()
    regions = mask_to_regions(face_mask())
    features, summary = torch.rand(1, 4, 16, 16), torch.rand(1, 6)
    other = features.clone()
    other[:, :, 12:13, 6:10] += 1  # at the lips, a quarter of the mask's size
    before, after = encoder(features, summary, regions), encoder(other, summary, regions)
    changed = (before - after).abs().amax(dim=(0, 2)) > 1e-6
    assert changed[INDEX["u_lip"]] and changed[AROUND_MOUTH]
    assert not changed[INDEX["hair"]] and not changed[AROUND_EYES] and not changed[INDEX["hat"]]
    hat = encoder(features, torch.rand(1, 6), regions)[:, INDEX["hat"]]
    assert not torch.allclose(hat, before[:, INDEX["hat"]])


def test_training_takes_regions_for_absent_at_random() -> None:
    encoder = RegionEncoder(4, 6, num_regions(NUM_CLASSES), 3)
    arguments = torch.rand(1, 4, 16, 16), torch.rand(1, 6), mask_to_regions(face_mask())
    codes = torch.stack([encoder(*arguments) for _ in range(40)])
    differs = (codes - codes[0]).abs().amax(dim=(0, 1, 3)) > 1e-6
    assert differs[INDEX["hair"]] and not differs[INDEX["hat"]]
    encoder.eval()
    assert torch.equal(encoder(*arguments), encoder(*arguments))


def test_one_code_everywhere_is_adain() -> None:
    modulation = RegionModulation(5, 7)
    code, x = torch.randn(2, 1, 5), torch.randn(2, 7, 16, 16)
    shift, scale = torch.randn(2, 7), torch.randn(2, 7)
    codes = code.expand(-1, num_regions(NUM_CLASSES), -1)
    regions = mask_to_regions(face_mask().expand(2, -1, -1, -1))
    found = adain(x, *modulation(codes, downsample(regions, 4), shift, scale))
    wanted = adain(x, shift + modulation.to_shift(code[:, 0]), scale + modulation.to_scale(code[:, 0]))
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_a_code_changes_its_own_region_most() -> None:
    generator = network()
    mask = face_mask()
    with torch.no_grad():
        style = generator.encode_style(torch.rand(1, 3, 64, 64) * 2 - 1, mask)
        other = style.clone()
        size = generator.config.style_encoder.region_size
        start = generator.backbone.style_size + INDEX["hair"] * size
        other[:, start : start + size] += 3
        change = (generator.synthesise(mask, style) - generator.synthesise(mask, other)).abs().mean(dim=(0, 1))
    assert change[:6].mean() > 4 * change[16:].mean()


def test_without_regions_there_is_the_published_style_alone() -> None:
    config = preset("tiny").dense_mapping
    generator = DenseMappingNetwork(replace(config, style_encoder=replace(config.style_encoder, regions="none")))
    style = generator.encode_style(torch.rand(1, 3, 64, 64), face_mask())
    assert style.shape == (1, generator.backbone.style_size)
    assert not any("region" in name for name in generator.state_dict())


def test_a_pyramid_halves_again_and_again() -> None:
    regions = torch.rand(1, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    for factor, found in zip((4, 2, 1), downsample_pyramid(regions, 3), strict=True):
        torch.testing.assert_close(found, downsample(regions, factor))

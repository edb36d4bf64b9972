"""The graphs that are exported: networks with what an engine would otherwise do in many slow steps around them.

Label maps enter and leave as uint8: one-hot masks, interpolation of logits and choice of the class are in the graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.checkpoints.metadata import WeightsInfo
from maskgan.editing.face_network import Context, FaceNetwork, face_network
from maskgan.networks.coarse_edit_network import KNOWN_LEVELS, CoarseDrawing, CoarseEditNetwork, KnownLevels
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.edit_network import EditNetwork
from maskgan.networks.mask_vae import MaskVAE
from maskgan.networks.parser import FaceParser
from maskgan.networks.regions import num_regions
from maskgan.networks.yunet import YuNet

Axes = tuple[str | int, ...]
"""A tensor's shape: numbers, and names of axes that are free."""

_TRACED = 2  # pictures in the batch that is traced; one would let torch drop what depends on their number


@dataclass(frozen=True)
class TensorSpec:
    """An input or output of a graph."""

    shape: Axes
    dtype: torch.dtype = torch.float32
    traced_value: int | tuple[int, ...] = 0
    """What the input holds when the graph is traced; a tuple along its last axis."""

    def example(self, sizes: Mapping[str, int]) -> Tensor:
        """The tensor to trace with, its free axes of these sizes."""
        shape = [sizes[axis] if isinstance(axis, str) else axis for axis in self.shape]
        return torch.tensor(self.traced_value, dtype=self.dtype).expand(shape).clone()


@dataclass(frozen=True)
class Graph:
    """What becomes one ONNX file."""

    name: str
    module: nn.Module
    inputs: Mapping[str, TensorSpec]
    """In the order of the module's arguments."""
    outputs: Mapping[str, TensorSpec]
    info: WeightsInfo
    """Of the weights."""
    sizes: Mapping[str, int]
    """Of the free axes in the example that is traced."""


class StyleEncoding(nn.Module):
    """A face and its own mask to a style."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self._face: FaceNetwork = face_network(network)

    def forward(self, image: Tensor, labels: Tensor) -> Tensor:
        """N x 3 x H x W in [-1, 1] and N x H x W uint8 to N x style_size."""
        return self._face.encode(image, labels_to_mask(labels, self._face.num_classes))


class Generation(nn.Module):
    """A dense mapping network: mask and style to a face."""

    def __init__(self, network: DenseMappingNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, labels: Tensor, style: Tensor) -> Tensor:
        """N x H x W uint8 and N x style_size to N x 3 x H x W in [-1, 1]."""
        return self.network.synthesise(labels_to_mask(labels, self.network.config.num_classes), style)


class HoleFilling(nn.Module):
    """An edit network: mask, style and the photograph around the hole to a face."""

    def __init__(self, network: EditNetwork) -> None:
        super().__init__()
        self.network = network
        self._face: FaceNetwork = face_network(network)

    def forward(self, labels: Tensor, style: Tensor, image: Tensor, hole: Tensor) -> Tensor:
        """N x H x W uint8, N x style_size, N x 3 x H x W and N x 1 x H x W to N x 3 x H x W in [-1, 1]."""
        mask = labels_to_mask(labels, self._face.num_classes)
        return self._face.synthesise(mask, style, Context(image, hole))


class CoarseGeneration(nn.Module):
    """The coarse network of an edit network: a window of a face at half of the side, and what its detail needs."""

    def __init__(self, network: CoarseEditNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        labels: Tensor,
        style: Tensor,
        image: Tensor,
        hole: Tensor,
        window: Tensor,
        changed: Tensor,
        *known: Tensor,
    ) -> tuple[Tensor, ...]:
        """Draw a window at half of the side.

        Args:
            labels: N x H x W uint8.
            style: N x style_size.
            image: N x 3 x H x W.
            hole: N x 1 x H x W.
            window: int64 of shape 4, see ``CoarseEditNetwork.draw``.
            changed: int64 of shape 4, see ``KnownLevels``.
            known: ``levels`` of ``KnownLevels``, N x C x H/2 x W/2 and so on.

        Returns:
            The fields of ``CoarseDrawing``, its levels one by one; the image is not bounded to [-1, 1].
        """
        mask = labels_to_mask(labels, self.network.config.num_classes)
        *drawing, levels = self.network.draw(mask, style, image, hole, window, KnownLevels(known, changed))
        return (*drawing, *levels)


class Detailing(nn.Module):
    """The detail level of an edit network: twice the side of the coarse network's face."""

    def __init__(self, network: EditNetwork) -> None:
        super().__init__()
        assert network.detail is not None
        self.network = network.detail
        self._num_classes = network.config.num_classes

    def forward(self, labels: Tensor, style: Tensor, image: Tensor, hole: Tensor, *coarse: Tensor) -> Tensor:
        """Inputs as of ``HoleFilling``, and what ``CoarseGeneration`` drew, to N x 3 x H x W in [-1, 1].

        ``coarse`` is a ``CoarseDrawing`` without its levels: image, features, fine and regions.
        """
        mask = labels_to_mask(labels, self._num_classes)
        drawn, features, fine, regions = coarse
        return self.network(CoarseDrawing(drawn, features, fine, regions), mask, style, image, hole).clamp(-1, 1)


class Parsing(nn.Module):
    """The face parser, its logits interpolated before the class is chosen, so that outlines are smooth."""

    def __init__(self, network: FaceParser) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, size: Tensor) -> Tensor:
        """N x 3 x S x S in [-1, 1] and [height, width] to N x height x width uint8."""
        return _largest(self.network.mirror_averaged(image), size)


class MaskEncoding(nn.Module):
    """MaskVAE's encoder: a mask of any size to the mean of its code."""

    def __init__(self, network: MaskVAE) -> None:
        super().__init__()
        self.network = network

    def forward(self, labels: Tensor) -> Tensor:
        """N x h x w uint8 to N x latent_size."""
        side = self.network.config.resolution
        # As "nearest-exact", which the exporter does not know.
        rows, columns = (_nearest(side, labels.shape[axis]) for axis in (1, 2))
        return self.network.encode(labels_to_mask(labels[:, rows][:, :, columns], self.network.config.num_classes))[0]


class MaskDecoding(nn.Module):
    """MaskVAE's decoder: codes to masks of any size with smooth outlines."""

    def __init__(self, network: MaskVAE) -> None:
        super().__init__()
        self.network = network

    def forward(self, code: Tensor, size: Tensor) -> Tensor:
        """N x latent_size and [height, width] to N x height x width uint8."""
        return _largest(self.network.decode(code), size)


class MaskPrior(nn.Module):
    """Codes of random masks from standard normal noise."""

    mean: Tensor
    factor: Tensor

    def __init__(self, network: MaskVAE) -> None:
        super().__init__()
        mean, factor = network.prior()
        self.register_buffer("mean", mean)
        self.register_buffer("factor", factor)

    def forward(self, noise: Tensor) -> Tensor:
        """N x latent_size to N x latent_size."""
        return self.mean + noise @ self.factor


class FaceDetection(nn.Module):
    """YuNet on one picture."""

    def __init__(self, network: YuNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """1 x 3 x H x W in [-1, 1] to scores M, boxes M x 4 and landmarks M x 5 x 2."""
        return tuple(self.network(image)[0])


def labels_to_mask(labels: Tensor, num_classes: int) -> Tensor:
    """Label maps (N x H x W uint8) to one-hot masks, N x num_classes x H x W float32, in operators found anywhere."""
    classes = torch.arange(num_classes, dtype=torch.int32)[None, :, None, None]
    return (labels[:, None].int() == classes).float()


def _largest(logits: Tensor, size: Tensor) -> Tensor:
    height, width = size[0], size[1]
    resized = F.interpolate(logits, size=(height, width), mode="bilinear", align_corners=False)  # type: ignore[arg-type]
    return resized.argmax(1).byte()


def _nearest(side: int, length: int) -> Tensor:
    """For each of ``side`` cells, the pixel nearest to its middle out of ``length``."""
    return ((torch.arange(side) + 0.5) * (length / side)).floor().long()


_IMAGE = TensorSpec(("N", 3, "H", "W"))
_LABELS = TensorSpec(("N", "H", "W"), torch.uint8)
_SIZE = TensorSpec((2,), torch.int64, traced_value=40)
_WINDOW = TensorSpec((4,), torch.int64, traced_value=(0, 2, 0, 2))
_IN_WINDOW: Mapping[str | int, str | int] = {"H/4": "h/2", "W/4": "w/2", "H/2": "h", "W/2": "w"}
"""Axes of the detail level's inputs, as the coarse network names those of its window."""
_SOME_LABELS = TensorSpec(("N", "height", "width"), torch.uint8)


def face_graphs(network: nn.Module, info: WeightsInfo) -> list[Graph]:
    """Style encoder and generator of a dense mapping or edit network; of one with a detail level in two parts."""
    face = face_network(network)
    if isinstance(network, DenseMappingNetwork):
        generator: nn.Module = Generation(network)
        width = network.encode_style(*_tiny_face(face)).shape[1]
    else:
        assert isinstance(network, EditNetwork)
        generator, width = HoleFilling(network), network.style_size
    style = TensorSpec(("N", width))
    inputs = {"labels": _LABELS, "style": style}
    if face.uses_context:
        inputs |= {"image": _IMAGE, "hole": TensorSpec(("N", 1, "H", "W"))}
    sizes = {"N": _TRACED, "H": 2 * _multiple(face), "W": 2 * _multiple(face)}
    encoder = Graph(
        "style-encoder", StyleEncoding(network), {"image": _IMAGE, "labels": _LABELS}, {"style": style}, info, sizes
    )
    if not isinstance(network, EditNetwork) or network.detail is None:
        return [encoder, Graph("generator", generator, inputs, {"generated": _IMAGE}, info, sizes)]
    config = network.config
    regions = num_regions(config.num_classes)
    half = {
        "coarse": TensorSpec(("N", 3, "H/2", "W/2")),
        "features": TensorSpec(("N", config.base_channels, "H/4", "W/4")),
        "fine": TensorSpec(("N", config.base_channels // 4, "H/2", "W/2")),
        "regions": TensorSpec(("N", regions, "H/2", "W/2")),
    }
    coarse = {
        "generated" if name == "coarse" else name: TensorSpec(tuple(_IN_WINDOW.get(axis, axis) for axis in spec.shape))
        for name, spec in half.items()
    }
    sizes = {**sizes, **{f"{axis}/{n}": sizes[axis] // n for axis in ("H", "W") for n in (2, 4, 8)}}
    # As the coarse network names the axes of its pictures.
    levels = [
        TensorSpec(("N", min(config.base_channels * 2**i, config.max_channels), f"H/{2**i * 2}", f"W/{2**i * 2}"))
        for i in range(min(KNOWN_LEVELS, config.downsamplings))
    ]
    known = {"window": _WINDOW, "changed": _WINDOW, **{f"known_{i}": spec for i, spec in enumerate(levels)}}
    coarse |= {f"level_{i}": spec for i, spec in enumerate(levels)}
    return [
        encoder,
        Graph("generator", CoarseGeneration(network.coarse), {**inputs, **known}, coarse, info, sizes),
        Graph("detail", Detailing(network), {**inputs, **half}, {"generated": _IMAGE}, info, sizes),
    ]


def parser_graph(network: FaceParser, info: WeightsInfo) -> Graph:
    """The parser's graph."""
    inputs = {"image": TensorSpec(("N", 3, "S", "S")), "size": _SIZE}
    sizes = {"N": _TRACED, "S": 2 * 2**network.config.downsamplings}
    return Graph("parser", Parsing(network), inputs, {"labels": _SOME_LABELS}, info, sizes)


def mask_graphs(network: MaskVAE, info: WeightsInfo) -> list[Graph]:
    """Encoder, decoder and prior of a MaskVAE."""
    code = TensorSpec(("N", network.config.latent_size))
    sizes = {"N": _TRACED, "h": 48, "w": 40}
    labels = TensorSpec(("N", "h", "w"), torch.uint8)
    return [
        Graph("mask-encoder", MaskEncoding(network), {"labels": labels}, {"code": code}, info, sizes),
        Graph(
            "mask-decoder", MaskDecoding(network), {"code": code, "size": _SIZE}, {"labels": _SOME_LABELS}, info, sizes
        ),
        Graph("mask-prior", MaskPrior(network), {"noise": code}, {"code": code}, info, sizes),
    ]


def detector_graph(network: YuNet, info: WeightsInfo) -> Graph:
    """The face detector's graph."""
    outputs = {"scores": TensorSpec(("M",)), "boxes": TensorSpec(("M", 4)), "landmarks": TensorSpec(("M", 5, 2))}
    image = TensorSpec((1, 3, "H", "W"))
    return Graph("face-detector", FaceDetection(network), {"image": image}, outputs, info, {"H": 64, "W": 96})


def _multiple(face: FaceNetwork) -> int:
    return max(face.size_multiple, 32)


def _tiny_face(face: FaceNetwork) -> tuple[Tensor, Tensor]:
    side = 2 * _multiple(face)
    return torch.zeros(1, 3, side, side), torch.zeros(1, face.num_classes, side, side)

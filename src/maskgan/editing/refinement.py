"""Refinement: the style code and the last layers of the network, fitted to the one photograph that is edited.

One style code holds colours and textures, but not who somebody is. A few steps of gradient descent on the difference
between the photograph and the network's picture of its own mask bring that picture nearer to the person.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.errors import UserError
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.parser import FaceParser

MAX_STEPS = 1000
"""Upper bound; more steps improve nothing."""

Progress = Callable[[int, int], None]
"""Called after each step with the steps done and their number."""

_STYLE_RATE = 0.03  # of Adam, for the style code
_LAYER_RATE = 1e-3  # of Adam, for the last layers
_WARM_UP = 3  # steps until the rates are reached; Adam's first ones are as large as any
_FEATURE_WEIGHT = 0.3  # of the distance in features, beside a weight of 1 for that of pixels
_FEATURE_SIDE = 128  # pixels that the features are taken at, those that the parser learnt at
_SCALES = 4  # scales of the parser's encoder


@dataclass(frozen=True)
class Refined:
    """What belongs to one photograph."""

    network: DenseMappingNetwork
    """Shares the memory of all but its last layers with the network that it was refined from."""
    style: Tensor
    """The fitted style code, 1 x style_size."""
    nbytes: int
    """Memory of the layers that it does not share."""


def check_steps(steps: int) -> None:
    """Raise unless the number of steps is within bounds.

    Raises:
        UserError: they are below 0 or over ``MAX_STEPS``.
    """
    if not 0 <= steps <= MAX_STEPS:
        raise UserError(f"a photograph is refined in 0 to {MAX_STEPS} steps, not {steps}")


class Refinement:
    """Style code and last layers on their way to a photograph, step by step; the network itself is left as it is.

    Nothing is drawn at random: the same arguments give the same result, whatever is computed between the steps.
    """

    def __init__(
        self,
        network: DenseMappingNetwork,
        parser: FaceParser,
        image: Tensor,
        mask: Tensor,
        style: Tensor,
        steps: int,
    ) -> None:
        """Begin.

        Args:
            network: frozen, in eval mode.
            parser: frozen, in eval mode; its features are the perceptual part of the distance.
            image: the photograph, 1 x 3 x H x W in [-1, 1].
            mask: its own mask, one-hot, 1 x num_classes x H x W.
            style: its style code, 1 x style_size.
            steps: 0..``MAX_STEPS``; each takes about twice the time of a picture.

        Raises:
            UserError: the number of steps is out of range.
        """
        check_steps(steps)
        self._own, self._layers = _copy_last_layers(network)
        self._code = style.detach().clone().requires_grad_()
        groups = [{"params": [self._code], "lr": _STYLE_RATE}, {"params": self._layers, "lr": _LAYER_RATE}]
        self._optimiser = torch.optim.Adam(groups, betas=(0.9, 0.95))
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimiser, lambda step: _rate(step, steps))
        self._loss = _ReconstructionLoss(parser, image)
        self._mask = mask
        self._disconnected = steps

    def step(self) -> bool:
        """Make the next step, if one is left; whether there was one."""
        if not self._disconnected:
            return False
        # Only here: what runs on this thread between the steps must not find gradients switched on.
        with torch.enable_grad():
            self._optimiser.zero_grad()
            self._loss(self._own.synthesise(self._mask, self._code)).backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()
            self._schedule.step()
        self._disconnected -= 1
        return True

    def result(self) -> Refined:
        """What the steps so far gave; none can follow."""
        self._disconnected = 0
        nbytes = sum(layer.nbytes for layer in self._layers)
        return Refined(self._own.requires_grad_(False), self._code.detach(), nbytes)


class _ReconstructionLoss:
    """How far a picture is from the photograph: in its pixels, and in the parser's features relative to their size."""

    def __init__(self, parser: FaceParser, image: Tensor) -> None:
        self._parser = parser
        self._image = image
        with torch.no_grad():
            self._features = self._parser_features(image)
        self._sizes = [features.abs().mean() for features in self._features]

    def __call__(self, generated: Tensor) -> Tensor:
        """A scalar for a picture, 1 x 3 x H x W in [-1, 1]."""
        distances = [
            F.l1_loss(found, wanted) / size
            for found, wanted, size in zip(self._parser_features(generated), self._features, self._sizes, strict=True)
        ]
        return F.l1_loss(generated, self._image) + _FEATURE_WEIGHT * torch.stack(distances).mean()

    def _parser_features(self, image: Tensor) -> list[Tensor]:
        scale = _FEATURE_SIDE / max(image.shape[2:])
        size = [max(round(side * scale), 2**_SCALES) for side in image.shape[2:]]
        x = F.interpolate(image, size=size, mode="area")
        maps = []
        for i, block in enumerate(self._parser.down[:_SCALES]):
            x = block(x if i == 0 else F.max_pool2d(x, 2))
            maps.append(x)
        return maps


def _copy_last_layers(network: DenseMappingNetwork) -> tuple[DenseMappingNetwork, list[nn.Parameter]]:
    """The same network with copies of the parameters of its last upsampling and its head, and these copies."""
    own = copy.deepcopy(network, {id(tensor): tensor for tensor in network.state_dict(keep_vars=True).values()})
    layers = []
    for module in (*own.backbone.up[-1].modules(), own.backbone.head):
        for name, parameter in list(module.named_parameters(recurse=False)):
            copied = nn.Parameter(parameter.detach().clone())
            setattr(module, name, copied)
            layers.append(copied)
    return own, layers


def _rate(step: int, steps: int) -> float:
    """What the rates are multiplied with: a short warm-up, then half a cosine down to a twentieth."""
    return min(1.0, (step + 1) / _WARM_UP) * (0.05 + 0.95 * (1 + cos(pi * step / max(steps, 1))) / 2)

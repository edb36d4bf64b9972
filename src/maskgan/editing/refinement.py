"""Refinement: what a face network knows of the one photograph that is edited, fitted to it.

A style code holds colours and textures, but not who somebody is. A few steps of gradient descent on the difference
between the photograph and the network's picture of its own mask bring that picture nearer to the person. They change
the style code and the last layers of a dense mapping network, or an edit network's codes of the face's regions. Nothing
is drawn at random: on a CPU the same arguments give the same result, whatever is computed between the steps.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import cos, pi
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.errors import UserError
from maskgan.face_parts import EARS, EYES, FACE, GLASSES, NOSE, SKIN
from maskgan.labels import MIRROR
from maskgan.losses.pixel_weights import class_balanced_pixel_weights
from maskgan.networks.coarse_edit_network import CoarseEditNetwork, KnownLevels
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.parser import FaceParser
from maskgan.networks.regions import mask_to_regions, num_regions, region_indices

MAX_STEPS = 1000
"""Upper bound; more steps improve nothing."""

Progress = Callable[[int, int], None]
"""Called after each step with the steps done and their number."""

_WARM_UP = 3  # steps until the rates are reached; Adam's first ones are as large as any
_SCALES = 4  # scales of the parser's encoder

# Of a dense mapping network.
_STYLE_RATE = 0.03  # of Adam, for the style code
_LAYER_RATE = 1e-3  # of Adam, for the last layers
_FEATURE_WEIGHT = 0.3  # of the distance in features, beside a weight of 1 for that of pixels
_FEATURE_SIDES = (128,)  # pixels that the features are taken at, those that the parser learnt at first

# Of an edit network. Hair and background would become smooth: no style code says where their strands and shapes lie.
_FITTED_CLASSES = (*FACE, GLASSES, *EARS)
_REGION_RATE = 0.1  # of Adam
_EYE_SHARE = 0.5  # of the others' change: a blurred eye is nearer to an eye than one whose highlight is a pixel off
_SKIN_TOGETHER = 0.5  # how far changes of nose and parts of the skin are drawn to their mean, or borders would show
_CHANGE_WEIGHT = 0.5  # of the mean square of the changes: styles unlike an encoder's are drawn with artefacts
_HALF_CHANGE_PIXELS = 256  # of a region, of which half of the change is made: a few pixels tell little of a style
_REGION_FEATURE_WEIGHT = 1.5
_REGION_CLASS_BALANCE = 0.5  # see ``class_balanced_pixel_weights``: eyes are small
_REGION_FEATURE_SIDES = (128, 64)
_STRIPE_WEIGHT = 5.0
_STRIPE_WIDTHS = (1, 2)  # pixels
_STRIPE_LENGTH = 17  # pixels
_LEAST_WEIGHT = 0.01  # mean of the weights, below which hardly anything of a face is seen


@dataclass(frozen=True)
class Refined:
    """What belongs to one photograph."""

    style: Tensor
    """The fitted style code, 1 x style_size."""
    network: DenseMappingNetwork | None = None
    """Shares the memory of all but its last layers with the network that it was refined from; ``None``: that one."""
    nbytes: int = 0
    """Memory of the layers that it does not share."""


def check_steps(steps: int) -> None:
    """Raise unless the number of steps is within bounds.

    Raises:
        UserError: they are below 0 or over ``MAX_STEPS``.
    """
    if not 0 <= steps <= MAX_STEPS:
        raise UserError(f"a photograph is refined in 0 to {MAX_STEPS} steps, not {steps}")


class Refinement(ABC):
    """Parameters on their way to a photograph, step by step; the network itself is left as it is."""

    def __init__(self, groups: list[dict[str, Any]], steps: int) -> None:
        """Begin.

        Args:
            groups: parameters and learning rates, as Adam takes them.
            steps: 0..``MAX_STEPS``; each takes as long as one or two pictures.

        Raises:
            UserError: the number of steps is out of range.
        """
        check_steps(steps)
        self._parameters = [parameter for group in groups for parameter in group["params"]]
        self._optimiser = torch.optim.Adam(groups, betas=(0.9, 0.95))
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimiser, lambda step: _rate(step, steps))
        self._steps_left = steps

    def step(self) -> bool:
        """Make the next step, if one is left; whether there was one."""
        if not self._steps_left:
            return False
        # Only here: what runs on this thread between the steps must not find gradients switched on.
        with torch.enable_grad():
            self._optimiser.zero_grad()
            # Of these alone: others use the network's parameters.
            self._distance().backward(inputs=self._parameters)  # type: ignore[no-untyped-call]
            self._optimiser.step()
            self._schedule.step()
        self._steps_left -= 1
        return True

    def result(self) -> Refined:
        """What the steps so far gave; none can follow."""
        self._steps_left = 0
        return self._refined()

    @abstractmethod
    def _distance(self) -> Tensor:
        """How far the present picture is from the photograph, a scalar."""

    @abstractmethod
    def _refined(self) -> Refined:
        """See ``result``."""


class NetworkRefinement(Refinement):
    """Style code and last layers of a dense mapping network."""

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
            steps: see ``Refinement``.

        Raises:
            UserError: the number of steps is out of range.
        """
        self._own, self._layers = _copy_last_layers(network)
        self._code = style.detach().clone().requires_grad_()
        groups = [{"params": [self._code], "lr": _STYLE_RATE}, {"params": self._layers, "lr": _LAYER_RATE}]
        super().__init__(groups, steps)
        everywhere = torch.ones_like(image[:, :1])
        self._loss = _ReconstructionLoss(parser, image, everywhere, _FEATURE_WEIGHT, _FEATURE_SIDES)
        self._mask = mask

    def _distance(self) -> Tensor:
        return self._loss(self._own.synthesise(self._mask, self._code))

    def _refined(self) -> Refined:
        nbytes = sum(layer.nbytes for layer in self._layers)
        return Refined(self._code.detach(), self._own.requires_grad_(False), nbytes)


class RegionStyleRefinement(Refinement):
    """An edit network's style codes of the face's regions, which then draw whole pictures of the person.

    The codes belong to the coarse network and its detail level alike.
    """

    def __init__(
        self,
        network: CoarseEditNetwork,
        parser: FaceParser,
        image: Tensor,
        mask: Tensor,
        style: Tensor,
        steps: int,
        bf16: bool = False,
    ) -> None:
        """Begin.

        Args:
            network: frozen, in eval mode.
            parser: as for ``NetworkRefinement``.
            image: the photograph at the coarse network's size, 1 x 3 x H x W in [-1, 1].
            mask: as for ``NetworkRefinement``.
            style: its style code, 1 x style_size.
            steps: see ``Refinement``.
            bf16: whether the network draws in bfloat16.

        Raises:
            UserError: the number of steps is out of range.
        """
        self._change = torch.zeros_like(style).requires_grad_()
        super().__init__([{"params": [self._change], "lr": _REGION_RATE}], steps)
        self._network, self._mask, self._style = network, mask, style.detach()
        self._mirror = torch.arange(num_regions(mask.shape[1]), device=style.device)
        self._mirror[: mask.shape[1]] = torch.from_numpy(MIRROR).to(style.device)
        fitted, eyes = (network.part_style_mask(classes).to(style.device) for classes in (_FITTED_CLASSES, EYES))
        sizes = mask_to_regions(mask).sum((2, 3))
        seen = sizes / (sizes + _HALF_CHANGE_PIXELS)
        seen = torch.maximum(seen, seen[:, self._mirror]).repeat_interleave(network.config.code_size, dim=1)
        self._skin = region_indices([SKIN, NOSE], mask.shape[1])
        self._shares = seen * torch.where(eyes, _EYE_SHARE, 1.0) * fitted
        face = mask[:, list(_FITTED_CLASSES)].sum(1, keepdim=True)
        balanced = class_balanced_pixel_weights(mask, _REGION_CLASS_BALANCE)
        assert balanced is not None
        weights = face * balanced
        weights /= weights.mean().clamp_min(_LEAST_WEIGHT)
        self._loss = _ReconstructionLoss(parser, image, weights, _REGION_FEATURE_WEIGHT, _REGION_FEATURE_SIDES)
        self._weights, self._stripes = weights, _stripes(image)
        self._nothing, self._hole = torch.zeros_like(image), torch.ones_like(image[:, :1])
        self._unchanged = torch.tensor([0, 1, 0, 1])  # no window is smaller than one cell
        self._bf16 = bf16
        self._known: KnownLevels | None = None

    def _distance(self) -> Tensor:
        with torch.autocast(self._mask.device.type, torch.bfloat16, enabled=self._bf16):
            drawn = self._network.draw(self._mask, self._code, self._nothing, self._hole, known=self._known)
        if self._known is None:
            # What the encoder makes of mask and hole stays.
            self._known = KnownLevels([level.detach() for level in drawn.levels], self._unchanged)
        picture = drawn.image.clamp(-1, 1)
        # Codes unlike an encoder's draw faint stripes, which features hardly see; those that the photograph lacks cost.
        extra = F.relu(_stripes(picture) - self._stripes) * self._weights
        changes = _CHANGE_WEIGHT * (self._code - self._style).square().mean()
        return self._loss(picture) + _STRIPE_WEIGHT * extra.mean() + changes

    def _refined(self) -> Refined:
        return Refined(self._code.detach())

    @property
    def _code(self) -> Tensor:
        # Left and right change alike: by themselves, the two eyes would come to differ in their colours.
        change = self._change.view(1, len(self._mirror), -1)
        alike = (change + change[:, self._mirror]) / 2
        skin = alike[:, self._skin]
        alike[:, self._skin] = torch.lerp(skin, skin.mean(dim=1, keepdim=True), _SKIN_TOGETHER)
        return self._style + alike.flatten(1) * self._shares


class _ReconstructionLoss:
    """How far a picture is from the photograph: in its pixels, and in the parser's features relative to their size."""

    def __init__(
        self, parser: FaceParser, image: Tensor, weights: Tensor, feature_weight: float, feature_sides: Sequence[int]
    ) -> None:
        """Compute the photograph's features.

        Args:
            parser: see ``NetworkRefinement``.
            image: 1 x 3 x H x W in [-1, 1].
            weights: of pixels, and of features over them, 1 x 1 x H x W.
            feature_weight: of the distance in features, beside a weight of 1 for that of pixels.
            feature_sides: pixels on the longer side that features are taken at.
        """
        self._parser = parser
        self._image = image
        self._weights = weights
        self._feature_weight, self._feature_sides = feature_weight, feature_sides
        with torch.no_grad():
            self._features = self._parser_features(image)
        self._sizes = [features.abs().mean() for features in self._features]
        self._feature_weights = [F.interpolate(weights, size=f.shape[2:], mode="area") for f in self._features]

    def __call__(self, generated: Tensor) -> Tensor:
        """A scalar for a picture, 1 x 3 x H x W in [-1, 1]."""
        distances = [
            ((found - wanted).abs() * weights).mean() / size
            for found, wanted, weights, size in zip(
                self._parser_features(generated), self._features, self._feature_weights, self._sizes, strict=True
            )
        ]
        pixels = ((generated - self._image).abs() * self._weights).mean()
        return pixels + self._feature_weight * torch.stack(distances).mean()

    def _parser_features(self, image: Tensor) -> list[Tensor]:
        maps = []
        for longer in self._feature_sides:
            scale = longer / max(image.shape[2:])
            size = [max(round(side * scale), 2**_SCALES) for side in image.shape[2:]]
            x = F.interpolate(image, size=size, mode="area")
            for i, block in enumerate(self._parser.down[:_SCALES]):
                x = block(x if i == 0 else F.max_pool2d(x, 2))
                maps.append(x)
        return maps


def _stripes(image: Tensor) -> Tensor:
    """How much rows and columns of N x 3 x H x W stand out from their neighbours for a while, N x 12 x H x W."""
    along = _STRIPE_LENGTH // 2
    found = []
    for far in _STRIPE_WIDTHS:
        near = F.pad(image, (far, far, far, far), mode="replicate")
        # Second differences across, averaged along.
        rows = near[:, :, 2 * far :, far:-far] - 2 * image + near[:, :, : -2 * far, far:-far]
        columns = near[:, :, far:-far, 2 * far :] - 2 * image + near[:, :, far:-far, : -2 * far]
        found.append(F.avg_pool2d(rows, (1, _STRIPE_LENGTH), stride=1, padding=(0, along)))
        found.append(F.avg_pool2d(columns, (_STRIPE_LENGTH, 1), stride=1, padding=(along, 0)))
    return torch.cat(found, dim=1).abs()


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

"""What editing needs of a network, and the networks that have it.

A dense mapping network draws whole pictures from masks and styles. An edit network sees the photograph as well, with
the edit region erased, and draws that region alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from maskgan.errors import UserError
from maskgan.networks.coarse_edit_network import CoarseEditNetwork, KnownLevels
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.edit_network import EditNetwork
from maskgan.networks.tracing import is_traced
from maskgan.networks.windows import window_around


@dataclass(frozen=True)
class KnownSources:
    """What a network knows of photographs before an edit; it saves time and changes no more than rounding."""

    levels: Sequence[Tensor]
    """Of the photographs, N x C x h x w each; see ``FaceNetwork.known_levels``."""
    changed: Tensor
    """N x 1 x H x W: 1 where there is a hole, or the mask is not the photograph's own."""


@dataclass(frozen=True)
class Context:
    """The photographs around edit regions."""

    image: Tensor
    """N x 3 x H x W in [-1, 1]; what it shows in the hole is not read."""
    hole: Tensor
    """N x 1 x H x W: 1 where the picture is drawn, 0 where it is the photograph's."""
    known: KnownSources | None = None
    """``None``: everything is computed."""


class FaceNetwork(Protocol):
    """A network behind the editing pipeline."""

    @property
    def module(self) -> nn.Module:
        """The network itself."""

    @property
    def uses_context(self) -> bool:
        """Whether it sees the photograph; its pictures equal the photograph outside of the hole."""

    @property
    def num_classes(self) -> int:
        """Channels of the one-hot masks."""

    @property
    def size_multiple(self) -> int:
        """Height and width of masks must be multiples of this."""

    @property
    def has_part_styles(self) -> bool:
        """Whether the style has a code per region of the face."""

    def part_style_mask(self, labels: Iterable[int]) -> Tensor:
        """Which entries of a style vector are the codes of these classes: bool, style_size."""

    def encode(self, image: Tensor, mask: Tensor) -> Tensor:
        """The style of N x 3 x H x W in [-1, 1] under its own one-hot masks N x C x H x W: N x style_size."""

    def known_levels(self, image: Tensor, mask: Tensor) -> Sequence[Tensor]:
        """What an encoder makes of photographs and their own masks, which edits begin with.

        Args:
            image: N x 3 x H x W in [-1, 1].
            mask: its own one-hot mask, N x C x H x W.

        Returns:
            The encoder's first levels, N x C' x h x w each, the largest first; empty if the network has none.
        """

    def synthesise(self, mask: Tensor, style: Tensor, context: Context | None = None) -> Tensor:
        """Faces for one-hot masks N x C x H x W in styles N x style_size: N x 3 x H x W in [-1, 1].

        Without ``context``, a network that uses it draws everything.
        """


class DenseMappingAdapter:
    """A dense mapping network; it ignores the context."""

    uses_context = False

    def __init__(self, network: DenseMappingNetwork) -> None:
        self.module = network
        self.num_classes = network.config.num_classes
        self.size_multiple = network.size_multiple
        self.has_part_styles = network.has_part_styles

    def part_style_mask(self, labels: Iterable[int]) -> Tensor:
        """See ``FaceNetwork``."""
        return self.module.part_style_mask(labels)

    def encode(self, image: Tensor, mask: Tensor) -> Tensor:
        """See ``FaceNetwork``."""
        return self.module.encode_style(image, mask)

    def known_levels(self, image: Tensor, mask: Tensor) -> Sequence[Tensor]:
        """See ``FaceNetwork``."""
        del image, mask
        return ()

    def synthesise(self, mask: Tensor, style: Tensor, context: Context | None = None) -> Tensor:
        """See ``FaceNetwork``."""
        del context
        return self.module.synthesise(mask, style)


class EditNetworkAdapter:
    """An edit network, which fills the hole in a photograph."""

    uses_context = True
    has_part_styles = True

    def __init__(self, network: EditNetwork | CoarseEditNetwork) -> None:
        self.module = network
        self.num_classes = network.config.num_classes
        self.size_multiple = network.size_multiple

    def part_style_mask(self, labels: Iterable[int]) -> Tensor:
        """See ``FaceNetwork``."""
        return self.module.part_style_mask(labels)

    def encode(self, image: Tensor, mask: Tensor) -> Tensor:
        """See ``FaceNetwork``."""
        return self.module.encode_style(image, mask)

    def known_levels(self, image: Tensor, mask: Tensor) -> Sequence[Tensor]:
        """See ``FaceNetwork``."""
        levels: list[Tensor] = self.module.known_levels(image, mask)
        return levels

    def synthesise(self, mask: Tensor, style: Tensor, context: Context | None = None) -> Tensor:
        """See ``FaceNetwork``."""
        if context is None:
            shape = (len(mask), 1, *mask.shape[2:])
            context = Context(mask.new_zeros(len(mask), 3, *mask.shape[2:]), mask.new_ones(shape))
        # An exported graph is to serve any hole.
        window = None if is_traced() else self.module.window(context.hole)
        generated: Tensor = self.module(
            mask, style, context.image, context.hole, window, self._known_levels(context.known)
        )
        # Values beyond the range exist inside the hole alone; the photograph's are exact.
        return generated.clamp(-1, 1)

    def _known_levels(self, known: KnownSources | None) -> KnownLevels | None:
        if known is None:
            return None
        changed = window_around(known.changed, self.module.window_cell, margin=0)
        return None if changed is None else KnownLevels(known.levels, changed)


def face_network(network: nn.Module) -> FaceNetwork:
    """The network as the pipeline uses it.

    Raises:
        UserError: networks of this type do not render faces.
    """
    if isinstance(network, DenseMappingNetwork):
        return DenseMappingAdapter(network)
    if isinstance(network, (EditNetwork, CoarseEditNetwork)):
        return EditNetworkAdapter(network)
    raise UserError(f"{type(network).__name__} does not render faces; give dense mapping or edit weights")


def to_device(network: nn.Module, device: str) -> nn.Module:
    """The network in eval mode on ``device``, channels last in memory."""
    placed: nn.Module = network.to(device=torch.device(device), memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed.eval()

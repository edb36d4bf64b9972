"""What training looks at in one step: batches of faces with masks, or of faces with labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, Self, TypeVar

import torch
from torch import Tensor

from maskgan.data.transforms import AugmentConfig, AugmentParams, augment, augment_pictures, resize_batch
from maskgan.pixels import normalise


class Batch(Protocol):
    """Tensors that belong together, N faces in each."""

    @property
    def pictures(self) -> Tensor:
        """N x 3 x S x S; uint8, or float in [-1, 1] once prepared."""
        ...

    def to(self, device: str) -> Self:
        """The same on another device."""
        ...

    def part(self, chosen: slice | list[int]) -> Self:
        """Some faces of the batch."""
        ...

    def prepared(self, side: int) -> Self:
        """As networks take it: pictures as float in [-1, 1], ``side`` pixels wide."""
        ...

    def augmented(self, config: AugmentConfig, params: AugmentParams) -> Self:
        """Augmented, after ``prepared``."""
        ...


class Faces(NamedTuple):
    """Square faces with masks: a batch, or one face without the first axis.

    Attributes:
        pictures: N x 3 x S x S; uint8, or float in [-1, 1] once prepared.
        label_maps: N x S x S uint8, 0..18.
        edits: N x E x S x S uint8; the stored simulated edits of each mask, of which there may be none.
    """

    pictures: Tensor
    label_maps: Tensor
    edits: Tensor

    def to(self, device: str) -> Faces:
        """See ``Batch``."""
        return Faces(*(tensor.to(device, non_blocking=True) for tensor in self))

    def part(self, chosen: slice | list[int]) -> Faces:
        """See ``Batch``."""
        return Faces(*(tensor[chosen] for tensor in self))

    def prepared(self, side: int) -> Faces:
        """See ``Batch``."""
        pictures, layers = resize_batch(normalise(self.pictures), self._layers(), side)
        return Faces(pictures, layers[:, 0], layers[:, 1:])

    def augmented(self, config: AugmentConfig, params: AugmentParams) -> Faces:
        """Pictures, masks and edits move together."""
        pictures, layers = augment(self.pictures, self._layers(), config, params)
        return Faces(pictures, layers[:, 0], layers[:, 1:])

    def _layers(self) -> Tensor:
        return torch.cat([self.label_maps[:, None], self.edits], dim=1)


class LabelledFaces(NamedTuple):
    """Square faces with attributes and identities: a batch, or one face without the first axis.

    Attributes:
        pictures: N x 3 x S x S; uint8, or float in [-1, 1] once prepared.
        attributes: N x 40 uint8, 0 or 1, in the order of ``annotations.ATTRIBUTES``.
        identities: N int64, numbers from 0.
    """

    pictures: Tensor
    attributes: Tensor
    identities: Tensor

    def to(self, device: str) -> LabelledFaces:
        """See ``Batch``."""
        return LabelledFaces(*(tensor.to(device, non_blocking=True) for tensor in self))

    def part(self, chosen: slice | list[int]) -> LabelledFaces:
        """See ``Batch``."""
        return LabelledFaces(*(tensor[chosen] for tensor in self))

    def prepared(self, side: int) -> LabelledFaces:
        """See ``Batch``."""
        no_masks = self.pictures[:, :1]
        return self._replace(pictures=resize_batch(normalise(self.pictures), no_masks, side)[0])

    def augmented(self, config: AugmentConfig, params: AugmentParams) -> LabelledFaces:
        """The pictures move; no attribute depends on left and right."""
        return self._replace(pictures=augment_pictures(self.pictures, config, params))


TensorsT = TypeVar("TensorsT", bound=tuple[Tensor, ...])


def stack(singles: Sequence[TensorsT]) -> TensorsT:
    """Single faces as a batch of the same kind."""
    kind: Any = type(singles[0])
    return kind(*(torch.stack(tensors) for tensors in zip(*singles, strict=True)))

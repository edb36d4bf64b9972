"""The compared systems that edit attributes instead of masks: StarGAN and ELEGANT, asked what the paper asks them."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from maskgan.checkpoints.weights import fingerprint, load_weights
from maskgan.data.annotations import ATTRIBUTES
from maskgan.errors import UserError
from maskgan.evaluation.attribute_predictor import AttributePredictor, attribute_index
from maskgan.evaluation.systems import Request
from maskgan.images import Picture, resize_picture
from maskgan.networks.elegant import Elegant
from maskgan.networks.stargan import StarGAN
from maskgan.pixels import to_picture, to_tensor

ATTRIBUTE_EDITORS = ("stargan", "elegant")
"""Kinds of weights that these systems have."""

_TRANSFERRED = "Smiling"  # what a donor of a mouth is asked for


class AttributeSystem:
    """Gives the source the attributes of another face.

    In style copy, those of the style's face, but for its smile, which is a matter of the mask; where a donor is named,
    the donor's smile. Masks are not looked at.
    """

    def __init__(self, name: str, weights: Path, classifier: AttributePredictor, device: str) -> None:
        """Load a StarGAN or an ELEGANT.

        Args:
            name: as shown in tables.
            weights: its file.
            classifier: tells StarGAN which attributes faces have.
            device: cpu, cuda or mps.

        Raises:
            UserError: the file is missing, damaged or of another model type.
        """
        self.name = name
        self.fingerprint = fingerprint(weights)
        network, info = load_weights(weights)
        if not isinstance(network, (StarGAN, Elegant)):
            raise UserError(f"{weights}: holds weights of model type {info.model_type!r}; stargan or elegant is needed")
        if unknown := [name for name in network.attributes if name not in ATTRIBUTES]:
            raise UserError(f"{weights}: edits {unknown[0]!r}, which is none of CelebA's attributes")
        self._network = network.to(device)
        self._kind = info.model_type
        self._side = info.resolution
        self._classifier = classifier
        self._device = device

    @torch.no_grad()
    def __call__(self, request: Request) -> Picture:
        """See ``System``.

        Raises:
            UserError: an edit of the mask is asked for.
        """
        reference, taken = self._asked(request)
        source = self._tensor(request.source.picture)
        if isinstance(self._network, StarGAN):
            wanted = self._labels(request.source.picture)
            wanted[:, taken] = 1.0 if request.donor is not None else self._labels(reference)[:, taken]
            made = self._network(source, wanted)
        else:
            made = self._network(source, self._tensor(reference), taken)
        height, width = request.source.picture.shape[:2]
        pixels = to_picture(made)
        return resize_picture(pixels, (height, width))

    def _asked(self, request: Request) -> tuple[Picture, list[int]]:
        """The face that has what is wanted, and which of the network's attributes are."""
        attributes = self._network.attributes
        if request.donor is not None and _TRANSFERRED in attributes:
            return request.donor.picture, [attributes.index(_TRANSFERRED)]
        if request.donor is None and request.style.key != request.source.key:
            return request.style.picture, [i for i, name in enumerate(attributes) if name != _TRANSFERRED]
        raise UserError(f"--system {self.name}: {self._kind} edits attributes; measure it in style-copy and smile")

    def _labels(self, picture: Picture) -> Tensor:
        labels = self._classifier(picture)
        chosen = [float(labels[attribute_index(name)]) for name in self._network.attributes]
        return torch.tensor([chosen], device=self._device)

    def _tensor(self, picture: Picture) -> Tensor:
        small = resize_picture(picture, (self._side, self._side))
        return to_tensor(small, self._device)

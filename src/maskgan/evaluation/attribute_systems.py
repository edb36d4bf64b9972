"""Compared systems that edit attributes instead of masks: StarGAN and ELEGANT."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import torch
from torch import Tensor

from maskgan.checkpoints.weights import fingerprint, load_weights, read_info
from maskgan.data.annotations import ATTRIBUTES
from maskgan.errors import UserError
from maskgan.evaluation.attribute_predictor import AttributePredictor, attribute_index
from maskgan.evaluation.batching import to_images, to_pictures
from maskgan.evaluation.systems import Request
from maskgan.images import Picture, resize_picture
from maskgan.networks.elegant import Elegant
from maskgan.networks.stargan import StarGAN

ATTRIBUTE_EDITORS = ("stargan", "elegant")
"""Model types of these systems' weights."""

_TRANSFERRED = "Smiling"  # the attribute that comes with a donor's mouth


class AttributeSystem:
    """Gives the source the attributes of another face.

    In style copy, all attributes of the style's face but its smile, which belongs to the mask; where a donor is named,
    the donor's smile. Masks are not used.
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
        self.fingerprint, self.teachers = fingerprint(weights), read_info(weights).teachers
        network, info = load_weights(weights)
        if not isinstance(network, (StarGAN, Elegant)):
            raise UserError(f"{weights}: holds weights of model type {info.model_type!r}; stargan or elegant is needed")
        if unknown := [name for name in network.attributes if name not in ATTRIBUTES]:
            raise UserError(f"{weights}: edits {unknown[0]!r}, which is none of CelebA's attributes")
        self._network = network.to(device)
        self._model_type = info.model_type
        self._side = info.resolution
        self._classifier = classifier
        self._device = device

    @torch.no_grad()
    def __call__(self, requests: Sequence[Request]) -> list[Picture]:
        """See ``System``.

        Raises:
            UserError: a request is an edit of the mask.
        """
        outputs: list[Picture] = []
        for has_donor, group in groupby(requests, lambda request: request.donor is not None):
            outputs += self._edit(list(group), has_donor)
        return outputs

    def _edit(self, requests: Sequence[Request], has_donor: bool) -> list[Picture]:
        """Requests that either all have a donor or all have none."""
        references, edited = zip(*(self._question(request) for request in requests), strict=True)
        sources = [request.source.picture for request in requests]
        images = to_images(sources, self._side, self._device)
        if isinstance(self._network, StarGAN):
            target = self._labels(sources)
            target[:, edited[0]] = 1.0 if has_donor else self._labels(references)[:, edited[0]]
            outputs = self._network(images, target)
        else:
            outputs = self._network(images, to_images(references, self._side, self._device), edited[0])
        return [
            resize_picture(output, (source.shape[0], source.shape[1]))
            for output, source in zip(to_pictures(outputs), sources, strict=True)
        ]

    def _question(self, request: Request) -> tuple[Picture, list[int]]:
        """The face that has the requested attributes, and the network's indices of those that it gives."""
        attributes = self._network.attributes
        if request.donor is not None and _TRANSFERRED in attributes:
            return request.donor.picture, [attributes.index(_TRANSFERRED)]
        if request.donor is None and request.style.key != request.source.key:
            return request.style.picture, [i for i, name in enumerate(attributes) if name != _TRANSFERRED]
        raise UserError(
            f"--system {self.name}: {self._model_type} edits attributes; evaluate it with style-copy or smile"
        )

    def _labels(self, pictures: Sequence[Picture]) -> Tensor:
        indices = [attribute_index(name) for name in self._network.attributes]
        return torch.from_numpy(self._classifier(pictures)[:, indices]).float().to(self._device)

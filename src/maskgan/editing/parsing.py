"""Reading masks from pictures with the face parser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from maskgan.checkpoints.weights import load_weights
from maskgan.images import Picture, resize_picture
from maskgan.labels import LabelMap
from maskgan.networks.parser import FaceParser
from maskgan.pixels import normalise


class Parser:
    """A face parser behind numpy arrays."""

    def __init__(self, path: Path, device: str = "cpu") -> None:
        """Load a parser's weights file.

        Raises:
            UserError: it is missing, damaged or of another model type.
        """
        network, info = load_weights(path, model_type="parser")
        assert isinstance(network, FaceParser)
        self.network: FaceParser = network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._side = info.resolution
        self._device = device

    def __call__(self, picture: Picture) -> LabelMap:
        """H x W x 3 uint8 to H x W uint8 labels; see ``parse``."""
        return self.parse([picture])[0]

    @torch.no_grad()
    def parse(self, pictures: Sequence[Picture]) -> list[LabelMap]:
        """Parse a batch at the parser's own resolution, with smooth outlines.

        Args:
            pictures: H x W x 3 uint8 images of any sizes.

        Returns:
            H x W uint8 label maps, 0..18, each of its picture's size.
        """
        small = np.stack([self._squared(picture) for picture in pictures])
        images = normalise(torch.from_numpy(small).to(self._device).permute(0, 3, 1, 2))
        logits = self.network.mirror_averaged(images)
        return [_labels(own, picture) for own, picture in zip(logits.unsqueeze(1), pictures, strict=True)]

    def _squared(self, picture: Picture) -> Picture:
        """At the parser's resolution: a picture that is not square is one with its borders drawn out."""
        top, left, longer = _margins(picture)
        height, width = picture.shape[:2]
        margins = ((top, longer - height - top), (left, longer - width - left), (0, 0))
        return resize_picture(np.pad(picture, margins, mode="edge"), (self._side, self._side))


def _margins(picture: Picture) -> tuple[int, int, int]:
    """Rows above and columns beside a picture in a square, and the square's side."""
    height, width = picture.shape[:2]
    longer = max(height, width)
    return (longer - height) // 2, (longer - width) // 2, longer


def _labels(logits: torch.Tensor, picture: Picture) -> LabelMap:
    """The labels of 1 x C x h x w logits at the size of their picture."""
    top, left, longer = _margins(picture)
    height, width = picture.shape[:2]
    large = F.interpolate(logits, size=(longer, longer), mode="bilinear", align_corners=False)
    labels: LabelMap = large[0, :, top : top + height, left : left + width].argmax(0).byte().cpu().numpy()
    return labels

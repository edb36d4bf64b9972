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
            pictures: H x W x 3 uint8 images, all of one size.

        Returns:
            H x W uint8 label maps, 0..18.
        """
        height, width = pictures[0].shape[:2]
        longer = max(height, width)
        top, left = (longer - height) // 2, (longer - width) // 2
        # Faces keep their proportions: a picture that is not square is one with its borders drawn out.
        margins = ((top, longer - height - top), (left, longer - width - left), (0, 0))
        size = (self._side, self._side)
        small = np.stack([resize_picture(np.pad(picture, margins, mode="edge"), size) for picture in pictures])
        images = normalise(torch.from_numpy(small).to(self._device).permute(0, 3, 1, 2))
        logits = F.interpolate(self.network(images), size=(longer, longer), mode="bilinear", align_corners=False)
        labels = logits[:, :, top : top + height, left : left + width].argmax(1)
        return list(labels.byte().cpu().numpy())

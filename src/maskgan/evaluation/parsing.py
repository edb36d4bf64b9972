"""Reading masks from pictures with the face parser."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F

from maskgan.checkpoints.weights import load_weights
from maskgan.images import Picture, resize_picture
from maskgan.labels import LabelMap
from maskgan.networks.parser import FaceParser


class Parser:
    """A face parser behind numpy arrays."""

    def __init__(self, path: Path, device: str = "cpu") -> None:
        """Load a parser's weights file.

        Raises:
            UserError: it is missing, damaged or of another kind.
        """
        network, info = load_weights(path, kind="parser")
        assert isinstance(network, FaceParser)
        self._network = network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._side = info.resolution
        self._device = device

    @torch.no_grad()
    def __call__(self, picture: Picture) -> LabelMap:
        """H x W x 3 uint8 to H x W uint8 labels, found at the parser's own resolution, with smooth outlines."""
        small = resize_picture(picture, (self._side, self._side))
        image = torch.from_numpy(small.copy()).to(self._device).permute(2, 0, 1)[None].float() / 127.5 - 1
        size = (picture.shape[0], picture.shape[1])
        logits = F.interpolate(self._network(image), size=size, mode="bilinear", align_corners=False)
        return logits.argmax(1)[0].byte().cpu().numpy()
